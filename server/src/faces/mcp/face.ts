import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  type ServerNotification,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import type { Claim } from "../../../../protocol/claims.ts";
import type { ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Event } from "../../../../protocol/events.ts";
import { nearest } from "../../config/nearest.ts";
import type { CallContext, Workspace } from "../../workspace.ts";
import { answer, refusal } from "./answers.ts";
import { prompt, prompts } from "./prompts.ts";
import { RepositoryChoice, withHint } from "./repository.ts";
import { Resources, templates } from "./resources.ts";
import { type Held, SessionClaims } from "./session-claims.ts";
import { Subscriptions, changesList } from "./subscriptions.ts";
import { type AgentTool, agentTools } from "./tools.ts";

/** What of the SDK's `extra` is used here. */
interface Asked {
  readonly signal: AbortSignal;
  readonly _meta?: { readonly progressToken?: string | number | undefined } | undefined;
  readonly sendNotification: (notification: ServerNotification) => Promise<void>;
}

export interface FaceOptions {
  readonly workspace: Workspace;
  readonly cwd: string;
  /** What `--repo` says, absolute. */
  readonly repository: string | null;
  /** Aborted when the server ends. */
  readonly ending: AbortSignal;
  readonly log: (message: string) => void;
}

/** How long a client may take to say what its roots are. */
const rootsTimeout = 5000;

/** Answers what a client asks by calling the contract's operations, and tells it when the log says that something changed. */
export class Face {
  readonly #server: Server;
  readonly #options: FaceOptions;
  readonly #tools = agentTools();
  readonly #choice: RepositoryChoice;
  readonly #resources: Resources;
  readonly #subscriptions = new Subscriptions();
  readonly #claims: SessionClaims;
  readonly #running = new Set<Promise<unknown>>();
  #following: Promise<() => void> | null = null;

  constructor(server: Server, options: FaceOptions) {
    this.#server = server;
    this.#options = options;
    const { workspace, repository: said, ending: signal } = options;
    const call: CallContext = { signal, progress: () => undefined };
    this.#choice = new RepositoryChoice({ workspace, call, said, roots: () => this.#roots() });
    this.#resources = new Resources(workspace, this.#choice);
    this.#claims = new SessionClaims((held) => this.#track(this.#renew(held, call)));
    this.#answerTools();
    this.#answerResources();
    server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [...prompts] }));
    server.setRequestHandler(GetPromptRequestSchema, ({ params }) => prompt(params.name, params.arguments ?? {}));
    server.setNotificationHandler(RootsListChangedNotificationSchema, () => this.#choice.forget());
    server.oninitialized = () => this.#follow();
  }

  /** Resolves when everything that was asked has been answered, or given up. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    this.#claims.stop();
    const following = this.#following;
    this.#following = null;
    (await following?.catch(() => undefined))?.();
  }

  #answerTools(): void {
    this.#server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [...this.#tools.values()].map(({ definition }) => definition),
    }));
    this.#server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
      const tool = this.#tools.get(params.name);
      if (tool === undefined) throw this.#unknownTool(params.name);
      return this.#track(this.#call(tool, params.arguments ?? {}, this.#contextOf(extra)));
    });
  }

  async #call({ operation, definition }: AgentTool, given: unknown, call: CallContext): Promise<CallToolResult> {
    try {
      const parsed = operation.params.strict().safeParse(given);
      if (!parsed.success) throw invalid(definition.name, parsed.error);
      const asked = await this.#inRepository(operation.params.shape, parsed.data);
      const result = await this.#options.workspace.call(operation.name, asked, call);
      // A client that has cancelled hears no answer, and never learns the token.
      if (!call.signal.aborted) this.#claims.hear(operation.name, asked, result);
      return answer(operation.name, result, { asked, cwd: this.#options.cwd });
    } catch (error) {
      return refusal(withHint(error));
    } finally {
      this.#follow();
    }
  }

  /** Renews a claim of this session, whose worktree may have been moved, which gives it another name. */
  async #renew({ repository, name, agent, token, since }: Held, call: CallContext): Promise<Claim> {
    const { workspace } = this.#options;
    const where = repository === undefined ? {} : { repository };
    const beat = async (worktree: string): Promise<Claim> => {
      const result = await workspace.call("claim.heartbeat", { ...where, name: worktree, agent, token }, call);
      return (result as ResultOf<"claim.heartbeat">).claim; // an operation answers with its own result
    };
    try {
      return await beat(name);
    } catch (error) {
      if (!ImiError.is(error, "worktree/not-found")) throw error;
      const { claims } = (await workspace.call("claim.list", where, call)) as ResultOf<"claim.list">;
      const moved = claims.find((claim) => claim.agent === agent && claim.since === since);
      if (moved === undefined) throw error;
      return beat(moved.worktree);
    }
  }

  /** What a call leaves unsaid is said by the server's start or its client. */
  async #inRepository(
    shape: Readonly<Record<string, unknown>>,
    params: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    if (!Object.hasOwn(shape, "repository") || params["repository"] !== undefined) return params;
    return { ...params, ...(await this.#choice.params()) };
  }

  #answerResources(): void {
    const server = this.#server;
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...templates] }));
    server.setRequestHandler(ListResourcesRequestSchema, (_request, extra) =>
      this.#track(this.#resources.list(this.#contextOf(extra)).then((resources) => ({ resources }))),
    );
    server.setRequestHandler(ReadResourceRequestSchema, ({ params }, extra) =>
      this.#track(this.#resources.read(params.uri, this.#contextOf(extra)).catch(raise)),
    );
    server.setRequestHandler(SubscribeRequestSchema, ({ params }, extra) =>
      this.#track(
        this.#resources.subject(params.uri, this.#contextOf(extra)).then((subject) => {
          this.#subscriptions.add(params.uri, subject);
          this.#follow();
          return {};
        }, raise),
      ),
    );
    server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      this.#subscriptions.delete(params.uri);
      return {};
    });
  }

  /** A call ends with what its client cancels, and with the server. */
  #contextOf({ signal, _meta, sendNotification }: Asked): CallContext {
    const token = _meta?.progressToken;
    let step = 0;
    return {
      signal: AbortSignal.any([signal, this.#options.ending]),
      progress: (text, fraction) => {
        if (token === undefined || signal.aborted) return;
        // The number must only grow, and fractions of different steps do not: it counts, the sentence says how far.
        const message = fraction === null ? text : `${text} (${Math.round(fraction * 100)} %)`;
        const params = { progressToken: token, progress: ++step, message };
        sendNotification({ method: "notifications/progress", params }).catch(this.#unheard);
      },
    };
  }

  /** Follows the log as soon as it can be read; what kept it from that may be mended by the next call. */
  #follow(): void {
    if (this.#following !== null || this.#options.ending.aborted) return;
    const following = this.#options.workspace.onEvents((events) => void this.#tell(events));
    this.#following = following;
    following.catch((error: unknown) => {
      this.#following = null;
      this.#options.log(`The event log cannot be followed: ${ImiError.from(error).message}`);
    });
  }

  async #tell(events: readonly Event[]): Promise<void> {
    try {
      // One log serves all repositories.
      const id = await this.#choice.open().then(
        (repository) => repository.id,
        () => null,
      );
      const own = events.filter(({ repository }) => repository === null || id === null || repository === id);
      for (const uri of this.#subscriptions.updatedBy(own)) await this.#server.sendResourceUpdated({ uri });
      if (changesList(own)) await this.#server.sendResourceListChanged();
    } catch (error) {
      this.#unheard(error);
    }
  }

  readonly #unheard = (error: unknown): void => {
    if (!this.#options.ending.aborted) this.#options.log(`A notification was not sent: ${String(error)}`);
  };

  /** A client that does not say where it works is one that has no roots. */
  async #roots(): Promise<readonly string[]> {
    if (this.#server.getClientCapabilities()?.roots === undefined) return [];
    try {
      const options = { timeout: rootsTimeout, signal: this.#options.ending };
      const { roots } = await this.#server.listRoots(undefined, options);
      return roots.map(({ uri }) => uri);
    } catch (error) {
      this.#options.log(`The client did not say its roots: ${String(error)}`);
      return [];
    }
  }

  #unknownTool(name: string): McpError {
    const meant = nearest(name.slice(0, 100), [...this.#tools.keys()]);
    return new McpError(
      ErrorCode.InvalidParams,
      meant === null ? "There is no such tool." : `There is no such tool. Did you mean ${meant}?`,
    );
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }
}

const invalid = (tool: string, error: z.ZodError): ImiError => {
  const issues = error.issues.slice(0, 5).map(({ path, message }) => [path.join("."), message].join(" ").trim());
  return new ImiError("usage/invalid", `${tool}: ${issues.join("; ")}`, {
    hint: "The tool's input schema says what it takes.",
  });
};

/** An error where the protocol has no `isError`: code and hint travel in `data`, as over JSON-RPC. */
const raise = (error: unknown): never => {
  if (error instanceof McpError) throw error;
  const problem = ImiError.from(withHint(error));
  throw new McpError(ErrorCode.InternalError, problem.message, problem.toJSON());
};
