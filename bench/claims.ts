// A claim: what it takes in a server and by the command line, and whether it is exclusive among many processes.
import { closeSync, mkdirSync, openSync, rmSync, unlinkSync } from "node:fs";
import path from "node:path";
import { violations } from "../test/support/claims-history.ts";
import { unleash } from "../test/support/claims-nemesis.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, figure, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, percentile, timed } from "./support/numbers.ts";
import { locksHere } from "./support/peers.ts";
import { type Place, makePlace } from "./support/place.ts";
import { git, imiJson } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";

const worktrees = 8;
const warmUps = 300;

interface Claimed {
  readonly claim: { readonly agent: string; readonly token: number };
}

export const claims: Bench = {
  name: "claims",
  summary: "a claim, to `git worktree lock`; and many processes that are killed and stopped",
  async *measure(options) {
    const place = makePlace(options.dir);
    try {
      yield* single(place, options);
    } finally {
      place.remove();
    }
    yield* amongMany(options);
  },
};

async function* single(place: Place, options: BenchOptions): AsyncGenerator<Line> {
  const repository = await makeRepository(place, { name: "app", files: 200, remote: "none" });
  const where = { cwd: repository.trunk, env: place.envWithRegistry("claims") };
  for (let number = 0; number < worktrees; number += 1) await imiJson(where, "feat", `n${number}`);
  const locked = path.join(repository.container, "locked");
  await git(where, "worktree", "add", "-q", locked);
  const lockFile = path.join(place.folder, "lock");
  const name = (round: number): string => `feat-n${(round + worktrees) % worktrees}`;
  const server = await startServer(where);
  try {
    await server.call("repository.open", { repository: repository.trunk });
    const rounds = options.rounds ?? 400;
    const claim = async (round: number): Promise<number> => {
      const given = { repository: repository.trunk, name: name(round), agent: "bench" };
      let token = 0;
      const milliseconds = await timed(async () => {
        ({ token } = (await server.call("claim.take", given)).claim);
      });
      await server.call("claim.release", { ...given, token });
      return milliseconds;
    };
    // As in a window that is open: a server that has just been started looks at its worktrees, and its code is not warm.
    for (let round = 0; round < warmUps; round += 1) await claim(round);
    options.say(`${rounds} claims in a server`);
    const inServer = await inTurns(rounds, {
      claim,
      request: () => timed(() => server.call("agent.list", {})),
      file: () =>
        timed(async () => {
          // What a tool without a registry does: a file that only one can make.
          closeSync(openSync(lockFile, "wx"));
        }).finally(() => unlinkSync(lockFile)),
    });
    yield lineOf({
      ...{ what: "in the server", ours: inServer.claim },
      ...{ baseline: inServer.request, against: "the least a request takes, `agent.list`" },
    });
    for (const [label, part] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const) {
      yield {
        ...{ what: `in the server, ${label}`, unit: "ms", runs: rounds, against: "a file made with O_EXCL" },
        ours: figure(inServer.claim, percentile(inServer.claim, part)),
        baseline: figure(inServer.file, percentile(inServer.file, part)),
        goal: label === "p50" ? { of: "value", most: 1 } : null,
      };
    }
  } finally {
    await server.stop();
  }
  const rounds = Math.min(options.rounds ?? 30, 30);
  options.say(`${rounds} claims by the command line`);
  const peers = locksHere(options.say);
  for (const peer of peers) await peer.prepare(where);
  const byCommand = await inTurns(rounds, {
    imi: async (round) => {
      const { answer, milliseconds } = await imiJson<Claimed>(where, "claim", name(round), "--agent", "bench");
      await imiJson(where, "release", name(round), "--agent", "bench", "--token", String(answer.claim.token));
      return milliseconds;
    },
    git: async () => {
      const { milliseconds } = await git(where, "worktree", "lock", "--reason", "bench", locked);
      await git(where, "worktree", "unlock", locked);
      return milliseconds;
    },
    peer: async () => {
      const [peer] = peers;
      return peer === undefined ? 0 : peer.lock(where);
    },
  });
  yield lineOf({ what: "imi claim", ours: byCommand.imi, baseline: byCommand.git, against: "git worktree lock" });
  const [peer] = peers;
  if (peer !== undefined)
    yield lineOf({ what: "imi claim", ours: byCommand.imi, baseline: byCommand.peer, against: `${peer.name} lock` });
}

/** The size of the issue is `--rounds 10000`: 64 processes, 8 worktrees. */
async function* amongMany(options: BenchOptions): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 500;
  const seed = Number(process.env["IMI_TEST_SEED"] ?? 1);
  const folder = path.join(options.dir, `imi-bench-claims-${process.pid}`);
  mkdirSync(folder);
  options.say(`64 processes, ${rounds} rounds each, on ${worktrees} worktrees, with SIGKILL and SIGSTOP`);
  const outcome = await unleash({ folder, processes: 64, rounds, worktrees, seed, calmMs: 700 });
  const found = violations(outcome.entries, outcome.told);
  if (found.length > 0)
    throw new Error(`${found.length} violations, such as ${found[0] ?? ""} (seed ${seed}, ${folder})`);
  rmSync(folder, { recursive: true, force: true });
  const taken = outcome.entries.flatMap((entry) => (entry.op === "taken" ? [entry.end - entry.start] : []));
  options.say(
    `${outcome.rounds} rounds, ${taken.length} grants, ${outcome.kills} kills, ${outcome.stops} stops, ${Math.round(outcome.milliseconds / 1000)} s: never two holders (seed ${seed})`,
  );
  for (const [label, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    yield {
      ...{
        what: `a grant among 64 processes, ${label}`,
        unit: "ms",
        runs: taken.length,
        baseline: null,
        against: null,
      },
      ours: figure(taken, percentile(taken, part)),
      goal: null,
    };
  }
}

if (import.meta.main) await runBenches([claims], process.argv.slice(2));
