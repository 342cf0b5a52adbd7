import type { Tool, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { operations } from "../../../../protocol/contract.ts";
import type { Operation } from "../../../../protocol/operation.ts";

/** An operation as agents get it. */
export interface AgentTool {
  readonly operation: Operation;
  readonly definition: Tool;
}

/** `worktree.disk-use` is `worktree_disk-use`: a tool's name may hold no dot. */
export const toolName = (operation: string): string => operation.replace(".", "_");

/** Every operation that is marked for agents, by the name of its tool, in the contract's order. */
export const agentTools = (): ReadonlyMap<string, AgentTool> =>
  new Map(
    operations
      .filter(({ agents }: Operation) => agents !== null)
      .map((operation: Operation) => [toolName(operation.name), { operation, definition: definitionOf(operation) }]),
  );

const definitionOf = (operation: Operation): Tool => ({
  name: toolName(operation.name),
  description: `${operation.summary}.`,
  inputSchema: objectSchema(operation.params.strict(), "input"),
  outputSchema: objectSchema(operation.result, "output"),
  annotations: annotationsOf(operation),
});

/** A zod object as JSON Schema. Without `$schema`: clients disagree about dialects, and what we declare means the same in all. */
const objectSchema = (schema: z.ZodObject, io: "input" | "output"): Tool["inputSchema"] => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  // zod types its answer for every schema there is; that of an object is an object's.
  return { ...(rest as Omit<Tool["inputSchema"], "type">), type: "object" };
};

const annotationsOf = ({ agents, repeatable, remote }: Operation): ToolAnnotations => ({
  readOnlyHint: agents === "read",
  destructiveHint: agents === "change",
  idempotentHint: agents === "read" || repeatable === true,
  openWorldHint: remote === true,
});
