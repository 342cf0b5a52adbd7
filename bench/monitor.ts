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
/** Other worktrees that are written to at the same time. */
const others = 4;
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
        yield* latency(options, what, store, paths.slice(1), plain);
        if (count >= dirty) yield* statusOfFew(options, what, server, store, { place, paths, where: plain });
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
  where: Where,
): AsyncGenerator<Line> {
  const rounds = options.events ?? 200;
  const waiting = new Map<string, () => void>();
  const arrived = (events: readonly Event[]): void => {
    for (const { name, data } of events) {
      if (name !== "worktree.touched") continue;
      for (const { path: file } of data["files"] as { path: string }[])
        waiting.get(`${String(data["name"])}/${file}`)?.();
    }
  };
  const stop = store.events.follow(await store.events.last(), arrived);
  /** From a write to its event; `bare` is told how long until fs.watch told of it. */
  const written = async (root: string, file: string, bare: number[] = []): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const watcher = watch(path.join(root, path.dirname(file)), () => bare.push(performance.now() - started));
    waiting.set(`${path.basename(root)}/${file}`, () => resolve(performance.now() - started));
    const started = performance.now();
    writeFileSync(path.join(root, file), `export const written = "${file}";\n`);
    try {
      return await Promise.race([promise, lost(file)]);
    } finally {
      watcher.close();
    }
  };
  // One who only looks must not write the index anew: that would be a change in the worktree.
  const looking = { ...where, env: { ...where.env, GIT_OPTIONAL_LOCKS: "0" } };
  const git1 = (cwd: string): Promise<number> => timed(() => git({ ...looking, cwd }, "status", "--porcelain=v2"));
  const [alone, amid, bare, asked]: [number[], number[], number[], number[]] = [[], [], [], []];
  try {
    options.say(`${rounds} writes`);
    for (let round = 0; round < rounds; round += 1) {
      const root = paths[(round * 37) % paths.length] ?? "";
      asked.push(await git1(root));
      alone.push(await written(root, `packages/p0/src0/written-${round}.ts`, bare));
      // With one worktree that is somebody who saves now and then; more often, and looks are put together.
      await delay(300 + Math.random() * 50);
    }
    if (paths.length > others) {
      options.say(`${rounds} writes while ${others} others are written to`);
      for (let round = 0; round < rounds; round += 1) {
        const at = (index: number): string => paths[(round * 37 + index) % paths.length] ?? "";
        const all = Array.from({ length: others + 1 }, (_, index) =>
          written(at(index), `packages/p0/src1/written-${round}.ts`),
        );
        amid.push(...(await Promise.all(all)));
        await delay(300 + Math.random() * 50);
      }
    }
  } finally {
    stop();
  }
  for (const [name, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const of = (values: readonly number[]): Line["ours"] => figure(values, percentile(values, part));
    const goal: Line["goal"] = name === "p99" ? { of: "value", most: 100 } : null;
    const line = { unit: "ms", runs: rounds, goal } as const;
    const told = `from a write to its event in another process, ${name}`;
    yield {
      ...line,
      what: `${told}: ${what}`,
      ...{ ours: of(alone), baseline: of(asked), against: "one git status of such a worktree" },
    };
    yield {
      ...line,
      what: `the same to what the system tells, ${name}: ${what}`,
      ...{ ours: of(alone), baseline: of(bare), against: "fs.watch of its folder", goal: null },
    };
    if (amid.length === 0) continue;
    yield {
      ...line,
      what: `${told}, ${others + 1} written to at once: ${what}`,
      ...{ runs: amid.length, ours: of(amid), baseline: of(asked), against: "one git status of such a worktree" },
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

/**
 * Somebody worked in a few of many worktrees; then the status of all is asked for. Each answer has to be, to the byte, that of a
 * new process that asks git about every worktree; and once more, the counts are held against git without any of iMi's code.
 */
async function* statusOfFew(
  options: BenchOptions,
  what: string,
  server: BenchServer,
  store: Store,
  { place, paths, where }: { readonly place: Place; readonly paths: readonly string[]; readonly where: Where },
): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 3;
  options.say(`${rounds} rounds of work in ${dirty} and status of all`);
  const { pid } = await server.diagnostics();
  const work = (round: number): void => {
    for (let index = 0; index < dirty; index += 1) {
      const root = paths[(index * 41 + round * 7 + 8) % paths.length] ?? "";
      appendFileSync(path.join(root, "README.md"), `Round ${round}.\n`);
      writeFileSync(path.join(root, `note-${round}.txt`), "untracked\n");
    }
  };
  const listed = async (): Promise<{ readonly worktrees: readonly Worktree[]; readonly milliseconds: number }> => {
    let worktrees: readonly Worktree[] = [];
    const milliseconds = await timed(async () => {
      ({ worktrees } = await server.call("worktree.list", { repository: where.cwd }));
    });
    return { worktrees, milliseconds };
  };
  // Another runtime folder: there it meets no server.
  const apart = { ...where, env: { ...where.env, XDG_RUNTIME_DIR: place.folder } };
  const rested: number[] = [];
  let compared = 0;
  const times = await inTurns(rounds, {
    git: async (round) => {
      work(round * 2 + 2);
      const took = await timed(() => statusInEach(paths, where));
      await calm(store, pid, paths.length);
      return took;
    },
    server: async (round) => {
      work(round * 2 + 3);
      const now = await listed();
      const { answer } = await imiJson<{ worktrees: Worktree[] }>(apart, "list");
      // What the recorder adds in the moments after: when something last changed.
      sameText("the server, at once", now.worktrees, answer.worktrees, (worktree) => ({
        ...worktree,
        live: { ...worktree.live, lastChange: null },
      }));
      await calm(store, pid, paths.length);
      const later = await listed();
      sameText("the server, later", later.worktrees, (await imiJson<typeof answer>(apart, "list")).answer.worktrees);
      if (round >= 0) rested.push(later.milliseconds);
      compared += now.worktrees.length + later.worktrees.length;
      return now.milliseconds;
    },
  });
  verify("the server", await gitCounts(paths, where), (await listed()).worktrees);
  options.say(`${compared} statuses and live facts were those of a new process, to the byte`);
  const line = {
    ...{ baseline: times.git, against: "git status in each" },
    // Of a hundred no more than five times can be won when twenty have to be asked.
    ...(paths.length > 1_000 ? { goal: { of: "speedup", least: 50 } as const } : {}),
  };
  yield lineOf({ what: `status of all when ${dirty} changed since the last: ${what}`, ours: times.server, ...line });
  yield lineOf({ what: `status of all when ${dirty} changed a while ago: ${what}`, ours: rested, ...line });
}

/** Raises where a worktree's JSON is not the other's, byte for byte. */
function sameText(
  who: string,
  ours: readonly Worktree[],
  theirs: readonly Worktree[],
  part: (worktree: Worktree) => unknown = (worktree) => worktree,
): void {
  if (ours.length !== theirs.length) throw new Error(`${who} answers ${ours.length} worktrees, not ${theirs.length}`);
  for (const [index, worktree] of ours.entries()) {
    const other = theirs[index];
    const [mine, fresh] = [JSON.stringify(part(worktree)), other === undefined ? "" : JSON.stringify(part(other))];
    if (mine !== fresh || !mine.includes('"untracked":'))
      throw new Error(`${who} answers ${mine}\na new process that asks git ${fresh}`);
  }
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
