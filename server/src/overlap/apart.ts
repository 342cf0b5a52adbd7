import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { filterGuards, plumb, requireOwner } from "../git/index.ts";
import type { Git, PlumbingOptions, PlumbingOutput } from "../git/index.ts";
import { isAlive } from "../process/index.ts";
import { driverGuards } from "./drivers.ts";

/** What git works on: a worktree through git's record of it, or the repository where there is no worktree. */
export interface Place {
  /** git's record of it, or the common directory; absolute. */
  readonly gitDir: string;
  /** The folder of the working tree, or one that stands in for it. */
  readonly workTree: string;
}

const config = [
  ["core.splitIndex", "false"],
  ["core.untrackedCache", "false"],
  // Files are only looked at: that git would convert their line ends is no reason to refuse.
  ["core.safecrlf", "false"],
  // What is written is thrown away in a moment.
  ["core.fsync", "none"],
  ["core.looseCompression", "1"],
  ["gc.auto", "0"],
] as const;

const prefix = "imi-overlap-";

/** After so long a folder whose process is gone is nobody's, in ms: in another container its process has another number. */
const leftAfterMs = 10 * 60_000;

/**
 * A folder outside of the repository for what git has to write while it is asked "what if": indexes and objects. The
 * repository's own objects are borrowed. So neither the repository nor a worktree gets anything; git may at most renew the
 * time of an object that is there already.
 */
export class Apart {
  /** For files of this call. */
  readonly path: string;
  readonly #objects: string;
  readonly #git: Git;
  readonly #commonDir: string;
  readonly #signal: AbortSignal;
  readonly #guards = new Map<string, Promise<(readonly [string, string])[]>>();

  private constructor(folder: string, path: string, git: Git, commonDir: string, signal: AbortSignal) {
    this.path = path;
    this.#objects = join(folder, "objects");
    this.#git = git;
    this.#commonDir = commonDir;
    this.#signal = signal;
  }

  /** Makes one for the time of `work`, and takes away what killed processes left of theirs. Raises repository/owner. */
  static async during<T>(
    git: Git,
    commonDir: string,
    signal: AbortSignal,
    work: (apart: Apart) => Promise<T>,
  ): Promise<T> {
    const folder = await makeFolder(commonDir);
    try {
      return await Apart.in(folder, git, commonDir, signal, work);
    } finally {
      await removeFolder(folder);
    }
  }

  /** In a folder by `makeFolder`, whose objects stay there for the next. Raises repository/owner. */
  static async in<T>(
    folder: string,
    git: Git,
    commonDir: string,
    signal: AbortSignal,
    work: (apart: Apart) => Promise<T>,
  ): Promise<T> {
    await requireOwner(git, commonDir, signal);
    const path = await mkdtemp(join(folder, "call-"));
    try {
      return await work(new Apart(folder, path, git, commonDir, signal));
    } catch (error) {
      if (signal.aborted)
        throw new ImiError("operation/cancelled", "Cancelled: looking at worktrees.", { cause: error });
      throw error;
    } finally {
      await removeFolder(path);
    }
  }

  /** Runs git on a place; all objects it writes are apart, and so is the index where one is named. */
  async git(
    place: Place,
    args: readonly string[],
    options: Pick<PlumbingOptions, "input" | "accept" | "receive" | "env"> & { readonly index?: string } = {},
  ): Promise<PlumbingOutput> {
    const { index, env = {}, ...rest } = options;
    return plumb(args, {
      cwd: place.workTree,
      env: {
        GIT_DIR: place.gitDir,
        GIT_WORK_TREE: place.workTree,
        GIT_OBJECT_DIRECTORY: this.#objects,
        // Objects that a partial clone has not got are missing here: asking its remote could start what its configuration says.
        GIT_ALLOW_PROTOCOL: "none",
        ...(index === undefined ? {} : { GIT_INDEX_FILE: join(this.path, index) }),
        ...env,
      },
      config: [...config, ...(await this.#guardsOf(place.gitDir))],
      signal: this.#signal,
      ...rest,
    });
  }

  /** For questions about commits alone. */
  ask(args: readonly string[], options: Pick<PlumbingOptions, "input" | "accept" | "receive"> = {}) {
    return this.git({ gitDir: this.#commonDir, workTree: this.path }, args, options);
  }

  #guardsOf(gitDir: string): Promise<(readonly [string, string])[]> {
    const known = this.#guards.get(gitDir);
    if (known !== undefined) return known;
    const guards = Promise.all([
      filterGuards(this.#git, this.#commonDir, gitDir),
      driverGuards(this.#git, this.#commonDir, gitDir),
    ]).then((both) => both.flat());
    this.#guards.set(gitDir, guards);
    return guards;
  }
}

/** A folder for objects, which borrows those of a repository; what killed processes left of theirs is taken away. */
export const makeFolder = async (commonDir: string): Promise<string> => {
  await clearLeftBehind();
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  await mkdir(join(path, "objects", "info"), { recursive: true });
  await writeFile(join(path, "objects", "info", "alternates"), `${quoted(join(commonDir, "objects"))}\n`);
  return path;
};

export const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });

/** git reads a line that begins with a quote as a quoted one. */
const quoted = (path: string): string =>
  /["\n]/.test(path) ? `"${path.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"` : path;

const clearLeftBehind = async (): Promise<void> => {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split("-", 1)[0]) : Number.NaN;
    if (!Number.isInteger(pid)) continue;
    const path = join(tmpdir(), name);
    const facts = await stat(path).catch(() => null);
    if (facts === null || Date.now() - facts.mtimeMs < leftAfterMs || (await isAlive(pid, null))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined); // somebody else's: theirs to clear
  }
};
