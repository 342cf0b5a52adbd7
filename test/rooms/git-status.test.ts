import assert from "node:assert/strict";
import { chmod, lstat, mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { addWorktree, Git, statusOf, statuses } from "../../server/src/git/index.ts";
import { parseStatus } from "../../server/src/git/status.ts";
import { addRemote, makeRepository, plainGit, scratch } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";

const clean = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
const add = async (repository: TestRepository, name: string): Promise<string> => {
  const path = join(repository.root, name);
  await addWorktree(repository.git, repository.commonDir, {
    path,
    branch: `feat/${name}`,
    startPoint: "main",
    createBranch: true,
  });
  return path;
};
const evilScript = async (
  repository: TestRepository,
): Promise<{ readonly run: string; readonly ran: () => Promise<boolean> }> => {
  const run = join(repository.root, "evil.sh");
  const proof = join(repository.root, "pwned");
  await writeFile(run, `#!/bin/sh\ntouch '${proof}'\ncat 2>/dev/null\nexit 0\n`);
  await chmod(run, 0o755);
  return { run, ran: () => exists(proof) };
};
/** As if somebody had touched every file: git has to look into them again. */
const touch = async (path: string): Promise<void> => utimes(path, new Date(), new Date(Date.now() + 5_000));

describe("the status of a worktree", () => {
  test("counts staged, changed, untracked and conflicted files, and commits ahead and behind", async () => {
    await using repository = await makeRepository({ files: 30 });
    const path = await add(repository, "a");
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), clean);

    await repository.commit("theirs", { "src/0/file-0.txt": "theirs\n" });
    await repository.commit("ours", { "src/0/file-0.txt": "ours\n" }, path);
    await repository.commit("more", { more: "x" }, path);
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), { ...clean, ahead: 2, behind: 1 });

    await repository.run(["merge", "-q", "main"], path).catch(() => undefined);
    await writeFile(join(path, "src/0/file-1.txt"), "changed\n");
    await writeFile(join(path, "staged"), "x");
    await repository.run(["add", "staged"], path);
    await writeFile(join(path, "staged"), "and changed");
    await mkdir(join(path, "new"));
    await writeFile(join(path, "new", "one"), "");
    await writeFile(join(path, "new", "two"), "");
    await writeFile(join(path, "line\nbreak \u{1f600}"), "");
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), {
      ...{ ahead: 2, behind: 1, staged: 1, changed: 2, untracked: 2, conflicted: 1 },
    });
  });

  test("counts a renamed file as one gone and one come", async () => {
    await using repository = await makeRepository();
    await repository.run(["mv", "src/0/file-0.txt", "renamed"]);
    assert.deepEqual(await statusOf(repository.git, repository.trunk, { base: null }), { ...clean, staged: 2 });
  });

  test("before the first commit, and detached, and against no base, is known", async () => {
    await using folder = scratch();
    await plainGit(["init", "-q"], folder.root);
    await writeFile(join(folder.root, "a"), "");
    assert.deepEqual(await statusOf(new Git(), folder.root, { base: null }), { ...clean, untracked: 1 });
    await using repository = await makeRepository();
    await repository.commit("second");
    await repository.run(["checkout", "-q", "--detach", "HEAD~1"]);
    assert.deepEqual(await statusOf(repository.git, repository.trunk, { base: "main" }), { ...clean, behind: 1 });
  });

  test("that cannot be read is unknown with the reason, never clean", async () => {
    await using repository = await makeRepository();
    const path = await add(repository, "a");
    const reason = async (base: string | null): Promise<string> => {
      const status = await statusOf(repository.git, path, { base, commonDir: repository.commonDir });
      assert.ok("unknown" in status, JSON.stringify(status));
      return status.unknown;
    };
    assert.match(await reason("gone"), /base gone is gone/);
    assert.match(await reason("--all"), /is gone/);
    const index = join(repository.commonDir, "worktrees/a/index");
    await rename(index, `${index}.away`);
    await writeFile(index, "DIRCgarbage");
    assert.match(await reason("main"), /damaged|failed/);
    await rename(`${index}.away`, index);
    await rm(path, { recursive: true });
    assert.match(await reason("main"), /folder is gone/);
    assert.ok("unknown" in (await statusOf(repository.git, path, { base: null })));
    await mkdir(path);
    await rm(join(repository.commonDir, "worktrees/a"), { recursive: true });
    assert.match(await reason("main"), /no record/);
  });

  test("writes nothing, not even a refreshed index", async () => {
    await using repository = await makeRepository({ files: 20 });
    const path = await add(repository, "a");
    for (let at = 0; at < 20; at++) await touch(join(path, `src/${Math.floor(at / 10)}/file-${at}.txt`));
    const index = join(repository.commonDir, "worktrees/a/index");
    const before = await lstat(index, { bigint: true });
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), clean);
    const after = await lstat(index, { bigint: true });
    assert.deepEqual([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
    // A lock of somebody at work does not stop it either.
    await writeFile(`${index}.lock`, "");
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), clean);
  });

  test("is cancelled with operation/cancelled, not unknown", async () => {
    await using repository = await makeRepository();
    await assert.rejects(
      statusOf(repository.git, repository.trunk, { base: "main", signal: AbortSignal.abort() }),
      (error: unknown) => ImiError.is(error, "operation/cancelled"),
    );
  });

  test("that git would not word this way is not understood as clean", () => {
    assert.equal(parseStatus(""), null);
    assert.equal(parseStatus("# branch.oid (initial)\0x oddity\0"), null);
    const counts = { staged: 0, changed: 0, untracked: 0, conflicted: 0 };
    const unborn = { head: null, upstream: null, branch: "main", counts, files: [] };
    assert.deepEqual(parseStatus("# branch.oid (initial)\0# branch.head main\0"), unborn);
  });
});

describe("a hostile worktree", () => {
  test("whose .git points at a configuration of its own with core.fsmonitor does not get it run", async () => {
    await using repository = await makeRepository();
    const path = await add(repository, "a");
    const evil = await evilScript(repository);
    await rm(join(path, ".git"));
    await plainGit(["init", "-q"], path);
    await plainGit(["config", "core.fsmonitor", evil.run], path);
    await plainGit(["config", "core.hooksPath", repository.root], path);
    await writeFile(join(path, "work"), "x");
    // Its own repository says everything is untracked; git's record of the worktree says what is true.
    assert.deepEqual(await statusOf(repository.git, path, { base: "main", commonDir: repository.commonDir }), {
      ...clean,
      untracked: 1,
    });
    await statusOf(repository.git, path, { base: "main" });
    assert.equal(await evil.ran(), false);
    await plainGit(["status"], path);
    assert.equal(await evil.ran(), true, "the trap itself works");
  });

  test("that sets core.fsmonitor in the shared configuration does not get it run", async () => {
    await using repository = await makeRepository();
    const path = await add(repository, "a");
    const evil = await evilScript(repository);
    await repository.run(["config", "core.fsmonitor", evil.run], path);
    await repository.run(["config", "extensions.worktreeConfig", "true"], path);
    await repository.run(["config", "--worktree", "core.fsmonitor", evil.run], path);
    assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), clean);
    await repository.git.run(path, ["status"], { access: "read" });
    assert.equal(await evil.ran(), false);
  });

  for (const scope of ["--local", "--worktree", "include"] as const) {
    test(`that sets a filter driver (${scope}) does not get it run by a status`, async () => {
      await using repository = await makeRepository();
      await repository.run(["config", "extensions.worktreeConfig", "true"]);
      const path = await add(repository, "a");
      const evil = await evilScript(repository);
      await writeFile(join(path, ".gitattributes"), "* filter=e.v=il\n");
      const set = async (args: readonly string[]): Promise<void> => {
        for (const key of ["clean", "smudge", "process"])
          await repository.run(["config", ...args, `filter.e.v=il.${key}`, evil.run], path);
        await repository.run(["config", ...args, "filter.e.v=il.required", "true"], path);
      };
      if (scope === "include") {
        await set(["--file", join(repository.root, "included")]);
        await repository.run(["config", "include.path", join(repository.root, "included")], path);
      } else await set([scope]);
      await touch(join(path, "src/0/file-0.txt"));
      assert.deepEqual(await statusOf(repository.git, path, { base: "main" }), { ...clean, untracked: 1 });
      assert.equal(await evil.ran(), false);
      await plainGit(["--no-optional-locks", "status"], path).catch(() => undefined);
      assert.equal(await evil.ran(), true, "the trap itself works");
    });
  }

  test("keeps the filters of the user's own configuration", async () => {
    await using repository = await makeRepository();
    const filter = ["filter.upper.clean", "tr a-z A-Z"] as const;
    await repository.run(["config", "--global", ...filter]);
    try {
      await repository.commit("filtered", { ".gitattributes": "*.up filter=upper\n", "a.up": "text\n" });
      await repository.run(["config", "filter.other.clean", "cat"]);
      await touch(join(repository.trunk, "a.up"));
      assert.deepEqual(await statusOf(repository.git, repository.trunk, { base: null }), clean);
    } finally {
      await repository.run(["config", "--global", "--remove-section", "filter.upper"]);
    }
  });

  test("of a repository owned by somebody else is unknown, as git itself refuses it", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip("needs root to give a folder away");
    await using repository = await makeRepository();
    const path = await add(repository, "a");
    const { chown } = await import("node:fs/promises");
    await chown(repository.commonDir, 12_345, 12_345);
    const status = await statusOf(repository.git, path, { base: "main" });
    assert.match("unknown" in status ? status.unknown : "", /another user/);
    return undefined;
  });
});

describe("the statuses of many worktrees", () => {
  test("are those git gives one by one, each told as soon as it is known", async (context) => {
    await using repository = await makeRepository({ files: 100 });
    await addRemote(repository);
    await repository.commit("trunk moved");
    await repository.run(["push", "-q", "origin", "main"]);
    const wanted = [];
    for (let at = 0; at < 16; at++) {
      const path = await add(repository, `w${at}`);
      if (at % 2 === 0) await repository.commit(`work ${at}`, { [`f${at}`]: "x" }, path);
      if (at % 3 === 0) await writeFile(join(path, "dirty"), "x");
      if (at % 5 === 0) await repository.run(["reset", "-q", "--hard", "main~1"], path);
      wanted.push({
        id: `id-${at}`,
        path,
        branch: `feat/w${at}`,
        head: null,
        base: at % 4 === 0 ? "main~1" : "origin/main",
      });
    }
    const told = new Map<string, unknown>();
    const started = performance.now();
    const all = await statuses(repository.git, repository.commonDir, wanted, {
      concurrency: 4,
      onStatus: (id, status) => told.set(id, status),
    });
    context.diagnostic(`${(performance.now() - started).toFixed(0)} ms for ${wanted.length}`);
    assert.deepEqual(told, all);
    for (const { id, path, base } of wanted) {
      const [ahead, behind] = (await repository.run(["rev-list", "--left-right", "--count", `HEAD...${base}`], path))
        .split("\t")
        .map(Number);
      const lines = (await repository.run(["status", "--porcelain"], path)).split("\n").filter((line) => line !== "");
      assert.deepEqual(all.get(id), { ...clean, ahead, behind, untracked: lines.length }, id);
    }
  });

  test("ask for commits once for each pair, and not at all where nothing is apart", async () => {
    await using repository = await makeRepository();
    const wanted = [];
    for (let at = 0; at < 6; at++)
      wanted.push({
        id: `${at}`,
        path: await add(repository, `w${at}`),
        branch: `feat/w${at}`,
        head: null,
        base: "main",
      });
    repository.log.length = 0;
    const count = (): number => repository.log.filter((line) => /git (rev-list|for-each-ref)/.test(line)).length;
    await statuses(repository.git, repository.commonDir, wanted);
    const { minor } = await repository.git.version();
    assert.equal(count(), minor >= 41 ? 1 : 0);
    await repository.commit("trunk moved");
    repository.log.length = 0;
    await statuses(repository.git, repository.commonDir, wanted);
    assert.equal(count(), 1);
    assert.equal(repository.log.filter((line) => line.includes("rev-parse")).length, 0, "the base is read from files");
  });

  test("hold one unknown beside known ones, and never more processes than asked for", async () => {
    await using repository = await makeRepository();
    const running = { now: 0, most: 0 };
    const git = new Git();
    const run = git.run.bind(git);
    git.run = async (...args) => {
      running.most = Math.max(running.most, ++running.now);
      try {
        return await run(...args);
      } finally {
        running.now--;
      }
    };
    const wanted = [];
    for (let at = 0; at < 5; at++)
      wanted.push({ id: `${at}`, path: await add(repository, `w${at}`), branch: null, head: null, base: "main" });
    await rm(join(repository.root, "w2"), { recursive: true });
    const all = await statuses(git, repository.commonDir, wanted, { concurrency: 2 });
    assert.deepEqual(
      [...all.values()].map((status) => "unknown" in status),
      wanted.map(({ id }) => id === "2"),
    );
    assert.ok(running.most <= 2, `${running.most}`);
  });

  test("find a worktree whose path is spelled through a link", async () => {
    await using repository = await makeRepository();
    const path = await add(repository, "a");
    await symlink(repository.root, join(repository.root, "link"));
    const spelled = join(repository.root, "link", "a");
    assert.deepEqual(await statusOf(repository.git, spelled, { base: "main", commonDir: repository.commonDir }), clean);
    assert.notEqual(path, spelled);
  });
});
