import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import { Git } from "../../server/src/git/index.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

const linux = process.platform === "linux";

let scene: Scene;
beforeEach(() => {
  scene = makeScene();
});
afterEach(() => scene.remove());

const refusal = async (imi: Caller, code: string): Promise<ImiError> => {
  const error: unknown = await imi.call("worktree.remove", { name: "feat-x", yes: true }).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ImiError, "it was removed");
  assert.equal(error.code, code, error.message);
  return error;
};

/** Another clone, with a worktree whose record has the same name. */
const otherWorktree = (): string => {
  const other = join(scene.root, "other");
  scene.git(scene.root, "clone", "-q", scene.remote, other);
  scene.git(other, "worktree", "add", "-q", "-b", "theirs", join(scene.root, "theirs/feat-x"));
  return join(scene.root, "theirs/feat-x");
};

describe("a removal refuses, whoever says --yes, when at the registered path there is", () => {
  const elsewhere = (): string => join(scene.root, "elsewhere");
  const cases: readonly [what: string, replace: (path: string) => string][] = [
    [
      "a link to the worktree's own folder, which was moved",
      (path) => {
        renameSync(path, elsewhere());
        symlinkSync(elsewhere(), path);
        return elsewhere();
      },
    ],
    [
      "a link to it, and git was told where it is by way of the link",
      (path) => {
        renameSync(path, elsewhere());
        symlinkSync(elsewhere(), path);
        writeFileSync(join(scene.trunk, ".git/worktrees/feat-x/gitdir"), `${path}/.git\n`);
        return elsewhere();
      },
    ],
    [
      "a copy of it",
      (path) => {
        renameSync(path, elsewhere());
        cpSync(elsewhere(), path, { recursive: true, preserveTimestamps: true });
        return path;
      },
    ],
    [
      "another repository",
      (path) => {
        renameSync(path, elsewhere());
        scene.git(scene.root, "clone", "-q", scene.remote, path);
        return path;
      },
    ],
    [
      "another repository's worktree, whose record has the same name",
      (path) => {
        renameSync(path, elsewhere());
        renameSync(otherWorktree(), path);
        return path;
      },
    ],
    [
      "its own folder, which belongs to another repository's record of the same name now",
      (path) => {
        writeFileSync(join(path, ".git"), readFileSync(join(otherWorktree(), ".git")));
        return path;
      },
    ],
    [
      "its own folder, in which somebody made a repository",
      (path) => {
        rmSync(join(path, ".git"));
        scene.git(path, "init", "-q");
        return path;
      },
    ],
    [
      "its own folder, which another worktree of this repository took over",
      (path) => {
        scene.git(scene.trunk, "worktree", "add", "-q", "-b", "y", join(scene.container, "y"));
        writeFileSync(join(path, ".git"), readFileSync(join(scene.container, "y/.git")));
        writeFileSync(join(scene.trunk, ".git/worktrees/y/gitdir"), `${path}/.git\n`);
        return path;
      },
    ],
  ];
  for (const [what, replace] of cases)
    it(what, async () => {
      await using imi = await Caller.in(scene);
      const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
      writeFileSync(join(worktree.path, "file-0.txt"), "mine\n");
      const there = replace(worktree.path);
      writeFileSync(join(there, "witness"), "here\n");
      const { message } = await refusal(imi, "path/unsafe");
      assert.match(message, /is not the folder that was registered as feat-x/u);
      assert.equal(readFileSync(join(there, "witness"), "utf8"), "here\n");
      assert.ok(existsSync(join(scene.trunk, ".git/worktrees/feat-x/HEAD")), "git's record of it was taken away");
      assert.deepEqual((await imi.call("trash.list", {})).entries, []);
    });
});

describe("a copy of its folder in a worktree's place", () => {
  it("is taken for the worktree by a reconcile that somebody asks for, and by no other look", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    writeFileSync(join(worktree.path, "file-0.txt"), "mine\n");
    const backup = join(scene.root, "backup");
    cpSync(worktree.path, backup, { recursive: true, preserveTimestamps: true });
    rmSync(worktree.path, { recursive: true });
    renameSync(backup, worktree.path);
    await imi.call("worktree.create", { type: "feat", name: "y" }); // looks at all of them
    await imi.call("worktree.list", {});
    const { hint } = await refusal(imi, "path/unsafe");
    assert.match(hint ?? "", /imi reconcile/u);
    const { settled } = await imi.call("worktree.reconcile", {});
    assert.deepEqual(
      settled.map(({ name, reason }) => [name, reason]),
      [["feat-x", "another folder with its checkout stands there now"]],
    );
    assert.deepEqual((await imi.call("worktree.reconcile", {})).settled, []);
    const before = snapshotWorktree({ path: worktree.path, env: scene.env });
    await imi.call("worktree.remove", { name: "feat-x", yes: true });
    await imi.call("worktree.restore", { name: "feat-x" });
    assert.deepEqual(snapshotWorktree({ path: worktree.path, env: scene.env }), before);
  });

  it("is not when it is a link to it, or another repository's with a record of that name", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    const own = join(scene.root, "own");
    renameSync(worktree.path, own);
    symlinkSync(own, worktree.path);
    await imi.call("worktree.reconcile", {});
    await refusal(imi, "path/unsafe");
    rmSync(worktree.path);
    renameSync(otherWorktree(), worktree.path);
    await imi.call("worktree.reconcile", {});
    await refusal(imi, "path/unsafe");
    assert.ok(existsSync(join(worktree.path, ".git")));
  });
});

describe("a lock of git's", () => {
  it("that is held is named, with its age and when it may go; a minute later it is taken along", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    const lock = join(scene.trunk, ".git/worktrees/feat-x/index.lock");
    const before = snapshotWorktree({ path: worktree.path, env: scene.env });
    writeFileSync(lock, "");
    const made = Date.now() / 1000 - 20;
    utimesSync(lock, made, made);
    const { message, hint } = await refusal(imi, "repository/busy");
    assert.ok(message.includes(`${lock} (made 2`), message);
    const [, wait] = /delete that file, or wait (\d+) s/u.exec(hint ?? "") ?? assert.fail(hint ?? "no hint");
    utimesSync(lock, made - Number(wait), made - Number(wait));
    const { notes } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
    assert.ok(notes.some(({ code, message: text }) => code === "git/lock" && text.includes(lock)));
    await imi.call("worktree.restore", { name: "feat-x" });
    rmSync(lock);
    assert.deepEqual(snapshotWorktree({ path: worktree.path, env: scene.env }), before);
  });

  it("is somebody's as long as that git runs, however long its commit message takes", { skip: !linux }, async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    const lock = join(scene.trunk, ".git/worktrees/feat-x/index.lock");
    writeFileSync(join(worktree.path, "file-0.txt"), "mine\n");
    const [begun, done] = [join(scene.root, "begun"), join(scene.root, "done")];
    const editor = `sh -c 'echo said > "$1"; touch "${begun}"; until [ -e "${done}" ]; do sleep 0.05; done' editor`;
    const commit = spawn("git", ["commit", "-q", "-a"], {
      ...{ cwd: worktree.path, stdio: "ignore" },
      env: { ...scene.env, GIT_EDITOR: editor },
    });
    const ended = once(commit, "exit");
    try {
      while (!existsSync(begun)) await delay(20);
      const made = Date.now() / 1000 - 3600;
      utimesSync(lock, made, made);
      const { message } = await refusal(imi, "repository/busy");
      assert.ok(message.includes(`git (process ${commit.pid}) is at work in feat-x`), message);
    } finally {
      writeFileSync(done, "");
    }
    assert.deepEqual(await ended, [0, null]);
    await imi.call("worktree.remove", { name: "feat-x", yes: true });
    assert.equal(scene.git(scene.trunk, "log", "-1", "--format=%s", "feat/x"), "said\n");
  });

  it("on another file is named as well, by whatever has to wait for it", async () => {
    const lock = join(scene.trunk, ".git/index.lock");
    writeFileSync(lock, "");
    const made = Date.now() / 1000 - 3 * 3600;
    utimesSync(lock, made, made);
    const git = new Git();
    await assert.rejects(git.run(scene.trunk, ["add", "-A"], { access: "write" }), (error: unknown) => {
      assert.ok(ImiError.is(error, "repository/busy"), String(error));
      assert.ok(error.message.includes(`${lock} (made 3 h ago)`), error.message);
      return true;
    });
  });
});
