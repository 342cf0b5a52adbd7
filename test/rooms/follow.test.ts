import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Event, EventName } from "../../protocol/events.ts";
import { loadConfig } from "../../server/src/config/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import { assertAgreement } from "../support/agreement.ts";
import { told } from "../support/imi.ts";
import { Server } from "../support/server.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const patienceMs = 5_000;

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const deadline = performance.now() + patienceMs; !holds(); await delay(15)) {
    if (performance.now() > deadline) throw new Error(`in ${patienceMs} ms it did not come to pass: ${what}`);
  }
};

/** A server in this process that follows the scene's repository, with the events it receives. */
class Follower {
  readonly caller: Caller;
  readonly events: Event[] = [];

  private constructor(caller: Caller) {
    this.caller = caller;
  }

  static async of(scene: Scene): Promise<Follower> {
    const follower = new Follower(await Caller.in(scene, scene.trunk, "server"));
    await follower.caller.workspace.onEvents((events) => void follower.events.push(...events));
    await follower.caller.call("repository.open", {});
    await follower.sees("worktree.adopted", { name: "trunk-main" });
    return follower;
  }

  /** The first such event after those seen already; the registry said so in the same transaction. */
  async sees(name: EventName, data: Record<string, unknown>, after = 0): Promise<number> {
    const found = (): number =>
      this.events.findIndex(
        (event, at) =>
          at >= after && event.name === name && Object.entries(data).every(([key, value]) => event.data[key] === value),
      );
    await until(`${name} ${JSON.stringify(data)}`, () => found() !== -1).catch((error: unknown) => {
      const seen = this.events.map((event) => `${event.name} ${JSON.stringify(event.data)}`).join("\n");
      throw new Error(`not seen: ${name} ${JSON.stringify(data)} among\n${seen}`, { cause: error });
    });
    return found();
  }
}

describe("a server that follows a repository", () => {
  let scene: Scene;
  let follower: Follower;
  beforeEach(async () => {
    scene = makeScene();
    follower = await Follower.of(scene);
  });
  afterEach(async () => {
    await follower.caller.workspace.close();
    scene.remove();
  });
  const git = (...args: string[]): string => scene.git(scene.trunk, ...args);

  it("registers what plain git makes, moves, locks, unlocks, switches and removes, in that order", async () => {
    const [made, moved] = [join(scene.container, "feat-x"), join(scene.container, "feat-y")];
    git("worktree", "add", "-q", "-b", "feat/x", made);
    let at = await follower.sees("worktree.adopted", { name: "feat-x", type: "feat", path: made });
    git("worktree", "move", made, moved);
    at = await follower.sees("worktree.changed", { name: "feat-y", path: moved }, at);
    git("worktree", "lock", "--reason", "busy", moved);
    const locked = await follower.sees("worktree.changed", { name: "feat-y" }, at + 1);
    assert.deepEqual(follower.events[locked]?.data["changed"], ["lockReason"]);
    git("worktree", "unlock", moved);
    at = await follower.sees("worktree.changed", { name: "feat-y" }, locked + 1);
    scene.git(moved, "switch", "-q", "-c", "feat/other");
    at = await follower.sees("worktree.changed", { name: "feat-y", branch: "feat/other" }, at);
    git("worktree", "remove", moved);
    at = await follower.sees("worktree.removed", { name: "feat-y" }, at);
    assert.equal(
      new Set(follower.events.filter(({ data }) => data["type"] === "feat").map(({ subject }) => subject)).size,
      1,
      "one worktree all along",
    );
    git("switch", "-q", "-c", "trunk-moved");
    await follower.sees("worktree.changed", { name: "trunk-main", branch: "trunk-moved" }, at);
  });

  it("keeps seeing after the last worktree went, and with it git's folder of records", async () => {
    let at = 0;
    for (const name of ["worktrees", "git", "HEAD", "s"]) {
      const path = join(scene.root, name);
      git("worktree", "add", "-q", "--detach", path);
      at = await follower.sees("worktree.adopted", { path }, at);
      scene.git(path, "switch", "-q", "-c", `on-${name}`);
      at = await follower.sees("worktree.changed", { path, branch: `on-${name}` }, at);
      scene.git(path, "switch", "-q", "--detach");
      at = await follower.sees("worktree.changed", { path, branch: null }, at + 1);
      git("worktree", "remove", path);
      at = await follower.sees("worktree.removed", { path }, at);
    }
  });

  it("does not look at git's records because somebody claims or releases a worktree", async () => {
    const { worktree } = await follower.caller.call("worktree.create", { type: "feat", name: "x" });
    await follower.sees("worktree.created", { name: "feat-x" });
    await delay(300); // its record is watched, and was looked at
    const { databasePath } = await loadConfig({ env: scene.env, homedir: join(scene.root, "home") });
    const store = await openStore({ path: databasePath, role: "cli" });
    // What only a look at git's records would put right.
    await store.worktrees.update(worktree.id, { branch: "feat/elsewhere" });
    store.close();
    const wrong = await follower.sees("worktree.changed", { branch: "feat/elsewhere" });
    const { claim } = await follower.caller.call("claim.take", { name: "feat-x", agent: "A" });
    await follower.caller.call("claim.heartbeat", { name: "feat-x", agent: "A", token: claim.token });
    await follower.caller.call("claim.release", { name: "feat-x", agent: "A", token: claim.token });
    const released = await follower.sees("worktree.released", { name: "feat-x" });
    await delay(300);
    assert.deepEqual(
      follower.events.slice(wrong + 1).map(({ name }) => name),
      ["agent.changed", "worktree.claimed", "worktree.released"],
    );
    git("worktree", "lock", worktree.path);
    await follower.sees("worktree.changed", { name: "feat-x", branch: "feat/x" }, released);
  });

  it("sees a worktree's folder go and come back, though git's records say nothing of it", async () => {
    const path = join(scene.container, "feat-away");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/away", path);
    let seen = await follower.sees("worktree.adopted", { name: "feat-away" });
    await delay(200); // its folder is watched once it is known
    renameSync(path, `${path}.elsewhere`);
    seen = await follower.sees("worktree.changed", { name: "feat-away", state: "missing" }, seen + 1);
    renameSync(`${path}.elsewhere`, path);
    await follower.sees("worktree.changed", { name: "feat-away", state: "ready" }, seen + 1);
  });

  it("links a file that is added to sync/, follows its change, and takes the link away with it", async () => {
    await follower.caller.call("worktree.create", { type: "feat", name: "x" });
    const [source, link] = [join(scene.container, "sync/repo/.env"), join(scene.container, "feat-x/.env")];
    mkdirSync(join(scene.container, "sync/repo"), { recursive: true });
    writeFileSync(source, "A=1\n");
    await until(".env is linked", () => existsSync(link));
    assert.equal(readlinkSync(link), "../sync/repo/.env");
    await until(".env is linked into the trunk", () => existsSync(join(scene.trunk, ".env")));
    writeFileSync(source, "A=2\n");
    assert.equal(readFileSync(link, "utf8"), "A=2\n");
    mkdirSync(join(scene.container, "sync/repo/deep/er"), { recursive: true });
    writeFileSync(join(scene.container, "sync/repo/deep/er/rules.md"), "r\n");
    await until("a deep file is linked", () => existsSync(join(scene.container, "feat-x/deep/er/rules.md")));
    rmSync(source);
    await until("the link is gone", () => !existsSync(link) && !existsSync(join(scene.trunk, ".env")));
    assert.equal(scene.git(join(scene.container, "feat-x"), "status", "--porcelain"), "");
  });

  it("hears of what a command line does, once and in order", async () => {
    const place = { cwd: scene.trunk, env: scene.env };
    await told(place, "feat", "x");
    await told(place, "remove", "feat-x");
    await follower.sees("worktree.removed", { name: "feat-x" });
    const heard = follower.events.filter(({ data }) => data["name"] === "feat-x").map(({ name }) => name);
    assert.deepEqual(
      heard.filter((name) => name !== "worktree.changed"),
      ["worktree.creating", "worktree.created", "worktree.removing", "worktree.removed"],
    );
    const order = follower.events.map(({ seq }) => seq);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(order).size, order.length);
  });

  it("is not harmed by a second one, nor by a hurry of both plain git and command lines", async () => {
    const second = await Caller.in(scene, scene.trunk, "server");
    await second.call("repository.open", {});
    const place = { cwd: scene.trunk, env: scene.env };
    mkdirSync(join(scene.container, "sync/repo"), { recursive: true });
    await Promise.all([
      (async () => {
        for (const name of ["a", "b", "c"]) await told(place, "feat", name);
        await told(place, "remove", "feat-b");
      })(),
      (async () => {
        for (const name of ["p", "q", "r"]) {
          git("worktree", "add", "-q", "-b", `fix/${name}`, join(scene.container, `fix-${name}`));
          writeFileSync(join(scene.container, `sync/repo/${name}.md`), name);
          await delay(30);
        }
        git("worktree", "remove", "--force", join(scene.container, "fix-q"));
      })(),
    ]);
    await follower.sees("worktree.removed", { name: "feat-b" });
    await follower.sees("worktree.adopted", { name: "fix-r" });
    const gone = (name: string): boolean => {
      const last = follower.events.findLast((event) => event.data["name"] === name);
      return last === undefined || last.name === "worktree.removed";
    };
    await until("fix-q is gone or was never seen", () => gone("fix-q"));
    await until("everything is linked", () =>
      ["feat-a", "feat-c", "trunk-main"].every((name) => existsSync(join(scene.container, name, "r.md"))),
    );
    const ours = follower.events.filter(({ name, data }) => name === "worktree.adopted" && data["type"] === "feat");
    assert.deepEqual(ours, [], "a worktree of ours was taken for another tool's");
    await second.workspace.close();
    await assertAgreement(scene, ["feat/b", "fix/q"]);
  });
});

describe("a server process", () => {
  it("killed, and another started, misses nothing of what happened between", async () => {
    const scene = makeScene();
    const first = await Server.start(scene.env, scene.trunk);
    await first.call("repository.open", {});
    await first.seen("worktree.adopted");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/before", join(scene.container, "feat-before"));
    const since = await until("the first saw it", () =>
      first.events.some(({ data }) => data["name"] === "feat-before"),
    ).then(() => Math.max(...first.events.map(({ seq }) => seq)));
    first.process.kill("SIGKILL");

    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/between", join(scene.container, "feat-between"));
    scene.git(scene.trunk, "worktree", "remove", join(scene.container, "feat-before"));
    mkdirSync(join(scene.container, "sync/repo"), { recursive: true });
    writeFileSync(join(scene.container, "sync/repo/.env"), "A=1\n");
    await told({ cwd: scene.trunk, env: scene.env }, "feat", "meanwhile");

    const second = await Server.start(scene.env, scene.trunk);
    await second.call("repository.open", {});
    await until("shared config is linked", () => existsSync(join(scene.container, "feat-between/.env")));
    const { events } = await second.call("event.list", { since });
    const happened = events.map(({ name, data }) => `${name} ${JSON.stringify(data["name"])}`);
    for (const expected of [
      'worktree.adopted "feat-between"',
      'worktree.removed "feat-before"',
      'worktree.created "feat-meanwhile"',
    ]) {
      assert.ok(happened.includes(expected), `${expected} among ${happened.join(", ")}`);
    }
    await told({ cwd: scene.trunk, env: scene.env }, "feat", "after");
    await until("the second hears", () =>
      second.events.some(({ name, data }) => name === "worktree.created" && data["name"] === "feat-after"),
    );
    second.process.kill("SIGKILL");
    await assertAgreement(scene, ["feat/before"]);
    scene.remove();
  });
});
