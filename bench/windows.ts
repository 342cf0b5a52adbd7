// Several windows on one repository: what watching it costs, to each window watching for itself.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { makePlace } from "./support/place.ts";
import { git } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { type BenchServer, startServer } from "./support/server.ts";

const count = 3;
const restMs = 30_000;
/** What follows a start (sizes of worktrees, retention) is over by then. */
const settleMs = 20_000;

export const windows: Bench = {
  name: "windows",
  summary: `${count} servers on one repository, to each watching for itself; takeover`,
  async *measure(options) {
    for (const worktrees of options.worktrees ?? [100]) yield* several(options, worktrees);
  },
};

async function* several(options: BenchOptions, worktrees: number): AsyncGenerator<Line> {
  const files = options.files?.[0] ?? 2_000;
  const place = makePlace(options.dir);
  const started: Opened[] = [];
  try {
    options.say(`making ${worktrees} worktrees of ${files} files`);
    const { container, trunk } = await makeRepository(place, { name: "many", files, remote: "none" });
    for (let index = 0; index < worktrees; index += 1)
      await git(
        { cwd: trunk, env: place.env },
        ...[
          "worktree",
          "add",
          "-q",
          "--no-track",
          "-b",
          `feat/${index}`,
          path.join(container, `feat-${index}`),
          "main",
        ],
      );
    const what = `${count} windows, ${worktrees} worktrees of ${files} files`;

    options.say("each for itself");
    const apart = await open(trunk, (index) => place.envWithRegistry(`apart-${index}`));
    const before = await costOf(apart);
    for (const server of apart) await server.stop();

    options.say("together");
    const log = path.join(place.folder, "together.log");
    const env = { ...place.envWithRegistry("together"), IMI_LOG_FILE: log, IMI_LOG_LEVEL: "debug" };
    const together = await open(trunk, () => env);
    started.push(...together);
    const after = await costOf(together);
    const against = "each for itself";
    yield lineOf({
      what: `inotify watches: ${what}`,
      ours: [after.watches],
      baseline: [before.watches],
      against,
      unit: "watches",
    });
    yield lineOf({
      what: `memory: ${what}`,
      ours: [after.megabytes],
      baseline: [before.megabytes],
      against,
      unit: "MB",
    });

    options.say(`at rest for ${restMs / 1000} s`);
    await delay(settleMs);
    const ran = gitRuns(log);
    const used = await cpuOf(together);
    await delay(restMs);
    const cpu = ((await cpuOf(together)) - used) / (restMs / 1000);
    yield lineOf({
      what: `git processes in ${restMs / 1000} s at rest: ${what}`,
      ours: [gitRuns(log) - ran],
      unit: "processes",
      goal: { of: "value", most: 0 },
    });
    yield lineOf({ what: `processor time in a second at rest: ${what}`, ours: [cpu], unit: "ms" });

    const took: number[] = [];
    for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
      const leader = watching(log);
      const server = together.find(({ pid }) => pid === leader);
      if (leader === null || server === undefined) throw new Error("nobody watches");
      process.kill(leader, signal);
      const ended = performance.now();
      while (watching(log) === leader) await delay(5);
      took.push(performance.now() - ended);
      if (signal === "SIGSTOP") process.kill(leader, "SIGKILL");
      together.splice(together.indexOf(server), 1);
    }
    yield lineOf({
      what: `takeover from one that was killed: ${what}`,
      ours: took.slice(0, 1),
      goal: { of: "value", most: 2_000 },
    });
    yield lineOf({ what: `takeover from one that was stopped: ${what}`, ours: took.slice(1) });
    for (const server of together.splice(0)) await server.stop();
    started.length = 0;
  } finally {
    for (const { pid } of started) endForSure(pid);
    place.remove();
  }
}

interface Opened extends BenchServer {
  readonly pid: number;
}

/** Starts the servers one after another, and resolves when all know all statuses without asking git. */
async function open(trunk: string, env: (index: number) => NodeJS.ProcessEnv): Promise<Opened[]> {
  const servers: Opened[] = [];
  for (let index = 0; index < count; index += 1) {
    const server = await startServer({ cwd: trunk, env: env(index) });
    await server.call("repository.open", { repository: trunk });
    servers.push({ ...server, pid: (await server.diagnostics()).pid });
  }
  for (const server of servers) {
    for (let before = -1; before !== watchesOf(server.pid); await delay(2_000)) {
      before = watchesOf(server.pid);
      await server.call("worktree.list", { repository: trunk });
    }
  }
  return servers;
}

function endForSure(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

async function costOf(servers: readonly Opened[]): Promise<{ watches: number; megabytes: number }> {
  let [watches, bytes] = [0, 0];
  for (const server of servers) {
    watches += watchesOf(server.pid);
    bytes += (await server.diagnostics()).residentBytes;
  }
  return { watches, megabytes: bytes / 1e6 };
}

function watchesOf(pid: number): number {
  const folder = `/proc/${pid}/fdinfo`;
  let watches = 0;
  for (const name of readdirSync(folder)) {
    try {
      watches += readFileSync(path.join(folder, name), "utf8").match(/^inotify /gmu)?.length ?? 0;
    } catch {
      // Closed meanwhile.
    }
  }
  return watches;
}

/** In ms. */
async function cpuOf(servers: readonly Opened[]): Promise<number> {
  return servers.reduce((sum, { pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

const linesOf = (log: string): string[] => readFileSync(log, "utf8").split("\n");
const gitRuns = (log: string): number => linesOf(log).filter((line) => / debug \[\d+\] git /u.test(line)).length;
/** The process that last said it watches. */
const watching = (log: string): number | null => {
  const said = linesOf(log).findLast((line) => line.includes("Watching the worktrees of"));
  return said === undefined ? null : Number(/ \[(?<pid>\d+)\] /u.exec(said)?.groups?.["pid"]);
};

if (import.meta.main) await runBenches([windows], process.argv.slice(2));
