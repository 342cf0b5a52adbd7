import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ResultOf } from "../../protocol/contract.ts";
import type { TrashEntry } from "../../protocol/trash.ts";
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

const inFolder = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).toSorted() : []);

/** Beside the registry, a folder for each repository, and in the git directory where that is another file system. */
export const trashFolders = (scene: Scene): string[] => {
  const registry = scene.env["IMI_DB_PATH"] ?? join(scene.env["XDG_DATA_HOME"] ?? "", "imi/worktrees.db");
  const beside = join(dirname(registry), "trash");
  return [...inFolder(beside).map((name) => join(beside, name)), join(scene.trunk, ".git/imi-trash-files")];
};

/**
 * Registry and disk say the same of the trash: each entry has its folder and git's retired record, and there are no
 * others; none is half way, and none is in its old place as well.
 */
export const assertTrash = async (scene: Scene): Promise<TrashEntry[]> => {
  const { entries } = await told<ResultOf<"trash.list">>({ cwd: scene.trunk, env: scene.env }, "trash", "list");
  return assertTrashOf(scene, entries);
};

/** The same of entries that have been asked for in another way. */
export const assertTrashOf = (scene: Scene, entries: TrashEntry[]): TrashEntry[] => {
  assert.deepEqual(
    entries.filter(({ state }) => state !== "kept").map(({ name, state }) => [name, state]),
    [],
    "some are half way",
  );
  const places = trashFolders(scene).flatMap((folder) => inFolder(folder).map((name) => join(folder, name)));
  assert.deepEqual(places.toSorted(), entries.map((entry) => entry.place).toSorted(), "registry and trash differ");
  for (const folder of places) {
    assert.deepEqual(inFolder(folder), ["dot-git", "manifest.json", "tree"], `${folder} is no whole entry`);
    const stub = readFileSync(join(folder, "tree/.git"), "utf8");
    assert.match(stub, /^gitdir: \/.* was removed; /u, `git works in ${folder}/tree`);
  }
  const records = inFolder(join(scene.trunk, ".git/imi-trash"));
  assert.deepEqual(
    records,
    entries.map((entry) => basename(entry.place)).toSorted(),
    "retired records and trash differ",
  );
  const inGit = gitWorktrees(scene).map(({ path }) => path);
  for (const entry of entries) assert.ok(!inGit.includes(entry.place), `${entry.place} is in the trash and in git`);
  return entries;
};
