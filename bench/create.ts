// A new worktree: by the command line and inside a running server, to what git itself takes.
import { rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CreateResult } from "../protocol/worktrees.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, timed } from "./support/numbers.ts";
import { type Place, makePlace } from "./support/place.ts";
import { git, imi, imiJson } from "./support/programs.ts";
import { type BenchRepository, makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";

type Fetch = "no remote" | "remote, fetched a moment ago" | "remote, with its fetch";

const goal = { of: "ratio", most: 1.15 } as const;

/** What a creation leaves to be done in the background must not run into the next one. */
const settleMs = 150;

export const create: Bench = {
  name: "create",
  summary: "a new worktree, to `git worktree add --no-track -b`",
  async *measure(options) {
    for (const files of options.files ?? [2000, 20_000]) {
      const rounds = options.rounds ?? (files > 5000 ? 7 : 15);
      for (const fetch of ["no remote", "remote, fetched a moment ago", "remote, with its fetch"] as const) {
        options.say(`${files} files, ${fetch}, ${rounds} rounds`);
        yield* creations(options, files, rounds, fetch);
      }
    }
  },
};

async function* creations(options: BenchOptions, files: number, rounds: number, fetch: Fetch): AsyncGenerator<Line> {
  const place = makePlace(options.dir);
  try {
    // A repository for each side: a server that follows one would otherwise look at what the others make in it.
    const make = (name: string) =>
      makeRepository(place, { name, files, remote: fetch === "no remote" ? "none" : "local" });
    const plain = await make("plain");
    const byCli = await make("by-cli");
    const byServer = await make("by-server");
    const cliWhere = { cwd: byCli.trunk, env: place.envWithRegistry("cli") };
    const serverWhere = { cwd: byServer.trunk, env: place.envWithRegistry("server") };
    const server = await startServer(serverWhere);
    try {
      // As a window does that shows the repository: the server follows it from then on.
      await server.call("repository.open", { repository: byServer.trunk });
      const times = await inTurns(rounds, {
        git: (round) => byGit(place, plain, fetch, round),
        server: async (round) => {
          prepare(byServer, fetch);
          const name = nameOf(round);
          let result: CreateResult | undefined;
          const milliseconds = await timed(async () => {
            result = await server.call("worktree.create", { repository: byServer.trunk, type: "feat", name });
          });
          check(result);
          await server.call("worktree.remove", { repository: byServer.trunk, name: `feat-${name}`, yes: true });
          await delay(settleMs);
          return milliseconds;
        },
        cli: async (round) => {
          prepare(byCli, fetch);
          const { answer, milliseconds } = await imiJson<CreateResult>(cliWhere, "feat", nameOf(round));
          check(answer);
          await imi(cliWhere, "remove", `feat-${nameOf(round)}`, "--yes");
          await delay(settleMs);
          return milliseconds;
        },
      });
      const what = `${files.toLocaleString("en")} files, ${fetch}`;
      const against = fetch === "remote, with its fetch" ? "git fetch + worktree add" : "git worktree add";
      yield lineOf({ what: `in the server: ${what}`, ours: times.server, baseline: times.git, against, goal });
      yield lineOf({ what: `imi feat: ${what}`, ours: times.cli, baseline: times.git, against });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

async function byGit(place: Place, repository: BenchRepository, fetch: Fetch, round: number): Promise<number> {
  const where = { cwd: repository.trunk, env: place.env };
  const target = path.join(repository.container, `feat-${nameOf(round)}`);
  const start = fetch === "no remote" ? "main" : "origin/main";
  const milliseconds = await timed(async () => {
    if (fetch === "remote, with its fetch") await git(where, "fetch", "-q", "--prune", "origin", "main");
    await git(where, "worktree", "add", "--no-track", "-b", `feat/${nameOf(round)}`, target, start);
  });
  await git(where, "worktree", "remove", target);
  await delay(settleMs);
  return milliseconds;
}

/** Round -1 warms up. */
const nameOf = (round: number): string => `round-${round + 1}`;

/** iMi does not fetch again what it fetched within the last minute; this mark says when that was. */
function prepare(repository: BenchRepository, fetch: Fetch): void {
  if (fetch === "remote, with its fetch") rmSync(path.join(repository.gitDir, "imi", "fetched"), { force: true });
}

function check(result: CreateResult | undefined): void {
  if (result?.created !== true || result.worktree.state !== "ready")
    throw new Error(`not created: ${JSON.stringify(result)}`);
}

if (import.meta.main) await runBenches([create], process.argv.slice(2));
