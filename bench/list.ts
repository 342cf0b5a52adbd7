// The status of many worktrees at once, to asking git in one after another.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type StatusCounts, type Worktree, isKnown } from "../protocol/worktrees.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, timed } from "./support/numbers.ts";
import { makePlace } from "./support/place.ts";
import { type Where, git, imiJson } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";
import { warmUp } from "./support/warm-up.ts";

const goal = { of: "speedup", least: 10 } as const;

export const list: Bench = {
  name: "list",
  summary: "all worktrees with status, to `git status --porcelain=v2` in each",
  async *measure(options) {
    for (const count of options.worktrees ?? [100, 1000]) yield* lists(options, count);
  },
};

async function* lists(options: BenchOptions, count: number): AsyncGenerator<Line> {
  const files = options.files?.[0] ?? 200;
  const rounds = options.rounds ?? (count > 300 ? 3 : 7);
  const place = makePlace(options.dir);
  try {
    options.say(`making ${count} worktrees of ${files} files`);
    const { container, trunk } = await makeRepository(place, { name: "many", files, remote: "none" });
    const where = { cwd: trunk, env: place.envWithRegistry("list") };
    const paths = [trunk];
    for (let index = 0; index < count; index += 1) {
      const target = path.join(container, `feat-${index}`);
      await git(where, "worktree", "add", "-q", "--no-track", "-b", `feat/${index}`, target, "main");
      await work(index, { ...where, cwd: target });
      paths.push(target);
    }
    options.say(`iMi meets them`);
    const met = await imiJson<{ worktrees: Worktree[] }>(where, "list");
    const server = await startServer(where);
    try {
      await server.call("repository.open", { repository: trunk });
      const cold = await server.diagnostics();
      await warmUp(server, trunk, options.say);
      const warm = await server.diagnostics();
      const byGit = await gitCounts(paths, where);
      verify("imi list", byGit, met.answer.worktrees);

      let answered: readonly Worktree[] = [];
      let told: readonly Worktree[] = [];
      const apart = { ...where, env: { ...where.env, XDG_RUNTIME_DIR: place.folder } };
      options.say(`${rounds} rounds`);
      const times = await inTurns(rounds, {
        git: () => timed(() => statusInEach(paths, where)),
        server: () =>
          timed(async () => {
            answered = (await server.call("worktree.list", { repository: trunk })).worktrees;
          }),
        cli: async () => {
          const { answer, milliseconds } = await imiJson<{ worktrees: Worktree[] }>(where, "list");
          told = answer.worktrees;
          return milliseconds;
        },
        // Another runtime folder: there it meets no server.
        cliCold: async () => (await imiJson(apart, "list")).milliseconds,
        serverPlain: () => timed(() => server.call("worktree.list", { repository: trunk, status: false })),
        cliPlain: async () => (await imiJson(where, "list", "--no-status")).milliseconds,
      });
      verify("the server", byGit, answered);
      verify("imi list beside a server", byGit, told);

      const what = `${count.toLocaleString("en")} worktrees of ${files} files`;
      const common = { baseline: times.git, against: "git status in each" };
      yield lineOf({ what: `in the server: ${what}`, ours: times.server, ...common, goal });
      yield lineOf({ what: `imi list --json, a server runs: ${what}`, ours: times.cli, ...common, goal });
      yield lineOf({ what: `imi list --json, no server: ${what}`, ours: times.cliCold, ...common });
      const megabytes = (bytes: number): number[] => [bytes / 1e6];
      const memory = {
        unit: "MB",
        baseline: megabytes(cold.residentBytes),
        against: "before the first status",
      } as const;
      yield lineOf({ what: `memory of the server: ${what}`, ours: megabytes(warm.residentBytes), ...memory });
      yield lineOf({ what: `in the server, without status: ${what}`, ours: times.serverPlain });
      yield lineOf({ what: `imi list --json --no-status: ${what}`, ours: times.cliPlain });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

/** Somebody worked in every fifth worktree: edits, a new file, a new folder, something staged, a commit. */
async function work(index: number, where: Where): Promise<void> {
  if (index % 5 !== 0) return;
  const file = (...parts: string[]): string => path.join(where.cwd, ...parts);
  appendFileSync(file("README.md"), `Worktree ${index}.\n`);
  writeFileSync(file(`note-${index}.txt`), "untracked\n");
  if (index % 10 === 0) {
    mkdirSync(file("drafts"));
    for (const name of ["a", "b"]) writeFileSync(file("drafts", `${name}.txt`), "untracked\n");
    writeFileSync(file("staged.txt"), "staged\n");
    await git(where, "add", "staged.txt");
  }
  if (index % 20 === 0) await git(where, "commit", "-q", "-m", `Work ${index}`);
}

export async function statusInEach(paths: readonly string[], where: Where): Promise<void> {
  for (const cwd of paths) await git({ ...where, cwd }, "status", "--porcelain=v2");
}

/** The same counts as git gives them, asked without any of iMi's code. */
export async function gitCounts(paths: readonly string[], where: Where): Promise<Map<string, StatusCounts>> {
  const counts = new Map<string, StatusCounts>();
  for (const cwd of paths) {
    const here = { ...where, cwd };
    const { output } = await git(here, "status", "--porcelain");
    const entries = output.split("\n").filter((line) => line !== "");
    const compared = await git(here, "rev-list", "--left-right", "--count", "main...HEAD");
    const [behind = 0, ahead = 0] = compared.output.trim().split("\t").map(Number);
    const tracked = entries.filter((entry) => !entry.startsWith("??"));
    counts.set(cwd, {
      ahead,
      behind,
      staged: tracked.filter((entry) => entry[0] !== " ").length,
      changed: tracked.filter((entry) => entry[1] !== " ").length,
      untracked: entries.length - tracked.length,
      conflicted: 0,
    });
  }
  return counts;
}

/** A fast answer that is wrong is no answer. */
export function verify(who: string, expected: ReadonlyMap<string, StatusCounts>, worktrees: readonly Worktree[]): void {
  if (worktrees.length !== expected.size)
    throw new Error(`${who} lists ${worktrees.length} of ${expected.size} worktrees`);
  const names = ["ahead", "behind", "staged", "changed", "untracked", "conflicted"] as const;
  for (const { path: place, name, status } of worktrees) {
    const counts = expected.get(place);
    if (counts === undefined) throw new Error(`${who} lists a worktree that git does not: ${name}`);
    if (status === undefined || !isKnown(status))
      throw new Error(`${who} has no status of ${name}: ${JSON.stringify(status)}`);
    const wrong = names.find((count) => status[count] !== counts[count]);
    if (wrong !== undefined)
      throw new Error(`${who} counts ${status[wrong]} ${wrong} in ${name}, git ${counts[wrong]}`);
  }
}

if (import.meta.main) await runBenches([list], process.argv.slice(2));
