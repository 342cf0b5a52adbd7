import { fork } from "node:child_process";
import { once } from "node:events";
import {
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  createMessageConnection,
} from "vscode-languageserver-protocol/node";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import type { Event } from "../../protocol/events.ts";
import {
  type Diagnostics,
  type EventsAppended,
  type InitializationOptions,
  diagnostics,
  eventsAppended,
} from "../../protocol/rpc.ts";
import { type Where, built } from "./programs.ts";

/** A running server as a VS Code window has one: its own process, JSON-RPC over ipc. */
export interface BenchServer {
  call<Name extends OperationName>(operation: Name, params: ParamsOf<Name>): Promise<ResultOf<Name>>;
  onEvents(receive: (events: readonly Event[]) => void): void;
  diagnostics(): Promise<Diagnostics>;
  stop(): Promise<void>;
}

/** Starts the built server; resolves when it is initialized. */
export async function startServer({ cwd, env }: Where): Promise<BenchServer> {
  const child = fork(built("server.cjs"), ["--node-ipc"], {
    cwd,
    env,
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const ended = once(child, "exit");
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk.toString("utf8");
  });
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  connection.listen();
  const options: InitializationOptions = { trusted: true, settings: {}, worktreeIncludeFiles: [] };
  const initialized = connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: options,
  });
  const broken = ended.then(() => Promise.reject(new Error(`the server ended before it served: ${complaints}`)));
  await Promise.race([initialized, broken]);
  broken.catch(() => undefined); // from here on an end shows in the requests
  await connection.sendNotification("initialized", {});
  return {
    call: <Name extends OperationName>(operation: Name, params: ParamsOf<Name>) =>
      connection.sendRequest<ResultOf<Name>>(operation, params),
    onEvents: (receive) =>
      void connection.onNotification(eventsAppended, ({ events }: EventsAppended) => receive(events)),
    diagnostics: () => connection.sendRequest<Diagnostics>(diagnostics, {}),
    stop: () => stop(connection, ended),
  };
}

async function stop(connection: MessageConnection, ended: Promise<unknown>): Promise<void> {
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  await ended;
  connection.dispose();
}
