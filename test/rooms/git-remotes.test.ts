import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { Git, checkRemote, clone, fetchRef } from "../../server/src/git/index.ts";
import { isAlive } from "../../server/src/process/index.ts";
import { addRemote, isolateGit, makeRepository, plainGit, scratch } from "../support/git.ts";

isolateGit();
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

describe("fetching", () => {
  test("brings the refs that were asked for, and neither tags nor FETCH_HEAD", async () => {
    await using repository = await makeRepository();
    const origin = await addRemote(repository);
    const other = join(repository.root, "other");
    await plainGit(["clone", "-q", origin, other], repository.root);
    const tip = await repository.commit("theirs", { a: "1" }, other);
    await repository.run(["tag", "v1"], other);
    await repository.run(["push", "-q", "--tags", "origin", "main", "main:feat/a"], other);
    await rm(join(repository.commonDir, "FETCH_HEAD"), { force: true });
    const progress: string[] = [];
    await fetchRef(repository.git, repository.commonDir, {
      remote: "origin",
      refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
      onProgress: (line) => progress.push(line),
    });
    assert.equal(await repository.run(["rev-parse", "origin/main"]), tip);
    assert.equal(await repository.run(["tag"]), "");
    assert.equal(await exists(join(repository.commonDir, "FETCH_HEAD")), false);
    await assert.rejects(repository.run(["rev-parse", "--verify", "-q", "origin/feat/a"]));
    assert.ok(progress.length > 0);
    await fetchRef(repository.git, repository.commonDir, {
      remote: origin,
      refspecs: ["refs/heads/feat/a:refs/heads/pr-1"],
    });
    assert.equal(await repository.run(["rev-parse", "pr-1"]), tip);
  });

  test("drops remote branches that are gone when asked to", async () => {
    await using repository = await makeRepository();
    await repository.run(["branch", "old"]);
    const origin = await addRemote(repository);
    await plainGit(["branch", "-q", "-D", "old"], origin);
    const fetched = { remote: "origin", refspecs: ["+refs/heads/*:refs/remotes/origin/*"] };
    await fetchRef(repository.git, repository.commonDir, fetched);
    assert.notEqual(await repository.run(["rev-parse", "origin/old"]), "");
    await fetchRef(repository.git, repository.commonDir, { ...fetched, prune: true });
    await assert.rejects(repository.run(["rev-parse", "--verify", "-q", "origin/old"]));
  });

  test("runs no program that was put where a remote or a ref belongs", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const proof = join(repository.root, "pwned");
    const fetching = (remote: string, refspec: string) =>
      fetchRef(repository.git, repository.commonDir, { remote, refspecs: [refspec] });
    for (const remote of [
      `--upload-pack=touch ${proof};`,
      `-utouch ${proof}`,
      `ext::sh -c "touch ${proof}"`,
      `EXT::sh -c "touch ${proof}"`,
      "fd::3",
      "",
      " origin",
      "ori\ngin",
    ]) {
      await assert.rejects(fetching(remote, "main"), code("usage/invalid"), remote);
    }
    for (const refspec of [
      `--upload-pack=touch ${proof}`,
      "-f",
      "+-f",
      "+--all",
      "a b",
      "a..b",
      "a\nb",
      "@{-1}",
      "",
      "a\0",
    ]) {
      await assert.rejects(fetching("origin", refspec), code("usage/invalid"), refspec);
    }
    // A remote somebody configured to be a command is refused by git, because we tell it to.
    await repository.run(["config", "remote.evil.url", `ext::sh -c "touch ${proof}"`]);
    await repository.run(["config", "protocol.ext.allow", "always"]);
    await assert.rejects(fetching("evil", "main"), code("remote/unreachable"));
    await assert.rejects(fetching(`ssh://-oProxyCommand=touch ${proof}/x`, "main"), (error: unknown) =>
      ImiError.is(error),
    );
    assert.equal(await exists(proof), false);
  });

  test("from where nothing is, or of what is not there, fails with its code", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const fetching = (remote: string, refspec: string) =>
      fetchRef(repository.git, repository.commonDir, { remote, refspecs: [refspec], timeoutMs: 10_000 });
    await assert.rejects(fetching(join(repository.root, "nowhere"), "main"), code("remote/unreachable"));
    await assert.rejects(fetching("http://127.0.0.1:9/x.git", "main"), code("remote/unreachable"));
    await assert.rejects(fetching("upstream", "main"), code("remote/unreachable"));
    await assert.rejects(fetching("origin", "refs/pull/7/head:refs/heads/pr-7"), code("base/unknown"));
  });

  test("that hangs is ended at the timeout with the ssh it started", async () => {
    await using repository = await makeRepository();
    const pidFile = join(repository.root, "pid");
    const ssh = join(repository.root, "ssh");
    await writeFile(ssh, `#!/bin/sh\ntrap '' TERM\necho $$ > '${pidFile}'\nwhile :; do sleep 0.1; done\n`);
    await chmod(ssh, 0o755);
    await repository.run(["config", "core.sshCommand", ssh]);
    const started = performance.now();
    const fetching = fetchRef(repository.git, repository.commonDir, {
      remote: "ssh://host.invalid/x",
      refspecs: ["main"],
      timeoutMs: 500,
    });
    await assert.rejects(fetching, code("git/timeout"));
    assert.ok(performance.now() - started < 7_000);
    await delay(50);
    assert.equal(await isAlive(Number(await readFile(pidFile, "utf8")), null), false);
  });
});

describe("cloning", () => {
  test("makes a checkout, with progress, also into an empty folder and one whose parents are not there", async () => {
    await using repository = await makeRepository({ files: 50 });
    const progress: string[] = [];
    const directory = join(repository.root, "new", "con tainer", "trunk-main");
    await clone(new Git(), { url: repository.trunk, directory, onProgress: (line) => progress.push(line) });
    assert.ok(await exists(join(directory, "src/0/file-0.txt")));
    assert.ok(progress.some((line) => line.includes("Cloning into")));
    await mkdir(join(repository.root, "empty"));
    await clone(new Git(), { url: `file://${repository.trunk}`, directory: join(repository.root, "empty") });
  });

  test("refuses a target that is taken, a link, or relative, and an address that is none", async () => {
    await using repository = await makeRepository();
    const into = (directory: string, url = repository.trunk) => clone(new Git(), { url, directory });
    await mkdir(join(repository.root, "victim"));
    await symlink(join(repository.root, "victim"), join(repository.root, "link"));
    await assert.rejects(into(repository.trunk), code("path/taken"));
    await assert.rejects(into(join(repository.root, "link")), code("path/unsafe"));
    await assert.rejects(into("relative"), code("path/unsafe"));
    for (const url of ["--upload-pack=x", "-c", "ext::sh -c id", "fd::0", "", "a\nb"]) {
      assert.throws(() => checkRemote(url), code("usage/invalid"));
      await assert.rejects(into(join(repository.root, "x"), url), code("usage/invalid"));
    }
    assert.deepEqual(await readdir(join(repository.root, "victim")), []);
    for (const url of [
      "https://example.com/x.git",
      "git@github.com:a/b.git",
      "ssh://git@host:22/x",
      "../x",
      "codecommit::eu://x",
    ])
      checkRemote(url);
  });

  test("from nowhere fails with remote/unreachable, shows no password, and leaves nothing", async () => {
    await using folder = scratch();
    const log: string[] = [];
    const directory = join(folder.root, "x");
    const cloning = clone(new Git({ log: (line) => log.push(line) }), {
      url: "http://jane:hunter2@127.0.0.1:9/x.git",
      directory,
    });
    await assert.rejects(cloning, (error: unknown) => {
      assert.ok(ImiError.is(error, "remote/unreachable"), String(error));
      assert.ok(!`${String(error)} ${String(error.cause)} ${error.hint ?? ""} ${log.join("\n")}`.includes("hunter2"));
      return true;
    });
    assert.equal(await exists(directory), false);
  });

  test("that is cancelled takes away what it had made, and ends the ssh it started", async () => {
    await using folder = scratch();
    const pidFile = join(folder.root, "pid");
    const ssh = join(folder.root, "ssh");
    await writeFile(ssh, `#!/bin/sh\necho $$ > '${pidFile}'\nexec sleep 60\n`);
    await chmod(ssh, 0o755);
    process.env["GIT_SSH_COMMAND"] = ssh;
    try {
      const abort = new AbortController();
      const directory = join(folder.root, "x");
      const cloning = clone(new Git(), { url: "ssh://host.invalid/x", directory, signal: abort.signal });
      while (!(await exists(pidFile)) || (await readFile(pidFile, "utf8")) === "") await delay(5);
      assert.equal(await exists(directory), true);
      abort.abort();
      await assert.rejects(cloning, code("operation/cancelled"));
      assert.equal(await exists(directory), false);
      assert.equal(await isAlive(Number(await readFile(pidFile, "utf8")), null), false);
    } finally {
      delete process.env["GIT_SSH_COMMAND"];
    }
  });
});
