import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ErrorShape } from "../../protocol/errors.ts";

/** The command line as users run it: bin/imi, which becomes the built dist/cli.cjs under the same process id. */
export const program = fileURLToPath(new URL("../../bin/imi", import.meta.url));

export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs as this user; for tests that root starts. */
  readonly uid?: number;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/** Starts `imi` in a process of its own; what it starts itself is in other groups, as for a user. */
export const startImi = (place: Place, ...args: string[]): Started => {
  const child = spawn(program, args, {
    cwd: place.cwd,
    env: place.env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(place.uid === undefined ? {} : { uid: place.uid, gid: place.uid }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    // Not `close` alone: git may outlive a killed `imi` and hold nothing of ours, but a hook's child might. What it
    // printed is in the pipe by now; on a busy machine it takes a moment to arrive.
    child.on("exit", (code, signal) => {
      const answer = (): void => resolve({ code, signal, stdout, stderr });
      const timer = setTimeout(answer, 300);
      child.once("close", () => {
        clearTimeout(timer);
        answer();
      });
    });
  });
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  return { child, pid: child.pid, ended };
};

export const imi = (place: Place, ...args: string[]): Promise<Ended> => startImi(place, ...args).ended;

export type Answer<T> =
  | { readonly error: ErrorShape; readonly value: null }
  | { readonly error: null; readonly value: T };

/** One call with --json: what it answered, or the error it was refused with. A stack trace is neither and throws. */
export const ask = async <T>(place: Place, ...args: string[]): Promise<Answer<T>> => {
  const { code, signal, stdout, stderr } = await imi(place, "--json", ...args);
  if (/^\s+at .*:\d+:\d+\)?$/m.test(stderr + stdout))
    throw new Error(`imi ${args.join(" ")} printed a stack trace:\n${stderr}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(stdout);
  } catch (error) {
    throw new Error(`imi ${args.join(" ")} ended with ${code ?? signal} and no answer: ${stdout}${stderr}`, {
      cause: error,
    });
  }
  // What the contract says of --json: the result, or { error }.
  const answer = parsed as { readonly error?: ErrorShape } & T;
  return answer.error === undefined ? { error: null, value: answer } : { error: answer.error, value: null };
};

/** The answer of a call that must succeed. */
export const told = async <T>(place: Place, ...args: string[]): Promise<T> => {
  const { error, value } = await ask<T>(place, ...args);
  if (error !== null) throw new Error(`imi ${args.join(" ")}: ${error.code}: ${error.message}`);
  return value;
};
