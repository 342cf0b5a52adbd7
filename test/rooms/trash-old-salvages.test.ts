import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Repository } from "../../protocol/repositories.ts";
import { Git } from "../../server/src/git/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/index.ts";
import { dropOldSalvages } from "../../server/src/worktrees/trash/old-salvages.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

let scene: Scene;
let imi: Caller;
let store: Store;
let repository: Repository;
let path: string;
beforeEach(async () => {
  scene = makeScene();
  imi = await Caller.in(scene);
  path = (await imi.call("worktree.create", { type: "feat", name: "x" })).worktree.path;
  store = await openStore({ path: join(scene.env["XDG_DATA_HOME"] ?? "", "imi/worktrees.db"), role: "cli" });
  repository = (await store.repositories.byGitDir(join(scene.trunk, ".git"))) ?? assert.fail("it is not registered");
});
afterEach(async () => {
  store.close();
  await imi[Symbol.asyncDispose]();
  scene.remove();
});

const commit = (file: string): void => {
  writeFileSync(join(path, file), `${file}\n`);
  scene.git(path, "add", "-A");
  scene.git(path, "commit", "-q", "-m", file);
};
const remove = () => imi.call("worktree.remove", { name: "feat-x", yes: true });
const empty = () => imi.call("trash.empty", { yes: true });

const refs = (): string[] =>
  scene
    .git(scene.trunk, "for-each-ref", "--format=%(refname)", "refs/salvage")
    .split("\n")
    .filter((ref) => ref !== "");

const hourMs = 60 * 60 * 1000;
/** What goes of the salvages that are old when it is as much later. */
const drop = async (laterMs = hourMs): Promise<string[]> => {
  const went: string[] = [];
  const old = { before: Date.now() + laterMs, dropped: (prefix: string) => void went.push(prefix) };
  const call = { signal: new AbortController().signal, progress: () => undefined };
  await dropOldSalvages({ git: new Git(), store }, repository, old, call);
  return went;
};

describe("the refs of an old salvage", () => {
  it("go when its worktree was clean, is no longer in the trash and a branch holds its commit; that is told", async () => {
    commit("mine");
    const { trash } = await remove();
    assert.deepEqual(await drop(), [], "it is in the trash");
    await empty();
    assert.deepEqual(await drop(-hourMs), [], "it is not old");
    assert.deepEqual(refs(), [`${trash?.salvaged}/HEAD`]);
    assert.deepEqual(await drop(), [trash?.salvaged]);
    assert.deepEqual(refs(), []);
    const told = (await store.events.list(0, 100)).at(-1);
    assert.deepEqual([told?.name, told?.subject], ["salvage.dropped", trash?.salvaged]);
    assert.deepEqual(told?.data["refs"], [
      { ref: "HEAD", commit: scene.git(scene.trunk, "rev-parse", "feat/x").trim() },
    ]);
    assert.deepEqual(await drop(), []);
  });

  it("stay when only a graft leads to their commit from a branch, for it may be taken away again", async () => {
    scene.git(path, "checkout", "-q", "--detach");
    commit("mine");
    const mine = scene.git(path, "rev-parse", "HEAD").trim();
    await remove();
    await empty();
    const tip = scene.git(scene.trunk, "rev-parse", "HEAD").trim();
    mkdirSync(join(scene.trunk, ".git/info"), { recursive: true });
    writeFileSync(join(scene.trunk, ".git/info/grafts"), `${tip} ${mine}\n`);
    assert.deepEqual(await drop(), []);
    assert.equal(refs().length, 1);
  });

  it("stay when they alone hold its commit, and go once something else does", async () => {
    commit("mine");
    const { trash } = await remove();
    await empty();
    scene.git(scene.trunk, "branch", "-q", "-D", "feat/x");
    assert.deepEqual(await drop(), []);
    scene.git(scene.trunk, "tag", "kept", `${trash?.salvaged}/HEAD`);
    assert.deepEqual(await drop(), [trash?.salvaged]);
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.equal(scene.git(scene.trunk, "show", "kept:mine"), "mine\n");
  });

  it("stay when only a remote's branch holds their commit: the next fetch takes that away", async () => {
    commit("mine");
    scene.git(path, "push", "-q", "origin", "HEAD:refs/heads/topic");
    const { trash } = await remove();
    await empty();
    scene.git(scene.trunk, "branch", "-q", "-D", "feat/x");
    assert.deepEqual(await drop(), []);
    scene.git(scene.remote, "update-ref", "-d", "refs/heads/topic");
    scene.git(scene.trunk, "fetch", "-q", "--prune");
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.equal(scene.git(scene.trunk, "show", `${trash?.salvaged}/HEAD:mine`), "mine\n");
  });

  it("stay when they hold files that are in no commit", async () => {
    writeFileSync(join(path, "note.txt"), "mine\n");
    await remove();
    await empty();
    const before = refs();
    assert.ok(before.length > 1);
    assert.deepEqual(await drop(), []);
    assert.deepEqual(refs(), before);
  });

  it("stay as long as there is a worktree in the trash that this registry knows nothing of", async () => {
    await remove();
    await empty();
    const record = join(scene.trunk, ".git/imi-trash/feat-y-20260101T000000000Z-abcdef");
    mkdirSync(record, { recursive: true });
    assert.deepEqual(await drop(), []);
    rmdirSync(record);
    assert.equal((await drop()).length, 1);
  });
});
