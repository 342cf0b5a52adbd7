import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../server/src/store/index.ts";
import type { Entry, Told } from "./claims-history.ts";
import { randomFrom } from "./random.ts";

export interface Nemesis {
  /** A folder of its own. */
  readonly folder: string;
  readonly processes: number;
  /** Of each process. */
  readonly rounds: number;
  readonly worktrees: number;
  readonly seed: number;
  /** A way to be wrong, of claims-worker.ts. */
  readonly mutant?: string;
  /** Pause between two blows, in ms. */
  readonly calmMs: number;
}

export interface Outcome {
  readonly entries: readonly Entry[];
  readonly told: readonly Told[];
  readonly rounds: number;
  readonly kills: number;
  readonly stops: number;
  readonly milliseconds: number;
}

const worker = join(import.meta.dirname, "claims-worker.ts");
const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Lets processes claim and release worktrees, kills and stops some of them, and hands back what each wrote down. */
export const unleash = async (options: Nemesis): Promise<Outcome> => {
  const { folder, processes, rounds, seed } = options;
  const database = join(folder, "data", "worktrees.db");
  await plant(database, options.worktrees);
  mkdirSync(join(folder, "history"));
  const env = await compiledOnce(folder, database);
  const random = randomFrom(seed);
  const blows: Entry[] = [];
  const living = new Map<number, ChildProcess>();
  const failures: string[] = [];
  let kills = 0;
  let stops = 0;
  const began = performance.now();

  /** One slot: started anew after each kill, until its rounds are done. */
  const run = async (slot: number): Promise<void> => {
    const history = join(folder, "history", String(slot));
    for (let life = 0; ; life += 1) {
      const left = rounds - done(history);
      if (left <= 0) return;
      const argv = [
        worker,
        database,
        history,
        `w${slot}`,
        String(seed + slot * 1009 + life),
        String(left),
        options.mutant ?? "",
      ];
      const child = spawn(process.execPath, argv, { env, stdio: ["ignore", "ignore", "pipe"] });
      let complaint = "";
      child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString("utf8")));
      living.set(slot, child);
      const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
      living.delete(slot);
      if (code === 0) return;
      if (signal !== "SIGKILL") {
        failures.push(`process ${slot} ended with ${code ?? signal}: ${complaint}`);
        return;
      }
    }
  };

  const all = Promise.all(Array.from({ length: processes }, (_, slot) => run(slot)));
  const calm = new AbortController();
  const striking = (async () => {
    while (!calm.signal.aborted) {
      await delay(options.calmMs * (0.5 + random()), undefined, { signal: calm.signal });
      const slots = [...living.keys()];
      const victim = living.get(slots[Math.floor(random() * slots.length)] ?? -1);
      if (victim?.pid === undefined || failures.length > 0) continue;
      if (random() < 0.5) {
        const blow: Entry = { op: "ended", pid: victim.pid, start: monotonic() };
        blows.push(blow);
        // For who looks at a run that was broken off.
        appendFileSync(join(folder, "blows"), `${JSON.stringify(blow)}\n`);
        if (victim.kill("SIGKILL")) kills += 1;
      } else {
        // Longer than any claim lasts: whoever wakes up has lost what it held.
        victim.kill("SIGSTOP");
        stops += 1;
        await delay(50 + random() * 600);
        victim.kill("SIGCONT");
      }
    }
  })().catch(() => undefined);
  await all;
  calm.abort();
  await striking;
  if (failures.length > 0) throw new Error(failures.join("\n"));
  const entries = Array.from({ length: processes }, (_, slot) => read(join(folder, "history", String(slot)))).flat();
  const milliseconds = performance.now() - began;
  return {
    entries: [...entries, ...blows],
    told: await tell(database),
    rounds: processes * rounds,
    kills,
    stops,
    milliseconds,
  };
};

/** The environment of a worker that need not compile its sources again: for a process that is killed soon, most of its work. */
const compiledOnce = async (folder: string, database: string): Promise<NodeJS.ProcessEnv> => {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") };
  const argv = [worker, database, join(folder, "compiling"), "none", "0", "0"];
  await once(spawn(process.execPath, argv, { env, stdio: "ignore" }), "close");
  return env;
};

const plant = async (database: string, worktrees: number): Promise<void> => {
  const store = await openStore({ path: database, role: "cli" });
  const repository = {
    name: "app",
    gitDir: "/app/.git",
    layout: "beside",
    container: "/app.wt",
    trunk: "/app",
  } as const;
  const { id: repositoryId } = await store.repositories.meet(repository);
  for (let number = 0; number < worktrees; number += 1) {
    const name = `feat-${number}`;
    const facts = {
      type: "feat",
      branch: name,
      base: null,
      head: null,
      agentId: null,
      pullRequest: null,
      metadata: {},
    } as const;
    const row = await store.worktrees.begin(
      { repositoryId, name, path: `/app.wt/${name}`, ...facts },
      { baseCommit: null, createsBranch: false, fence: 1 },
    );
    await store.worktrees.ready(row.id, { head: null, identity: null });
  }
  store.close();
};

const lines = (history: string): string[] =>
  existsSync(history) ? readFileSync(history, "utf8").split("\n").slice(0, -1) : [];

const done = (history: string): number => lines(history).filter((line) => line === '{"op":"round"}').length;

const read = (history: string): Entry[] =>
  lines(history)
    .filter((line) => line !== '{"op":"round"}')
    // Written by claims-worker.ts, a whole line at a time.
    .map((line) => JSON.parse(line) as Entry);

const tell = async (database: string): Promise<Told[]> => {
  const store = await openStore({ path: database, role: "cli" });
  const told: Told[] = [];
  for (let since = 0; ;) {
    const events = await store.events.list(since, 10_000);
    if (events.length === 0) break;
    since = events.at(-1)?.seq ?? since;
    for (const { name, data } of events) {
      if (name !== "worktree.claimed" && name !== "worktree.released") continue;
      told.push({ name, worktree: String(data["name"]), agent: String(data["agent"]), token: Number(data["token"]) });
    }
  }
  store.close();
  return told;
};
