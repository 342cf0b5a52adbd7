import { operations } from "../../../protocol/contract.ts";
import type { Operation } from "../../../protocol/operation.ts";

/** An operation as a tool of VS Code's language models. */
export interface AgentTool {
  /** As `contributes.languageModelTools` names it. */
  readonly tool: string;
  readonly operation: string;
  readonly summary: string;
  readonly effect: "read" | "add" | "change";
  readonly takesRepository: boolean;
}

/**
 * Every operation that is marked for agents. The contract loads zod, which the extension does without: its bundle gets
 * the result of this function in place of the function.
 */
export const agentTable = (): AgentTool[] => operations.flatMap((operation: Operation) => toolsOf(operation));

const toolsOf = ({ name, summary, agents, params }: Operation): AgentTool[] =>
  agents === null
    ? []
    : [
        {
          tool: `imi_${name.replace(".", "_")}`,
          operation: name,
          summary,
          effect: agents,
          takesRepository: "repository" in params.shape,
        },
      ];
