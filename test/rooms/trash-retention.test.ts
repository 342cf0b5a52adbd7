import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Repository } from "../../protocol/repositories.ts";
import { Git } from "../../server/src/git/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/index.ts";
import type { Tools } from "../../server/src/worktrees/index.ts";
import { emptyOverdue } from "../../server/src/worktrees/trash/retention.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const dayMs = 24 * 60 * 60 * 1000;

let scene: Scene;
let imi: Caller;
let store: Store;
let repository: Repository;
let removedAt: number;
let keepDays: number;
beforeEach(async () => {
  scene = makeScene();
  imi = await Caller.in(scene);
  keepDays = 30;
  await imi.call("worktree.create", { type: "feat", name: "x" });
  const { trash } = await imi.call("worktree.remove", { name: "feat-x" });
  removedAt = Date.parse(trash?.removedAt ?? "");
  store = await openStore({ path: join(scene.env["XDG_DATA_HOME"] ?? "", "imi/worktrees.db"), role: "server" });
  repository = (await store.repositories.byGitDir(join(scene.trunk, ".git"))) ?? assert.fail("it is not registered");
});
afterEach(async () => {
  mock.timers.reset();
  store.close();
  await imi[Symbol.asyncDispose]();
  scene.remove();
});

/** What a window does that is open so many days after the removal, by the clock; whether it is in the trash after that. */
const openAfter = async (days: number): Promise<boolean> => {
  mock.timers.enable({ apis: ["Date"], now: removedAt + days * dayMs });
  try {
    const call = { signal: new AbortController().signal, progress: () => undefined };
    // What is not named here this does not ask for.
    const tools = { git: new Git(), store, settings: () => ({ trashKeepDays: keepDays }), log: () => undefined };
    await emptyOverdue(tools as unknown as Tools, repository, call);
  } finally {
    mock.timers.reset();
  }
  return (await store.trash.of(repository.id)).length === 1;
};

describe("what is in the trash for longer than it is kept", () => {
  it("goes where windows were open on seven days meanwhile", async () => {
    for (const day of [0, 1, 2, 5, 8, 20]) assert.ok(await openAfter(day), `it is gone on day ${day}`);
    assert.ok(await openAfter(29.9));
    assert.equal(await openAfter(30.1), false);
  });

  it("stays when the clock jumped ahead, also where that lasts for some days, and goes on being kept when it is put right", async () => {
    assert.ok(await openAfter(0));
    for (const day of [400, 400.2, 401, 402, 403, 404]) assert.ok(await openAfter(day), `it is gone on day ${day}`);
    assert.ok(await openAfter(1));
    assert.equal(await openAfter(31), false);
  });

  it("needs no more days than it is kept for", async () => {
    keepDays = 2;
    assert.ok(await openAfter(0));
    assert.ok(await openAfter(1));
    assert.equal(await openAfter(2.1), false);
  });

  it("stays as long as nobody asks where it is kept for ever", async () => {
    keepDays = 0;
    for (let day = 0; day < 40; day += 4) assert.ok(await openAfter(day));
  });
});
