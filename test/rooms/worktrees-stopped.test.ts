import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import { loadConfig } from "../../server/src/config/index.ts";
import { claimService } from "../../server/src/claims/index.ts";
import { Git } from "../../server/src/git/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import { Worktrees } from "../../server/src/worktrees/index.ts";
import { assertAgreement } from "../support/agreement.ts";
import { startImi, told } from "../support/imi.ts";
import { appears, slowHook } from "../support/slow-hook.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

/** The room itself with less patience than two minutes; everything else is real. */
const impatientRoom = async (scene: Scene) => {
  const config = await loadConfig({ env: scene.env, homedir: join(scene.root, "home") });
  const store = await openStore({ path: config.databasePath, role: "cli", log: () => undefined });
  const { leases } = store;
  const room = new Worktrees({
    store: {
      ...store,
      leases: { ...leases, take: (resource, options) => leases.take(resource, { ...options, waitMs: 300 }) },
    },
    git: new Git(),
    claims: () => Promise.resolve(claimService({ store, settings: () => config.settings, log: () => undefined })),
    settings: () => config.settings,
    log: () => undefined,
    includeGlobs: () => null,
    restricted: () => false,
  });
  return { room, [Symbol.dispose]: () => store.close() };
};

it("whoever waits for a stopped process is told which it is; continued, both end well", async () => {
  const scene = makeScene();
  const place = { cwd: scene.trunk, env: scene.env };
  await told(place, "list", "--no-status");
  const { started, go } = slowHook(scene);
  const owner = startImi(place, "feat", "slow");
  await appears(started);
  process.kill(owner.pid, "SIGSTOP");

  {
    using waiting = await impatientRoom(scene);
    const call = { signal: new AbortController().signal, progress: () => undefined };
    await assert.rejects(waiting.room.create(scene.trunk, { type: "feat", name: "late" }, call), (error: unknown) => {
      assert.ok(ImiError.is(error, "repository/busy"), String(error));
      assert.match(error.message, new RegExp(`\\b${owner.pid}\\b.*create feat-slow`));
      return true;
    });
    const { worktrees } = await waiting.room.list(scene.trunk, { status: false }, call);
    assert.deepEqual(
      worktrees.map(({ name, state }) => [name, state]),
      [
        ["trunk-main", "ready"],
        ["feat-slow", "creating"],
      ],
      "a stopped owner is not dead",
    );
  }

  const waiter = startImi(place, "feat", "late");
  await delay(300);
  process.kill(owner.pid, "SIGCONT");
  writeFileSync(go, "");
  assert.deepEqual([(await owner.ended).code, (await waiter.ended).code], [0, 0]);
  assert.deepEqual(
    (await assertAgreement(scene)).map(({ name }) => name),
    ["trunk-main", "feat-late", "feat-slow"],
  );
  scene.remove();
});

it("whoever waits goes on as soon as the owner is killed, and what the owner's git was doing is undone", async () => {
  const scene = makeScene();
  const place = { cwd: scene.trunk, env: scene.env };
  await told(place, "list", "--no-status");
  const { started, go } = slowHook(scene);
  const owner = startImi(place, "feat", "slow");
  await appears(started);
  const waiter = startImi(place, "feat", "slow");
  await delay(300);
  owner.child.kill("SIGKILL");
  writeFileSync(go, "");
  await owner.ended;
  const { code, stdout, stderr } = await waiter.ended;
  assert.equal(code, 0, stdout + stderr);
  await assertAgreement(scene);
  scene.remove();
});

it("Ctrl+C while waiting or while git works ends at once and leaves nothing", async () => {
  const scene = makeScene();
  const place = { cwd: scene.trunk, env: scene.env };
  await told(place, "list", "--no-status");
  const { started, go } = slowHook(scene);
  const owner = startImi(place, "feat", "slow");
  await appears(started);
  const waiter = startImi(place, "feat", "late");
  await delay(500);
  waiter.child.kill("SIGINT");
  assert.equal((await waiter.ended).code, 130);
  owner.child.kill("SIGINT");
  assert.equal((await owner.ended).code, 130);
  writeFileSync(go, "");
  assert.deepEqual(
    (await assertAgreement(scene)).map(({ name }) => name),
    ["trunk-main"],
  );
  scene.remove();
});
