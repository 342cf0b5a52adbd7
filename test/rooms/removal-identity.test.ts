import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { Git } from "../../server/src/git/index.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

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
