import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CreateResult } from "../../protocol/worktrees.ts";
import { assertAgreement, listed } from "../support/agreement.ts";
import { ask, startImi, told } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { randomFrom, seeded } from "../support/random.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const files = 2_000;
const { seed, rounds } = seeded(30);

/** Kills that one process after so long, as a crash would: what it started lives on. */
const killAfter = async (place: Place, ms: number, ...args: string[]): Promise<"killed" | "ended"> => {
  const { child, ended } = startImi(place, ...args);
  await Promise.race([delay(ms, undefined, { ref: false }), ended]);
  child.kill("SIGKILL");
  return (await ended).signal === "SIGKILL" ? "killed" : "ended";
};

const took = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

describe("a command line killed by SIGKILL", () => {
  let scene: Scene;
  let place: Place;
  before(async () => {
    // In memory where that can be had: thousands of files are checked out and deleted again and again.
    scene = makeScene({ files, ...(existsSync("/dev/shm") ? { under: "/dev/shm" } : {}) });
    place = { cwd: scene.trunk, env: scene.env };
    await told(place, "list", "--no-status");
  });
  after(() => scene.remove());

  /** Somebody who did not notice that it crashed commits in what is there, as soon as git lets them; null when it does not. */
  const commitIn = async (path: string, withinMs: number): Promise<string | null> => {
    for (const deadline = performance.now() + withinMs; existsSync(join(path, ".git")); await delay(20)) {
      try {
        writeFileSync(join(path, "work.txt"), `${performance.now()}\n`);
        scene.git(path, "add", "work.txt");
        scene.git(path, "commit", "-q", "-m", "work");
        return scene.git(path, "rev-parse", "HEAD").trim();
      } catch {
        if (performance.now() > deadline) return null;
      }
    }
    return null;
  };
  const isKept = (commit: string): boolean => scene.git(scene.trunk, "branch", "--contains", commit).trim() !== "";

  it(`while it creates: a list or a retry brings everything back, and no commit is lost (seed ${seed})`, async (test) => {
    const random = randomFrom(seed);
    const whole = await took(() => told(place, "feat", "measured"));
    let killed = 0;
    let saved = 0;
    for (let round = 0; round < rounds; round += 1) {
      const name = `round-${round}`;
      const path = join(scene.container, `feat-${name}`);
      const at = random() * whole * 1.1;
      const what = `round ${round} of seed ${seed}, killed after ${Math.round(at)} of ${Math.round(whole)} ms`;
      if ((await killAfter(place, at, "feat", name)) === "killed") killed += 1;
      const commit = round % 3 === 0 ? await commitIn(path, 2_000) : null;
      // The commit's own index.lock can make git give up the checkout and delete it; the file written meanwhile is
      // somebody's then, and rightly left. What is tested here goes on without it.
      if (commit === null && existsSync(path) && readdirSync(path).join() === "work.txt")
        rmSync(path, { recursive: true });
      try {
        if (round % 2 === 0) await assertAgreement(scene, commit === null ? [] : [`feat/${name}`], "connected");
        if (commit !== null) assert.ok(isKept(commit), "the commit was lost");
        const { worktree } = await told<CreateResult>(place, "feat", name);
        assert.equal(worktree.state, "ready");
        assert.equal(worktree.path, path);
        if (round % 2 === 1) await assertAgreement(scene, [], "connected");
        if (commit !== null) {
          saved += 1;
          assert.equal(worktree.head, commit);
          assert.ok(existsSync(join(path, "work.txt")));
        }
        assert.equal(scene.git(path, "status", "--porcelain"), "", "the checkout is whole");
        // A commit made before git had filled the index holds what whoever made it saw: perhaps one file. On a busy machine
        // git may have made it and still have said that it failed, because it could not write the index afterwards.
        const committed = commit !== null || worktree.head !== scene.git(scene.trunk, "rev-parse", "HEAD").trim();
        assert.ok(committed || readdirSync(path).length >= files);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
      scene.git(scene.trunk, "worktree", "remove", path);
      scene.git(scene.trunk, "branch", "-D", `feat/${name}`);
    }
    await assertAgreement(scene);
    test.diagnostic(
      `seed ${seed}: ${rounds} rounds, ${killed} killed in time, ${saved} with a commit in a half-made worktree`,
    );
  });

  it(`while it removes: it ends as removed or as it was, and committed work is kept (seed ${seed})`, async (test) => {
    const random = randomFrom(seed + 1);
    const again = Math.ceil((rounds * 2) / 3);
    const ends = { killed: 0, gone: 0, kept: 0 };
    const branches: string[] = [];
    let name = "before";
    await told(place, "feat", name);
    let whole = 300;
    for (let round = 0; round < again; round += 1) {
      const path = join(scene.container, `feat-${name}`);
      const commit = await commitIn(path, 0);
      assert.ok(commit !== null);
      branches.push(`feat/${name}`);
      const at = random() * whole * 1.1;
      const what = `round ${round} of seed ${seed}, killed after ${Math.round(at)} of ${Math.round(whole)} ms`;
      const started = performance.now();
      if ((await killAfter(place, round === 0 ? 60_000 : at, "remove", `feat-${name}`)) === "killed") ends.killed += 1;
      if (round === 0) whole = performance.now() - started;
      try {
        const rows = await assertAgreement(scene, branches, "connected");
        const row = rows.find((candidate) => candidate.path === path);
        ends[row === undefined ? "gone" : "kept"] += 1;
        if (row !== undefined) assert.equal(scene.git(path, "status", "--porcelain"), "", "what is kept is whole");
        assert.ok(isKept(commit));
        if (row !== undefined) continue;
        if (round % 4 !== 0) name = `after-${round}`;
        const { worktree } = await told<CreateResult>(place, "feat", name);
        if (round % 4 === 0) assert.equal(worktree.head, commit, "the branch was found again");
      } catch (error) {
        throw new Error(what, { cause: error });
      }
    }
    await assertAgreement(scene, branches);
    test.diagnostic(
      `seed ${seed}: ${again} rounds, ${ends.killed} killed in time, ${ends.gone} removed, ${ends.kept} kept whole`,
    );
  });
});

describe("a command line that dies at one certain point", () => {
  let scene: Scene;
  let place: Place;
  let path: string;
  beforeEach(async () => {
    scene = makeScene();
    place = { cwd: scene.trunk, env: scene.env };
    path = join(scene.container, "feat-x");
    await told(place, "list", "--no-status");
  });
  afterEach(() => scene.remove());

  /** The real git, but at `command` it does this instead and takes the `imi` that called it with it. */
  const dyingAt = (command: string, instead: string): Place => {
    const bin = join(scene.root, "bin");
    mkdirSync(bin, { recursive: true });
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    writeFileSync(
      join(bin, "git"),
      `#!/bin/sh\ncase " $* " in *" ${command} "*) ${instead}\nkill -9 $PPID; exit 1;; esac\nexec ${real} "$@"\n`,
    );
    chmodSync(join(bin, "git"), 0o755);
    return { ...place, env: { ...scene.env, PATH: `${bin}:${scene.env["PATH"] ?? ""}` } };
  };
  const dies = async (at: Place, ...args: string[]): Promise<void> => {
    assert.equal((await startImi(at, ...args).ended).signal, "SIGKILL");
  };

  it("before git has made anything, and a link stands there by now: the others are listed, and nothing goes through it", async () => {
    await told(place, "feat", "other");
    await dies(dyingAt("worktree add", ":"), "feat", "x");
    const victim = join(scene.root, "victim");
    mkdirSync(victim);
    writeFileSync(join(victim, "precious.txt"), "p\n");
    rmSync(path, { recursive: true, force: true });
    symlinkSync(victim, path);
    assert.deepEqual(
      (await listed(scene)).map(({ name, state }) => [name, state]),
      [
        ["trunk-main", "ready"],
        ["feat-other", "ready"],
        ["feat-x", "creating"],
      ],
    );
    assert.equal((await ask(place, "feat", "x")).error?.code, "path/unsafe");
    assert.ok(existsSync(join(victim, "precious.txt")));
    rmSync(path);
    assert.equal((await told<CreateResult>(place, "feat", "x")).created, true);
    await assertAgreement(scene);
  });

  it("while a folder of a clone that is no more lies there: that folder is not taken for a half-made one", async () => {
    await told(place, "feat", "x");
    writeFileSync(join(path, "work.txt"), "work\n");
    rmSync(scene.trunk, { recursive: true });
    scene.git(scene.root, "clone", "-q", scene.remote, scene.trunk);
    await ask(dyingAt("worktree add", ":"), "feat", "x");
    await listed(scene);
    assert.equal((await ask(place, "feat", "x")).error?.code, "path/taken");
    assert.equal(readFileSync(join(path, "work.txt"), "utf8"), "work\n");
  });
});
