import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { addWorktree, branchExists, listWorktrees, statusOf, undoAdd } from "../../server/src/git/index.ts";
import { isAlive } from "../../server/src/process/index.ts";
import { addRemote, makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";

const code = (expected: ErrorCode) => (error: unknown) => {
  assert.ok(
    ImiError.is(error, expected),
    `${expected} expected: ${ImiError.is(error) ? error.code : ""} ${String(error)}`,
  );
  return true;
};
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
const add = (repository: TestRepository, name: string, more: Partial<Parameters<typeof addWorktree>[2]> = {}) =>
  addWorktree(repository.git, repository.commonDir, {
    path: join(repository.root, name),
    branch: `feat/${name}`,
    startPoint: "main",
    createBranch: true,
    ...more,
  });
const hook = async (repository: TestRepository, text: string): Promise<void> => {
  const file = join(repository.commonDir, "hooks", "post-checkout");
  await mkdir(join(repository.commonDir, "hooks"), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
};

describe("making a worktree", () => {
  test("checks out a new branch at its start, tracking nothing", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    await repository.run(["config", "branch.autoSetupMerge", "always"]);
    assert.deepEqual(await add(repository, "a", { startPoint: "origin/main" }), { gitId: "a", hookFailed: null });
    assert.equal(await repository.run(["branch", "--show-current"], join(repository.root, "a")), "feat/a");
    assert.equal(await repository.run(["config", "--get-regexp", "^branch\\.feat"]).catch(() => ""), "");
    assert.ok(await exists(join(repository.root, "a", "src/0/file-0.txt")));
  });

  test("checks out a branch that exists, and never makes one up from a remote's", async () => {
    await using repository = await makeRepository();
    await repository.run(["branch", "feat/here"]);
    await repository.run(["branch", "feat/there"]);
    await addRemote(repository);
    await repository.run(["branch", "-q", "-D", "feat/there"]);
    await add(repository, "here", { createBranch: false, startPoint: null });
    await assert.rejects(add(repository, "there", { createBranch: false, startPoint: null }), code("base/unknown"));
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/there")).local, null);
    assert.equal(await exists(join(repository.root, "there")), false);
  });

  test("with a detached HEAD has no branch", async () => {
    await using repository = await makeRepository();
    await add(repository, "d", { branch: null, detach: true });
    const listed = await listWorktrees(repository.git, repository.commonDir);
    assert.deepEqual([listed[1]?.detached, listed[1]?.branch], [true, null]);
  });

  test("works at paths with spaces, newlines, quotes and any script", async () => {
    await using repository = await makeRepository({ folder: "trunk-ma in\nx" });
    for (const [index, name] of [
      "a b",
      "new\nline",
      "qu'o\"te",
      "größe",
      "用户",
      "-dash",
      "$(id)",
      "tab\tend ",
      "back\\slash",
    ].entries()) {
      const { gitId } = await add(repository, name, { branch: `b${index}` });
      const path = join(repository.root, name);
      assert.ok(
        (await listWorktrees(repository.git, repository.commonDir)).some((entry) => entry.path === path),
        name,
      );
      assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), {
        ...{ ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 },
      });
      await repository.run(["worktree", "remove", "--", path]);
      assert.equal(await exists(join(repository.commonDir, "worktrees", gitId)), false, name);
    }
  });

  test("refuses a link at its target, and leaves alone what it leads to", async () => {
    await using repository = await makeRepository();
    const victim = join(repository.root, "victim");
    await mkdir(victim);
    await symlink(victim, join(repository.root, "a"));
    await symlink(join(repository.root, "nowhere"), join(repository.root, "dangling"));
    await assert.rejects(add(repository, "a"), code("path/unsafe"));
    await assert.rejects(add(repository, "dangling"), code("path/unsafe"));
    assert.deepEqual(await readdir(victim), []);
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/a")).local, null);
  });

  test("refuses a linked folder on the way below the container, and a path outside it", async () => {
    await using repository = await makeRepository();
    const victim = join(repository.root, "victim");
    const container = join(repository.root, "container");
    await mkdir(victim);
    await mkdir(container);
    await symlink(victim, join(container, "sub"));
    const inside = (path: string) => add(repository, "x", { path, container });
    await assert.rejects(inside(join(container, "sub", "a")), code("path/unsafe"));
    await assert.rejects(inside(join(repository.root, "a")), code("path/unsafe"));
    await assert.rejects(inside(container), code("path/unsafe"));
    assert.deepEqual(await readdir(victim), []);
    await inside(join(container, "deep", "er", "a"));
  });

  test("refuses what is there already, and takes an empty folder", async () => {
    await using repository = await makeRepository();
    await mkdir(join(repository.root, "empty"));
    await mkdir(join(repository.root, "full"));
    await writeFile(join(repository.root, "full", "note"), "mine");
    await writeFile(join(repository.root, "file"), "mine");
    await add(repository, "empty");
    await assert.rejects(add(repository, "full"), code("path/taken"));
    await assert.rejects(add(repository, "file"), code("path/taken"));
    assert.equal(await readFile(join(repository.root, "full", "note"), "utf8"), "mine");
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/full")).local, null);
  });

  test("refuses a path that git has recorded for a worktree whose folder is gone", async () => {
    await using repository = await makeRepository();
    await add(repository, "a");
    await rm(join(repository.root, "a"), { recursive: true });
    await assert.rejects(add(repository, "a", { branch: "other" }), code("path/taken"));
    assert.equal(await exists(join(repository.root, "a")), false);
  });

  test("on a branch in use says where, for linked worktrees and the main one", async () => {
    await using repository = await makeRepository();
    await add(repository, "a");
    const at = (path: string) => (error: unknown) => code("branch/checked-out")(error) && String(error).includes(path);
    await assert.rejects(
      add(repository, "b", { branch: "feat/a", createBranch: false }),
      at(join(repository.root, "a")),
    );
    await assert.rejects(add(repository, "b", { branch: "main", createBranch: false }), at(repository.trunk));
    assert.equal(await exists(join(repository.root, "b")), false);
  });

  test("refuses options and unknown commits, and leaves nothing behind", async () => {
    await using repository = await makeRepository();
    await assert.rejects(add(repository, "a", { startPoint: "--detach" }), code("base/unknown"));
    await assert.rejects(add(repository, "a", { startPoint: "nope" }), code("base/unknown"));
    await assert.rejects(add(repository, "a", { branch: "-D" }), code("branch/invalid"));
    await assert.rejects(add(repository, "a", { branch: "main" }), code("branch/invalid"));
    await assert.rejects(add(repository, "a", { branch: "main/below" }), code("branch/invalid"));
    await assert.rejects(add(repository, "a", { path: "relative" }), code("path/unsafe"));
    assert.equal(await exists(join(repository.root, "a")), false);
    assert.equal((await listWorktrees(repository.git, repository.commonDir)).length, 1);
    assert.equal(await repository.run(["branch", "--format=%(refname:short)"]), "main");
  });

  test("runs the user's post-checkout hook; when that fails the worktree is there and its words are told", async () => {
    await using repository = await makeRepository();
    await hook(repository, 'echo ran > hook-ran; echo "no npm here" >&2; exit 3');
    const made = await add(repository, "a");
    assert.equal(made.gitId, "a");
    assert.match(made.hookFailed ?? "", /no npm here/);
    assert.equal(await readFile(join(repository.root, "a", "hook-ran"), "utf8"), "ran\n");
  });

  test("that is cancelled ends git and what it started, and can be taken back and made again", async () => {
    await using repository = await makeRepository();
    const pidFile = join(repository.root, "pid");
    await hook(repository, `sleep 60 & echo $! > '${pidFile}'; wait`);
    const base = await repository.run(["rev-parse", "main"]);
    const abort = new AbortController();
    const adding = add(repository, "a", { signal: abort.signal });
    while (!(await exists(pidFile)) || (await readFile(pidFile, "utf8")) === "") await delay(5);
    abort.abort();
    await assert.rejects(adding, code("operation/cancelled"));
    assert.equal(await isAlive(Number(await readFile(pidFile, "utf8")), null), false);
    await undoAdd(repository.git, repository.commonDir, {
      path: join(repository.root, "a"),
      branch: "feat/a",
      createsBranch: true,
      baseCommit: base,
    });
    await hook(repository, "exit 0");
    await add(repository, "a");
  });

  test("twelve at once, one after another as the lease has it, makes twelve", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    let turn: Promise<unknown> = Promise.resolve();
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    await Promise.all(
      names.map((name) => (turn = turn.then(() => add(repository, name, { startPoint: "origin/main" })))),
    );
    assert.equal((await listWorktrees(repository.git, repository.commonDir)).length, 13);
  });

  test("twelve truly at once: what fails fails with a code, and taken back and tried again all twelve are there", async (context) => {
    await using repository = await makeRepository({ files: 50 });
    await addRemote(repository);
    const base = await repository.run(["rev-parse", "origin/main"]);
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    const results = await Promise.allSettled(names.map((name) => add(repository, name, { startPoint: "origin/main" })));
    const failed = names.filter((_, index) => results[index]?.status === "rejected");
    context.diagnostic(`${12 - failed.length} of 12 at once`);
    for (const result of results)
      if (result.status === "rejected") assert.ok(ImiError.is(result.reason), String(result.reason));
    for (const name of failed) {
      await undoAdd(repository.git, repository.commonDir, {
        path: join(repository.root, name),
        branch: `feat/${name}`,
        createsBranch: true,
        baseCommit: base,
      });
      await add(repository, name, { startPoint: "origin/main" });
    }
    assert.equal((await listWorktrees(repository.git, repository.commonDir)).length, 13);
  });
});

describe("taking back an add", () => {
  const undo = (
    repository: TestRepository,
    name: string,
    baseCommit: string | null,
    more: Partial<Parameters<typeof undoAdd>[2]> = {},
  ) =>
    undoAdd(repository.git, repository.commonDir, {
      path: join(repository.root, name),
      branch: `feat/${name}`,
      createsBranch: true,
      baseCommit,
      ...more,
    });

  test("that never began finds nothing and harms nothing", async () => {
    await using repository = await makeRepository();
    assert.deepEqual(await undo(repository, "a", null), {
      ended: [],
      folder: "absent",
      record: null,
      branch: "absent",
    });
  });

  test("that had ended takes folder, record and branch", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await add(repository, "a");
    assert.deepEqual(await undo(repository, "a", base), {
      ended: [],
      folder: "removed",
      record: "a",
      branch: "deleted",
    });
    assert.deepEqual(await undo(repository, "a", base), {
      ended: [],
      folder: "absent",
      record: null,
      branch: "absent",
    });
    await add(repository, "a");
  });

  test("keeps a branch that has moved, one that was there before, and one checked out elsewhere", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await add(repository, "moved");
    const tip = await repository.commit("work", { work: "x" }, join(repository.root, "moved"));
    assert.equal((await undo(repository, "moved", base)).branch, "kept");
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/moved")).local, tip);

    await repository.run(["branch", "feat/old"]);
    await add(repository, "old", { createBranch: false });
    assert.equal((await undo(repository, "old", base, { createsBranch: false })).branch, "kept");
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/old")).local, base);

    await add(repository, "elsewhere", { branch: "feat/x" });
    assert.equal((await undo(repository, "x", base)).branch, "kept");
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/x")).local, base);
  });

  test("respects a lock that is not git's own", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await add(repository, "a");
    await repository.run(["worktree", "lock", "--reason", "mine", join(repository.root, "a")]);
    await assert.rejects(undo(repository, "a", base), code("worktree/locked"));
    assert.ok(await exists(join(repository.root, "a", "src")));
    assert.equal((await branchExists(repository.git, repository.commonDir, "feat/a")).local, base);
  });

  test("never deletes work done after it had ended; links that iMi put there are no work", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await add(repository, "a");
    await symlink("/etc/hostname", join(repository.root, "a", ".env"));
    await writeFile(join(repository.root, "a", "note"), "mine");
    await assert.rejects(undo(repository, "a", base), code("worktree/dirty"));
    assert.equal(await readFile(join(repository.root, "a", "note"), "utf8"), "mine");
    await rm(join(repository.root, "a", "note"));
    assert.equal((await undo(repository, "a", base)).folder, "removed");
  });

  test("leaves a folder alone that is not the add's, and never goes through a link", async () => {
    await using repository = await makeRepository();
    await mkdir(join(repository.root, "theirs"));
    await writeFile(join(repository.root, "theirs", "note"), "mine");
    assert.equal((await undo(repository, "theirs", null)).folder, "kept");
    assert.equal(await readFile(join(repository.root, "theirs", "note"), "utf8"), "mine");

    await add(repository, "a");
    await rename(join(repository.root, "a"), join(repository.root, "moved-away"));
    await symlink(join(repository.root, "moved-away"), join(repository.root, "a"));
    await assert.rejects(undo(repository, "a", null), code("path/unsafe"));
    assert.ok(await exists(join(repository.root, "moved-away", "src")));

    await add(repository, "b");
    await add(repository, "c");
    await writeFile(join(repository.root, "b", ".git"), `gitdir: ${join(repository.commonDir, "worktrees", "c")}\n`);
    assert.equal((await undo(repository, "b", null)).folder, "kept");
    assert.ok(await exists(join(repository.commonDir, "worktrees", "c", "HEAD")));
  });

  test("touches no record but its own, also of worktrees whose folder is gone", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    for (const name of ["stick", "a", "a1", "a2"]) await add(repository, name);
    await rm(join(repository.root, "stick"), { recursive: true });
    await rm(join(repository.root, "a"), { recursive: true });
    assert.deepEqual(await undo(repository, "a", base), {
      ended: [],
      folder: "absent",
      record: "a",
      branch: "deleted",
    });
    assert.deepEqual((await readdir(join(repository.commonDir, "worktrees"))).toSorted(), ["a1", "a2", "stick"]);
  });

  test("finds a record git had not finished by its name, and refuses to guess between two", async () => {
    await using repository = await makeRepository();
    await add(repository, "other");
    const records = join(repository.commonDir, "worktrees");
    await mkdir(join(records, "a"));
    await writeFile(join(records, "a", "locked"), "initializing");
    assert.equal((await undo(repository, "a", null)).record, "a");
    await mkdir(join(records, "b"));
    await mkdir(join(records, "b1"));
    await assert.rejects(undo(repository, "b", null), code("repository/busy"));
    assert.equal((await undo(repository, "b", null, { gitId: "b1" })).record, "b1");
    for (const gitId of ["..", ".", "../..", "other"]) {
      await undo(repository, "nothing", null, { gitId });
      assert.ok(await exists(join(records, "other", "HEAD")), gitId);
    }
  });

  test("takes the folder whose link git had made and not filled when it was killed", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    for (const [name, half] of [
      ["link", "a/.git"],
      ["record", "trunk-main/.git/worktrees/a/gitdir"],
      ["common", "trunk-main/.git/worktrees/a/commondir"],
    ] as const) {
      await add(repository, "a");
      await writeFile(join(repository.commonDir, "worktrees/a/locked"), "initializing");
      for (const gone of await readdir(join(repository.root, "a"))) {
        await rm(join(repository.root, "a", gone), { recursive: true, force: true });
      }
      if (name === "link") await writeFile(join(repository.root, "a/.git"), "");
      await writeFile(join(repository.root, half), "");
      const undone = await undo(repository, "a", base);
      assert.deepEqual([undone.folder, undone.record, undone.branch], ["removed", "a", "deleted"], name);
    }
    await add(repository, "a");
  });

  test("removes the lock of a branch that a killed git left, after it has stood still", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await mkdir(join(repository.commonDir, "refs/heads/feat"), { recursive: true });
    await writeFile(join(repository.commonDir, "refs/heads/feat/a.lock"), "");
    await assert.rejects(add(repository, "a"), code("repository/busy"));
    await undo(repository, "a", base);
    await add(repository, "a");
  });

  test("ends a git that still works on it, and no editor that has the same path open", async () => {
    await using repository = await makeRepository();
    const base = await repository.run(["rev-parse", "HEAD"]);
    await hook(repository, "sleep 60");
    const path = join(repository.root, "a");
    const editor = spawn("sh", ["-c", "sleep 60; :", path], { stdio: "ignore", detached: true });
    const orphan = spawn("git", ["worktree", "add", "--no-track", "-q", "-b", "feat/a", "--", path, "main"], {
      cwd: repository.trunk,
      stdio: "ignore",
      detached: true,
    });
    const ended = once(orphan, "exit");
    try {
      while (!(await exists(join(path, ".git")))) await delay(5);
      const undone = await undo(repository, "a", base);
      assert.ok(undone.ended.includes(orphan.pid ?? assert.fail()));
      await ended;
      assert.equal(await isAlive(editor.pid ?? 0, null), true);
    } finally {
      process.kill(-(editor.pid ?? assert.fail()), "SIGKILL");
    }
    await hook(repository, "exit 0");
    await add(repository, "a");
  });

  test("killed at any point is followed by a retry that succeeds, thirty times of thirty", async (context) => {
    await using repository = await makeRepository({ files: 500 });
    const base = await repository.run(["rev-parse", "HEAD"]);
    const started = performance.now();
    await add(repository, "probe");
    const whole = performance.now() - started;
    let debris = 0;
    let slowest = 0;
    for (let round = 0; round < 30; round++) {
      const name = `k${round}`;
      const path = join(repository.root, name);
      const child = spawn("git", ["worktree", "add", "--no-track", "-b", `feat/${name}`, "--", path, "main"], {
        cwd: repository.commonDir,
        stdio: "ignore",
        // Odd rounds kill git alone and leave the `git reset` it started at work, as the out-of-memory killer does.
        detached: round % 2 === 0,
      });
      const exit = once(child, "exit");
      await once(child, "spawn");
      await delay((whole * 1.1 * ((round * 7) % 30)) / 30);
      try {
        process.kill(round % 2 === 0 ? -(child.pid ?? assert.fail()) : (child.pid ?? assert.fail()), "SIGKILL");
      } catch {
        // It had ended already.
      }
      await exit;
      if (
        (await exists(path)) ||
        (await branchExists(repository.git, repository.commonDir, `feat/${name}`)).local !== null
      )
        debris++;
      const began = performance.now();
      await undo(repository, name, base);
      slowest = Math.max(slowest, performance.now() - began);
      assert.equal(await exists(path), false, name);
      assert.equal(await exists(join(repository.commonDir, "worktrees", name)), false, name);
      assert.equal((await branchExists(repository.git, repository.commonDir, `feat/${name}`)).local, null, name);
      const made = await add(repository, name);
      assert.equal(made.hookFailed, null);
      const status = await statusOf(repository.git, path, { base: "main" });
      assert.deepEqual(status, { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 }, name);
    }
    context.diagnostic(
      `add ${whole.toFixed(0)} ms; debris in ${debris} of 30; slowest recovery ${slowest.toFixed(0)} ms`,
    );
    assert.equal((await listWorktrees(repository.git, repository.commonDir)).length, 32);
    assert.equal(basename(repository.trunk), "trunk-main");
    await repository.run(["fsck", "--no-progress"]);
  });
});
