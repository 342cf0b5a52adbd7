import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { StatusWanted } from "../../server/src/git/index.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { fresh, live } from "../support/live-status.ts";

const zeros = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };

const worktrees = async (repository: TestRepository, count: number): Promise<StatusWanted[]> => {
  const wanted: StatusWanted[] = [];
  for (let at = 0; at < count; at++) {
    const path = join(repository.root, `feat-${at}`);
    await repository.run(["worktree", "add", "-q", "--no-track", "-b", `feat/${at}`, path, "main"]);
    wanted.push({ id: `${at}`, path, branch: `feat/${at}`, head: null, base: "main" });
  }
  await delay(60); // until what was just made is old enough to prove something
  return wanted;
};

const pathOf = (wanted: readonly StatusWanted[], at: number): string => {
  const found = wanted[at]?.path;
  if (found === undefined) throw new Error(`no worktree ${at}`);
  return found;
};

/** git processes that were run by `work`. */
const gitRuns = async (repository: TestRepository, work: () => Promise<unknown>): Promise<string[]> => {
  const before = repository.log.length;
  await work();
  return repository.log.slice(before);
};

// Elsewhere nothing is watched yet, and git is asked as in git-status.test.ts.
describe("live status", { skip: process.platform !== "linux" }, () => {
  test("runs no git for worktrees in which nothing happened, and one status where something did", async () => {
    await using repository = await makeRepository({ files: 40 });
    const wanted = await worktrees(repository, 4);
    await using server = await live(repository);
    await server.warm(wanted);
    assert.deepEqual(await gitRuns(repository, () => server.answers(wanted)), []);

    writeFileSync(join(pathOf(wanted, 1), "new"), "");
    const runs = await gitRuns(repository, async () => {
      assert.deepEqual((await server.answers(wanted))["1"], { ...zeros, untracked: 1 });
    });
    assert.equal(runs.length, 1, runs.join("\n"));
    assert.match(runs[0] ?? "", / status .*feat-1\]/);
    assert.deepEqual(await gitRuns(repository, () => server.answers(wanted)), []);
  });

  test("sees what was done before it was asked, every time", async () => {
    await using repository = await makeRepository({ files: 10 });
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    const folder = pathOf(wanted, 0);
    for (let round = 1; round <= 200; round++) {
      const name = join(folder, "src/0", `new-${round}`);
      writeFileSync(name, "");
      assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 }, `round ${round}`);
      rmSync(name);
      assert.deepEqual((await server.answers(wanted))["0"], zeros, `round ${round}, taken away`);
    }
  });

  test("sees a file in a folder made a moment ago, at any depth", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    for (let round = 0; round < 20; round++) {
      const folder = join(pathOf(wanted, 0), `deep-${round}`, "a", "b");
      mkdirSync(folder, { recursive: true });
      assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: round });
      writeFileSync(join(folder, "file"), "");
      assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: round + 1 });
    }
  });

  test("does not look into ignored folders, until they count", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "out/\n*.o\n", "objects/.keep": "" });
    const wanted = await worktrees(repository, 1);
    const folder = pathOf(wanted, 0);
    for (let at = 0; at < 20; at++) mkdirSync(join(folder, "out", `${at}`), { recursive: true });
    writeFileSync(join(folder, "out/1/file"), "");
    mkdirSync(join(folder, "only-ignored"));
    writeFileSync(join(folder, "only-ignored/x.o"), "");
    await using server = await live(repository);
    await server.warm(wanted);
    assert.ok(server.room.report().folders <= 6, JSON.stringify(server.room.report()));

    writeFileSync(join(folder, "out/1/other"), "");
    assert.deepEqual(
      await gitRuns(repository, () => server.answers(wanted)),
      [],
      "nothing in an ignored folder counts",
    );
    writeFileSync(join(folder, "only-ignored/x.c"), "");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });

    await repository.run(["add", "-f", "out/1/file"], folder);
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1, staged: 1 });
    await delay(60);
    await server.answers(wanted);
    writeFileSync(join(folder, "out/1/file"), "changed");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1, staged: 1, changed: 1 });

    writeFileSync(join(folder, ".gitignore"), "*.o\n");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
    writeFileSync(join(folder, "out/3/new"), "");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  test("follows excludes and configuration that lie elsewhere", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 2);
    writeFileSync(join(pathOf(wanted, 0), "note.tmp"), "");
    await using server = await live(repository);
    await server.warm(wanted);
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });

    mkdirSync(join(repository.commonDir, "info"), { recursive: true });
    writeFileSync(join(repository.commonDir, "info/exclude"), "*.tmp\n");
    assert.deepEqual((await server.answers(wanted))["0"], zeros);
    writeFileSync(join(repository.commonDir, "info/exclude"), "");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });

    const excludes = join(repository.root, "excludes");
    await repository.run(["config", "core.excludesFile", excludes]);
    await delay(60);
    await server.warm(wanted);
    writeFileSync(excludes, "*.tmp\n");
    assert.deepEqual((await server.answers(wanted))["0"], zeros);
    const included = join(repository.root, "included");
    await repository.run(["config", "includeIf.onbranch:feat/**.path", included]);
    await delay(60);
    await server.warm(wanted);
    writeFileSync(included, "[core]\n\texcludesFile = /nowhere\n");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });
  });

  test("follows the base, and says so when it is gone", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 3);
    await using server = await live(repository);
    await server.warm(wanted);
    await repository.commit("trunk goes on", { more: "x" });
    const runs = await gitRuns(repository, async () => {
      assert.deepEqual((await server.answers(wanted))["2"], { ...zeros, behind: 1 });
    });
    assert.equal(runs.length, 1, runs.join("\n"));
    assert.deepEqual(await gitRuns(repository, () => server.answers(wanted)), []);
    const gone = wanted.map((each) => ({ ...each, base: "nowhere" }));
    assert.deepEqual((await server.answers(gone))["0"], { unknown: "its base nowhere is gone" });
  });

  test("asks git about a folder that was replaced, moved or linked", async () => {
    await using repository = await makeRepository({ files: 20 });
    const wanted = await worktrees(repository, 1);
    const folder = pathOf(wanted, 0);
    await using server = await live(repository);
    await server.warm(wanted);
    const aside = join(repository.root, "aside");
    renameSync(folder, aside);
    assert.deepEqual((await server.answers(wanted))["0"], { unknown: "its folder is gone" });
    mkdirSync(folder);
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
    rmSync(folder, { recursive: true });
    symlinkSync(aside, folder);
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
    writeFileSync(join(aside, "through the link"), "");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
    rmSync(folder);
    renameSync(aside, folder);
    writeFileSync(join(folder, "src/0/file-1.txt"), "back again");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
    await server.warm(wanted);
    writeFileSync(join(folder, "src/1/file-11.txt"), "and again");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  test("asks git about a folder made anew where one was deleted in which somebody still stands", async () => {
    // No folders in it, of which the events of their own would tell.
    await using repository = await makeRepository({ files: 0 });
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    const path = pathOf(wanted, 0);
    // As a terminal does: for as long as it is there, the system tells nobody that the folder is gone.
    const standing = spawn(process.execPath, ["-e", "process.stdin.resume(); console.log()"], { cwd: path });
    try {
      await once(standing.stdout, "data");
      await repository.run(["worktree", "remove", "--force", path]);
      await repository.run(["worktree", "add", "-q", path, "feat/0"]);
      await delay(60);
      assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
      await server.warm(wanted);
      writeFileSync(join(path, "new"), "");
      assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });
      mkdirSync(join(path, "folder"));
      writeFileSync(join(path, "folder/new"), "");
      assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 2 });
      assert.deepEqual(await gitRuns(repository, () => server.answers(wanted)), [], "and it is remembered again");
    } finally {
      standing.stdin.end();
      await once(standing, "exit");
    }
  });

  test("always asks git where another repository lies in a worktree, and says why", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    const inner = join(pathOf(wanted, 0), "inner");
    mkdirSync(inner);
    await repository.run(["init", "-q"], inner);
    await server.warm(wanted);
    assert.match(server.room.report().refused.join(), /another repository lies in it/);
    writeFileSync(join(inner, "file"), "");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  test("asks git for those that no watch was left for, and says so once", async () => {
    await using repository = await makeRepository({ files: 40 });
    const wanted = await worktrees(repository, 4);
    await using server = await live(repository, { budget: 14 });
    await server.warm(wanted);
    const { watched, refused } = server.room.report();
    assert.equal(watched + refused.length, 4);
    assert.ok(watched >= 1 && refused.length >= 2, JSON.stringify(server.room.report()));
    assert.equal(server.said.filter((line) => line.includes("max_user_watches")).length, 1);
    for (const { path } of wanted) writeFileSync(join(path, "src/2/file-20.txt"), "changed");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  test("watches nothing with a budget of nothing", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository, { budget: 0 });
    await server.warm(wanted);
    writeFileSync(join(pathOf(wanted, 0), "new"), "");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });
  });

  test("asks about every worktree again after more events than the system keeps", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 2);
    await using server = await live(repository);
    await server.warm(wanted);
    // Synchronously, so that nobody reads the queue meanwhile: it runs over, and the last change is lost in it.
    const noise = join(pathOf(wanted, 0), "noise");
    for (let at = 0; at < 9_000; at++) {
      writeFileSync(`${noise}-${at % 3}`, "x");
      rmSync(`${noise}-${at % 3}`);
    }
    mkdirSync(join(pathOf(wanted, 1), "unseen"));
    writeFileSync(join(pathOf(wanted, 1), "unseen/file"), "");
    assert.deepEqual((await server.answers(wanted))["1"], { ...zeros, untracked: 1 });
    writeFileSync(join(pathOf(wanted, 1), "unseen/other"), "");
    rmSync(join(pathOf(wanted, 1), "unseen/file"));
    rmSync(join(pathOf(wanted, 1), "unseen/other"));
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  test("goes on where somebody tidied up the folder by which it proves the order", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    rmSync(join(repository.root, "run"), { recursive: true });
    assert.deepEqual(await gitRuns(repository, () => server.answers(wanted)), []);
    writeFileSync(join(pathOf(wanted, 0), "new"), "");
    assert.deepEqual((await server.answers(wanted))["0"], { ...zeros, untracked: 1 });
  });

  test("lets go of a worktree that is removed", async () => {
    await using repository = await makeRepository({ files: 20 });
    const wanted = await worktrees(repository, 2);
    await using server = await live(repository);
    await server.warm(wanted);
    const before = server.room.report().folders;
    await repository.run(["worktree", "remove", pathOf(wanted, 1)]);
    await server.answers(wanted.slice(0, 1));
    assert.equal(server.room.report().folders, before / 2);
    assert.ok(!existsSync(pathOf(wanted, 1)));
  });

  test("answers as git does while many ask at once", async () => {
    await using repository = await makeRepository({ files: 20 });
    const wanted = await worktrees(repository, 3);
    await using server = await live(repository);
    await server.warm(wanted);
    for (let round = 0; round < 15; round++) {
      writeFileSync(join(pathOf(wanted, round % 3), `src/0/file-${round % 10}.txt`), `round ${round}`);
      const all = await Promise.all([server.answers(wanted), server.answers(wanted), server.answers(wanted)]);
      const expected = await fresh(repository, wanted);
      for (const answer of all) assert.deepEqual(answer, expected);
    }
  });

  test("knows that a commit replaced by another has other files", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    await using server = await live(repository);
    await server.warm(wanted);
    const other = await repository.commit("other", { "src/0/file-0.txt": "other" });
    const first = await repository.run(["rev-parse", "feat/0"]);
    await repository.run(["replace", first, other]);
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });

  // Hard links and memory maps are what inotify does not tell of; docs/decisions/0005 says for how long.
  test("sees a change by a second name within the worktree", async () => {
    await using repository = await makeRepository();
    const wanted = await worktrees(repository, 1);
    const folder = pathOf(wanted, 0);
    await using server = await live(repository);
    linkSync(join(folder, "src/0/file-0.txt"), join(folder, "second"));
    await server.warm(wanted);
    writeFileSync(join(folder, "second"), "changed");
    assert.deepEqual(await server.answers(wanted), await fresh(repository, wanted));
  });
});
