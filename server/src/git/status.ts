import { realpath, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { LiveFacts, StatusCounts, WorktreeStatus } from "../../../protocol/worktrees.ts";
import { filterGuards } from "./filters.ts";
import { atLeast } from "./git.ts";
import type { Git } from "./git.ts";
import { requireOwner } from "./owner.ts";
import { readWorktreeRecords, recordAt } from "./records.ts";
import { RefFiles } from "./ref-files.ts";
import { findRepository, gitDirOfFile } from "./repository.ts";
import { shortOf, upstreamAt } from "./upstream.ts";

export interface StatusWanted {
  readonly id: string;
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly base: string | null;
}

export interface StatusesOptions {
  readonly signal?: AbortSignal | undefined;
  /** git processes at once; twice the cores by default. */
  readonly concurrency?: number;
  /** Called with each status as soon as it is known. */
  readonly onStatus?: ((id: string, status: WorktreeStatus) => void) | undefined;
  /** What a process that keeps running knows already; without one, git is asked about each. */
  readonly memory?: StatusMemory | undefined;
}

/** Where git keeps a worktree: its folder, and its own git directory. */
export interface WorktreePlace {
  readonly path: string;
  readonly gitDir: string;
}

/** Asks git now; of these paths (relative to the worktree) and what is below them, where some are named. */
export type AskStatus = (signal: AbortSignal | undefined, paths?: readonly string[]) => Promise<ReadStatus>;

/** What git said about the worktrees of one repository, for as long as it can be proven that it would say it again. */
export interface StatusMemory {
  /** By path, those that git need not be asked about: nothing happened since it was. */
  recall(paths: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, ReadStatus>>;
  /** Asks git, and remembers the answer where it can watch over it. */
  learn(place: WorktreePlace, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus>;
  /** Of a worktree recalled a moment ago: the folders in it, by relative path, below which things may have happened since. */
  unwatched?(path: string): ReadonlySet<string> | null;
  /** Distances between pairs of commits (`base...head`). */
  readonly distances: Map<string, Distance>;
}

/** What a look at a worktree found: its counts, and where it stands; null where git did not say. */
export interface Look {
  readonly status: WorktreeStatus;
  readonly at: (Pick<ReadStatus, "head" | "gitDir"> & Pick<LiveFacts, "upstream">) | null;
}

/** The status of one worktree; what could not be read is `unknown`, with the reason. Raises only when cancelled. */
export const statusOf = async (
  git: Git,
  worktreePath: string,
  options: { readonly base: string | null; readonly commonDir?: string; readonly signal?: AbortSignal | undefined },
): Promise<WorktreeStatus> => {
  try {
    const commonDir = options.commonDir ?? (await findRepository(worktreePath)).commonDir;
    const wanted = { id: "", path: worktreePath, branch: null, head: null, base: options.base };
    return (await statuses(git, commonDir, [wanted], { signal: options.signal })).get("") ?? unknown("it was not read");
  } catch (error) {
    return asUnknown(error);
  }
};

/** The statuses of `looks`, without where the worktrees stand. */
export const statuses = async (
  git: Git,
  commonDir: string,
  worktrees: readonly StatusWanted[],
  options: StatusesOptions = {},
): Promise<Map<string, WorktreeStatus>> => {
  const found = await looks(git, commonDir, worktrees, options);
  return new Map([...found].map(([id, { status }]) => [id, status]));
};

/**
 * The status of many worktrees of one repository, and where each stands. Each is read through git's own record of it and
 * never through the `.git` that lies in the worktree, which whoever works there can point at a configuration of theirs.
 * Commits are compared once for each pair of commits, and not at all where a worktree is at its base.
 */
export const looks = async (
  git: Git,
  commonDir: string,
  worktrees: readonly StatusWanted[],
  options: StatusesOptions = {},
): Promise<Map<string, Look>> => {
  const { signal, memory } = options;
  const gate = new Gate(options.concurrency ?? availableParallelism() * 2);
  const distances = new Distances(git, commonDir, gate, memory?.distances ?? new Map(), signal);
  const near = async (wanted: StatusWanted, read: ReadStatus): Promise<Look> => {
    const [status, upstream] = await Promise.all([
      distances.of(read.head, wanted.base).then((distance) => withDistance(read, distance), asUnknown),
      distances.toUpstream(read),
    ]);
    return { status, at: { head: read.head, gitDir: read.gitDir, upstream } };
  };
  const readOne = async (wanted: StatusWanted, gitDirOf: Awaited<ReturnType<typeof gitDirsOf>>): Promise<Look> => {
    if (!(await isFolder(wanted.path))) return unread("its folder is gone");
    const gitDir = await gitDirOf(wanted.path);
    if (gitDir === null) return unread("git has no record of it");
    const place = { path: wanted.path, gitDir };
    const ask: AskStatus = (askSignal, paths) => gate.pass(() => askGit(git, commonDir, place, askSignal, paths));
    return near(wanted, await (memory?.learn(place, ask, signal) ?? ask(signal)));
  };

  // In the order asked for, whatever order the answers come in.
  const answer = new Map<string, Look>(worktrees.map(({ id }) => [id, unread("it was not read")]));
  const known = (wanted: StatusWanted, look: Look): void => {
    answer.set(wanted.id, look);
    options.onStatus?.(wanted.id, look.status);
  };
  try {
    await requireOwner(git, commonDir, signal);
    const recalled =
      (await memory?.recall(
        worktrees.map(({ path }) => path),
        signal,
      )) ?? new Map<string, ReadStatus>();
    // The commit git said it is at is newer than what the caller has it at.
    await distances.prepare(
      worktrees.map((wanted) => ({ ...wanted, head: recalled.get(wanted.path)?.head ?? wanted.head })),
    );
    // Records are read for those alone that git is asked about.
    const missing = worktrees.filter(({ path }) => !recalled.has(path)).length;
    let records: ReturnType<typeof gitDirsOf> | undefined;
    await Promise.all(
      worktrees.map(async (wanted) => {
        const read = recalled.get(wanted.path);
        const reading =
          read === undefined
            ? (records ??= gitDirsOf(commonDir, missing)).then((of) => readOne(wanted, of))
            : near(wanted, read);
        known(wanted, await reading.catch((error: unknown) => ({ status: asUnknown(error), at: null })));
      }),
    );
  } catch (error) {
    const status = asUnknown(error);
    for (const wanted of worktrees) known(wanted, { status, at: null });
  }
  return answer;
};

const withDistance = ({ counts }: ReadStatus, { ahead, behind }: Distance): StatusCounts => ({
  ahead,
  behind,
  ...counts,
});

/** git's own answer about one worktree, now; with `paths`, of these and what is below them alone. */
export const askGit = async (
  git: Git,
  commonDir: string,
  { path, gitDir }: WorktreePlace,
  signal: AbortSignal | undefined,
  paths: readonly string[] = [],
): Promise<ReadStatus> => {
  const config = await filterGuards(git, commonDir, gitDir);
  const options = { access: "read", signal, config } as const;
  const at = [`--git-dir=${gitDir}`, `--work-tree=${path}`];
  const named = paths.length === 0 ? statusCommand : ["--literal-pathspecs", ...statusCommand, "--", ...paths];
  const { stdout } = await git.run(path, [...at, ...named], options);
  const read = parseStatus(stdout);
  if (read === null) throw new ImiError("git/failed", "git's answer was not understood");
  // How short git says it depends on what other refs there are, and those come and go: so the full name is remembered.
  const upstream = read.upstream === null ? null : upstreamAt(new RefFiles(commonDir), read.upstream);
  return { ...read, gitDir, upstream: upstream?.ref ?? read.upstream };
};

/** Renames count as one file gone and one come: finding them means comparing contents, in every status of a large change. */
const statusCommand = [
  "status",
  "--porcelain=v2",
  "-z",
  "--branch",
  "--untracked-files=normal",
  "--ignore-submodules=none",
  "--no-renames",
  "--no-ahead-behind",
];

const unknown = (reason: string): WorktreeStatus => ({ unknown: reason });

const unread = (reason: string): Look => ({ status: unknown(reason), at: null });

const asUnknown = (error: unknown): WorktreeStatus => {
  if (ImiError.is(error, "operation/cancelled")) throw error;
  return unknown(ImiError.from(error).message);
};

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );

/** For so few the records of all other worktrees are not read: of a thousand that takes 40 ms. */
const fewRecords = 50;

/**
 * Answers with the git directory of the worktree at a path, known from the common directory alone. `wanted`: how many will
 * be asked for.
 */
export const gitDirsOf = async (
  commonDir: string,
  wanted = Number.POSITIVE_INFINITY,
): Promise<(path: string) => Promise<string | null>> => {
  const all = wanted > fewRecords;
  const gitDirs = new Map<string, string>();
  const main = mainCheckout(commonDir);
  if (main !== null) gitDirs.set(main, commonDir);
  for (const record of all ? await readWorktreeRecords(commonDir) : []) {
    if (record.path !== null) gitDirs.set(record.path, join(commonDir, "worktrees", record.gitId));
  }
  return async (path) => {
    const known = gitDirs.get(path) ?? gitDirs.get(await realpath(path));
    if (known !== undefined) return known;
    const inRecords = async (): Promise<string | null> => {
      const record = await recordAt(commonDir, path); // also where git wrote its path with a link in it
      return record === null ? null : join(commonDir, "worktrees", record.gitId);
    };
    // A main checkout apart from its git directory is believed when it points to the very one we know, and no record names it.
    const apart = gitDirOfFile(join(path, ".git")) === commonDir ? commonDir : null;
    return all ? (apart ?? inRecords()) : ((await inRecords()) ?? apart);
  };
};

const mainCheckout = (commonDir: string): string | null => {
  const parent = dirname(commonDir);
  if (join(parent, ".git") === commonDir) return parent;
  return null;
};

export interface ReadStatus {
  /** The worktree's own, as git was asked with it. */
  readonly gitDir: string;
  readonly head: string | null;
  /** The branch that git's configuration names: its full name, or the short one where there was no such ref. */
  readonly upstream: string | null;
  /** null: HEAD is detached. */
  readonly branch: string | null;
  readonly counts: Omit<StatusCounts, "ahead" | "behind">;
  /** What was counted, by path, each once; a folder ends in `/`. Of more than `listedAtMost` the first. */
  readonly files: readonly ListedFile[];
}

/** A file as `git status` lists it, by its two letters: `??` untracked, `D?` gone from the index but not from the disk. */
export type ListedFile = readonly [path: string, code: string];

/** Files that a status keeps; a burst of a hundred thousand is counted, and not kept. */
export const listedAtMost = 10_000;

/** `git status --porcelain=v2 -z --branch`; null when it holds anything this does not know. */
export const parseStatus = (output: string): Omit<ReadStatus, "gitDir"> | null => {
  const counts = { staged: 0, changed: 0, untracked: 0, conflicted: 0 };
  let head: string | null | undefined;
  let upstream: string | null = null;
  let branch: string | null = null;
  const files = new Map<string, string>();
  const entries = output.split("\0");
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] ?? "";
    switch (entry[0]) {
      case undefined:
      case "!":
        break;
      case "#":
        if (entry.startsWith("# branch.oid ")) head = entry.slice(13) === "(initial)" ? null : entry.slice(13);
        else if (entry.startsWith("# branch.upstream ")) upstream = entry.slice(18);
        else if (entry.startsWith("# branch.head ")) branch = entry.slice(14) === "(detached)" ? null : entry.slice(14);
        break;
      case "2":
        at++; // the path it came from is an entry of its own
        countChange(entry, counts);
        keep(files, entry, 9);
        break;
      case "1":
        countChange(entry, counts);
        keep(files, entry, 8);
        break;
      case "u":
        counts.conflicted++;
        keep(files, entry, 10);
        break;
      case "?":
        counts.untracked++;
        keep(files, entry, 1);
        break;
      default:
        return null;
    }
  }
  return head === undefined ? null : { head, upstream, branch, counts, files: [...files] };
};

/** What follows so many fields. */
const pathAfter = (entry: string, fields: number): string => {
  let at = 0;
  for (let field = 0; field < fields; field++) at = entry.indexOf(" ", at) + 1;
  return entry.slice(at);
};

/** `git rm --cached` leaves a file that is listed twice: as deleted, and as untracked. Its path follows so many fields. */
const keep = (files: Map<string, string>, entry: string, fields: number): void => {
  if (files.size >= listedAtMost) return;
  const path = pathAfter(entry, fields);
  const known = files.get(path);
  const code = entry[0] === "?" ? "??" : entry.slice(2, 4);
  files.set(path, known === undefined ? code : `${known[0] ?? "?"}?`);
};

const countChange = (entry: string, counts: { staged: number; changed: number }): void => {
  if (entry[2] !== ".") counts.staged++;
  if (entry[3] !== ".") counts.changed++;
};

export interface Distance {
  readonly ahead: number;
  readonly behind: number;
}
const none: Distance = { ahead: 0, behind: 0 };

/** How far commits are from their bases, each pair asked once. */
class Distances {
  readonly #git: Git;
  readonly #commonDir: string;
  readonly #gate: Gate;
  readonly #signal: AbortSignal | undefined;
  readonly #refs: RefFiles;
  readonly #bases = new Map<string, Promise<string>>();
  readonly #pairs: Map<string, Distance>;
  readonly #asked = new Map<string, Promise<Distance>>();

  constructor(git: Git, commonDir: string, gate: Gate, pairs: Map<string, Distance>, signal: AbortSignal | undefined) {
    this.#git = git;
    this.#commonDir = commonDir;
    this.#gate = gate;
    this.#pairs = pairs;
    this.#signal = signal;
    this.#refs = new RefFiles(commonDir);
  }

  /** Since git 2.41 one process compares every branch with a base; worth it from the second branch on. */
  async prepare(worktrees: readonly StatusWanted[]): Promise<void> {
    const groups = Map.groupBy(
      worktrees.filter((wanted) => wanted.branch !== null && wanted.base !== null),
      (wanted) => wanted.base ?? "",
    );
    // A worktree at its base is as far from it as nothing, and needs no process to know.
    const apart = await Promise.all([...groups].map(([base, group]) => this.#apart(base, group).catch(() => group)));
    if (!apart.some((group) => group.length > 1)) return;
    if (!atLeast(await this.#git.version(), 2, 41)) return;
    await Promise.all([...groups].map(([base, group]) => this.#compareAll(base, group).catch(() => undefined)));
    if (this.#signal?.aborted === true) throw new ImiError("operation/cancelled", "Cancelled: reading the status.");
  }

  async #apart(base: string, group: readonly StatusWanted[]): Promise<readonly StatusWanted[]> {
    const baseCommit = await this.#commitOf(base);
    return group.filter(
      ({ head }) => head !== baseCommit && (head === null || !this.#pairs.has(`${baseCommit}...${head}`)),
    );
  }

  async #compareAll(base: string, group: readonly StatusWanted[]): Promise<void> {
    const baseCommit = await this.#commitOf(base);
    const apart = await this.#apart(base, group);
    // Windows takes command lines of 32 767 characters.
    for (let at = 0; at < apart.length; at += 100) {
      const names = apart.slice(at, at + 100).map((wanted) => `refs/heads/${wanted.branch ?? ""}`);
      const format = `--format=%(objectname)%00%(ahead-behind:${baseCommit})`;
      const { stdout } = await this.#gate.pass(() =>
        this.#git.run(this.#commonDir, ["for-each-ref", format, "--", ...names], {
          access: "read",
          signal: this.#signal,
        }),
      );
      for (const line of stdout.split("\n")) {
        const [, head, ahead, behind] = /^([0-9a-f]+)\0(\d+) (\d+)$/.exec(line) ?? [];
        if (head !== undefined)
          this.#pairs.set(`${baseCommit}...${head}`, { ahead: Number(ahead), behind: Number(behind) });
      }
    }
  }

  /** Raises base/unknown when the base is gone: that is no distance of zero. */
  async of(head: string | null, base: string | null): Promise<Distance> {
    if (base === null || head === null) return none;
    return this.#between(await this.#commitOf(base), head);
  }

  /** Never raises but when cancelled; null where none is set, where it is gone, and where it could not be compared. */
  async toUpstream({ head, upstream }: ReadStatus): Promise<LiveFacts["upstream"]> {
    if (upstream === null || head === null) return null;
    const found = upstreamAt(this.#refs, upstream);
    if (found === null) return null;
    try {
      const commit = found.commit ?? (await this.#commitOf(found.ref));
      return { name: shortOf(found.ref), ...(await this.#between(commit, head)) };
    } catch (error) {
      if (ImiError.is(error, "operation/cancelled")) throw error;
      return null;
    }
  }

  async #between(baseCommit: string, head: string): Promise<Distance> {
    if (baseCommit === head) return none;
    const pair = `${baseCommit}...${head}`;
    const known = this.#pairs.get(pair);
    if (known !== undefined) return known;
    const asked = this.#asked.get(pair) ?? this.#compare(pair);
    this.#asked.set(pair, asked);
    return asked;
  }

  async #compare(pair: string): Promise<Distance> {
    const { stdout } = await this.#gate.pass(() =>
      this.#git.run(this.#commonDir, ["rev-list", "--left-right", "--count", pair, "--"], {
        access: "read",
        signal: this.#signal,
      }),
    );
    const [, behind, ahead] = /^(\d+)\t(\d+)/.exec(stdout) ?? [];
    if (behind === undefined || ahead === undefined) throw new ImiError("git/failed", "git did not count the commits.");
    const distance = { ahead: Number(ahead), behind: Number(behind) };
    this.#pairs.set(pair, distance);
    return distance;
  }

  #commitOf(base: string): Promise<string> {
    const known = this.#bases.get(base) ?? this.#resolve(base);
    this.#bases.set(base, known);
    return known;
  }

  async #resolve(base: string): Promise<string> {
    const gone = new ImiError("base/unknown", `its base ${base} is gone`);
    if (base.startsWith("-") || base.includes("\0")) throw gone;
    const read = this.#refs.commitOfShort(base);
    if (read !== null) return read;
    const { stdout, exitCode } = await this.#gate.pass(() =>
      this.#git.run(this.#commonDir, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${base}^{commit}`], {
        access: "read",
        accept: [0, 1],
        signal: this.#signal,
      }),
    );
    if (exitCode !== 0) throw gone;
    return stdout.trim();
  }
}

/** Lets a bounded number of tasks run at once, the others in the order they came. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#free = Math.max(1, Math.floor(width));
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
