import { spawn } from "node:child_process";
import { constants } from "node:os";
import { root } from "./paths.ts";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** `show` passes the program's output on as it comes; `keep` only returns it. */
  readonly output?: "show" | "keep" | "both";
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly code: number;
  /** stdout and stderr in the order they came; empty with `output: 'show'`. */
  readonly output: string;
}

/** Runs a program to its end. Rejects only when it cannot be started; a failing program is a result. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const output = options.output ?? "keep";
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? process.env,
      stdio: output === "show" ? "inherit" : ["ignore", "pipe", "pipe"],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const chunks: Buffer[] = [];
    const keep = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      chunks.push(chunk);
      if (output === "both") to.write(chunk);
    };
    child.stdout?.on("data", keep(process.stdout));
    child.stderr?.on("data", keep(process.stderr));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const exit = code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
      resolve({ code: exit, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Runs a program that must succeed; throws with its output when it does not. */
export async function runOrThrow(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${code}\n${output}`);
  return output;
}

/** Runs a JavaScript program of node_modules, e.g. `typescript/bin/tsc`, with this Node. */
export function runTool(tool: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(process.execPath, [`${root}/node_modules/${tool}`, ...args], options);
}
