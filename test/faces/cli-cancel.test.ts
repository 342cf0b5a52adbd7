import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeScene, type Scene } from "../support/workspace.ts";

const main = path.resolve(import.meta.dirname, "../../server/src/faces/cli/main.ts");

describe("who press Ctrl+C while a worktree is made", () => {
  let scene: Scene;
  let started: string;
  let release: string;
  beforeEach(() => {
    scene = makeScene();
    started = path.join(scene.root, "started");
    release = path.join(scene.root, "release");
  });
  afterEach(() => {
    writeFileSync(release, "");
    scene.remove();
  });

  /** A post-checkout hook that waits until it is released, or asked to end. */
  const slowHook = (): void => {
    const hook = path.join(scene.trunk, ".git/hooks/post-checkout");
    mkdirSync(path.dirname(hook), { recursive: true });
    const wait = `while [ -d '${scene.root}' ] && [ ! -e '${release}' ]; do sleep 0.05; done`;
    writeFileSync(hook, `#!/bin/sh\n: >'${started}'\n${wait}\n`);
    chmodSync(hook, 0o755);
  };
  /** A git that, from the first `worktree add` on, neither works nor ends before it is released. Answers its folder. */
  const stubbornGit = (): string => {
    const folder = path.join(scene.root, "stubborn");
    mkdirSync(folder);
    const wait = `while [ -d '${scene.root}' ] && [ ! -e '${release}' ]; do sleep 0.05; done`;
    const lines = [
      "#!/bin/sh",
      `case "$*" in *"worktree add"*) adds=1; : >'${started}' ;; esac`,
      `if [ -e '${started}' ]; then trap '' TERM INT; ${wait}; fi`,
      '[ -z "$adds" ] || exit 1',
      'PATH=${PATH#*:} exec git "$@"',
    ];
    writeFileSync(path.join(folder, "git"), `${lines.join("\n")}\n`);
    chmodSync(path.join(folder, "git"), 0o755);
    return folder;
  };
  const run = (...args: string[]) => start(scene.env, ...args);
  const start = (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: scene.trunk,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    /** Waits for it, but not for a program that ended before. */
    const until = async (there: () => boolean): Promise<void> => {
      let over = false;
      void ended.then(() => (over = true));
      for (; !there(); await delay(10)) assert.ok(!over, `it ended before: ${said.out}${said.err}`);
    };
    return { child, said, ended, until };
  };
  const names = async (): Promise<readonly string[]> => {
    const { said, ended } = run("list", "--no-status", "--json");
    assert.equal(await ended, 0, said.err);
    const { worktrees } = JSON.parse(said.out) as { readonly worktrees: readonly { readonly name: string }[] };
    return worktrees.map(({ name }) => name);
  };

  test("are told that it was taken back, and it was", { timeout: 120_000 }, async () => {
    slowHook();
    const { child, said, ended, until } = run("feat", "slow");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    assert.match(said.err, /note: Cancelled\. feat-slow was not made; what was begun has been taken back\.\n$/u);
    assert.equal(said.out, "");
    assert.ok(!existsSync(path.join(scene.container, "feat-slow")));
    assert.throws(() => scene.git(scene.trunk, "rev-parse", "--verify", "-q", "refs/heads/feat/slow"));
  });

  test("get the same as JSON where they asked for it", { timeout: 120_000 }, async () => {
    slowHook();
    const { child, said, ended, until } = run("feat", "slow", "--json");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    const { error } = JSON.parse(said.out) as { readonly error: { readonly code: string; readonly hint: string } };
    assert.equal(error.code, "operation/cancelled");
    assert.match(error.hint, /feat-slow was not made/u);
    assert.equal(said.err, "");
  });

  test("need not wait: the second one ends at once, and the next command cleans up", { timeout: 120_000 }, async () => {
    const env = { ...scene.env, PATH: `${stubbornGit()}${path.delimiter}${scene.env["PATH"] ?? ""}` };
    const { child, said, ended, until } = start(env, "feat", "slow");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    await until(() => said.err.includes("Ctrl+C again ends at once"));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    assert.match(said.err, /Ended at once\./u);
    assert.doesNotMatch(said.err, /Cancelled\. feat-slow/u);
    writeFileSync(release, "");
    const deadline = Date.now() + 60_000;
    while ((await names()).includes("feat-slow")) assert.ok(Date.now() < deadline, "it was never taken back");
    assert.ok(!existsSync(path.join(scene.container, "feat-slow")));
  });
});
