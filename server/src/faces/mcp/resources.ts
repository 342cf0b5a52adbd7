import {
  McpError,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplate,
} from "@modelcontextprotocol/sdk/types.js";
import type { ResultOf } from "../../../../protocol/contract.ts";
import type { Worktree } from "../../../../protocol/worktrees.ts";
import type { CallContext, Workspace } from "../../workspace.ts";
import type { RepositoryChoice } from "./repository.ts";

/** How many events `imi://events` shows: the newest. Older ones are read with the tool. */
const shownEvents = 200;

const mimeType = "application/json";
export const worktreesUri = "imi://worktrees";
export const eventsUri = "imi://events";
const worktreeUri = (name: string): string => `${worktreesUri}/${encodeURIComponent(name)}`;

const fixed: readonly Resource[] = [
  { uri: worktreesUri, name: "worktrees", description: "The worktrees of the repository, with their status", mimeType },
  { uri: eventsUri, name: "events", description: `The newest ${shownEvents} events of the repository`, mimeType },
];

export const templates: readonly ResourceTemplate[] = [
  { uriTemplate: `${worktreesUri}/{name}`, name: "worktree", description: "One worktree, with its status", mimeType },
];

/** What a client can read without asking for it by a tool: answers of the contract's own operations, as JSON. */
export class Resources {
  readonly #workspace: Workspace;
  readonly #choice: RepositoryChoice;

  constructor(workspace: Workspace, choice: RepositoryChoice) {
    this.#workspace = workspace;
    this.#choice = choice;
  }

  /** The fixed ones, and each worktree; without a repository only the former. */
  async list(call: CallContext): Promise<Resource[]> {
    const worktrees = await this.#worktrees(call).catch(() => []);
    return [
      ...fixed,
      ...worktrees.map(({ name, type, branch }) => ({
        uri: worktreeUri(name),
        name,
        description: branch === null ? `Worktree of type ${type}` : `Worktree of type ${type} on ${branch}`,
        mimeType,
      })),
    ];
  }

  async read(uri: string, call: CallContext): Promise<ReadResourceResult> {
    const text = JSON.stringify(await this.#contents(uri, call));
    return { contents: [{ uri, mimeType, text }] };
  }

  /** The worktree an address is about; null for what is no worktree's. Throws as `read` does for one that is not there. */
  async subject(uri: string, call: CallContext): Promise<string | null> {
    return uri === worktreesUri || uri === eventsUri ? null : (await this.#named(uri, call)).id;
  }

  async #contents(uri: string, call: CallContext): Promise<unknown> {
    const params = await this.#choice.params();
    if (uri === worktreesUri) return this.#workspace.call("worktree.list", { ...params, status: true }, call);
    if (uri === eventsUri) return this.#events(call);
    const worktree = await this.#named(uri, call);
    const { statuses, live } = (await this.#workspace.call(
      "worktree.status",
      { ...params, ids: [worktree.id] },
      call,
    )) as ResultOf<"worktree.status">;
    const [status, facts] = [statuses[worktree.id], live[worktree.id]];
    const seen = { ...(status === undefined ? {} : { status }), ...(facts === undefined ? {} : { live: facts }) };
    return { worktree: { ...worktree, ...seen } };
  }

  /** One log serves all repositories; what happens in the others is not this client's business. */
  async #events(call: CallContext): Promise<ResultOf<"event.list">> {
    const { id } = await this.#choice.open();
    const params = { since: 0, limit: shownEvents, newest: true };
    const { events } = (await this.#workspace.call("event.list", params, call)) as ResultOf<"event.list">;
    return { events: events.filter(({ repository }) => repository === null || repository === id) };
  }

  async #named(uri: string, call: CallContext): Promise<Worktree> {
    const name = nameIn(uri);
    const found = name === null ? undefined : (await this.#worktrees(call)).find((each) => each.name === name);
    if (found === undefined) throw new McpError(resourceNotFound, "There is no such resource.", { uri });
    return found;
  }

  async #worktrees(call: CallContext): Promise<readonly Worktree[]> {
    const params = { ...(await this.#choice.params()), status: false };
    const { worktrees } = (await this.#workspace.call("worktree.list", params, call)) as ResultOf<"worktree.list">;
    return worktrees;
  }
}

/** MCP's own code for it, which the SDK has no name for. */
const resourceNotFound = -32_002;

const nameIn = (uri: string): string | null => {
  if (!uri.startsWith(`${worktreesUri}/`)) return null;
  try {
    return decodeURIComponent(uri.slice(worktreesUri.length + 1));
  } catch {
    return null;
  }
};
