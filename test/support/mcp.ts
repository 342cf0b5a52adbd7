import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CallToolResultSchema,
  ListRootsRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { ErrorShape } from "../../protocol/errors.ts";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import { program } from "./imi.ts";
import type { Place } from "./imi.ts";

export interface AgentOptions {
  readonly args?: readonly string[];
  /** Folders the client says it works in; null: it knows nothing of roots; `fails`: it knows them and does not say. */
  readonly roots?: readonly string[] | "fails" | null;
}

type CallOptions = Parameters<Client["callTool"]>[2];

/** An agent program's side: the SDK's own client, speaking to `imi mcp` in a process of its own. */
export class Agent {
  readonly client: Client;
  readonly transport: StdioClientTransport;
  /** Addresses of resources that were said to have changed. */
  readonly updated: string[] = [];
  listChanges = 0;
  #stderr = "";

  private constructor(client: Client, transport: StdioClientTransport) {
    this.client = client;
    this.transport = transport;
    transport.stderr?.on("data", (data: Buffer) => {
      this.#stderr += data.toString("utf8");
    });
  }

  static async start(place: Place, { args = [], roots = null }: AgentOptions = {}): Promise<Agent> {
    const client = new Client(
      { name: "test", version: "1.0.0" },
      { capabilities: roots === null ? {} : { roots: { listChanged: true } } },
    );
    if (roots !== null) {
      client.setRequestHandler(ListRootsRequestSchema, () => {
        if (roots === "fails") throw new Error("not now");
        return { roots: roots.map((path) => ({ uri: pathToFileURL(path).href })) };
      });
    }
    // What is undefined is not in an environment.
    const env = Object.fromEntries(Object.entries(place.env).filter((each): each is [string, string] => !!each[1]));
    const transport = new StdioClientTransport({
      command: program,
      args: ["mcp", ...args],
      cwd: place.cwd,
      env,
      stderr: "pipe",
    });
    const agent = new Agent(client, transport);
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      agent.updated.push(params.uri);
    });
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
      agent.listChanges += 1;
    });
    await client.connect(transport);
    // The client then checks every structured answer against the schema of its tool.
    await client.listTools();
    return agent;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    const { pid } = this.transport;
    assert.ok(pid !== null, "the server runs");
    return pid;
  }

  /** A tool's answer, whatever it is. */
  async call(name: string, args: Record<string, unknown> = {}, options?: CallOptions): Promise<CallToolResult> {
    return CallToolResultSchema.parse(await this.client.callTool({ name, arguments: args }, undefined, options));
  }

  /** The result of an operation that must succeed. */
  async told<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    options?: CallOptions,
  ): Promise<ResultOf<Name>> {
    const answered = await this.call(operation.replace(".", "_"), params, options);
    assert.equal(answered.isError ?? false, false, textOf(answered));
    // The client has checked it against the declaration.
    return answered.structuredContent as ResultOf<Name>;
  }

  /** The error of a call that must be refused. */
  async refused(name: string, args: Record<string, unknown> = {}): Promise<ErrorShape> {
    const answered = await this.call(name, args);
    assert.equal(answered.isError, true, textOf(answered));
    assert.equal(answered.structuredContent, undefined, "an error is no result");
    const error = answered._meta?.["imi/error"] as ErrorShape | undefined;
    assert.ok(error !== undefined, textOf(answered));
    assert.ok(
      textOf(answered).includes(error.message) && textOf(answered).includes(error.code),
      "a model reads it too",
    );
    return error;
  }

  async read(uri: string): Promise<unknown> {
    const { contents } = await this.client.readResource({ uri });
    const [only] = contents;
    assert.ok(only !== undefined && "text" in only && contents.length === 1);
    return JSON.parse(only.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

export const textOf = ({ content }: CallToolResult): string =>
  content.flatMap((each) => (each.type === "text" ? [each.text] : [])).join("\n");

/** Waits until a condition holds; `what` says which. */
export const eventually = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
