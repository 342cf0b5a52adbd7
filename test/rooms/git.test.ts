import assert from "node:assert/strict";
import { chmod, chown, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import {
  Git,
  RefFiles,
  branchExists,
  findRepository,
  gitIdOf,
  listWorktrees,
  plumb,
  readWorktreeRecords,
  resolveTrunk,
} from "../../server/src/git/index.ts";
import { failure } from "../../server/src/git/failures.ts";
import { parseWorktrees } from "../../server/src/git/list.ts";
import { addRemote, makeRepository, plainGit, scratch } from "../support/git.ts";

const code = (expected: ErrorCode) => (error: unknown) => {
  assert.ok(
    ImiError.is(error, expected),
    `${expected} expected: ${ImiError.is(error) ? error.code : ""} ${String(error)}`,
  );
  return true;
};
const script = async (path: string, text: string): Promise<string> => {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
};

describe("the git program", () => {
  test("says its version, asked once", async () => {
    const log: string[] = [];
    const git = new Git({ log: (line) => log.push(line) });
    const [one, two] = await Promise.all([git.version(), git.version()]);
    assert.equal(one, two);
    assert.ok(one.major >= 2 && one.text.startsWith("git version"));
    assert.equal(log.length, 1);
  });

  test("that is missing is git/missing, that is too old is git/too-old", async () => {
    await using folder = scratch();
    await assert.rejects(new Git({ binary: join(folder.root, "nothing") }).version(), code("git/missing"));
    const old = await script(join(folder.root, "git"), "echo git version 2.35.8");
    await assert.rejects(new Git({ binary: old }).version(), code("git/too-old"));
    const apple = await script(join(folder.root, "apple"), "echo 'git version 2.50.1 (Apple Git-155)'");
    assert.deepEqual(await new Git({ binary: apple }).version(), {
      major: 2,
      minor: 50,
      patch: 1,
      text: "git version 2.50.1 (Apple Git-155)",
    });
    const windows = await script(join(folder.root, "windows"), "echo git version 2.51.0.windows.1");
    assert.equal((await new Git({ binary: windows }).version()).minor, 51);
  });

  test("in a folder that is gone is not taken for a missing git", async () => {
    await using folder = scratch();
    const cwd = join(folder.root, "gone");
    await assert.rejects(new Git().run(cwd, ["status"], { access: "read" }), code("repository/not-found"));
    await assert.rejects(plumb(["cat-file", "--batch"], { cwd, input: "HEAD\n" }), code("repository/not-found"));
  });

  test("inherits no variable that points at another repository", async () => {
    await using repository = await makeRepository();
    await using other = await makeRepository();
    process.env["GIT_DIR"] = other.commonDir;
    process.env["GIT_WORK_TREE"] = other.trunk;
    process.env["GIT_INDEX_FILE"] = join(other.commonDir, "index");
    process.env["GIT_TRACE"] = "1";
    process.env["GIT_NAMESPACE"] = "x";
    try {
      const { stdout, stderr } = await repository.git.run(repository.trunk, ["rev-parse", "--absolute-git-dir"], {
        access: "read",
      });
      assert.equal(stdout.trim(), repository.commonDir);
      assert.equal(stderr, "");
    } finally {
      for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_TRACE", "GIT_NAMESPACE"])
        delete process.env[name];
    }
  });

  test("speaks English whatever the user's language", async () => {
    await using folder = scratch();
    const before = { ...process.env };
    Object.assign(process.env, { LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8", LANGUAGE: "de" });
    try {
      const show = await script(
        join(folder.root, "git"),
        'echo "$LC_ALL|$LC_MESSAGES|$LC_CTYPE|$LANGUAGE|$GIT_TERMINAL_PROMPT"',
      );
      const git = new Git({ binary: show });
      assert.equal((await git.run(folder.root, [], { access: "read" })).stdout, "C||||0\n");
      assert.equal((await git.run(folder.root, [], { access: "write" })).stdout, "|C|de_DE.UTF-8||0\n");
    } finally {
      for (const name of ["LANG", "LC_ALL", "LANGUAGE"]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  test("is ended at the timeout and by an abort, each with its code", async () => {
    await using folder = scratch();
    const git = new Git({ binary: await script(join(folder.root, "git"), "sleep 60") });
    await assert.rejects(git.run(folder.root, ["fetch"], { access: "read", timeoutMs: 100 }), code("git/timeout"));
    const abort = new AbortController();
    const running = git.run(folder.root, ["fetch"], { access: "read", signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(running, code("operation/cancelled"));
    await assert.rejects(
      git.run(folder.root, [], { access: "read", signal: AbortSignal.abort() }),
      code("operation/cancelled"),
    );
  });

  test("fails with the last line it said, without secrets", async () => {
    await using folder = scratch();
    const binary = await script(
      join(folder.root, "git"),
      "echo 'fatal: oddity at https://jane:hunter2@host/x' >&2; echo 'hint: try' >&2; exit 128",
    );
    const log: string[] = [];
    const git = new Git({ binary, log: (line) => log.push(line) });
    await assert.rejects(
      git.run(folder.root, ["gc", "https://jane:hunter2@host/x"], { access: "read" }),
      (error: unknown) => {
        assert.ok(ImiError.is(error, "git/failed"));
        assert.equal(error.message, "git gc failed: fatal: oddity at https://***@host/x");
        assert.ok(!JSON.stringify([error, String(error.cause), log]).includes("hunter2"));
        return true;
      },
    );
  });

  for (const [expected, said] of [
    [
      "repository/owner",
      "fatal: detected dubious ownership in repository at '/srv/x y'\nTo add an exception for this directory, call:\n",
    ],
    ["disk/full", "error: unable to write file a: No space left on device\nfatal: could not write"],
    [
      "repository/busy",
      "fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process seems to be running",
    ],
    ["repository/busy", "error: could not lock config file .git/config: File exists"],
    ["repository/busy", "fatal: failed to read worktrees/p9/commondir: Success"],
    ["remote/unreachable", "fatal: remote helper 'http' aborted session"],
    ["branch/checked-out", "fatal: 'feat/a' is already checked out at '/r/feat-a'"],
    ["branch/checked-out", "fatal: 'feat/a' is already used by worktree at '/r/feat-a'"],
    [
      "branch/invalid",
      "fatal: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
    ],
    ["branch/invalid", "fatal: a branch named 'x' already exists"],
    ["worktree/dirty", "fatal: '/r/a' contains modified or untracked files, use --force to delete it"],
    ["worktree/main", "fatal: '/r' is a main working tree"],
    ["worktree/not-found", "fatal: '/r/x' is not a working tree"],
    ["path/taken", "fatal: '/r/a' already exists"],
    ["path/taken", "fatal: '/r/a' is a missing but already registered worktree;\nuse 'add -f' to override"],
    ["base/unknown", "fatal: invalid reference: nope"],
    ["base/unknown", "fatal: couldn't find remote ref refs/heads/nope"],
    ["remote/unreachable", "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository."],
    ["remote/unreachable", "fatal: unable to access 'https://x/': Could not resolve host: x"],
    ["remote/unreachable", "fatal: transport 'ext' not allowed"],
    ["path/permission", "error: unable to create file a: Permission denied"],
    ["path/too-long", "error: unable to create file a: File name too long"],
    ["repository/damaged", "error: object file .git/objects/ab/cd is empty\nfatal: loose object abcd is corrupt"],
    ["repository/not-found", "fatal: not a git repository (or any of the parent directories): .git"],
    ["git/failed", "fatal: something new"],
  ] as const) {
    test(`that says ${JSON.stringify(said.slice(0, 60))} means ${expected}`, () => {
      assert.equal(failure(["worktree", "add"], 128, said).code, expected);
    });
  }

  test("names the command that makes a foreign repository trusted", () => {
    const error = failure(["status"], 128, "fatal: detected dubious ownership in repository at '/srv/x y'\n");
    assert.equal(error.hint, "If you trust its owner: git config --global --add safe.directory '/srv/x y'");
  });

  test("finding a lock is repository/busy, from the real program", async () => {
    await using repository = await makeRepository();
    await writeFile(join(repository.commonDir, "index.lock"), "");
    await assert.rejects(
      repository.git.run(repository.trunk, ["add", "-A"], { access: "write" }),
      code("repository/busy"),
    );
  });
});

describe("finding the repository", () => {
  test("works from the checkout, from deep inside it, from a file, and through a link", async () => {
    await using repository = await makeRepository({ folder: "pro ject\nnew größe" });
    const place = { commonDir: repository.commonDir, worktree: repository.trunk, bare: false };
    await mkdir(join(repository.trunk, "a/b/c"), { recursive: true });
    await symlink(join(repository.trunk, "a/b"), join(repository.root, "link"));
    for (const path of ["", "a/b/c", "src/0/file-0.txt"])
      assert.deepEqual(await findRepository(join(repository.trunk, path)), place);
    assert.deepEqual(await findRepository(join(repository.root, "link", "c")), place);
    assert.deepEqual(await findRepository(join(repository.commonDir, "refs")), { ...place, worktree: null });
  });

  test("works from a linked worktree, also one that git links relatively", async () => {
    await using repository = await makeRepository();
    const linked = join(repository.root, "feat a");
    await repository.run(["worktree", "add", "-q", "-b", "a", linked]);
    const place = { commonDir: repository.commonDir, worktree: linked, bare: false };
    assert.deepEqual(await findRepository(join(linked, "src")), place);
    await writeFile(join(linked, ".git"), "gitdir: ../trunk-main/.git/worktrees/feat-a\n");
    await writeFile(join(repository.commonDir, "worktrees/feat-a/gitdir"), "../../../../feat a/.git\n");
    assert.deepEqual(await findRepository(linked), place);
    assert.equal(await gitIdOf(linked), "feat-a");
    assert.equal((await readWorktreeRecords(repository.commonDir))[0]?.path, linked);
  });

  test("works in a bare repository, beside a .bare, and in a worktree of one", async () => {
    await using repository = await makeRepository();
    const bare = join(repository.root, "project", ".bare");
    await repository.run(["clone", "-q", "--bare", repository.trunk, bare]);
    const place = { commonDir: bare, worktree: null, bare: true };
    assert.deepEqual(await findRepository(bare), place);
    assert.deepEqual(await findRepository(join(bare, "objects")), place);
    assert.deepEqual(await findRepository(join(repository.root, "project")), place);
    await writeFile(join(repository.root, "project", ".git"), "gitdir: ./.bare\n");
    assert.deepEqual(await findRepository(join(repository.root, "project")), place);
    const linked = join(repository.root, "project", "main");
    await plainGit(["worktree", "add", "-q", linked, "main"], bare);
    assert.deepEqual(await findRepository(join(linked, "src")), { commonDir: bare, worktree: linked, bare: true });
  });

  test("passes by a `.git` that leads nowhere or to itself, as git does", async () => {
    await using repository = await makeRepository();
    const place = await findRepository(repository.trunk);
    for (const [name, target] of Object.entries({ itself: ".git", nowhere: "gone" })) {
      await mkdir(join(repository.trunk, name));
      await symlink(target, join(repository.trunk, name, ".git"));
      assert.deepEqual(await findRepository(join(repository.trunk, name)), place);
    }
  });

  test("works in a submodule, which is a repository of its own", async () => {
    await using repository = await makeRepository();
    await using library = await makeRepository({ folder: "library" });
    await repository.run(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.trunk, "lib"]);
    assert.deepEqual(await findRepository(join(repository.trunk, "lib")), {
      commonDir: join(repository.commonDir, "modules/lib"),
      worktree: join(repository.trunk, "lib"),
      bare: false,
    });
  });

  test("works from a container and the folders in it, also inside another repository", async () => {
    await using home = await makeRepository({ folder: "." });
    const container = join(home.root, "code", "project");
    const repository = await makeRepository({ root: container });
    await mkdir(join(container, "sync", "global"), { recursive: true });
    const place = { commonDir: repository.commonDir, worktree: repository.trunk, bare: false };
    for (const path of ["", "sync", "sync/global"])
      assert.deepEqual(await findRepository(join(container, path)), place);
    assert.deepEqual(await findRepository(join(home.root, "code")), {
      commonDir: home.commonDir,
      worktree: home.root,
      bare: false,
    });
  });

  test("works from <repo>.worktrees beside <repo>", async () => {
    await using repository = await makeRepository({ folder: "shop" });
    await mkdir(join(repository.root, "shop.worktrees", "empty"), { recursive: true });
    const place = { commonDir: repository.commonDir, worktree: repository.trunk, bare: false };
    assert.deepEqual(await findRepository(join(repository.root, "shop.worktrees")), place);
    assert.deepEqual(await findRepository(join(repository.root, "shop.worktrees", "empty")), place);
  });

  test("is repository/not-found with a hint where there is none, or no such path", async () => {
    await using folder = scratch();
    await mkdir(join(folder.root, ".git"));
    await assert.rejects(findRepository(folder.root), code("repository/not-found"));
    await assert.rejects(findRepository(join(folder.root, "gone")), code("repository/not-found"));
    await writeFile(join(folder.root, "file"), "");
    await assert.rejects(findRepository(join(folder.root, "file", "below")), code("repository/not-found"));
  });

  test("takes less than a millisecond and starts no process", async (context) => {
    await using repository = await makeRepository();
    const deep = join(repository.trunk, "a/b/c/d/e/f");
    await mkdir(deep, { recursive: true });
    const path = process.env["PATH"];
    process.env["PATH"] = "";
    try {
      for (let round = 0; round < 20; round++) await findRepository(deep);
      const started = performance.now();
      for (let round = 0; round < 200; round++) await findRepository(deep);
      const each = (performance.now() - started) / 200;
      context.diagnostic(`${each.toFixed(3)} ms`);
      assert.ok(each < 1, `${each} ms`);
    } finally {
      process.env["PATH"] = path;
    }
  });
});

describe("listing worktrees", () => {
  test("says everything git knows, also of paths that look like records", async () => {
    await using repository = await makeRepository();
    const evil = join(repository.root, "a\nworktree ", "etc");
    await repository.run(["worktree", "add", "-q", "-b", "evil", evil]);
    await repository.run(["worktree", "add", "-q", "--detach", join(repository.root, "größe 用户")]);
    await repository.run(["worktree", "add", "-q", "-b", "locked", join(repository.root, "locked")]);
    await repository.run(["worktree", "lock", "--reason", "on a\nstick", join(repository.root, "locked")]);
    await repository.run(["worktree", "add", "-q", "-b", "gone", join(repository.root, "gone")]);
    await repository.run(["worktree", "lock", join(repository.root, "größe 用户")]);
    await rm(join(repository.root, "gone"), { recursive: true });
    const head = await repository.run(["rev-parse", "HEAD"]);
    const listed = await listWorktrees(repository.git, repository.commonDir);
    const plain = { head, bare: false, detached: false, lockReason: null, prunable: null };
    assert.deepEqual(listed[0], { ...plain, path: repository.trunk, branch: "main" });
    const byPath = new Map(listed.map((entry) => [entry.path, entry]));
    assert.deepEqual(byPath.get(evil), { ...plain, path: evil, branch: "evil" });
    assert.deepEqual(byPath.get(join(repository.root, "größe 用户")), {
      ...plain,
      path: join(repository.root, "größe 用户"),
      branch: null,
      detached: true,
      lockReason: "",
    });
    assert.equal(byPath.get(join(repository.root, "locked"))?.lockReason, "on a\nstick");
    assert.match(byPath.get(join(repository.root, "gone"))?.prunable ?? "", /non-existent/);
    assert.equal(listed.length, 5);
  });

  test("says a bare repository is bare, and a branch without a commit has no head", async () => {
    await using folder = scratch();
    await plainGit(["init", "-q", "--bare", "x.git"], folder.root);
    const [bare] = await listWorktrees(new Git(), join(folder.root, "x.git"));
    assert.equal(bare?.bare, true);
    await plainGit(["init", "-q", "unborn"], folder.root);
    const [unborn] = await listWorktrees(new Git(), join(folder.root, "unborn/.git"));
    assert.equal(unborn?.head, null);
    assert.equal(unborn?.branch, "main");
  });

  test("reads nothing out of nothing", () => {
    assert.deepEqual(parseWorktrees(""), []);
  });

  test("from git's files says the same as git, and takes a fraction of its time", async (context) => {
    await using repository = await makeRepository();
    for (let at = 0; at < 20; at++)
      await repository.run(["worktree", "add", "-q", "-b", `b${at}`, join(repository.root, `w ${at}`)]);
    await repository.run(["worktree", "lock", "--reason", "mine", join(repository.root, "w 3")]);
    const listed = (await listWorktrees(repository.git, repository.commonDir)).slice(1);
    const records = await readWorktreeRecords(repository.commonDir);
    const facts = (entry: { path: string | null; branch: string | null; lockReason: string | null }): string =>
      JSON.stringify([entry.path, entry.branch, entry.lockReason]);
    assert.deepEqual(records.map(facts).toSorted(), listed.map(facts).toSorted());
    const started = performance.now();
    for (let round = 0; round < 10; round++) await readWorktreeRecords(repository.commonDir);
    context.diagnostic(`${((performance.now() - started) / 10).toFixed(2)} ms for 20 records`);
  });

  test("of a repository that has none yet is empty", async () => {
    await using repository = await makeRepository();
    assert.deepEqual(await readWorktreeRecords(repository.commonDir), []);
    assert.equal(await gitIdOf(repository.trunk), null);
    assert.equal(await gitIdOf(join(repository.root, "gone")), null);
  });
});

describe("the trunk", () => {
  const options = { remoteName: "origin", defaultBranch: "main" };

  test("is what the remote's HEAD names, whatever the default", async () => {
    await using repository = await makeRepository();
    await repository.run(["branch", "-m", "main", "develop"]);
    const origin = join(repository.root, "origin.git");
    await repository.run(["clone", "-q", "--bare", repository.trunk, origin]);
    await repository.run(["remote", "add", "origin", origin]);
    await repository.run(["fetch", "-q", "origin"]);
    await repository.run(["remote", "set-head", "origin", "-a"]);
    await repository.run(["branch", "main"]);
    const commit = await repository.run(["rev-parse", "origin/develop"]);
    repository.log.length = 0;
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "develop",
      base: "origin/develop",
      commit,
      tracked: true,
    });
    assert.equal(repository.log.length, 0);
  });

  test("is the remote's commit, unless the local branch is strictly ahead of it", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const old = await repository.run(["rev-parse", "HEAD"]);
    const ahead = await repository.commit("ahead");
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "main",
      base: "main",
      commit: ahead,
      tracked: true,
    });
    await repository.run(["reset", "-q", "--hard", old]);
    await repository.run(["update-ref", "refs/remotes/origin/main", ahead]);
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "main",
      base: "origin/main",
      commit: ahead,
      tracked: true,
    });
    await repository.commit("diverged", { other: "x" });
    repository.log.length = 0;
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "main",
      base: "origin/main",
      commit: ahead,
      tracked: true,
    });
    assert.equal(repository.log.length, 1);
  });

  test("without a remote is the default branch, else the one the main checkout is on", async () => {
    await using repository = await makeRepository();
    const commit = await repository.run(["rev-parse", "HEAD"]);
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "main",
      base: "main",
      commit,
      tracked: false,
    });
    await repository.run(["branch", "-m", "main", "größe"]);
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), {
      branch: "größe",
      base: "größe",
      commit,
      tracked: false,
    });
  });

  test("of a repository without a commit has a branch and nothing to start from", async () => {
    await using folder = scratch();
    await plainGit(["init", "-q", "-b", "main"], folder.root);
    assert.deepEqual(await resolveTrunk(new Git(), join(folder.root, ".git"), options), {
      branch: "main",
      base: null,
      commit: null,
      tracked: false,
    });
  });

  test("is the same by git's files and by git, however its refs are kept", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    await repository.run(["branch", "feat/a"]);
    const plain = await resolveTrunk(repository.git, repository.commonDir, options);
    const found = await branchExists(repository.git, repository.commonDir, "feat/a");
    await repository.run(["pack-refs", "--all"]);
    repository.log.length = 0;
    assert.deepEqual(await resolveTrunk(repository.git, repository.commonDir, options), plain);
    assert.deepEqual(await branchExists(repository.git, repository.commonDir, "feat/a"), found);
    assert.equal(repository.log.length, 0);
    // One that stands for another is git's to resolve.
    await repository.run(["symbolic-ref", "refs/heads/feat/a", "refs/heads/main"]);
    assert.deepEqual(await branchExists(repository.git, repository.commonDir, "feat/a"), found);
    assert.equal(repository.log.length, 1);
  });
});

describe("a branch", () => {
  test("is found locally and on every remote, without a process, and not by a part of its name", async () => {
    await using repository = await makeRepository();
    await repository.run(["branch", "feat/a"]);
    await addRemote(repository);
    await addRemote(repository, "fork");
    await repository.run(["branch", "-D", "feat/a", "-q"]);
    const oid = await repository.run(["rev-parse", "HEAD"]);
    repository.log.length = 0;
    const found = await branchExists(repository.git, repository.commonDir, "feat/a");
    assert.deepEqual(found, {
      local: null,
      remotes: [
        { remote: "fork", oid },
        { remote: "origin", oid },
      ],
    });
    assert.equal(repository.log.length, 0);
    assert.deepEqual(await branchExists(repository.git, repository.commonDir, "a"), { local: null, remotes: [] });
    assert.deepEqual(await branchExists(repository.git, repository.commonDir, "feat"), { local: null, remotes: [] });
    assert.equal((await branchExists(repository.git, repository.commonDir, "main")).local, oid);
  });
});

describe("refs read from git's files", () => {
  test("are as they are now, also after git packed or deleted them", async () => {
    await using repository = await makeRepository();
    const oid = await repository.run(["rev-parse", "HEAD"]);
    await repository.run(["branch", "feat/a"]);
    const files = new RefFiles(repository.commonDir);
    assert.equal(files.look("refs/heads/feat/a"), oid);
    assert.equal(files.look("refs/heads/feat"), null);
    assert.equal(files.look("refs/heads/feat/a/b"), null);
    await repository.run(["pack-refs", "--all"]);
    assert.equal(files.look("refs/heads/feat/a"), oid);
    await repository.run(["branch", "-q", "-D", "feat/a"]);
    assert.equal(files.look("refs/heads/feat/a"), null);
    await repository.run(["branch", "feat/b"]);
    await repository.run(["pack-refs", "--all"]);
    assert.equal(files.look("refs/heads/feat/b"), oid);
  });

  test("say when a name certainly stands for nothing, and only then", async () => {
    await using repository = await makeRepository();
    await repository.run(["tag", "v1.0"]);
    await repository.run(["branch", "feat/a"]);
    const isNothing = (name: string): boolean => new RefFiles(repository.commonDir).isNothing(name);
    for (const name of ["origin/main", "feat/b", "v2.0", "FETCH_HEAD", "trunk"]) {
      assert.equal(isNothing(name), true, name);
      await assert.rejects(repository.run(["rev-parse", "--verify", "--quiet", name]), name);
    }
    const head = await repository.run(["rev-parse", "--short", "HEAD"]);
    for (const name of ["main", "heads/main", "refs/heads/main", "feat/a", "v1.0", "tags/v1.0", "HEAD"])
      assert.equal(isNothing(name), false, name);
    for (const name of [
      head,
      `v1.0-0-g${head}`,
      "main~1",
      "main@{0}",
      "@",
      ":/first",
      "main..feat/a",
      "beef",
      "-x",
      "",
    ])
      assert.equal(isNothing(name), false, name);
    await repository.run(["pack-refs", "--all"]);
    assert.equal(isNothing("feat/a"), false);
    await addRemote(repository);
    assert.equal(isNothing("origin/main"), false);
    assert.equal(isNothing("origin"), false); // its HEAD
  });

  test("name the remotes, from files and packed", async () => {
    await using repository = await makeRepository();
    assert.deepEqual(new RefFiles(repository.commonDir).remotes(), []);
    await addRemote(repository);
    await repository.run(["pack-refs", "--all"]);
    await rm(join(repository.commonDir, "refs", "remotes"), { recursive: true });
    assert.deepEqual(new RefFiles(repository.commonDir).remotes(), ["origin"]);
  });

  test("are git's question where they are broken, or the repository is somebody else's", async () => {
    await using repository = await makeRepository();
    await writeFile(join(repository.commonDir, "refs", "heads", "broken"), "not a commit\n");
    const files = new RefFiles(repository.commonDir);
    assert.equal(files.look("refs/heads/broken"), undefined);
    assert.equal(files.look("refs/heads/../../config"), undefined);
    if (process.geteuid?.() !== 0) return; // only root can give a folder away
    await chown(repository.commonDir, 65_534, 65_534);
    assert.equal(new RefFiles(repository.commonDir).look("refs/heads/main"), undefined);
    assert.equal(new RefFiles(repository.commonDir).remotes(), undefined);
  });
});
