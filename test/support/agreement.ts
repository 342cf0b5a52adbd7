import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Worktree } from "../../protocol/worktrees.ts";
import { told } from "./imi.ts";
import type { Scene } from "./workspace.ts";

export const listed = async (scene: Scene, cwd = scene.trunk): Promise<Worktree[]> =>
  (await told<{ worktrees: Worktree[] }>({ cwd, env: scene.env }, "list", "--no-status")).worktrees;

/** Paths and branches as plain git has them. */
export const gitWorktrees = (scene: Scene, cwd = scene.trunk): { path: string; branch: string | null }[] =>
  scene
    .git(cwd, "worktree", "list", "--porcelain", "-z")
    .split("\0\0")
    .filter((record) => record !== "")
    .map((record) => {
      const fields = new Map(
        record.split("\0").map((line) => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
      );
      return { path: fields.get("worktree") ?? "", branch: fields.get("branch")?.replace("refs/heads/", "") ?? null };
    });

/** Files named *.lock below a git directory; whoever made them is gone or at work. */
export const locksIn = (gitDir: string): string[] =>
  readdirSync(gitDir, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".lock"));

/**
 * Registry, git and disk say the same of a container: as many worktrees, at the same places, on the same branches, all
 * whole; no branch of a piece of work without its worktree (but `kept`), no lock, no damage.
 */
export const assertAgreement = async (
  scene: Scene,
  kept: readonly string[] = [],
  fsck: "whole" | "connected" = "whole",
): Promise<Worktree[]> => {
  const rows = await listed(scene);
  const inGit = gitWorktrees(scene);
  const places = (entries: readonly { path: string; branch: string | null }[]): string[] =>
    entries.map(({ path, branch }) => `${path} on ${branch ?? "nothing"}`).toSorted();
  assert.deepEqual(places(rows), places(inGit), "registry and git differ");
  assert.deepEqual(
    rows.filter(({ state }) => state !== "ready").map(({ name, state }) => [name, state]),
    [],
    "not all are ready",
  );
  const folders = readdirSync(scene.container).filter((name) => name !== "sync");
  assert.deepEqual(folders.toSorted(), rows.map(({ path }) => basename(path)).toSorted(), "registry and disk differ");
  for (const { path } of rows) assert.ok(existsSync(join(path, ".git")), `${path} is no worktree`);

  const used = new Set(rows.map(({ branch }) => branch));
  const branches = scene.git(scene.trunk, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n");
  const orphans = branches.filter((branch) => branch !== "" && !used.has(branch) && !kept.includes(branch));
  assert.deepEqual(orphans, [], "branches without a worktree");
  assert.deepEqual(locksIn(join(scene.trunk, ".git")), [], "locks were left");
  assert.equal(
    scene.git(
      scene.trunk,
      "fsck",
      ...(fsck === "connected" ? ["--connectivity-only"] : []),
      "--no-dangling",
      "--no-progress",
    ),
    "",
  );
  return rows;
};
