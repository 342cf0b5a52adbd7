import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { StringDecoder } from "node:string_decoder";

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment of the child; this process's own by default. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the process and all it started are ended. No limit by default. */
  readonly timeoutMs?: number;
  /** Written to stdin; without it stdin is closed from the start. */
  readonly input?: string;
  /** Lines of stderr as they come, split at \r and \n, as the program wrote them. */
  readonly onStderrLine?: ((line: string) => void) | undefined;
  /** Most bytes of stdout that are kept; a process that writes more is ended. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds a process has between being asked to end and being killed. Default 3 000. */
  readonly graceMs?: number;
}

/** Why a process is no more; all but `exited` were our doing, except `signalled`, which was somebody else's. */
export type Ending = "exited" | "signalled" | "timeout" | "cancelled" | "overflow";

export interface RunResult {
  readonly ending: Ending;
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The last 64 KiB. Not redacted: what goes on to a log or an error must be (`redact`). */
  readonly stderr: string;
}

const windows = process.platform === "win32";
const stderrKept = 64 * 1024;
/** A child's child (an ssh master, a daemon a hook started) may hold the pipes open long after; this quiet is the end. */
const drainMs = 100;

/**
 * Runs a program by its argv, never through a shell, in a process group of its own, so that ending it ends what it
 * started. Rejects only when it could not be started (errno in `code`); every other end is in the result.
 */
export const run = (file: string, args: readonly string[], options: RunOptions): Promise<RunResult> => {
  if (options.signal?.aborted) return Promise.resolve({ ending: "cancelled", exitCode: null, stdout: "", stderr: "" });
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: !windows,
      windowsHide: true,
      shell: false,
    });

    const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = "";
    let partial = "";
    let ending: Ending | null = null;
    let finished = false;
    let killTimer: NodeJS.Timeout | undefined;
    let drainTimer: NodeJS.Timeout | undefined;
    let drained: NodeJS.Immediate | undefined;
    const decoder = new StringDecoder("utf8");

    const end = (why: Ending): void => {
      if (ending !== null || finished) return;
      ending = why;
      signalTree(child, "SIGTERM");
      killTimer = setTimeout(() => signalTree(child, "SIGKILL"), options.graceMs ?? 3_000);
    };
    const onAbort = (): void => end("cancelled");
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => end("timeout"), options.timeoutMs);
    options.signal?.addEventListener("abort", onAbort, { once: true });

    const release = (): void => {
      finished = true;
      clearTimeout(timer);
      clearTimeout(killTimer);
      clearTimeout(drainTimer);
      clearImmediate(drained);
      options.signal?.removeEventListener("abort", onAbort);
    };
    const finish = (): void => {
      if (finished) return;
      release();
      // The leader is gone; whatever of its group outlived the request to end does not outlive this.
      if (ending !== null) signalTree(child, "SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
      if (partial !== "") options.onStderrLine?.(partial);
      resolve({
        ending: ending ?? (child.exitCode === null ? "signalled" : "exited"),
        exitCode: child.exitCode,
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr,
      });
    };
    const drain = (): void => {
      if (child.exitCode === null && child.signalCode === null) return;
      clearTimeout(drainTimer);
      clearImmediate(drained);
      // Where this process was busy for so long, timers come before what waits in the pipe: that is read first.
      drainTimer = setTimeout(() => {
        drained = setImmediate(finish);
      }, drainMs);
    };

    child.stdout?.on("data", (chunk: Buffer) => {
      drain();
      stdoutBytes += chunk.length;
      if (stdoutBytes <= maxBytes) stdout.push(chunk);
      else end("overflow");
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      drain();
      const text = decoder.write(chunk);
      stderr = (stderr + text).slice(-stderrKept);
      if (options.onStderrLine === undefined) return;
      const lines = (partial + text).split(/[\r\n]+/);
      partial = (lines.pop() ?? "").slice(-4096);
      for (const line of lines) if (line !== "") options.onStderrLine(line);
    });
    child.on("error", (error) => {
      if (finished || child.pid !== undefined) return; // a failed kill is not a failed start
      release();
      reject(error);
    });
    child.on("exit", drain);
    child.on("close", finish);
    if (options.input !== undefined) {
      child.stdin?.on("error", () => undefined); // EPIPE: it ended without reading; its exit code says more
      child.stdin?.end(options.input);
    }
  });
};

/** A process and everything in its group (on Windows: everything it started). One that is gone already is no error. */
const signalTree = (child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void => {
  if (child.pid === undefined) return;
  if (windows) {
    if (signal === "SIGTERM" || child.exitCode !== null) return void child.kill();
    spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"], { stdio: "ignore", windowsHide: true }).on("error", () =>
      child.kill("SIGKILL"),
    );
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody is left in the group.
  }
};
