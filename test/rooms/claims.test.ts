import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Event } from "../../protocol/events.ts";
import { ImiError } from "../../protocol/errors.ts";
import { openWorkspace } from "../../server/src/workspace.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const raises =
  (code: ErrorCode, text?: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(ImiError.is(error, code), String(error));
    if (text !== undefined) assert.match(`${error.message} ${error.hint ?? ""}`, text);
    return true;
  };

describe("claims", () => {
  let scene: Scene;
  let imi: Caller;
  before(async () => {
    scene = makeScene();
    imi = await Caller.in(scene);
  });
  after(async () => {
    await imi.workspace.close();
    scene.remove();
  });

  const make = async (name: string): Promise<string> =>
    (await imi.call("worktree.create", { type: "feat", name })).worktree.path;
  const lockOf = (name: string): string | null => {
    const file = join(scene.trunk, ".git/worktrees", name, "locked");
    return existsSync(file) ? readFileSync(file, "utf8") : null;
  };
  const events = async (): Promise<Event[]> => (await imi.call("event.list", { limit: 10_000 })).events;
  const ends = async (): Promise<unknown[]> =>
    (await events()).filter(({ name }) => name === "worktree.released").map(({ data }) => data["reason"]);

  it("are made with the worktree they are for, in one step", async () => {
    const { worktree, claim, created } = await imi.call("worktree.create", {
      type: "feat",
      name: "born",
      agentId: "A",
    });
    assert.equal(created, true);
    assert.deepEqual([claim?.worktree, claim?.agent, claim?.token], ["feat-born", "A", 1]);
    assert.deepEqual([worktree.agentId, worktree.claim?.agent], ["A", "A"]);
    const told = (await events())
      .filter(({ subject }) => subject === worktree.id)
      .map(({ name, at }) => ({ name, at }));
    assert.deepEqual(told.map(({ name }) => name).slice(-2), ["worktree.created", "worktree.claimed"]);
  });

  it("tell whoever comes second who holds it, since when, until when and what to do", async () => {
    const since =
      /feat-born is held by A since 2\d{3}-\S+Z, until 2\d{3}-\S+Z .*imi claim feat-born --wait.*imi take-over/u;
    await assert.rejects(imi.call("claim.take", { name: "feat-born", agent: "B" }), raises("claim/held", since));
    await assert.rejects(
      imi.call("worktree.create", { type: "feat", name: "born", agentId: "B" }),
      raises("claim/held", since),
    );
    const { notes } = await imi.call("worktree.create", { type: "feat", name: "born" });
    assert.deepEqual(
      notes.map(({ code }) => code),
      ["claim/held"],
      "whoever only opens it is told",
    );
  });

  it("give the same agent the token it has, and stand in the list without it", async () => {
    const again = await imi.call("claim.take", { name: "born", agent: "A", task: "T-7" });
    assert.equal(again.claim.token, 1);
    const { worktrees } = await imi.call("worktree.list", { status: false });
    const listed = worktrees.find(({ name }) => name === "feat-born");
    assert.deepEqual(
      [listed?.claim?.agent, listed?.claim?.task, listed?.locked],
      ["A", "T-7", null],
      "git's lock is ours and no reason to say so",
    );
    assert.doesNotMatch(JSON.stringify(worktrees), /token/u);
  });

  it("lock the worktree for git, as long as they last", async () => {
    await make("mirror");
    const { claim } = await imi.call("claim.take", { name: "feat-mirror", agent: "A" });
    assert.match(lockOf("feat-mirror") ?? "", /^iMi: held by A until 2\S+Z\n$/u);
    assert.throws(
      () => scene.git(scene.trunk, "worktree", "remove", join(scene.container, "feat-mirror")),
      /held by A/u,
    );
    await imi.call("claim.release", { name: "feat-mirror", agent: "A", token: claim.token });
    assert.equal(lockOf("feat-mirror"), null);
    assert.equal(existsSync(join(scene.trunk, ".git/worktrees/feat-mirror/imi-claim")), false);
  });

  it("leave somebody else's lock alone", async () => {
    await make("stick");
    scene.git(scene.trunk, "worktree", "lock", "--reason", "on a stick", join(scene.container, "feat-stick"));
    const { claim } = await imi.call("claim.take", { name: "feat-stick", agent: "A" });
    assert.equal(lockOf("feat-stick"), "on a stick\n");
    await imi.call("claim.release", { name: "feat-stick", agent: "A", token: claim.token });
    assert.equal(lockOf("feat-stick"), "on a stick\n");
  });

  it("keep others from removing a worktree; its holder does, with the token", async () => {
    await make("kept");
    const { claim } = await imi.call("claim.take", { name: "feat-kept", agent: "A" });
    const remove = (more: { agent?: string; token?: number }) =>
      imi.call("worktree.remove", { name: "feat-kept", yes: true, ...more });
    await assert.rejects(remove({}), raises("claim/held"));
    await assert.rejects(remove({ agent: "B", token: claim.token }), raises("claim/stale"));
    await assert.rejects(remove({ agent: "A", token: claim.token + 50 }), raises("claim/stale"));
    await assert.rejects(remove({ agent: "A" }), raises("usage/invalid"));
    const { failed } = await imi.call("worktree.prune", { names: ["feat-kept"], idleDays: 0, yes: true });
    assert.deepEqual(failed, [{ name: "feat-kept", reason: "A holds it" }]);
    const { trash } = await remove({ agent: "A", token: claim.token });
    assert.ok(trash !== null);
    assert.equal((await ends()).at(-1), "removed");
    const back = await imi.call("worktree.restore", { name: "feat-kept" });
    assert.deepEqual([back.worktree.agentId, back.worktree.claim, lockOf("feat-kept")], [null, null, null]);
    const anew = await imi.call("claim.take", { name: "feat-kept", agent: "B" });
    assert.ok(anew.claim.token > claim.token);
    await assert.rejects(
      imi.call("claim.heartbeat", { name: "feat-kept", agent: "A", token: claim.token }),
      raises("claim/stale"),
    );
    await assert.rejects(
      imi.call("worktree.remove", { name: "feat-stick", agent: "A", token: 1 }),
      raises("worktree/locked"),
      "somebody else's lock comes first",
    );
  });

  it("refuse a stale holder's removal also where nobody holds it now", async () => {
    await make("lost");
    const { claim } = await imi.call("claim.take", { name: "feat-lost", agent: "A" });
    await imi.call("claim.release", { name: "feat-lost", agent: "A", token: claim.token });
    await assert.rejects(
      imi.call("worktree.remove", { name: "feat-lost", agent: "A", token: claim.token }),
      raises("claim/stale", /Nobody holds it now/u),
    );
  });

  it("are taken over only with a yes, and it is told by whom, from whom and why", async () => {
    await make("won");
    const { claim } = await imi.call("claim.take", { name: "feat-won", agent: "A" });
    const asked = await imi.call("claim.take-over", { name: "feat-won", agent: "jane", dryRun: true });
    assert.deepEqual([asked.claim, asked.from?.agent], [null, "A"]);
    await assert.rejects(
      imi.call("claim.take-over", { name: "feat-won", agent: "jane" }),
      raises("claim/held", /--yes/u),
    );
    const taken = await imi.call("claim.take-over", { name: "feat-won", agent: "jane", yes: true, reason: "it hangs" });
    assert.ok((taken.claim?.token ?? 0) > claim.token);
    await assert.rejects(
      imi.call("claim.release", { name: "feat-won", agent: "A", token: claim.token }),
      raises("claim/stale"),
    );
    const [released, claimed] = (await events()).filter(({ name }) => name.startsWith("worktree.")).slice(-2);
    assert.deepEqual(
      [released?.name, released?.data["reason"], released?.data["by"], released?.data["why"]],
      ["worktree.released", "taken-over", "jane", "it hangs"],
    );
    assert.deepEqual([claimed?.name, claimed?.data["from"]], ["worktree.claimed", "A"]);
    assert.match(String(claimed?.data["user"]), /@/u);
    const { agents } = await imi.call("agent.list", {});
    assert.equal(agents.find(({ id }) => id === "jane")?.kind, "human");
  });

  it("of another registry stand until their time is over, or a person takes them over", async () => {
    await make("shared");
    await using other = new Caller(
      await openWorkspace({
        ...{ role: "cli", cwd: scene.trunk },
        env: { ...scene.env, IMI_DB_PATH: join(scene.root, "other", "worktrees.db") },
      }),
    );
    await other.call("claim.take", { name: "feat-shared", agent: "theirs", ttl: 1 });
    const lock = lockOf("feat-shared");
    assert.match(lock ?? "", /held by theirs/u);
    const elsewhere = raises("claim/held", /theirs.*another registry.*take-over/su);
    await assert.rejects(imi.call("claim.take", { name: "feat-shared", agent: "ours" }), elsewhere);
    await assert.rejects(imi.call("worktree.remove", { name: "feat-shared" }), elsewhere);
    await imi.call("worktree.reconcile", {});
    assert.equal(lockOf("feat-shared"), lock, "its mirror was wiped");

    while ((await imi.call("claim.take", { name: "feat-shared", agent: "ours" }).catch(() => null)) === null)
      await delay(100);
    await imi.call("worktree.remove", { name: "feat-shared" }).catch(() => undefined);
    assert.match(lockOf("feat-shared") ?? "", /held by ours/u);

    // From there: it was lost to us, and comes back by force only.
    const again = { name: "feat-shared", agent: "theirs" };
    await assert.rejects(other.call("claim.take-over", again), raises("claim/held", /ours/u));
    const { claim } = await other.call("claim.take-over", { ...again, yes: true });
    assert.match(lockOf("feat-shared") ?? "", /held by theirs/u);
    await imi.call("worktree.reconcile", {});
    assert.match(lockOf("feat-shared") ?? "", /held by theirs/u, "who took it last has it");
    await other.call("claim.release", { ...again, token: claim?.token ?? 0 });
  });

  it("are not taken over from another than the one that was asked about", async () => {
    await make("passed-on");
    const { claim } = await imi.call("claim.take", { name: "feat-passed-on", agent: "A" });
    await imi.call("claim.release", { name: "feat-passed-on", agent: "A", token: claim.token });
    await imi.call("claim.take", { name: "feat-passed-on", agent: "B" });
    const takeOver = (params: { readonly from?: string }): Promise<unknown> =>
      imi.call("claim.take-over", { name: "feat-passed-on", agent: "jane", yes: true, ...params });
    await assert.rejects(takeOver({ from: "A" }), raises("claim/held", /held by B/u));
    await takeOver({ from: "B" });
  });

  it("count work in the worktree as a sign of life", async () => {
    const path = await make("busy");
    await imi.call("claim.take", { name: "feat-busy", agent: "A", ttl: 1 });
    scene.git(path, "commit", "-q", "--allow-empty", "-m", "work");
    await delay(1100);
    await assert.rejects(imi.call("claim.take", { name: "feat-busy", agent: "B" }), raises("claim/held"));
    scene.git(path, "commit", "-q", "--allow-empty", "-m", "more");
    await delay(1100);
    const { claims } = await imi.call("claim.list", {});
    assert.ok(
      claims.some(({ worktree, agent }) => worktree === "feat-busy" && agent === "A"),
      "who holds it is listed as its holder",
    );
    await assert.rejects(imi.call("claim.take", { name: "feat-busy", agent: "B" }), raises("claim/held"));
    await delay(1100);
    await imi.call("claim.take", { name: "feat-busy", agent: "B", ttl: 100 });
    assert.equal((await ends()).at(-1), "expired");
  });

  it("count work in a worktree that was made, or opened, for an agent as a sign of life", async () => {
    const config = join(scene.root, "home/.config/iMi");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "config.toml"), "[claim_settings]\nttl_seconds = 1\n");
    await using brief = await Caller.in(scene);
    rmSync(config, { recursive: true });
    for (const how of ["made", "opened"]) {
      const { worktree, created } = await brief.call("worktree.create", { type: "feat", name: "given", agentId: "A" });
      assert.equal(created, how === "made");
      scene.git(worktree.path, "commit", "-q", "--allow-empty", "-m", how);
      await delay(1100);
      await assert.rejects(imi.call("claim.take", { name: "feat-given", agent: "B" }), raises("claim/held"), how);
      await delay(1100);
      const { claim } = await imi.call("claim.take", { name: "feat-given", agent: "B" });
      assert.equal((await ends()).at(-1), "expired", how);
      await imi.call("claim.release", { name: "feat-given", agent: "B", token: claim.token });
    }
  });

  it("are not kept for who waited by what was done in the worktree before he had it", async () => {
    const path = await make("handed-on");
    const name = "feat-handed-on";
    const { claim } = await imi.call("claim.take", { name, agent: "A" });
    const waiting = imi.call("claim.take", { name, agent: "B", ttl: 1, wait: 60 });
    const waits = async (): Promise<boolean> =>
      (await imi.call("claim.list", {})).claims.some(
        ({ worktree, waiting: queue }) => worktree === name && queue.length > 0,
      );
    while (!(await waits())) await delay(10);
    scene.git(path, "commit", "-q", "--allow-empty", "-m", "A's last");
    await imi.call("claim.release", { name, agent: "A", token: claim.token });
    await waiting;
    await delay(1100);
    await imi.call("claim.take", { name, agent: "C" });
    assert.equal((await ends()).at(-1), "expired");
  });

  it("last while files are changed in the worktree, where that is watched, and no longer", async () => {
    const path = await make("edited");
    await using watcher = await Caller.in(scene, scene.trunk, "server");
    await watcher.call("repository.open", {});
    const seen = { name: "feat-edited", file: "draft.txt" };
    for (let edits = 0; (await imi.call("activity.list", seen)).activities.length === 0; edits += 1) {
      writeFileSync(join(path, "draft.txt"), `before ${edits}\n`); // until it is watched
      await delay(100);
    }
    const { claim } = await imi.call("claim.take", { name: "feat-edited", agent: "A", ttl: 5 });
    const expiresAt = async (): Promise<string | null> =>
      (await imi.call("claim.list", {})).claims.find(({ worktree }) => worktree === "feat-edited")?.expiresAt ?? null;
    for (let edits = 0; (await expiresAt()) === claim.expiresAt; edits += 1) {
      writeFileSync(join(path, "draft.txt"), `${edits}\n`);
      await delay(100);
    }
    const held = (await events()).filter(({ data }) => data["name"] === "feat-edited");
    assert.equal(held.find(({ name }) => name === "worktree.released")?.data["reason"], undefined);
    await imi.call("claim.take", { name: "feat-edited", agent: "B", wait: 60 });
    assert.equal((await ends()).at(-1), "expired");
  });

  it("end with a killed process within a second, while a waiter looks; it is told why", async () => {
    await make("dead");
    const holder = spawn("sleep", ["600"], { stdio: "ignore" });
    await once(holder, "spawn");
    await imi.call("claim.take", { name: "feat-dead", agent: "A", pid: holder.pid ?? 0, ttl: 3600 });
    await assert.rejects(
      imi.call("claim.take", { name: "feat-dead", agent: "A", pid: process.pid }),
      raises("claim/held"),
      "another living process of the same name",
    );
    const waiting = imi.call("claim.take", { name: "feat-dead", agent: "B", wait: 60 });
    await until(async () => (await imi.call("claim.list", {})).claims.some(({ waiting: queue }) => queue.length > 0));
    const exit = once(holder, "exit");
    holder.kill("SIGKILL");
    await exit;
    const start = performance.now();
    const { claim } = await waiting;
    assert.ok(performance.now() - start < 5000, "long before its hour is over");
    assert.equal(claim.agent, "B");
    assert.equal((await ends()).at(-1), "process-ended");
  });

  it("end with a killed process while a server looks", async () => {
    await make("watched");
    await using server = await Caller.in(scene, scene.trunk, "server");
    await server.call("repository.open", {});
    const holder = spawn("sleep", ["600"], { stdio: "ignore" });
    await once(holder, "spawn");
    await imi.call("claim.take", { name: "feat-watched", agent: "A", pid: holder.pid ?? 0, ttl: 3600 });
    const before = (await ends()).length;
    holder.kill("SIGKILL");
    await until(async () => (await ends()).length > before);
    assert.equal((await ends()).at(-1), "process-ended");
    await until(() => Promise.resolve(lockOf("feat-watched") === null));
  });

  it("are waited for in the order one came, and a waiter that gives up loses its place", async () => {
    await make("queue");
    const { claim } = await imi.call("claim.take", { name: "feat-queue", agent: "A" });
    const order: string[] = [];
    const queue = async () =>
      (await imi.call("claim.list", {})).claims.find(({ worktree }) => worktree === "feat-queue")?.waiting.length ?? 0;
    const wait = async (agent: string, signal = new AbortController().signal): Promise<void> => {
      await using own = await Caller.in(scene);
      const taken = await own.call(
        "claim.take",
        { name: "feat-queue", agent, wait: 60 },
        { signal, progress: () => undefined },
      );
      order.push(agent);
      await own.call("claim.release", { name: "feat-queue", agent, token: taken.claim.token });
    };
    const stop = new AbortController();
    const waiting: Promise<void>[] = [];
    for (const [index, agent] of ["B", "C", "D", "E"].entries()) {
      waiting.push(wait(agent, agent === "C" ? stop.signal : undefined));
      await until(async () => (await queue()) === index + 1);
    }
    stop.abort();
    await assert.rejects(waiting[1] ?? Promise.resolve(), raises("operation/cancelled"));
    assert.equal(await queue(), 3);
    await imi.call("claim.release", { name: "feat-queue", agent: "A", token: claim.token });
    await Promise.all([waiting[0], waiting[2], waiting[3]]);
    assert.deepEqual(order, ["B", "D", "E"]);
  });

  it("say after the time one waits that it was in vain", async () => {
    await assert.rejects(
      imi.call("claim.take", { name: "feat-born", agent: "Z", wait: 1 }),
      raises("claim/held", /After 1 s: feat-born is held by A/u),
    );
  });

  it("refuse what cannot be an agent, a token, a time or a process", async () => {
    const workspace = imi.workspace;
    const call = { signal: new AbortController().signal, progress: () => undefined };
    const take = (params: Record<string, unknown>) =>
      workspace.call("claim.take", { name: "feat-lost", ...params }, call);
    for (const agent of ["", " ", "a b", "-x", "a\nb", "ü", "a".repeat(101), "$(id)"])
      await assert.rejects(take({ agent }), raises("agent/invalid"), JSON.stringify(agent));
    for (const ttl of [0, -1, 1.5, 604_801, Number.NaN])
      await assert.rejects(take({ agent: "A", ttl }), raises("usage/invalid"), String(ttl));
    await assert.rejects(take({ agent: "A", pid: 4_194_304 }), raises("usage/invalid", /no process/u));
    await assert.rejects(take({}), raises("usage/invalid", /IMI_AGENT_ID/u));
    await assert.rejects(take({ agent: "A", token: 3 }), raises("claim/stale"));
    await assert.rejects(take({ agent: "A", name: "nothing" }), raises("worktree/not-found"));
    await assert.rejects(
      workspace.call("worktree.create", { type: "feat", name: "unmade", agentId: "a b" }, call),
      raises("agent/invalid"),
    );
    assert.equal(existsSync(join(scene.container, "feat-unmade")), false);
    assert.equal(
      (await imi.call("claim.list", {})).claims.some(({ worktree }) => worktree === "feat-lost"),
      false,
    );
  });

  it("hold the main checkout too, which git cannot lock", async () => {
    const { claim } = await imi.call("claim.take", { name: "trunk-main", agent: "A" });
    assert.equal(existsSync(join(scene.trunk, ".git/locked")), false);
    assert.equal(existsSync(join(scene.trunk, ".git/imi-claim")), true);
    await imi.call("claim.release", { name: "trunk-main", agent: "A", token: claim.token });
    assert.equal(existsSync(join(scene.trunk, ".git/imi-claim")), false);
  });

  it("of a worktree that another tool removed are over", async () => {
    const path = await make("gone");
    await imi.call("claim.take", { name: "feat-gone", agent: "A" });
    scene.git(scene.trunk, "worktree", "remove", "-f", "-f", path);
    await imi.call("worktree.list", { status: false });
    assert.equal((await ends()).at(-1), "removed");
    await assert.rejects(
      imi.call("claim.heartbeat", { name: "feat-gone", agent: "A", token: 1 }),
      raises("worktree/not-found"),
    );
  });

  it("of a worktree whose folder is gone let its holder make it anew, and nobody else", async () => {
    const path = await make("anew");
    const { claim } = await imi.call("claim.take", { name: "feat-anew", agent: "A" });
    rmSync(path, { recursive: true });
    await assert.rejects(imi.call("worktree.create", { type: "feat", name: "anew" }), raises("claim/held"));
    const made = await imi.call("worktree.create", { type: "feat", name: "anew", agentId: "A" });
    assert.equal(made.created, true);
    assert.ok((made.claim?.token ?? 0) > claim.token);
  });

  it("whose mirror cannot be written hold all the same", async () => {
    await make("sealed");
    // A folder in its place: root too cannot write over that.
    mkdirSync(join(scene.trunk, ".git/worktrees/feat-sealed/imi-claim"));
    await imi.call("claim.take", { name: "feat-sealed", agent: "A" });
    await assert.rejects(imi.call("claim.take", { name: "feat-sealed", agent: "B" }), raises("claim/held"));
  });

  it("whose mirror a killed process left behind, or did not come to, get it mended by a reconcile", async () => {
    await make("left");
    await make("bare");
    await imi.call("claim.take", { name: "feat-bare", agent: "A" });
    const record = (name: string): string => join(scene.trunk, ".git/worktrees", name);
    writeFileSync(join(record("feat-left"), "locked"), "iMi: held by Z until 2026-01-01T00:00:00.000Z\n");
    writeFileSync(join(record("feat-left"), "imi-claim"), "Z\n3\n");
    for (const file of ["locked", "imi-claim"]) rmSync(join(record("feat-bare"), file));
    await imi.call("worktree.reconcile", {});
    assert.equal(lockOf("feat-left"), null);
    assert.equal(existsSync(join(record("feat-left"), "imi-claim")), false);
    assert.match(lockOf("feat-bare") ?? "", /held by A/u);
  });

  it("of which a killed process left one half, or that of who held it before, get it mended as well", async () => {
    await make("half");
    await make("before");
    await imi.call("claim.take", { name: "feat-before", agent: "A" });
    const record = (name: string): string => join(scene.trunk, ".git/worktrees", name);
    const old = readFileSync(join(record("feat-before"), "imi-claim"), "utf8");
    await imi.call("claim.take-over", { name: "feat-before", agent: "B", yes: true });
    writeFileSync(join(record("feat-before"), "imi-claim"), old);
    writeFileSync(join(record("feat-half"), "locked"), "iMi: held by Z until 2026-01-01T00:00:00.000Z\n");
    await imi.call("worktree.reconcile", {});
    assert.equal(lockOf("feat-half"), null, "git would refuse to remove it for ever");
    assert.match(readFileSync(join(record("feat-before"), "imi-claim"), "utf8"), /^B\n/u);
    assert.match(lockOf("feat-before") ?? "", /held by B/u);
  });

  it("whose holder gave a sign of life while it was moved to the trash leave nothing locked when it is back", async () => {
    await make("beating");
    const { trash } = await imi.call("worktree.remove", { name: "feat-beating" });
    const retired = readdirSync(join(scene.trunk, ".git/imi-trash")).find((entry) => entry.startsWith("feat-beating-"));
    assert.ok(trash !== null && retired !== undefined);
    writeFileSync(
      join(scene.trunk, ".git/imi-trash", retired, "locked"),
      "iMi: held by Z until 2026-01-01T00:00:00.000Z\n",
    );
    await imi.call("worktree.restore", { name: "feat-beating" });
    assert.equal(lockOf("feat-beating"), null);
  });

  it("survive a removal that was taken back", async () => {
    await make("back");
    const { claim } = await imi.call("claim.take", { name: "feat-back", agent: "A" });
    writeFileSync(join(scene.container, "feat-back", "work.txt"), "work");
    await assert.rejects(
      imi.call("worktree.remove", { name: "feat-back", agent: "A", token: claim.token }),
      raises("worktree/dirty"),
    );
    await imi.call("claim.heartbeat", { name: "feat-back", agent: "A", token: claim.token });
    assert.match(lockOf("feat-back") ?? "", /held by A/u);
  });
});

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 1500) throw new Error("it did not come to be");
    await delay(20);
  }
};
