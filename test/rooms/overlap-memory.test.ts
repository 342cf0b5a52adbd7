import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { isolateGit } from "../support/git.ts";
import { put, workIn } from "../support/overlap.ts";
import { randomFrom, seeded } from "../support/random.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

/** IMI_TEST_ROUNDS=200 for many more; IMI_TEST_SEED repeats one that failed. */
const { seed, rounds } = seeded(12);

const names = ["a.txt", "b.txt", "d/c.txt", "d/e/f.txt", "g"];
const text = (name: string): string => Array.from({ length: 20 }, (_, index) => `${name} ${index + 1}\n`).join("");

/** The folders in which overlaps of this process are worked out. */
const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`imi-overlap-${process.pid}-`));

describe("the overlaps of a server, which remembers", () => {
  let scene: Scene;
  let server: Caller;
  const paths: string[] = [];
  before(async () => {
    isolateGit();
    scene = makeScene();
    put(scene.trunk, Object.fromEntries(names.map((name) => [name, text(name)])));
    scene.git(scene.trunk, "add", "-A");
    scene.git(scene.trunk, "commit", "-q", "-m", "files");
    scene.git(scene.trunk, "push", "-q");
    server = await Caller.in(scene, scene.trunk, "server");
    await server.call("repository.open", {});
    for (const name of ["one", "two", "three", "four"])
      paths.push((await server.call("worktree.create", { type: "feat", name })).worktree.path);
  });
  after(async () => {
    await server.workspace.close();
    scene.remove();
  });

  /** As a process that remembers nothing has it. */
  const afresh = async (): Promise<ResultOf<"overlap.list">> => {
    await using caller = await Caller.in(scene);
    return await caller.call("overlap.list", { hunks: true });
  };
  const remembered = async (): Promise<ResultOf<"overlap.list">> => {
    await server.call("worktree.list", {}); // live status learns of what happened
    return server.call("overlap.list", { hunks: true });
  };

  it(`are those that are found afresh, whatever is done in between (${rounds} rounds, seed ${seed})`, async () => {
    let shared = 0;
    for (let round = 0; round < rounds; round += 1) {
      const random = randomFrom(seed + round);
      const path = paths[Math.floor(random() * paths.length)] ?? "";
      workIn(scene, path, random, `who-${round}`);
      const fresh = await afresh();
      assert.deepEqual(await remembered(), fresh, `round ${round}`);
      assert.deepEqual(await remembered(), fresh, `round ${round}, asked again`);
      shared += fresh.overlaps.length;
    }
    assert.ok(shared > 0, "no two worktrees ever changed the same file, so nothing was shown");
  });

  it("follow a trunk that moved on, and the side that a merge under way comes from", async () => {
    const [one = ""] = paths;
    // Whatever the rounds above did: without a commit of its own there is nothing to merge.
    put(one, { "of-its-own.txt": "one\n" });
    scene.git(one, "add", "of-its-own.txt");
    scene.git(one, "commit", "-q", "-m", "one");
    await remembered();
    scene.git(scene.trunk, "merge", "-q", "--no-commit", "--no-ff", "feat/one", "-s", "ours");
    assert.deepEqual(await remembered(), await afresh());
    scene.git(scene.trunk, "merge", "--abort");
    put(scene.trunk, { "a.txt": "the trunk's own\n" });
    scene.git(scene.trunk, "commit", "-q", "-am", "on");
    scene.git(scene.trunk, "push", "-q");
    assert.deepEqual(await remembered(), await afresh());
  });

  it("are found again from nothing where what was written for them is gone", async () => {
    await remembered();
    const [folder = ""] = folders();
    rmSync(join(tmpdir(), folder), { recursive: true });
    assert.deepEqual(await remembered(), await afresh());
  });

  it("leave nothing behind when the server ends", async () => {
    await remembered();
    assert.equal(folders().length, 1);
    await server.workspace.close();
    assert.deepEqual(folders(), []);
  });
});
