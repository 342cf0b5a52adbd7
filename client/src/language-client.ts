import type { ChildProcess } from "node:child_process";
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  type MessageTransports,
  RevealOutputChannelOn,
  type ServerOptions,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import type { LogOutputChannel } from "vscode";
import { currentOptions } from "./settings.ts";

/*
 * The only file that loads vscode-languageclient. Connection imports it lazily: it is most of the bundle, and nothing
 * of it is needed before the server starts.
 */

/** How long a server may take to end by itself; together with killing it, a stop stays below two seconds. */
const stopTimeoutMs = 1500;

export interface ServerPlace {
  /** The server's bundle. */
  readonly module: string;
  /** Not a worktree: Windows cannot remove a folder a process stands in, and a removed one breaks the process. */
  readonly cwd: string;
}

/** One life of the server process and the connection to it. Not started twice: a new life is a new client. */
export class ServerClient extends LanguageClient {
  #process: ChildProcess | undefined;
  #exitCode: number | null = null;

  constructor(place: ServerPlace, log: LogOutputChannel, closed: () => void) {
    super("imi", "iMi", serverOptions(place), clientOptions(log, closed));
    // After several write errors the library stops by itself, and then tells only the state.
    this.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped) closed();
    });
  }

  /** The code the process exited with; null while it runs, and when a signal ended it. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Ends the process: asks first, kills after 1.5 s. Never rejects; also ends a process that never got ready. */
  async end(): Promise<void> {
    try {
      await this.stop(stopTimeoutMs);
    } catch {
      // Not running, or too slow: what counts is below.
    }
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    await exitedWithin(process, 200);
    process.kill("SIGKILL");
  }

  protected override async createMessageTransports(encoding: string): Promise<MessageTransports> {
    const transports = await super.createMessageTransports(encoding);
    this.#process = this.serverProcess;
    this.#process?.once("exit", (code) => (this.#exitCode = code));
    return transports;
  }

  /** The library shows some errors by itself; Connection says them once, with what to do. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** Asked after each crash: whether to start the server once more, or what to tell the user instead. */
export type CrashPolicy = () => Promise<{ readonly again: true } | { readonly again: false; readonly message: string }>;

/** The library's policy: up to four restarts, and more when they are spread over more than three minutes. */
export function crashPolicy(client: ServerClient): CrashPolicy {
  const handler = client.createDefaultErrorHandler();
  return async () => {
    const { action, message } = await handler.closed();
    return action === CloseAction.Restart ? { again: true } : { again: false, message: message ?? "" };
  };
}

/** Resolves when the process exited or the time is over, whichever is first. */
function exitedWithin(process: ChildProcess, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    process.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function serverOptions({ module, cwd }: ServerPlace): ServerOptions {
  const run = { module, transport: TransportKind.ipc, options: { cwd } };
  // Port 0 picks a free one, so that two windows can be debugged at once.
  return { run, debug: { ...run, options: { cwd, execArgv: ["--nolazy", "--inspect=0"] } } };
}

function clientOptions(log: LogOutputChannel, closed: () => void): LanguageClientOptions {
  return {
    documentSelector: [],
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: currentOptions,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: (_error, _message, count) => ({
        action: count !== undefined && count <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown,
        handled: true,
      }),
      // Connection decides about the next life; this client has ended either way.
      closed: () => {
        closed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    } satisfies ErrorHandler,
  };
}
