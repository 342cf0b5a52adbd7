import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import { redact, run } from "../process/index.ts";
import { configEnvironment, gitEnvironment, gitPrefix } from "./environment.ts";
import { failure, notStarted, subcommand } from "./failures.ts";
import { Poised } from "./poised.ts";
import type { GitOptions, GitOutput } from "./types.ts";

export interface GitVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly text: string;
}

/** Options of `Git.run` that only this room uses. */
export interface OwnOptions extends GitOptions {
  /** Configuration for this call alone. */
  readonly config?: readonly (readonly [key: string, value: string])[];
}

/** `git worktree list -z` came with 2.36. */
export const oldestGit = { major: 2, minor: 36 } as const;

export const atLeast = (version: GitVersion, major: number, minor: number): boolean =>
  version.major > major || (version.major === major && version.minor >= minor);

const readAttempts = 4;

/** The git program, hardened the same way for every command; holds no state but its version. */
export class Git {
  readonly #binary: string;
  readonly #log: (line: string) => void;
  #version: Promise<GitVersion> | null = null;
  #poised: Poised | null = null;

  constructor(options: { binary?: string; log?: (line: string) => void } = {}) {
    this.#binary = options.binary ?? "git";
    this.#log = options.log ?? (() => undefined);
  }

  /** Asked once. Raises git/missing and git/too-old (below 2.36); a failure is asked again. */
  version(): Promise<GitVersion> {
    this.#version ??= this.#readVersion().catch((error: unknown) => {
      this.#version = null;
      throw error;
    });
    return this.#version;
  }

  async #readVersion(): Promise<GitVersion> {
    const { stdout } = await this.run(process.cwd(), ["--version"], { access: "read" });
    const [, major, minor, patch] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout) ?? [];
    const version = { major: Number(major), minor: Number(minor), patch: Number(patch ?? 0), text: stdout.trim() };
    if (major === undefined || !atLeast(version, oldestGit.major, oldestGit.minor)) {
      throw new ImiError(
        "git/too-old",
        `${version.text} is too old: iMi needs git ${oldestGit.major}.${oldestGit.minor} or newer.`,
        {
          hint: "Install a newer git from https://git-scm.com/downloads.",
        },
      );
    }
    return version;
  }

  /** Starts a plumbing command ahead, which will probably be given its input soon. One at a time: the one before ends. */
  poise(args: readonly string[], gitDir: string): void {
    this.#poised?.dismiss();
    this.#poised = new Poised(args, gitDir);
  }

  /** The process that was started ahead for that command, if there is one, for `plumb`. */
  poised(args: readonly string[], gitDir: string): ReturnType<Poised["take"]> {
    return this.#poised?.take(args, gitDir) ?? null;
  }

  /** Ends what was started ahead. */
  close(): void {
    this.#poised?.dismiss();
    this.#poised = null;
  }

  /**
   * Runs one git command by its argv. An exit code outside `accept` is raised as a coded error; so are a timeout
   * (git/timeout), an abort (operation/cancelled), and a git that is not there (git/missing).
   */
  async run(cwd: string, args: readonly string[], options: OwnOptions): Promise<GitOutput> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#runOnce(cwd, args, options);
      } catch (error) {
        // A read takes no lock, so it can only have met a worktree's record while somebody was writing it: a moment.
        if (options.access !== "read" || attempt === readAttempts || !ImiError.is(error, "repository/busy"))
          throw error;
        await delay(20 * attempt);
      }
    }
  }

  async #runOnce(cwd: string, args: readonly string[], options: OwnOptions): Promise<GitOutput> {
    const started = performance.now();
    const argv = [...gitPrefix(options.access), ...args];
    if (argv.some((argument) => argument.includes("\0"))) {
      throw new ImiError("usage/invalid", "An argument for git holds a NUL character.");
    }
    const timeoutMs = options.timeoutMs ?? 30_000;
    const result = await run(this.#binary, argv, {
      cwd,
      env: gitEnvironment(options.access, configEnvironment(options.config ?? [])),
      signal: options.signal,
      timeoutMs,
      onStderrLine: options.onProgress,
      // A write that is asked to end takes its own half-made files away first; that takes time.
      graceMs: options.access === "write" ? 5_000 : 500,
      ...(options.input === undefined ? {} : { input: options.input }),
    }).catch(async (error: unknown) => {
      throw await notStarted(error, cwd);
    });
    const { ending, exitCode, stdout, stderr } = result;
    const took = Math.round(performance.now() - started);
    this.#log(redact(`git ${args.join(" ").slice(0, 2_000)} [${cwd}] ${ending} ${exitCode ?? ""} ${took} ms`));
    switch (ending) {
      case "cancelled":
        throw new ImiError("operation/cancelled", `Cancelled: git ${subcommand(args)}.`, {
          cause: options.signal?.reason,
        });
      case "timeout":
        throw new ImiError("git/timeout", `git ${subcommand(args)} took longer than ${timeoutMs} ms and was ended.`);
      case "overflow":
        throw new ImiError("git/failed", `git ${subcommand(args)} wrote more than can be read.`);
      case "signalled":
        throw failure(args, null, stderr);
      case "exited":
        if (exitCode !== null && (options.accept ?? [0]).includes(exitCode)) return { stdout, stderr, exitCode };
        throw failure(args, exitCode, stderr);
    }
  }
}
