// How soon an event that one process commits is known in another.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inRoot } from "../scripts/paths.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Arrivals, type EventStamp, type WriterOrder, millisecondsSince } from "./support/event-messages.ts";
import { type Line, figure } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { percentile } from "./support/numbers.ts";
import { type Place, makePlace } from "./support/place.ts";
import { startServer } from "./support/server.ts";

/** How long what was committed last may take to arrive before it counts as lost. */
const graceMs = 2000;

export const events: Bench = {
  name: "events",
  summary: "an event from its commit in one process to another process",
  async *measure(options) {
    const order: WriterOrder = { events: options.events ?? 500, bursts: options.events ?? 500 };
    const place = makePlace(options.dir);
    try {
      options.say(`${order.events} events to a process that follows the log`);
      yield* toFollower(place, order);
      options.say(`${order.events} events through a server to a window`);
      yield* toWindow(place, order, options);
    } finally {
      place.remove();
    }
  },
};

/** From store to store: process A appends, process B follows. */
async function* toFollower(place: Place, order: WriterOrder): AsyncGenerator<Line> {
  const { database, plainFile, env } = corner(place, "follower");
  // One after the other: both would make the database.
  const follower = await start("event-follower.ts", [database, plainFile], env);
  const writer = await start("event-writer.ts", [database, plainFile], env);
  await write(writer, order);
  await delay(graceMs);
  const answered = once(follower, "message");
  follower.send("stop");
  const [arrivals] = (await answered) as [Arrivals];
  const { single, burst } = arrivals.events;
  requireAll(single, order.events);
  requireAll(burst, order.bursts);
  yield* latencies("to a process that follows the log", single, arrivals.files);
  yield* latencies("the same, 10 at once", burst, arrivals.files);
}

/** All the way: process A appends, the server follows and notifies, the window's side of the connection receives. */
async function* toWindow(place: Place, order: WriterOrder, options: BenchOptions): AsyncGenerator<Line> {
  const { database, plainFile, env } = corner(place, "window");
  const server = await startServer({ cwd: place.folder, env });
  const arrivals: number[] = [];
  try {
    server.onEvents((received) => {
      for (const { data } of received) {
        const { kind, before } = data as unknown as EventStamp;
        if (kind === "single") arrivals.push(millisecondsSince(before));
      }
    });
    const writer = await start("event-writer.ts", [database, plainFile], env);
    await write(writer, { ...order, bursts: 0 });
    await delay(graceMs);
  } finally {
    await server.stop();
  }
  requireAll(arrivals, order.events);
  options.say("done");
  yield* latencies("through the server to a window", arrivals);
}

function* latencies(what: string, ours: readonly number[], files?: readonly number[]): Generator<Line> {
  for (const [name, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    yield {
      what: `${what}, ${name}`,
      unit: "ms",
      runs: ours.length,
      ours: figure(ours, percentile(ours, part)),
      baseline: files === undefined ? null : figure(files, percentile(files, part)),
      against: files === undefined ? null : "fs.watch of a file",
      goal: name === "p99" ? { of: "value", most: 10 } : null,
    };
  }
}

function corner(place: Place, name: string): { database: string; plainFile: string; env: NodeJS.ProcessEnv } {
  const env = place.envWithRegistry(name);
  const database = env["IMI_DB_PATH"] ?? "";
  const plainFile = path.join(place.folder, `plain-${name}`);
  writeFileSync(plainFile, "");
  return { database, plainFile, env };
}

/** Starts a script of support/ and resolves when it says that it is ready. */
async function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(inRoot("bench", "support", script), [...args], { env, execArgv: [], stdio: "inherit" });
  const broken = once(child, "exit").then(() => Promise.reject(new Error(`${script} ended before it was ready`)));
  await Promise.race([once(child, "message"), broken]);
  broken.catch(() => undefined); // it may end from here on
  return child;
}

async function write(writer: ChildProcess, order: WriterOrder): Promise<void> {
  const ended = once(writer, "exit");
  writer.send(order);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the writer ended with ${String(code)}`);
}

function requireAll(arrivals: readonly number[], sent: number): void {
  if (arrivals.length !== sent) throw new Error(`${arrivals.length} of ${sent} events arrived`);
}

if (import.meta.main) await runBenches([events], process.argv.slice(2));
