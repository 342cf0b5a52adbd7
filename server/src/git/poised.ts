import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { gitEnvironment, gitPrefix } from "./environment.ts";

/** Longest that one waits for its input, in ms. Whoever was asked a question answers by then, or is not in a hurry. */
const patienceMs = 30_000;

/**
 * A git command that was started ahead and waits for its input, so that whoever needs it in a hurry has not to wait for the
 * start of a process (4 to 10 ms in a large one). It has read its configuration, and does nothing until it is told what; when
 * we die its input ends, and so does it. In a repository's common directory.
 */
export class Poised {
  readonly #key: string;
  readonly #timer: NodeJS.Timeout;
  #child: ChildProcessWithoutNullStreams | null;

  constructor(args: readonly string[], gitDir: string) {
    this.#key = keyOf(args, gitDir);
    const child = spawn("git", [...gitPrefix("read"), ...args], {
      cwd: gitDir,
      env: gitEnvironment("read"),
      stdio: "pipe",
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    this.#child = child;
    this.#timer = setTimeout(() => this.dismiss(), patienceMs).unref();
    child.once("error", this.#gone).once("exit", this.#gone);
    child.stdin.on("error", () => undefined); // it ended before we did
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) unref(stream);
  }

  /** The process, where it waits for input of that very command; the caller's from now on. */
  take(args: readonly string[], gitDir: string): ChildProcessWithoutNullStreams | null {
    const child = this.#child;
    if (child === null || this.#key !== keyOf(args, gitDir)) return null;
    this.#let();
    child.off("error", this.#gone).off("exit", this.#gone);
    child.ref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) ref(stream);
    return child;
  }

  /** Ends it. What was taken is not touched. */
  dismiss(): void {
    const child = this.#child;
    this.#let();
    child?.stdin.end();
    child?.kill();
  }

  #let(): void {
    clearTimeout(this.#timer);
    this.#child = null;
  }

  readonly #gone = (): void => this.#let();
}

/** With the configuration as it stands: git has read it, and would keep refs elsewhere under another one. */
const keyOf = (args: readonly string[], gitDir: string): string => {
  const facts = statSync(join(gitDir, "config"), { bigint: true, throwIfNoEntry: false });
  return [gitDir, ...args, facts?.ino, facts?.size, facts?.mtimeNs, facts?.ctimeNs].join("\0");
};

/** Pipes of a child are sockets, which keep this process alive while they are open. */
const unref = (stream: object): void => {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
};

const ref = (stream: object): void => {
  if ("ref" in stream && typeof stream.ref === "function") stream.ref();
};
