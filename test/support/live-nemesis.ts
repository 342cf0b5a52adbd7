import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CreateResult } from "../../protocol/worktrees.ts";
import type { Event } from "../../protocol/events.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/index.ts";
import { program, told } from "./imi.ts";
import { randomFrom } from "./random.ts";
import { Server } from "./server.ts";
import type { Scene } from "./workspace.ts";

/** One write of an agent's, noted after it was done. */
export interface Write {
  readonly worktree: string;
  readonly file: string;
  /** ms since 1970. */
  readonly at: number;
  readonly text: string;
}

export interface Nemesis {
  readonly scene: Scene;
  readonly milliseconds: number;
  readonly servers: number;
  readonly agents: number;
  readonly worktrees: number;
  readonly seed: number;
  /** Pause between two blows, in ms. */
  readonly calmMs: number;
}

export interface Outcome {
  /** What a process that followed the log all the time was given. */
  readonly followed: readonly Event[];
  readonly writes: readonly Write[];
  readonly kills: { readonly servers: number; readonly leaders: number; readonly agents: number };
  /** For each killed watcher, how long until another watched, in ms. */
  readonly takeovers: readonly number[];
  /** One that is left, and watches. */
  readonly last: Server;
  readonly names: readonly string[];
}

const worker = join(import.meta.dirname, "live-worker.ts");

/**
 * Agents claim worktrees and work in them while servers watch; at random moments one of either is killed by SIGKILL and
 * another started in its place.
 */
export const unleash = async (options: Nemesis): Promise<Outcome> => {
  const { scene, seed } = options;
  const random = randomFrom(seed);
  const place = { cwd: scene.trunk, env: scene.env };
  const names: string[] = [];
  for (let number = 0; number < options.worktrees; number += 1)
    names.push((await told<CreateResult>(place, "feat", `w${number}`)).worktree.name);

  const store = await openStore({ path: databaseOf(scene), role: "cli" });
  const followed: Event[] = [];
  const unfollow = store.events.follow(0, (events) => void followed.push(...events));

  const history = join(scene.root, "history");
  mkdirSync(history);
  const agents = new Map<number, ChildProcess>();
  let born = 0;
  const startAgent = (slot: number): void => {
    born += 1;
    const argv = [worker, program, scene.container, join(history, String(slot)), `agent-${slot}`, String(seed + born)];
    agents.set(slot, spawn(process.execPath, [...argv, ...names], { env: scene.env, stdio: "inherit" }));
  };
  const servers = new Map<number, Server>();
  const startServer = async (slot: number): Promise<void> => {
    const server = await Server.start(scene.env, scene.trunk);
    servers.set(slot, server);
    await server.call("repository.open", { repository: scene.trunk });
  };

  for (let slot = 0; slot < options.servers; slot += 1) await startServer(slot);
  for (let slot = 0; slot < options.agents; slot += 1) startAgent(slot);
  const kills = { servers: 0, leaders: 0, agents: 0 };
  const takeovers: number[] = [];
  const end = Date.now() + options.milliseconds;
  // On a slow machine too, one of each is killed.
  while (Date.now() < end || kills.leaders === 0 || kills.agents === 0) {
    await delay(options.calmMs * (0.5 + random()));
    const leader = await leaderOf(store);
    if (random() < 0.5) {
      const slot = Math.floor(random() * options.agents);
      await kill(agents.get(slot));
      kills.agents += 1;
      startAgent(slot);
      continue;
    }
    // Every second time the one that watches.
    const watching = [...servers.keys()].find((slot) => servers.get(slot)?.process.pid === leader);
    const aimed = random() < 0.5 ? watching : undefined;
    const slot = aimed ?? Math.floor(random() * options.servers);
    const victim = servers.get(slot);
    const pid = victim?.process.pid;
    if (victim === undefined || pid === undefined) continue;
    const killed = performance.now();
    await kill(victim.process);
    victim.connection.dispose();
    kills.servers += 1;
    if (pid === leader) {
      kills.leaders += 1;
      await another(store, pid);
      takeovers.push(performance.now() - killed);
    }
    await startServer(slot);
  }
  for (const agent of agents.values()) await kill(agent);
  const leader = await leaderOf(store);
  const last = [...servers.values()].find(({ process: { pid } }) => pid === leader);
  if (last === undefined) throw new Error(`nobody watches: the lease is of process ${String(leader)}`);
  for (const server of servers.values()) if (server !== last) await server.stop();
  await quiet(store);
  unfollow();
  store.close();
  return { followed, writes: writesIn(history, options.agents), kills, takeovers, last, names };
};

export const databaseOf = (scene: Scene): string => join(scene.root, "home/.local/share/imi/worktrees.db");

/** Which process watches; null: none. */
const leaderOf = async ({ leases, repositories }: Store): Promise<number | null> => {
  const [repository] = await repositories.all();
  return (await leases.holder(`repository:${repository?.id ?? ""}:watch`))?.pid ?? null;
};

const another = async (store: Store, dead: number): Promise<void> => {
  for (const start = performance.now(); performance.now() - start < 20_000; await delay(5)) {
    const leader = await leaderOf(store);
    if (leader !== null && leader !== dead) return;
  }
  throw new Error("nobody took over the watching within 20 s");
};

const kill = async (child: ChildProcess | undefined): Promise<void> => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
};

/** Until the log has stood still for a while. */
const quiet = async ({ events }: Store): Promise<void> => {
  let last = -1;
  let since = performance.now();
  while (performance.now() - since < 3_000) {
    const now = await events.last();
    if (now !== last) since = performance.now();
    last = now;
    await delay(50);
  }
};

const writesIn = (history: string, agents: number): Write[] =>
  Array.from({ length: agents }, (_, slot) => join(history, String(slot)))
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, "utf8").trimEnd().split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Write)
    .toSorted((a, b) => a.at - b.at);
