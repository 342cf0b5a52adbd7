import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

let scene: Scene;
let imi: Caller;
beforeEach(async () => {
  scene = makeScene();
  imi = await Caller.in(scene);
});
afterEach(async () => {
  await imi[Symbol.asyncDispose]();
  scene.remove();
});

const removed = async (): Promise<string> => {
  const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
  writeFileSync(join(worktree.path, "large.txt"), "x".repeat(100_000));
  const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
  assert.equal(trash?.bytes, null, "it was measured before, and this test shows nothing");
  return trash?.place ?? assert.fail("it was not removed");
};

describe("emptying the trash", () => {
  it("says how much was freed of what nobody measured before, and which refs hold the work still", async () => {
    const place = await removed();
    const dry = await imi.call("trash.empty", { dryRun: true });
    const { emptied, bytes } = await imi.call("trash.empty", { yes: true });
    assert.ok(bytes > 100_000 && emptied[0]?.bytes === bytes, `${bytes} bytes`);
    assert.equal(dry.bytes, bytes);
    assert.ok(!existsSync(place));
    const { salvaged } = emptied[0] ?? assert.fail("nothing was emptied");
    assert.equal(dry.emptied[0]?.salvaged, salvaged);
    assert.equal(scene.git(scene.trunk, "show", `${salvaged}/worktree:large.txt`).length, 100_000);
  });

  it("takes along what was removed while the clock was ahead", async () => {
    mock.timers.enable({ apis: ["Date"], now: Date.now() + 400 * 24 * 60 * 60 * 1000 });
    try {
      await removed();
    } finally {
      mock.timers.reset();
    }
    const { emptied } = await imi.call("trash.empty", { yes: true });
    assert.deepEqual(
      emptied.map(({ name }) => name),
      ["feat-x"],
    );
  });

  it("names the salvage that was made just before, where the one of the removal did not hold all of it", async () => {
    const place = await removed();
    writeFileSync(join(place, "tree/late.txt"), "written into the trash\n");
    const [before] = (await imi.call("trash.list", {})).entries;
    const { emptied } = await imi.call("trash.empty", { yes: true });
    const salvaged = emptied[0]?.salvaged ?? assert.fail("no refs were named");
    assert.notEqual(salvaged, before?.salvaged);
    assert.equal(scene.git(scene.trunk, "show", `${salvaged}/worktree:late.txt`), "written into the trash\n");
  });
});
