import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store, WorktreeRow } from "../../server/src/store/index.ts";
import { Machine, tryTake, wish } from "../support/claims.ts";
import { intention, registryIn, repository, temporaryFolder, worktree } from "./store-helpers.ts";

const openOn = async (t: TestContext, file: string, here: Machine): Promise<Store> => {
  const store = await openStore({ path: file, role: "cli", here });
  t.after(() => store.close());
  return store;
};

const scene = async (t: TestContext): Promise<{ store: Store; file: string; row: WorktreeRow; here: Machine }> => {
  const here = new Machine();
  const file = registryIn(temporaryFolder(t));
  const store = await openOn(t, file, here);
  const { id } = await store.repositories.meet(repository);
  return { store, file, here, row: await made(store, id, "feat-x") };
};

const made = async (store: Store, repositoryId: string, name: string): Promise<WorktreeRow> => {
  const row = await store.worktrees.begin(worktree(repositoryId, name), intention);
  return store.worktrees.ready(row.id, { head: null, identity: null });
};

const renewal = { ttlMs: null, task: null, process: null, sign: null };
const stale = (error: unknown): boolean => ImiError.is(error, "claim/stale");
const lastEnd = async (store: Store): Promise<unknown> =>
  (await store.events.list(0, 10_000)).findLast(({ name }) => name === "worktree.released")?.data["reason"];

describe("a claim", () => {
  it("has one holder until its time is over on the boot clock, and its token only grows", async (t) => {
    const { store, here, row } = await scene(t);
    assert.equal(await tryTake(store, row, wish("A")), 1);
    here.pass(29_999);
    assert.equal(await tryTake(store, row, wish("B")), null);
    here.pass(1);
    assert.equal(await tryTake(store, row, wish("B")), 2);
    assert.equal(await lastEnd(store), "expired");
    await assert.rejects(store.claims.renew(row.id, { agent: "A", token: 1 }, renewal), stale);
    await assert.rejects(store.claims.release(row.id, { agent: "A", token: 1 }), stale);
    await assert.rejects(store.claims.renew(row.id, { agent: "B", token: 1 }, renewal), stale, "another's token");
    await store.claims.release(row.id, { agent: "B", token: 2 });
    assert.equal(await lastEnd(store), "released");
    assert.equal(await tryTake(store, row, wish("A")), 3);
  });

  it("lasts as long as heartbeats come; one that comes late is good as long as nobody else was let in", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    for (let beat = 0; beat < 5; beat += 1) {
      here.pass(25_000);
      await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    }
    assert.equal(await tryTake(store, row, wish("B")), null);
    here.pass(40_000);
    await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    assert.equal(await tryTake(store, row, wish("B")), null);
  });

  it("is not ended by a heartbeat that came after it was judged to be over", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    here.pass(31_000);
    const judged = await store.claims.of(row.id);
    assert.ok(judged !== null);
    await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    const over = { claim: judged, reason: "expired" } as const;
    assert.equal(await store.claims.end(over), "changed");
    const outcome = await store.claims.take(row.id, wish("B"), { over, place: null });
    assert.equal(outcome.taken, null);
    assert.equal((await store.claims.of(row.id))?.agent, "A");
  });

  it("tells its heartbeats seldom: when half of its time has passed since it was last told, and a minute", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A", { ttlMs: 600_000 }));
    const told = async (): Promise<number> =>
      (await store.events.list(0, 10_000)).filter(({ name }) => name === "worktree.claim-renewed").length;
    for (let beat = 0; beat < 9; beat += 1) {
      here.pass(100_000);
      await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    }
    assert.equal(await told(), 3);
  });
});

describe("no holder is robbed, and none is doubled, when", () => {
  it("the clock on the wall jumps two hours, either way", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    for (const jump of [2, -4]) {
      here.wallMs += jump * 3_600_000;
      assert.equal(await tryTake(store, row, wish("B")), null);
    }
    here.bootMs += 30_000;
    assert.equal(await tryTake(store, row, wish("B")), 2, "its time is over all the same");
  });

  it("the machine was suspended: its time went on, and the token tells who came later", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    here.pass(8 * 3_600_000);
    assert.equal(await tryTake(store, row, wish("B")), 2);
    await assert.rejects(store.claims.renew(row.id, { agent: "A", token: 1 }, renewal), stale);
  });

  it("the machine was started anew: who held it is gone, tokens go on growing", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A", { ttlMs: 3_600_000 }));
    here.reboot();
    assert.equal(await tryTake(store, row, wish("B")), 2);
    assert.equal(await lastEnd(store), "rebooted");
  });

  it("the machine was started anew, and its holder says so before anybody else came", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    here.reboot();
    await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    assert.equal(await tryTake(store, row, wish("B")), null);
    here.pass(30_000);
    assert.equal(await tryTake(store, row, wish("B")), 2);
  });

  it("another machine looks: what it cannot know is held, and only what it has itself seen to be silent is not", async (t) => {
    const { store, file, row } = await scene(t);
    const there = new Machine("there");
    const other = await openOn(t, file, Object.assign(there, { bootId: "boot-9", bootMs: 500_000_000 }));
    await tryTake(store, row, wish("A"));
    assert.equal(
      await tryTake(other, row, wish("B")),
      null,
      "its clock says a lot more than ours, and that means nothing",
    );
    there.pass(32_000);
    await store.claims.renew(row.id, { agent: "A", token: 1 }, renewal);
    assert.equal(await tryTake(other, row, wish("B")), null, "a sign of life begins the watch anew");
    there.pass(32_000);
    assert.equal(await tryTake(other, row, wish("B")), null, "a tenth more than it lasts: clocks run differently");
    there.pass(2_000);
    assert.equal(await tryTake(other, row, wish("B")), 2);
    assert.equal(await lastEnd(other), "unseen");
    await assert.rejects(store.claims.renew(row.id, { agent: "A", token: 1 }, renewal), stale);
  });

  it("two machines have one name", async (t) => {
    const { store, file, row } = await scene(t);
    const there = Object.assign(new Machine("here"), { id: "another machine", bootId: "boot-9" });
    const other = await openOn(t, file, there);
    await tryTake(store, row, wish("A"));
    assert.equal(await tryTake(other, row, wish("B")), null, "not one machine that was started anew");
  });

  it("a machine got another name: its boot is the same", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    here.host = "renamed";
    assert.equal(await tryTake(store, row, wish("B")), null);
    here.pass(30_000);
    assert.equal(await tryTake(store, row, wish("B")), 2);
  });
});

describe("a claim of a process", () => {
  it("ends with it, long before its time", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A", { process: await here.lifeOf(4711), ttlMs: 3_600_000 }));
    assert.equal(await tryTake(store, row, wish("B")), null);
    here.dead.add(4711);
    assert.equal(await tryTake(store, row, wish("B")), 2);
    assert.equal(await lastEnd(store), "process-ended");
  });
});

describe("tokens", () => {
  it("grow over the worktree's end and its making anew, and are never given twice in a repository", async (t) => {
    const { store, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    await store.worktrees.settle(row.id, "removed by another tool");
    assert.equal(await lastEnd(store), "removed");
    const again = await made(store, row.repositoryId, "feat-x");
    assert.equal(await tryTake(store, again, wish("A")), 2);
    assert.equal(await tryTake(store, await made(store, row.repositoryId, "feat-y"), wish("B")), 3);
  });

  it("stand with seed 001's columns: who holds it, and since when nobody does", async (t) => {
    const { store, row } = await scene(t);
    await tryTake(store, row, wish("A", { task: "T-1" }));
    const held = await store.worktrees.byId(row.id);
    assert.equal(held?.agentId, "A");
    assert.equal(held.claim?.task, "T-1");
    await store.claims.release(row.id, { agent: "A", token: 1 });
    const free = await store.worktrees.byId(row.id);
    assert.deepEqual([free?.agentId, free?.claim], [null, null]);
  });
});

describe("the queue", () => {
  it("is served in the order they came; nobody comes in between", async (t) => {
    const { store, row } = await scene(t);
    await tryTake(store, row, wish("A"));
    const { queue } = store.claims;
    const b = await queue.join(row.id, "B");
    const c = await queue.join(row.id, "C");
    await store.claims.release(row.id, { agent: "A", token: 1 });
    const ahead = async (agent: string, place: number | null) => {
      const outcome = await store.claims.take(row.id, wish(agent), { over: null, place });
      return outcome.taken === null ? outcome.ahead : outcome.taken.token;
    };
    assert.equal(await ahead("D", null), 2);
    assert.equal(await ahead("C", c), 1);
    assert.equal(await ahead("B", b), 2, "token 2: it has it");
    await store.claims.release(row.id, { agent: "B", token: 2 });
    assert.equal(await ahead("C", c), 3);
    assert.deepEqual(await queue.of(row.id), []);
  });

  it("forgets who is dead or silent, and not who gave a sign meanwhile", async (t) => {
    const { store, here, row } = await scene(t);
    const { queue } = store.claims;
    const silent = await queue.join(row.id, "silent");
    const lively = await queue.join(row.id, "lively");
    here.pass(14_000);
    assert.equal(await queue.beat(lively), true);
    here.pass(2_000);
    assert.equal(await queue.tidy(row.id, null), 1);
    assert.deepEqual(
      (await queue.of(row.id)).map(({ agent }) => agent),
      ["lively"],
    );
    assert.equal(await queue.beat(silent), false);
    here.dead.add(100);
    assert.equal(await queue.tidy(row.id, null), 0);
  });
});

describe("agents", () => {
  it("are known by what they last said of themselves, and where they are", async (t) => {
    const { store, here, row } = await scene(t);
    await tryTake(store, row, wish("A", { kind: "ai-tester", provider: "claude" }));
    here.pass(30_000);
    await tryTake(store, row, wish("B", { kind: "human" }));
    here.pass(30_000);
    await tryTake(store, row, wish("A"));
    const known = (await store.agents.all()).map(({ id, kind, provider, worktree: at }) => [
      id,
      kind,
      provider,
      at?.name,
    ]);
    assert.deepEqual(known, [
      ["A", "ai-tester", "claude", "feat-x"],
      ["B", "human", null, undefined],
    ]);
    const changes = (await store.events.list(0, 1000)).filter(({ name }) => name === "agent.changed");
    assert.equal(changes.length, 2);
  });
});
