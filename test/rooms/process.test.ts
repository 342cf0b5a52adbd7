import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess, isAlive, processesWith, redact, run, startTimeOf } from "../../server/src/process/index.ts";
import { scratch } from "../support/git.ts";

const cwd = process.cwd();
const node = (script: string, ...args: string[]): readonly [string, string[]] => [
  process.execPath,
  ["-e", script, "--", ...args],
];

/** Until it holds, or five seconds are over. */
const until = async (holds: () => Promise<boolean>): Promise<boolean> => {
  for (const deadline = performance.now() + 5_000; performance.now() < deadline; await delay(10))
    if (await holds()) return true;
  return false;
};
const pidIn = async (file: string): Promise<number> => {
  assert.ok(
    await until(() =>
      readFile(file, "utf8").then(
        (text) => text.endsWith("\n"),
        () => false,
      ),
    ),
    `${file} was not written`,
  );
  return Number(await readFile(file, "utf8"));
};

describe("running a program", () => {
  test("gives its arguments to it as they are, without a shell", async () => {
    const args = ["$(id)", "`id`", "; id", "a b", "'", '"', "\n", "*", ""];
    const result = await run(...node("process.stdout.write(JSON.stringify(process.argv.slice(1)))", ...args), { cwd });
    assert.deepEqual(JSON.parse(result.stdout), args);
    assert.equal(result.ending, "exited");
    assert.equal(result.exitCode, 0);
  });

  test("answers with the exit code and both outputs, and rejects only when there is no such program", async () => {
    const result = await run("sh", ["-c", "echo out; echo err >&2; exit 7"], { cwd });
    assert.deepEqual(result, { ending: "exited", exitCode: 7, stdout: "out\n", stderr: "err\n" });
    await assert.rejects(run("no-such-program-at-all", [], { cwd }), { code: "ENOENT" });
  });

  test("closes stdin where nothing is given to it, and writes what is", async () => {
    assert.equal((await run("cat", [], { cwd, timeoutMs: 5_000 })).ending, "exited");
    assert.equal((await run("cat", [], { cwd, input: "größe" })).stdout, "größe");
    assert.equal((await run("true", [], { cwd, input: "x".repeat(1_000_000) })).exitCode, 0);
  });

  test("keeps characters whole that arrive in pieces, and splits progress at \\r and \\n", async () => {
    const lines: string[] = [];
    const script =
      "const b=Buffer.from('10%\\rgrö');process.stderr.write(b.subarray(0,7));setTimeout(()=>process.stderr.write(Buffer.concat([b.subarray(7),Buffer.from('ße\\nend')])),50)";
    const { stderr } = await run(...node(script), { cwd, onStderrLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ["10%", "größe", "end"]);
    assert.equal(stderr, "10%\rgröße\nend");
  });

  test("ends it, and everything it started, at the timeout", async () => {
    await using folder = scratch();
    const file = join(folder.root, "pid");
    const started = performance.now();
    const running = run("sh", ["-c", `sleep 60 & echo $! > ${file}; wait`], { cwd, timeoutMs: 300 });
    const grandchild = await pidIn(file);
    assert.equal((await running).ending, "timeout");
    assert.ok(performance.now() - started < 2_000);
    assert.ok(await until(async () => !(await isAlive(grandchild, null))));
  });

  test("kills it when it does not want to end, also what it started in the same group", async () => {
    await using folder = scratch();
    const file = join(folder.root, "pid");
    const abort = new AbortController();
    const running = run(
      "sh",
      [
        "-c",
        `trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & echo $! > ${file}; while :; do sleep 0.05; done`,
      ],
      {
        cwd,
        signal: abort.signal,
        graceMs: 100,
      },
    );
    const grandchild = await pidIn(file);
    abort.abort();
    assert.equal((await running).ending, "cancelled");
    assert.ok(await until(async () => !(await isAlive(grandchild, null))));
  });

  test("does not start it at all when it was cancelled before", async () => {
    assert.equal((await run("no-such-program", [], { cwd, signal: AbortSignal.abort() })).ending, "cancelled");
  });

  test("stops one that writes without end", async () => {
    const result = await run("yes", [], { cwd, maxBytes: 100_000 });
    assert.equal(result.ending, "overflow");
    assert.ok(result.stdout.length <= 100_000);
  });

  test("does not wait for a daemon that keeps the pipes open", async () => {
    await using folder = scratch();
    const file = join(folder.root, "pid");
    const started = performance.now();
    const result = await run("sh", ["-c", `sleep 20 & echo $! > ${file}; echo done`], { cwd });
    assert.equal(result.stdout, "done\n");
    assert.equal(result.ending, "exited");
    assert.ok(performance.now() - started < 2_000);
    const daemon = await pidIn(file);
    assert.ok(await isAlive(daemon, null), "a daemon of a program that ended by itself is none of our business");
    process.kill(daemon, "SIGKILL");
  });

  test("reads all of a large output", async () => {
    const { stdout } = await run(...node("process.stdout.write('x'.repeat(5_000_000))"), { cwd });
    assert.equal(stdout.length, 5_000_000);
  });

  test("says when somebody else killed it", async () => {
    assert.equal((await run("sh", ["-c", "kill -9 $$"], { cwd })).ending, "signalled");
  });
});

describe("processes of others", () => {
  test("are alive until they end, and a later one with the same number is another", async () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(child, "spawn");
    const pid = child.pid ?? assert.fail();
    const startTime = await startTimeOf(pid);
    assert.ok(startTime !== null);
    assert.equal(await isAlive(pid, startTime), true);
    assert.equal(await isAlive(pid, null), true);
    assert.equal(await isAlive(pid, "1"), false);
    assert.equal(await endProcess(pid, { startTime: "1" }), true);
    assert.equal(await isAlive(pid, startTime), true, "it was not the one that was meant");
    assert.equal(await endProcess(pid), true);
    assert.equal(await isAlive(pid, startTime), false);
    assert.equal(await startTimeOf(pid), null);
    assert.equal(await endProcess(pid), true, "ending one that is gone is no failure");
  });

  test("are found by an exact argument, whatever characters it holds", async () => {
    await using folder = scratch();
    const argument = join(folder.root, "feat a\n(b) größe");
    // A shell that waits without another program: one that starts it is there twice for a moment, by fork.
    const children = [["worktree", argument], [`${argument}-more`]].map((args) =>
      spawn("sh", ["-c", "read -r _", ...args], { stdio: ["pipe", "ignore", "ignore"], detached: true }),
    );
    await Promise.all(children.map((child) => once(child, "spawn")));
    try {
      assert.deepEqual(await processesWith(argument), [children[0]?.pid]);
      assert.deepEqual(await processesWith(argument, { alongside: ["worktree"] }), [children[0]?.pid]);
      assert.deepEqual(await processesWith(argument, { alongside: ["add"] }), []);
      assert.deepEqual(await processesWith(folder.root), []);
    } finally {
      for (const child of children) await endProcess(child.pid ?? assert.fail());
    }
    assert.deepEqual(await processesWith(argument), []);
  });

  test("that lead a group take it with them", async () => {
    await using folder = scratch();
    const file = join(folder.root, "pid");
    const child = spawn("sh", ["-c", `sleep 60 & echo $! > ${file}; wait`], { detached: true, stdio: "ignore" });
    const grandchild = await pidIn(file);
    assert.equal(await endProcess(child.pid ?? assert.fail()), true);
    assert.ok(await until(async () => !(await isAlive(grandchild, null))));
  });

  test("are never this one, nor all of them", async () => {
    for (const pid of [0, 1, -1, process.pid, Number.NaN, 1.5]) assert.equal(await endProcess(pid), false);
    assert.equal(await isAlive(0, null), false);
    assert.equal(await isAlive(process.pid, await startTimeOf(process.pid)), true);
  });
});

describe("secrets", () => {
  const secret = "s3cr3tV4lue0123456789";
  for (const text of [
    `fatal: unable to access 'https://jane:${secret}@example.com/x.git/': 403`,
    `https://${secret}@example.com/x.git`,
    `ssh://git:${secret}@host:22/x`,
    `redis://:${secret}@localhost:6379`,
    `amqp://guest:${secret}@localhost`,
    `Authorization: Bearer ${secret}`,
    `authorization: basic ${secret}==`,
    `-c http.extraheader=AUTHORIZATION: basic ${secret}`,
    `{"Authorization":"token ${secret}"}`,
    `password=${secret}`,
    `PGPASSWORD=${secret}`.replace("PGPASSWORD", "pg_password"),
    `access_token: ${secret}&x=1`,
    `GITHUB_TOKEN=${secret}`,
    `"api_key": "${secret}"`,
    `client-secret='${secret}'`,
    `ghp_${secret}`,
    `github_pat_${secret}`,
    `glpat-${secret}`,
    `xoxb-${secret}`,
    `sk-proj-${secret}`,
    `AKIAIOSFODNN7EXAMPLE ${"AKIAIOSFODNN7EXAMPLE"}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${secret}`,
    `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----`,
  ]) {
    test(`are taken out of ${JSON.stringify(text.slice(0, 40))}`, () => {
      const clean = redact(text);
      assert.ok(!clean.includes(secret) && !clean.includes("AKIAIOSFODNN7EXAMPLE"), clean);
    });
  }

  test("leave the rest readable", () => {
    assert.equal(
      redact("fatal: unable to access 'https://jane:pw@example.com/x.git/': 403"),
      "fatal: unable to access 'https://***@example.com/x.git/': 403",
    );
    for (const text of [
      "git@github.com:jane/x.git",
      "https://example.com/a@b",
      "feat/token-refresh",
      "author: jane@example.com",
    ]) {
      assert.equal(redact(text), text);
    }
  });

  test("are found in a long line in linear time", () => {
    const started = performance.now();
    redact(`${"a_".repeat(20_000)} ${"x://".repeat(5_000)} ${"token".repeat(10_000)} ${"eyJ".repeat(10_000)}`);
    assert.ok(performance.now() - started < 500, `${performance.now() - started} ms`);
  });
});
