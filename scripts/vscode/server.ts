import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { runOrThrow } from "../run.ts";

export interface ServerOptions {
  /** server-main.js, see installVscodeServer. */
  readonly serverMain: string;
  /** Where the server keeps extensions, settings and state; exists. */
  readonly dataFolder: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface VscodeServer {
  readonly port: number;
  /** The address of the workbench with this folder, or this .code-workspace file, open. */
  address(place: string): string;
  /** Everything the server printed, for the report of a failed test. */
  output(): string;
  /** Resolves when the server has ended, by itself or not. */
  readonly ended: Promise<void>;
  /** Ends the server and what it started; after 5 s by force. */
  stop(): Promise<void>;
}

const startTimeout = 60_000;
const stopTimeout = 5_000;

/** Starts a VS Code server on 127.0.0.1; resolves when it answers. */
export async function startVscodeServer(options: ServerOptions): Promise<VscodeServer> {
  const child = spawn(
    process.execPath,
    [
      options.serverMain,
      ...["--host", "127.0.0.1", "--port", String(options.port ?? 0)],
      ...["--without-connection-token", "--accept-server-license-terms", "--telemetry-level", "off"],
      ...["--server-data-dir", options.dataFolder],
      ...(options.args ?? []),
    ],
    // A process group of its own, so that stop() also reaches extension hosts and what they started.
    { detached: true, stdio: ["ignore", "pipe", "pipe"], env: serverEnvironment(options.env ?? process.env) },
  );
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = once(child, "exit").then(() => undefined);

  const port = await listeningPort(child, () => output);
  return {
    port,
    address: (place) => {
      const kind = place.endsWith(".code-workspace") ? "workspace" : "folder";
      return `http://127.0.0.1:${port}/?${kind}=${encodeURIComponent(place)}`;
    },
    output: () => withoutKnownNoise(output),
    ended,
    stop: () => stopGroup(child, ended),
  };
}

/** Installs a packed extension into a data folder. */
export async function installExtension(options: ServerOptions, vsix: string): Promise<void> {
  await runOrThrow(
    process.execPath,
    [
      options.serverMain,
      ...["--install-extension", vsix, "--server-data-dir", options.dataFolder, "--accept-server-license-terms"],
    ],
    { env: serverEnvironment(options.env ?? process.env) },
  );
}

/**
 * Drops the complaints, 30 lines each, about a native logger that is not there because it was installed without
 * running install scripts.
 */
function withoutKnownNoise(output: string): string {
  return output.replaceAll(/^.*Could not locate the bindings file.*\n(?:(?:\s|\}).*\n)*/gmu, "");
}

/** A VS Code started from a VS Code terminal inherits variables that make it behave like a part of the outer one. */
function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:VSCODE_|ELECTRON_|NODE_OPTIONS$|npm_)/u.test(name)),
  );
}

function listeningPort(child: ChildProcess, output: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`VS Code's server ${why}\n${output()}`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`did not answer within ${startTimeout / 1000} s`);
    }, startTimeout);
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stdout?.on("data", () => {
      const port = /Extension host agent listening on (\d+)/u.exec(output())?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

async function stopGroup(child: ChildProcess, ended: Promise<void>): Promise<void> {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), stopTimeout);
  await ended;
  clearTimeout(timer);
  // The group outlives its leader when an extension host hangs.
  signalGroup(child, "SIGKILL");
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, signal);
  } catch {
    // Gone already, which is what was wanted.
  }
}
