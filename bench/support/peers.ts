import { existsSync } from "node:fs";
import path from "node:path";
import { type Where, measured } from "./programs.ts";

/** Another tool for worktrees, as far as it can be timed: no dialogue, no window. */
export interface Peer {
  readonly name: string;
  prepare(where: Where): Promise<unknown>;
  create(where: Where, name: string): Promise<unknown>;
  remove(where: Where, name: string): Promise<unknown>;
}

const peer = (
  name: string,
  program: readonly [string, ...string[]],
  prepare: readonly string[],
  words: Readonly<Record<"create" | "remove", readonly string[]>>,
): Peer => {
  const run = async (where: Where, args: readonly string[]): Promise<unknown> =>
    args.length === 0 ? undefined : measured(program[0], [...program.slice(1), ...args], where);
  return {
    name,
    prepare: (where) => run(where, prepare),
    create: (where, worktree) => run(where, [...words.create, worktree]),
    remove: (where, worktree) => run(where, [...words.remove, worktree]),
  };
};

/**
 * The peers that are installed: in the folders of IMI_BENCH_PEERS (like PATH; `npm i treehouse-worktree
 * @kilocode/cli-linux-x64` leaves them in node_modules/.bin and node_modules/@kilocode/cli-linux-x64/bin). None is needed.
 */
export function peersHere(say: (text: string) => void): Peer[] {
  const folders = (process.env["IMI_BENCH_PEERS"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const find = (program: string): string | undefined =>
    folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
  const treehouse = find("treehouse");
  const kilo = find("kilo");
  if (treehouse === undefined && kilo === undefined) say("no peer is installed (IMI_BENCH_PEERS)");
  return [
    ...(treehouse === undefined
      ? []
      : [peer("treehouse", [process.execPath, treehouse], ["init"], { create: ["create"], remove: ["remove"] })]),
    ...(kilo === undefined
      ? []
      : [peer("kilo", offline(kilo), [], { create: ["worktree", "create"], remove: ["worktree", "remove"] })]),
  ];
}

/** Without a network, so that what is timed is the work and not a server somewhere; only root may do that. */
const offline = (program: string): readonly [string, ...string[]] =>
  process.geteuid?.() === 0 ? ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$0" "$@"', program] : [program];

/** Another tool that locks a worktree for an agent. */
export interface LockingPeer {
  readonly name: string;
  prepare(where: Where): Promise<unknown>;
  /** Locks, then unlocks; the milliseconds of locking. */
  lock(where: Where): Promise<number>;
}

/** The peers that claim worktrees and are installed, see `peersHere`. */
export function locksHere(say: (text: string) => void): LockingPeer[] {
  const folders = (process.env["IMI_BENCH_PEERS"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const treehouse = folders.map((folder) => path.join(folder, "treehouse")).find((file) => existsSync(file));
  if (treehouse === undefined) {
    say("no peer that claims is installed (treehouse, in a folder of IMI_BENCH_PEERS)");
    return [];
  }
  const run = (where: Where, ...args: string[]) => measured(process.execPath, [treehouse, ...args], where);
  return [
    {
      name: "treehouse",
      prepare: async (where) => {
        await run(where, "init");
        await run(where, "create", "claimed");
      },
      lock: async (where) => {
        const { milliseconds } = await run(where, "lock", "claimed", "--agent", "bench");
        await run(where, "unlock", "claimed");
        return milliseconds;
      },
    },
  ];
}
