import { EventEmitter, type CancellationToken, type Disposable, type LogOutputChannel } from "vscode";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import { ImiError } from "../../protocol/errors.ts";
import type { Event } from "../../protocol/events.ts";
import {
  type Diagnostics,
  type EventsAppended,
  type Progressed,
  diagnostics,
  eventsAppended,
  optionsChanged,
  progressed,
} from "../../protocol/rpc.ts";
import type { CrashPolicy, ServerClient, ServerPlace } from "./language-client.ts";
import { Disposables } from "./disposables.ts";
import { failureToServe, fatalFailure, imiError, isErrorShape, serverDied, serverStopped } from "./failures.ts";
import { currentOptions } from "./settings.ts";
import type { ContextKeys } from "./tables.ts";

export type ServerState = ContextKeys["imi.serverState"];

export interface RequestOptions {
  readonly token?: CancellationToken;
  readonly onProgress?: (progress: Progressed) => void;
}

/**
 * Owns the server of this window: starts it, brings it back after a crash by the language client library's policy,
 * gives up on the causes of `fatalExitCodes`, stops it within two seconds. Everything the extension asks goes through
 * `request`, which waits while the server starts and throws `server/stopped` when there is none.
 *
 * Two scopes: what is added to this object lives as long as the extension; a `Life` is one server process.
 */
export class Connection implements Disposable {
  readonly #place: ServerPlace;
  readonly #scope = new Disposables();
  readonly #stateChanged = this.#scope.add(new EventEmitter<ServerState>());
  readonly #appended = this.#scope.add(new EventEmitter<readonly Event[]>());
  readonly #listeners = new Map<string, (progress: Progressed) => void>();
  #state: ServerState = "stopped";
  #failure: ImiError | null = null;
  #life: Life | undefined;
  /** Resolves when `starting` is over, however it ended. */
  #settled = Promise.withResolvers<void>();
  #policy: CrashPolicy | undefined;
  #progressTokens = 0;

  readonly log: LogOutputChannel;
  /** The state after each change; `failed` comes with `failure`. */
  readonly onDidChangeState = this.#stateChanged.event;
  /** Events as the server saw them appended, in order; a restart may leave a gap, so listen to the state too. */
  readonly onEvents = this.#appended.event;

  constructor(place: ServerPlace, log: LogOutputChannel) {
    this.#place = place;
    this.log = log;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Whether there is a server, or one is coming. */
  get serves(): boolean {
    return this.#state === "running" || this.#state === "starting";
  }

  /** Why there is no server, when the state is `failed`. */
  get failure(): ImiError | null {
    return this.#failure;
  }

  get pid(): number | undefined {
    return this.#life?.client.pid;
  }

  /** Starts the server unless there is one; resolves when it runs or has failed. Never rejects: ask `state`. */
  async start(): Promise<void> {
    if (this.#state === "running") return;
    if (this.#state !== "starting") {
      this.#enter("starting");
      void this.#begin();
    }
    await this.#settled.promise;
  }

  /** A user's restart: also begins to count crashes anew. */
  async restart(): Promise<void> {
    await this.stop();
    this.#policy = undefined;
    await this.start();
  }

  /** Ends the server within two seconds. Idempotent. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#enter("stopped");
    await life?.end();
  }

  /**
   * Runs an operation of the contract. Throws ImiError: the room's own, `operation/cancelled`, or `server/stopped`.
   */
  async request<Name extends OperationName>(
    name: Name,
    params: ParamsOf<Name>,
    { token, onProgress }: RequestOptions = {},
  ): Promise<ResultOf<Name>> {
    const progressToken = `${process.pid}-${++this.#progressTokens}`;
    if (onProgress !== undefined) this.#listeners.set(progressToken, onProgress);
    try {
      return await this.#send<ResultOf<Name>>(name, onProgress ? { ...params, progressToken } : params, token);
    } finally {
      this.#listeners.delete(progressToken);
    }
  }

  /** What the server knows about itself. */
  diagnostics(): Promise<Diagnostics> {
    return this.#send<Diagnostics>(diagnostics, {}, undefined);
  }

  /** Tells the server of changed settings or trust; a server that is not there yet starts with them. */
  sendOptions(): void {
    const client = this.#state === "running" ? this.#life?.client : undefined;
    client?.sendNotification(optionsChanged, currentOptions()).catch((error: unknown) => {
      this.log.warn(`Changed settings did not reach the server: ${String(error)}`);
    });
  }

  dispose(): void {
    void this.stop();
    this.#scope.dispose();
  }

  async #send<Result>(method: string, params: object, token: CancellationToken | undefined): Promise<Result> {
    if (this.#state === "starting") await this.#settled.promise;
    const life = this.#life;
    if (this.#state !== "running" || life === undefined) throw serverStopped(this.#failure);
    try {
      return await life.client.sendRequest<Result>(method, params, ...(token === undefined ? [] : [token]));
    } catch (error) {
      throw this.#asImiError(error, life, token);
    }
  }

  #asImiError(error: unknown, life: Life, token: CancellationToken | undefined): ImiError {
    const data: unknown = error instanceof Error && "data" in error ? error.data : undefined;
    if (isErrorShape(data)) return imiError(data, error);
    if (token?.isCancellationRequested) return new ImiError("operation/cancelled", "Cancelled.", { cause: error });
    if (life.ended) return this.#state === "starting" ? serverDied() : serverStopped(this.#failure);
    return ImiError.from(error);
  }

  /** One life: a process, its client, its listeners. */
  async #begin(): Promise<void> {
    try {
      const { ServerClient, crashPolicy } = await import("./language-client.ts");
      if (this.#state !== "starting") return;
      const life: Life = new Life(new ServerClient(this.#place, this.log, () => this.#closed(life)));
      this.#life = life;
      this.#policy ??= crashPolicy(life.client);
      life.scope.add(
        life.client.onNotification(eventsAppended, ({ events }: EventsAppended) => this.#appended.fire(events)),
      );
      life.scope.add(
        life.client.onNotification(progressed, (progress: Progressed) => {
          this.#listeners.get(progress.token)?.(progress);
        }),
      );
      try {
        await life.client.start();
      } catch (error) {
        this.log.error(`The server did not start: ${String(error)}`);
        this.#closed(life, error);
        return;
      }
      if (this.#life === life && !life.ended) this.#enter("running");
    } catch (error) {
      this.#fail(ImiError.from(error));
    }
  }

  /** A life is over without our doing; called once or twice for each, by the library and by a failed start. */
  #closed(life: Life, cause?: unknown): void {
    if (life.ended) return;
    void life.end();
    if (this.#life !== life) return;
    this.#life = undefined;
    const fatal = fatalFailure(life.client.exitCode, cause);
    if (fatal !== null) {
      this.#fail(fatal);
      return;
    }
    // From here on requests wait for the next life instead of failing.
    this.#enter("starting");
    void this.#beginAgain(life, this.#settled);
  }

  async #beginAgain(life: Life, waiting: PromiseWithResolvers<void>): Promise<void> {
    const verdict = await this.#policy?.();
    // The user stopped or restarted it meanwhile.
    if (this.#settled !== waiting || this.#state !== "starting") return;
    if (verdict?.again !== true) {
      this.#fail(failureToServe(verdict?.message));
      return;
    }
    this.log.warn(`The server ended (exit code ${life.client.exitCode ?? "none"}) and is started again.`);
    await this.#begin();
  }

  #fail(failure: ImiError): void {
    this.#failure = failure;
    this.log.error(`${failure.message} ${failure.hint ?? ""}`);
    this.#enter("failed");
  }

  #enter(state: ServerState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === "starting") this.#settled = Promise.withResolvers<void>();
    else this.#settled.resolve();
    if (state !== "failed") this.#failure = null;
    this.#stateChanged.fire(state);
  }
}

/** One server process and what listens to it. */
class Life {
  readonly scope = new Disposables();
  readonly client: ServerClient;
  #ended = false;

  constructor(client: ServerClient) {
    this.client = client;
  }

  get ended(): boolean {
    return this.#ended;
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.client.end();
    this.scope.dispose();
  }
}
