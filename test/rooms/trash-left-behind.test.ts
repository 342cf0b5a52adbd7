import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { fastFolder } from "../support/removal-corpus.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

let scene: Scene;
beforeEach(() => {
  scene = makeScene();
});
afterEach(() => scene.remove());

const snapshot = (path: string) => snapshotWorktree({ path, env: scene.env });

/** What git does for somebody whose shell stands in that folder. */
const gitIn = (cwd: string, ...args: string[]): { readonly status: number | null; readonly stderr: string } => {
  const { status, stderr } = spawnSync("git", args, { cwd, env: scene.env, encoding: "utf8" });
  return { status, stderr };
};

const removed = async (imi: Caller): Promise<{ path: string; place: string; tree: string }> => {
  const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
  writeFileSync(join(worktree.path, "file-0.txt"), "old\n");
  const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
  const place = trash?.place ?? assert.fail("it was not removed");
  return { path: worktree.path, place, tree: join(place, "tree") };
};

describe("whoever still stands in the folder of a removed worktree", () => {
  for (const [where, apart] of [
    ["beside the registry", false],
    ["inside of the git directory", true],
  ] as const)
    it(`does nothing to the next worktree of that name, where the trash is ${where}`, async (test) => {
      const other = mkdtempSync(join(fastFolder(), "imi-registry-"));
      try {
        if (apart && statSync(other).dev === statSync(tmpdir()).dev) return test.skip("there is no second file system");
        const env = apart ? { ...scene.env, IMI_DB_PATH: join(other, "worktrees.db") } : scene.env;
        await using imi = await Caller.in({ ...scene, env });
        const { path, tree } = await removed(imi);
        assert.equal(tree.startsWith(join(scene.trunk, ".git")), apart);
        await imi.call("worktree.create", { type: "feat", name: "x" });
        assert.equal(readFileSync(join(path, "file-0.txt"), "utf8"), "0\n");
        const [before, trunk] = [snapshot(path), scene.git(scene.trunk, "for-each-ref")];
        for (const args of [
          ["commit", "-q", "-am", "from the old folder"],
          ["add", "-A"],
          ["update-ref", "HEAD", "HEAD~0"],
          ["worktree", "repair"],
          ["init"],
        ]) {
          const { status, stderr } = gitIn(tree, ...args);
          assert.notEqual(status, 0, args.join(" "));
          assert.match(stderr, /feat-x was removed; `imi restore feat-x` brings it back/u);
        }
        assert.deepEqual(snapshot(path), before);
        assert.equal(scene.git(scene.trunk, "for-each-ref"), trunk);
      } finally {
        rmSync(other, { recursive: true });
      }
    });

  it("can work there again once it is restored, and it is as it was", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    writeFileSync(join(worktree.path, "file-0.txt"), "mine\n");
    chmodSync(worktree.path, 0o555);
    const [before, written] = [snapshot(worktree.path), statSync(join(worktree.path, ".git"), { bigint: true })];
    const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
    const tree = join(trash?.place ?? "", "tree");
    assert.equal(statSync(tree).mode & 0o777, 0o555);
    await imi.call("worktree.restore", { name: "feat-x" });
    assert.deepEqual(snapshot(worktree.path), before);
    const { ino, mtimeNs } = statSync(join(worktree.path, ".git"), { bigint: true });
    assert.deepEqual([ino, mtimeNs], [written.ino, written.mtimeNs]);
    assert.equal(gitIn(worktree.path, "status").status, 0);
  });
});

describe("an entry of the trash", () => {
  it("that an older iMi made, with `.git` where it was, comes back the same", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    writeFileSync(join(worktree.path, "file-0.txt"), "mine\n");
    const before = snapshot(worktree.path);
    const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
    const place = trash?.place ?? assert.fail("it was not removed");
    renameSync(join(place, "dot-git"), join(place, "tree/.git"));
    assert.doesNotMatch(readFileSync(join(place, "tree/.git"), "utf8"), /was removed/u);
    await imi.call("trash.list", {});
    assert.match(readFileSync(join(place, "tree/.git"), "utf8"), /was removed/u, "whoever looks hides it");
    renameSync(join(place, "dot-git"), join(place, "tree/.git"));
    await imi.call("worktree.restore", { name: "feat-x" });
    assert.deepEqual(snapshot(worktree.path), before);
  });

  it("in whose folder somebody made a repository since stays where it is until that is moved away", async () => {
    await using imi = await Caller.in(scene);
    const { path, tree } = await removed(imi);
    rmSync(join(tree, ".git"));
    mkdirSync(join(tree, ".git"));
    await assert.rejects(imi.call("worktree.restore", { name: "feat-x" }), (error) => ImiError.is(error, "path/taken"));
    rmSync(join(tree, ".git"), { recursive: true });
    await imi.call("worktree.restore", { name: "feat-x" });
    assert.equal(readFileSync(join(path, "file-0.txt"), "utf8"), "old\n");
  });
});
