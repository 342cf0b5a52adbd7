import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { ImiError } from "../../../protocol/errors.ts";
import { configEnvironment, gitEnvironment, gitPrefix } from "./environment.ts";
import { failure, notStarted, subcommand } from "./failures.ts";

export interface PlumbingOptions {
  readonly cwd: string;
  /** Variables that say what git works on (GIT_DIR, GIT_INDEX_FILE, …); those of our own environment never count. */
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: readonly (readonly [key: string, value: string])[];
  /** Written to stdin as it is asked for. One character of a string is one byte. What it throws is raised. */
  readonly input?: AsyncIterable<Uint8Array | string> | string;
  /** Exit codes that are answers, not failures. Default [0]. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Takes stdout as it comes, instead of having it collected; the next piece waits for it. */
  readonly receive?: (chunk: Buffer) => void | Promise<void>;
  /** A process that was started ahead with these very arguments (`Git.poise`). */
  readonly started?: ChildProcessWithoutNullStreams | null;
}

export interface PlumbingOutput {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitCode: number;
}

const windows = process.platform === "win32";

/**
 * One git command whose input and output are bytes of any length: names need not be UTF-8, and nothing has to fit into
 * memory. No hook, no lock that is not needed, no lazy fetch. It has no time limit but the caller's signal.
 */
export const plumb = async (args: readonly string[], options: PlumbingOptions): Promise<PlumbingOutput> => {
  refuseAborted(args, options.signal);
  const child = options.started ?? start(args, options);
  const end = (): void => endGroup(child);
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    const closed = closing(child).catch(async (error: unknown) => {
      throw await notStarted(error, options.cwd);
    });
    const [stdout, stderr, fed, exitCode] = await Promise.all([
      collect(child, options.receive).catch((error: unknown) => {
        end();
        return error instanceof Error ? error : new Error(String(error));
      }),
      errors(child),
      feed(child, options.input, closed),
      closed,
    ]);
    refuseAborted(args, options.signal);
    if (fed !== null) throw fed;
    if (stdout instanceof Error) throw stdout;
    if (exitCode === null || !(options.accept ?? [0]).includes(exitCode))
      throw failure(args, exitCode, sameWords(stderr));
    return { stdout, stderr, exitCode };
  } finally {
    options.signal?.removeEventListener("abort", end);
  }
};

const start = (args: readonly string[], options: PlumbingOptions): ChildProcessWithoutNullStreams =>
  spawn("git", [...gitPrefix("read"), ...args], {
    cwd: options.cwd,
    env: gitEnvironment("read", { ...configEnvironment(options.config ?? []), ...options.env }),
    stdio: "pipe",
    detached: !windows,
    windowsHide: true,
  });

/** What writes packs has its own words for a full disk. */
const sameWords = (stderr: string): string =>
  stderr.replace(/write error\. Out of diskspace/, "write error: No space left on device");

const refuseAborted = (args: readonly string[], signal: AbortSignal | undefined): void => {
  if (signal?.aborted !== true) return;
  throw new ImiError("operation/cancelled", `Cancelled: git ${subcommand(args)}.`, { cause: signal.reason });
};

const closing = (child: ChildProcessWithoutNullStreams): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });

const collect = async (child: ChildProcessWithoutNullStreams, receive: PlumbingOptions["receive"]): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (receive === undefined) chunks.push(chunk);
    else await receive(chunk);
  }
  return Buffer.concat(chunks);
};

const errors = async (child: ChildProcessWithoutNullStreams): Promise<string> => {
  let text = "";
  child.stderr.setEncoding("utf8");
  for await (const chunk of child.stderr as AsyncIterable<string>) text = (text + chunk).slice(-64 * 1024);
  return text;
};

/** Answers with what the input threw; that git ended without reading all of it is said by its exit code. */
const feed = async (
  child: ChildProcessWithoutNullStreams,
  input: PlumbingOptions["input"],
  closed: Promise<unknown>,
): Promise<Error | null> => {
  const { stdin } = child;
  let broken = false;
  stdin.on("error", () => (broken = true));
  const gone = closed.then(
    () => (broken = true),
    () => (broken = true),
  );
  try {
    if (typeof input === "string") stdin.write(input, "latin1");
    else if (input !== undefined) {
      for await (const chunk of input) {
        if (broken) break;
        const room = typeof chunk === "string" ? stdin.write(chunk, "latin1") : stdin.write(chunk);
        // `drain` never comes when git has ended; an error of the pipe is told by the flag.
        if (!room) await Promise.race([once(stdin, "drain").catch(() => undefined), gone]);
      }
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    stdin.end();
  }
};

const endGroup = (child: ChildProcessWithoutNullStreams): void => {
  if (child.pid === undefined) return;
  try {
    if (windows) child.kill();
    else process.kill(-child.pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
};
