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

  /** A post-checkout hook that waits until it is released; `stubborn` does not end when it is asked to. */
  const slowHook = (manner: "polite" | "stubborn"): void => {
    const hook = path.join(scene.trunk, ".git/hooks/post-checkout");
    mkdirSync(path.dirname(hook), { recursive: true });
    const trap = manner === "stubborn" ? "trap '' TERM INT\n" : "";
    const wait = `while [ -d '${scene.root}' ] && [ ! -e '${release}' ]; do sleep 0.05; done`;
    writeFileSync(hook, `#!/bin/sh\n${trap}: >'${started}'\n${wait}\n`);
    chmodSync(hook, 0o755);
  };
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: scene.trunk,
      env: scene.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    // Not `close`: what a killed git leaves running may hold the pipes.
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { child, said, ended };
  };
  const until = async (there: () => boolean): Promise<void> => {
    while (!there()) await delay(10);
  };
  const names = async (): Promise<readonly string[]> => {
    const { said, ended } = run("list", "--no-status", "--json");
    assert.equal(await ended, 0, said.err);
    const { worktrees } = JSON.parse(said.out) as { readonly worktrees: readonly { readonly name: string }[] };
    return worktrees.map(({ name }) => name);
  };

  test("are told that it was taken back, and it was", { timeout: 120_000 }, async () => {
    slowHook("polite");
    const { child, said, ended } = run("feat", "slow");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    assert.match(said.err, /note: Cancelled\. feat-slow was not made; what was begun has been taken back\.\n$/u);
    assert.equal(said.out, "");
    assert.ok(!existsSync(path.join(scene.container, "feat-slow")));
    assert.throws(() => scene.git(scene.trunk, "rev-parse", "--verify", "-q", "refs/heads/feat/slow"));
  });

  test("get the same as JSON where they asked for it", { timeout: 120_000 }, async () => {
    slowHook("polite");
    const { child, said, ended } = run("feat", "slow", "--json");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    const { error } = JSON.parse(said.out) as { readonly error: { readonly code: string; readonly hint: string } };
    assert.equal(error.code, "operation/cancelled");
    assert.match(error.hint, /feat-slow was not made/u);
    assert.equal(said.err, "");
  });

  test("need not wait: the second one ends at once, and the next command cleans up", { timeout: 120_000 }, async () => {
    slowHook("stubborn");
    const { child, said, ended } = run("feat", "slow");
    await until(() => existsSync(started));
    child.kill("SIGINT");
    await until(() => said.err.includes("Ctrl+C again ends at once"));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    await until(() => said.err.includes("Ended at once."));
    assert.doesNotMatch(said.err, /Cancelled\. feat-slow/u);
    writeFileSync(release, "");
    const deadline = Date.now() + 60_000;
    while ((await names()).includes("feat-slow")) assert.ok(Date.now() < deadline, "it was never taken back");
    assert.ok(!existsSync(path.join(scene.container, "feat-slow")));
  });
});
