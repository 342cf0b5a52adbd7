import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { IPCMessageReader, IPCMessageWriter, createMessageConnection } from "vscode-languageserver-protocol/node";
import type { CancellationTokenSource, MessageConnection } from "vscode-languageserver-protocol/node";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import type { Event } from "../../protocol/events.ts";
import { eventsAppended } from "../../protocol/rpc.ts";
import type { EventsAppended, InitializationOptions } from "../../protocol/rpc.ts";

const bundle = join(import.meta.dirname, "../../dist/server.cjs");
/** The same server, which says of itself that it is of another version. */
export const fromSource = join(import.meta.dirname, "../../server/src/faces/server.ts");

const running = new Set<ChildProcess>();

/** The bundled server as VS Code starts it: forked, spoken to over ipc. */
export class Server {
  readonly process: ChildProcess;
  readonly connection: MessageConnection;
  readonly events: Event[] = [];

  private constructor(child: ChildProcess) {
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.process = child;
    this.connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    this.connection.onNotification(eventsAppended, ({ events }: EventsAppended) => void this.events.push(...events));
    this.connection.listen();
  }

  static fork(env: NodeJS.ProcessEnv, cwd: string, program = bundle): Server {
    return new Server(
      fork(program, ["--node-ipc", `--clientProcessId=${process.pid}`], {
        cwd,
        env,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
    );
  }

  static async start(
    env: NodeJS.ProcessEnv,
    cwd: string,
    options: Partial<InitializationOptions> = {},
    program = bundle,
  ): Promise<Server> {
    const server = Server.fork(env, cwd, program);
    await server.initialize(options);
    return server;
  }

  async initialize(options: Partial<InitializationOptions> = {}): Promise<void> {
    await this.connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: {},
      initializationOptions: { trusted: true, settings: {}, worktreeIncludeFiles: [], ...options },
    });
    await this.connection.sendNotification("initialized", {});
  }

  call<Name extends OperationName>(
    name: Name,
    params: ParamsOf<Name>,
    source?: CancellationTokenSource,
  ): Promise<ResultOf<Name>> {
    return source === undefined
      ? this.connection.sendRequest(name, params)
      : this.connection.sendRequest(name, params, source.token);
  }

  /** Waits until an event of this name has arrived. */
  async seen(name: Event["name"], withinMs = 5000): Promise<Event> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = this.events.find((event) => event.name === name);
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`no ${name} among ${this.events.map((event) => event.name).join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends every server a failed test left behind, so that the run does not wait for them. */
  static endAll(): void {
    for (const child of running) child.kill("SIGKILL");
    running.clear();
  }

  /** Ends it as the language client does; resolves to the exit code. */
  async stop(): Promise<number | null> {
    const ended = once(this.process, "exit") as Promise<[number | null]>;
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
    return (await ended)[0];
  }
}
