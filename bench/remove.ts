// Removing a worktree to the prompt, bringing it back, and what keeps that safe: to git and to peers that are here.
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../protocol/contract.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, timed } from "./support/numbers.ts";
import { type Peer, peersHere } from "./support/peers.ts";
import { makePlace } from "./support/place.ts";
import { type Where, git, imi, imiJson } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";

/** Until the files of a worktree that was just restored are old enough to be told from later changes, and under watch. */
const watchedMs = 1_500;

type Removed = ResultOf<"worktree.remove">;
type Restored = ResultOf<"worktree.restore">;

const goal = { of: "speedup", least: 20 } as const;

/** What a removal leaves to be done in the background must not run into the next one. */
const settleMs = 150;

export const remove: Bench = {
  name: "remove",
  summary: "removing and restoring a worktree, to `git worktree remove` and `add`; looking for work; salvaging it",
  async *measure(options) {
    for (const files of options.files ?? [20_000]) yield* removals(options, files);
    for (const count of options.worktrees ?? [100]) yield* examinations(options, count);
    yield* salvages(options);
  },
};

async function* removals(options: BenchOptions, files: number): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 7;
  const place = makePlace(options.dir);
  try {
    options.say(`${files} files, ${rounds} rounds`);
    const make = (name: string) => makeRepository(place, { name, files, remote: "none" });
    const [plain, byCli, byServer] = [await make("plain"), await make("by-cli"), await make("by-server")];
    const plainWhere = { cwd: plain.trunk, env: place.env };
    const cliWhere = { cwd: byCli.trunk, env: place.envWithRegistry("cli") };
    const serverWhere = { cwd: byServer.trunk, env: place.envWithRegistry("server") };
    const peers = peersHere(options.say);
    const server = await startServer(serverWhere);
    const repository = byServer.trunk;
    const back: Record<"git" | "server" | "cli", number[]> = { git: [], server: [], cli: [] };
    const counted = (side: keyof typeof back, round: number, milliseconds: number): void => {
      if (round >= 0) back[side].push(milliseconds);
    };
    try {
      await server.call("repository.open", { repository });
      await git(
        plainWhere,
        "worktree",
        "add",
        "-q",
        "--no-track",
        "-b",
        "feat/x",
        path.join(plain.container, "feat-x"),
      );
      await imi(cliWhere, "feat", "x");
      await server.call("worktree.create", { repository, type: "feat", name: "x" });
      for (const { container } of [plain, byCli, byServer]) await aged(plainWhere, path.join(container, "feat-x"));
      const sides: Record<string, (round: number) => Promise<number>> = {
        git: async (round) => {
          const target = path.join(plain.container, "feat-x");
          const milliseconds = await timed(() => git(plainWhere, "worktree", "remove", target));
          counted("git", round, await timed(() => git(plainWhere, "worktree", "add", "-q", target, "feat/x")));
          await aged(plainWhere, target);
          return milliseconds;
        },
        server: async (round) => {
          const milliseconds = await timed(() => server.call("worktree.remove", { repository, name: "feat-x" }));
          requireGone(path.join(byServer.container, "feat-x"));
          await delay(settleMs);
          counted("server", round, await timed(() => server.call("worktree.restore", { repository, name: "feat-x" })));
          await delay(settleMs);
          return milliseconds;
        },
        // As in VS Code: what it holds was shown first, and who looks at that takes a moment.
        seen: async () => {
          // As in a window: its tree has shown the status for a while before somebody removes a worktree there.
          for (let look = 0; look < 2; look += 1) {
            await server.call("worktree.list", { repository, status: true });
            await delay(watchedMs);
          }
          await server.call("worktree.remove", { repository, name: "feat-x", dryRun: true });
          await delay(settleMs);
          const milliseconds = await timed(() => server.call("worktree.remove", { repository, name: "feat-x" }));
          requireGone(path.join(byServer.container, "feat-x"));
          await server.call("worktree.restore", { repository, name: "feat-x" });
          await delay(settleMs);
          return milliseconds;
        },
        cli: async (round) => {
          const { milliseconds } = await imiJson<Removed>(cliWhere, "remove", "feat-x");
          requireGone(path.join(byCli.container, "feat-x"));
          const restored = await imiJson<Restored>(cliWhere, "restore", "feat-x");
          counted("cli", round, restored.milliseconds);
          await delay(settleMs);
          return milliseconds;
        },
      };
      for (const peer of peers) sides[peer.name] = await sideOf(peer, place.env, make);
      const times = await inTurns(rounds, sides);
      const of = (name: string): number[] => times[name] ?? [];
      const what = `${files.toLocaleString("en")} files`;
      const removing = { baseline: of("git"), against: "git worktree remove" };
      yield lineOf({ what: `remove in the server, after its dry run: ${what}`, ours: of("seen"), ...removing, goal });
      yield lineOf({ what: `remove in the server: ${what}`, ours: of("server"), ...removing });
      yield lineOf({ what: `imi remove: ${what}`, ours: of("cli"), ...removing });
      for (const { name } of peers) {
        yield lineOf({ what: `imi remove: ${what}`, ours: of("cli"), baseline: of(name), against: `${name} remove` });
      }
      const restoring = { baseline: back.git, against: "git worktree add, no work" };
      yield lineOf({ what: `restore in the server: ${what}`, ours: back.server, ...restoring });
      yield lineOf({ what: `imi restore: ${what}`, ours: back.cli, ...restoring });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

/**
 * As a worktree is that somebody has worked in: git reads each file anew that is as young as the index, and of a fresh
 * checkout these are all.
 */
async function aged(where: Where, folder: string): Promise<void> {
  await delay(1100);
  await git({ ...where, cwd: folder }, "status", "--porcelain");
}

type MakeRepository = (name: string) => ReturnType<typeof makeRepository>;

/** A peer in a repository of its own; making the worktree anew is not timed. */
async function sideOf(
  peer: Peer,
  env: NodeJS.ProcessEnv,
  make: MakeRepository,
): Promise<(round: number) => Promise<number>> {
  const { trunk } = await make(peer.name);
  const where = { cwd: trunk, env };
  await peer.prepare(where);
  return async (round) => {
    const name = `round-${round + 1}`;
    await peer.create(where, name);
    await aged(where, await folderOf(where, name));
    const milliseconds = await timed(() => peer.remove(where, name));
    await delay(settleMs);
    return milliseconds;
  };
}

async function folderOf(where: Where, name: string): Promise<string> {
  const { output } = await git(where, "worktree", "list", "--porcelain");
  const found = output.split("\n").find((line) => line.startsWith("worktree ") && line.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`${name} was not made: ${output}`);
  return found.slice("worktree ".length);
}

/** The look that a removal begins with, for many worktrees of which some hold work. */
async function* examinations(options: BenchOptions, count: number): AsyncGenerator<Line> {
  const files = 200;
  const rounds = options.rounds ?? 5;
  const place = makePlace(options.dir);
  try {
    options.say(`making ${count} worktrees of ${files} files`);
    const { container, trunk } = await makeRepository(place, { name: "many", files, remote: "none" });
    const where = { cwd: trunk, env: place.envWithRegistry("work") };
    const names = Array.from({ length: count }, (_, index) => `feat-${index}`);
    for (const [index, name] of names.entries()) {
      const target = path.join(container, name);
      await git(where, "worktree", "add", "-q", "--no-track", "-b", `feat/${index}`, target, "main");
      if (index % 5 === 0) writeFileSync(path.join(target, "note.txt"), "untracked\n");
    }
    const server = await startServer(where);
    try {
      await server.call("worktree.list", { repository: trunk, status: false });
      let holding = 0;
      const times = await inTurns(rounds, {
        git: () =>
          timed(async () => {
            for (const name of names) await statusIn({ ...where, cwd: path.join(container, name) });
          }),
        server: () =>
          timed(async () => {
            holding = 0;
            for (const name of names) {
              const { work } = await server.call("worktree.work", { repository: trunk, name });
              if (work.answer === "work") holding += 1;
            }
          }),
      });
      if (holding !== Math.ceil(count / 5)) throw new Error(`${holding} of ${count} worktrees were said to hold work`);
      yield lineOf({
        what: `worktree.work one after another: ${count} worktrees of ${files} files`,
        ours: times.server,
        baseline: times.git,
        against: "git status in each",
      });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

const statusIn = (where: Where) => git(where, "status", "--porcelain=v2", "--branch", "--untracked-files=all");

/** A thousand changed files put in safety, to `git stash create` of them, which leaves out untracked ones. */
async function* salvages(options: BenchOptions): AsyncGenerator<Line> {
  const changed = 1000;
  const rounds = options.rounds ?? 5;
  const place = makePlace(options.dir);
  try {
    options.say(`salvaging ${changed} changed files`);
    const { container, trunk } = await makeRepository(place, { name: "salvage", files: 2000, remote: "none" });
    const where = { cwd: trunk, env: place.envWithRegistry("salvage") };
    await imi(where, "feat", "x");
    const target = path.join(container, "feat-x");
    const inside = { ...where, cwd: target };
    const tracked = (await git(inside, "ls-files")).output.split("\n").filter((name) => name.endsWith(".ts"));
    /** New content each time: what is in the repository already costs nothing to keep. */
    const change = (round: string): void => {
      for (const [index, name] of tracked.slice(0, changed).entries())
        writeFileSync(path.join(target, name), `// ${round}, ${index}\n${"export {};\n".repeat(200)}`);
    };
    const server = await startServer(where);
    try {
      await server.call("worktree.list", { repository: trunk, status: false });
      const times = await inTurns(rounds, {
        git: async (round) => {
          change(`git ${round}`);
          return timed(() => git(inside, "stash", "create"));
        },
        server: async (round) => {
          change(`server ${round}`);
          return timed(() => server.call("worktree.salvage", { repository: trunk, name: "feat-x" }));
        },
        cli: async (round) => {
          change(`cli ${round}`);
          return (await imi(where, "salvage", "feat-x")).milliseconds;
        },
      });
      const what = `${changed.toLocaleString("en")} changed files`;
      const common = { baseline: times.git, against: "git stash create, not verified" };
      yield lineOf({ what: `salvage in the server: ${what}`, ours: times.server, ...common });
      yield lineOf({ what: `imi salvage: ${what}`, ours: times.cli, ...common });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

function requireGone(folder: string): void {
  if (existsSync(folder)) throw new Error(`${folder} was not removed`);
}

if (import.meta.main) await runBenches([remove], process.argv.slice(2));
