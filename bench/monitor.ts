// How soon others know of a change, what watching costs while nothing happens, and status after little happened.
import { appendFileSync, chmodSync, mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Event } from "../protocol/events.ts";
import type { Worktree } from "../protocol/worktrees.ts";
import { openStore } from "../server/src/store/index.ts";
import type { Store } from "../server/src/store/index.ts";
import { gitCounts, statusInEach, verify } from "./list.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, figure, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, percentile, timed } from "./support/numbers.ts";
import { type Place, makePlace } from "./support/place.ts";
import { computedMs } from "./support/processes.ts";
import { type Where, git, imiJson } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { type BenchServer, startServer } from "./support/server.ts";

/** How long nothing happens while rest is measured, in ms. */
const restMs = 60_000;
/** Longest that anything here may take before it counts as lost, in ms. */
const patienceMs = 300_000;
/** Worktrees in which somebody works between two statuses. */
const dirty = 20;

export const monitor: Bench = {
  name: "monitor",
  summary: "from a file's write to its event in another process; cost at rest; status when 20 changed",
  async *measure(options) {
    for (const count of options.worktrees ?? [1, 100, 1000]) yield* monitors(options, count);
  },
};

async function* monitors(options: BenchOptions, count: number): AsyncGenerator<Line> {
  const files = options.files?.[0] ?? (count > 300 ? 200 : 2_000);
  const place = makePlace(options.dir);
  try {
    options.say(`making ${count} worktrees of ${files} files`);
    const { container, trunk } = await makeRepository(place, { name: "many", files, remote: "none" });
    const plain = { cwd: trunk, env: place.envWithRegistry("monitor") };
    const paths = [trunk];
    for (let index = 0; index < count; index += 1) {
      const target = path.join(container, `feat-${index}`);
      await git(plain, "worktree", "add", "-q", "--no-track", "-b", `feat/${index}`, target, "main");
      paths.push(target);
    }
    await imiJson(plain, "list");
    const what = `${count.toLocaleString("en")} ${count === 1 ? "worktree" : "worktrees"} of ${files} files`;
    const store = await openStore({ path: plain.env["IMI_DB_PATH"] ?? "", role: "cli" });
    try {
      const counter = countGit(place);
      const counted = { ...plain, env: { ...plain.env, ...counter.env } };
      yield* withServer(options, counted, store, count, (server) => rest(options, what, server, counter));
      yield* withServer(options, plain, store, count, async function* measured(server) {
        yield* latency(options, what, store, paths.slice(1));
        if (count >= dirty) yield* statusOfFew(options, what, server, paths, plain);
      });
    } finally {
      store.close();
    }
  } finally {
    place.remove();
  }
}

async function* withServer(
  options: BenchOptions,
  where: Where,
  store: Store,
  count: number,
  measure: (server: BenchServer) => AsyncGenerator<Line>,
): AsyncGenerator<Line> {
  const server = await startServer(where);
  try {
    const started = performance.now();
    await server.call("repository.open", { repository: where.cwd });
    await calm(store, (await server.diagnostics()).pid, count + 1);
    options.say(`calm after ${Math.round((performance.now() - started) / 1000)} s`);
    yield* measure(server);
  } finally {
    await server.stop();
  }
}

/** A second process follows the log; the first, the server, watches; this one writes. */
async function* latency(
  options: BenchOptions,
  what: string,
  store: Store,
  paths: readonly string[],
): AsyncGenerator<Line> {
  const rounds = options.events ?? 200;
  options.say(`${rounds} writes`);
  const waiting = new Map<string, () => void>();
  const arrived = (events: readonly Event[]): void => {
    for (const { name, data } of events) {
      if (name !== "worktree.touched") continue;
      for (const { path: file } of data["files"] as { path: string }[])
        waiting.get(`${String(data["name"])}/${file}`)?.();
    }
  };
  const stop = store.events.follow(await store.events.last(), arrived);
  const [ours, bare]: [number[], number[]] = [[], []];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const root = paths[(round * 37) % paths.length] ?? "";
      const file = `packages/p0/src0/written-${round}.ts`;
      const { promise, resolve } = Promise.withResolvers<number>();
      const watcher = watch(path.join(root, path.dirname(file)), () => bare.push(performance.now() - written));
      waiting.set(`${path.basename(root)}/${file}`, () => resolve(performance.now() - written));
      const written = performance.now();
      writeFileSync(path.join(root, file), `export const round = ${round};\n`);
      ours.push(await Promise.race([promise, lost(file)]));
      watcher.close();
      // With one worktree that is somebody who saves now and then; more often, and looks are put together.
      await delay(300 + Math.random() * 50);
    }
  } finally {
    stop();
  }
  for (const [name, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    yield {
      what: `from a write to its event in another process, ${name}: ${what}`,
      unit: "ms",
      runs: ours.length,
      ours: figure(ours, percentile(ours, part)),
      baseline: figure(bare, percentile(bare, part)),
      against: "fs.watch of its folder",
      goal: name === "p99" ? { of: "value", most: 100 } : null,
    };
  }
}

const lost = async (file: string): Promise<never> => {
  await delay(patienceMs, undefined, { ref: false });
  throw new Error(`nothing was told of ${file}`);
};

/** What a server takes while nothing happens. */
async function* rest(
  options: BenchOptions,
  what: string,
  server: BenchServer,
  counter: GitCounter,
): AsyncGenerator<Line> {
  const { pid } = await server.diagnostics();
  options.say(`${restMs / 1000} s of rest`);
  const [computed, runs, began] = [computedMs(pid), counter.runs(), performance.now()];
  await delay(restMs);
  const took = performance.now() - began;
  const perMinute = ((counter.runs() - runs) / took) * 60_000;
  const load = ((computedMs(pid) - computed) / took) * 100;
  const { residentBytes } = await server.diagnostics();
  const none = { of: "value", most: 0 } as const;
  yield lineOf({ what: `git processes at rest: ${what}`, unit: "per minute", ours: [perMinute], goal: none });
  yield lineOf({ what: `processor at rest: ${what}`, unit: "% of a core", ours: [load] });
  yield lineOf({ what: `memory of the server: ${what}`, unit: "MB", ours: [residentBytes / 1e6] });
}

/** Somebody worked in a few of many worktrees; then the status of all is asked for, and must be git's to the digit. */
async function* statusOfFew(
  options: BenchOptions,
  what: string,
  server: BenchServer,
  paths: readonly string[],
  where: Where,
): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 3;
  options.say(`${rounds} rounds of work in ${dirty} and status of all`);
  let answered: readonly Worktree[] = [];
  const work = (round: number): void => {
    for (let index = 0; index < dirty; index += 1) {
      const root = paths[(index * 41 + round * 7 + 8) % paths.length] ?? "";
      appendFileSync(path.join(root, "README.md"), `Round ${round}.\n`);
      writeFileSync(path.join(root, `note-${round}.txt`), "untracked\n");
    }
  };
  const times = await inTurns(rounds, {
    git: (round) => {
      work(round * 2 + 2);
      return timed(() => statusInEach(paths, where));
    },
    server: (round) => {
      work(round * 2 + 3);
      return timed(async () => {
        answered = (await server.call("worktree.list", { repository: where.cwd })).worktrees;
      });
    },
  });
  verify(
    "the server",
    await gitCounts(paths, where),
    (await server.call("worktree.list", { repository: where.cwd })).worktrees,
  );
  if (answered.length !== paths.length) throw new Error(`${answered.length} of ${paths.length} were answered`);
  yield lineOf({
    what: `status of all when ${dirty} changed: ${what}`,
    ...{ ours: times.server, baseline: times.git, against: "git status in each" },
    // Of a hundred no more than five times can be won when twenty have to be asked.
    ...(paths.length > 1_000 ? { goal: { of: "speedup", least: 50 } as const } : {}),
  });
}

interface GitCounter {
  readonly env: NodeJS.ProcessEnv;
  /** How many git processes there were so far. */
  runs(): number;
}

/** A git before the real one in PATH that notes each start; too slow for anything but counting. */
function countGit(place: Place): GitCounter {
  const folder = path.join(place.folder, "counted");
  const notes = path.join(place.folder, "git-runs");
  mkdirSync(folder);
  writeFileSync(notes, "");
  const program = path.join(folder, "git");
  writeFileSync(program, `#!/bin/sh\necho >> '${notes}'\nPATH="\${PATH#*:}" exec git "$@"\n`);
  chmodSync(program, 0o755);
  return {
    env: { PATH: `${folder}:${place.env["PATH"] ?? process.env["PATH"] ?? ""}` },
    runs: () => readFileSync(notes, "utf8").length,
  };
}

/** Until every worktree was looked at, and its size on the disk measured, and the server computes no more. */
async function calm(store: Store, pid: number, worktrees: number): Promise<void> {
  const started = performance.now();
  const [repository] = await store.repositories.all();
  const id = repository?.id ?? "";
  for (let before = 0, still = 0; still < 4;) {
    await delay(1_000);
    const [told, measured, computed] = [await store.activities.told(id), await store.diskUse.of(id), computedMs(pid)];
    still = told.size >= worktrees && measured.size >= worktrees && computed - before < 20 ? still + 1 : 0;
    before = computed;
    if (performance.now() - started > patienceMs)
      throw new Error(`${told.size} of ${worktrees} worktrees were looked at`);
  }
}

if (import.meta.main) await runBenches([monitor], process.argv.slice(2));
