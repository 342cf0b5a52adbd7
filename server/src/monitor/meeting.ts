import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ReadStatus } from "../git/index.ts";

/** What a server and a caller must have in common for the server's answer to be the caller's own. */
export interface Common {
  readonly version: string;
  readonly gitDir: string;
  readonly database: string;
  /** The settings that an answer depends on, as one text. */
  readonly settings: string;
  /** A digest of the environment that decides what git reads. */
  readonly environment: string;
}

/** What is asked. `stand-by` stays connected until the server ends; whatever it sends is answered with a line end. */
export type Question =
  | { readonly operation: "hello" | "stand-by"; readonly params: null }
  | { readonly operation: "worktree.list"; readonly params: { readonly repository: string; readonly status: boolean } }
  | {
      readonly operation: "status.read";
      /** Worktrees by path, each with the mark of the answer that the caller has; null: none. */
      readonly params: { readonly worktrees: readonly (readonly [path: string, mark: string | null])[] };
    };

/** One line of JSON on the socket. */
export type Request = Common & Question;

/** The answer to `status.read`. */
export interface StatusesRead {
  /** Another one, and distances between commits that the caller remembers hold no longer. */
  readonly history: string;
  /** `new` is left out where the caller has it. Those that could not be read are not among them. */
  readonly worktrees: readonly { readonly path: string; readonly mark: string; readonly new?: NewlyRead }[];
  /** By pair of commits (`base...head`), as far as they are known for the heads read. */
  readonly distances: readonly (readonly [pair: string, ahead: number, behind: number])[];
}

/** An answer of git's, and what else holds for as long as it does. */
export interface NewlyRead {
  readonly read: ReadStatus;
  /** The folders in it that are not watched; null where that is not known. */
  readonly unwatched: readonly string[] | null;
}

/** The answer to `hello`. */
export interface Report {
  readonly watched: number;
  readonly folders: number;
  /** Why git is asked about some each time, and about how many. */
  readonly reasons: readonly (readonly [reason: string, worktrees: number])[];
}

/**
 * The first line of an answer, at once; with `accepted` a second line follows when it is known: the result, or nothing.
 * Until then a space is sent now and then, so that one can tell a server that works from one that was stopped.
 */
export interface Greeting {
  readonly outcome: "accepted" | "refused";
  readonly pid: number;
  /** Why it was refused. */
  readonly reason: string | null;
}

/** Where the server of a repository is met; null where there can be none. */
export const meetingPlace = (runtimeDir: string, gitDir: string, database: string): string | null => {
  if (process.platform === "win32") return null;
  const place = join(runtimeDir, `watch-${digest(`${gitDir}\0${database}`)}.sock`);
  // sun_path holds 108 bytes on Linux, 104 elsewhere, with a NUL at the end.
  return Buffer.byteLength(place) < 104 ? place : null;
};

export const settingsThatMatter = (settings: { readonly remoteName: string; readonly defaultBranch: string }): string =>
  JSON.stringify([settings.remoteName, settings.defaultBranch]);

/** What git itself takes from the environment when it reads a status (git/environment.ts drops the rest). */
export const environmentThatMatters = (env: NodeJS.ProcessEnv): string => {
  const mattering = /^(?:HOME|XDG_CONFIG_HOME|GIT_CONFIG_.*|GIT_ATTR_.*|GIT_EXEC_PATH|GIT_TEST_.*)$/;
  const lines = Object.entries(env)
    .filter(([name, value]) => value !== undefined && mattering.test(name))
    .map(([name, value]) => `${name}=${value ?? ""}`);
  return digest(lines.toSorted().join("\0"));
};

/**
 * Names things, and compares what need not be shown; guards nothing. Loading node:crypto takes 4 ms of every call
 * (cyrb53, twice).
 */
export const digest = (text: string): string => {
  const half = (seed: number): string => {
    let a = 0xdeadbeef ^ seed;
    let b = 0x41c6ce57 ^ seed;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      a = Math.imul(a ^ code, 2_654_435_761);
      b = Math.imul(b ^ code, 1_597_334_677);
    }
    a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
    b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
    return (b >>> 0).toString(16).padStart(8, "0") + (a >>> 0).toString(16).padStart(8, "0");
  };
  return half(1) + half(2);
};

/** Whether something is this user's alone: nobody else can have put it there, or listens in its place. */
const isOurs = (path: string, kind: "folder" | "socket"): boolean => {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined || facts.uid !== process.geteuid?.() || (facts.mode & 0o077) !== 0) return false;
  return kind === "folder" ? facts.isDirectory() : facts.isSocket();
};

/** Whether the socket there can be trusted, by its owner and mode and by those of its folder. */
export const isTrusted = (runtimeDir: string, place: string): boolean => {
  try {
    return isOurs(runtimeDir, "folder") && isOurs(place, "socket");
  } catch {
    return false;
  }
};

/** Makes the folder where it is missing; false when the one that is there is not this user's alone. */
export const makeRuntimeDir = (runtimeDir: string): boolean => {
  try {
    mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });
    return isOurs(runtimeDir, "folder");
  } catch {
    return false;
  }
};
