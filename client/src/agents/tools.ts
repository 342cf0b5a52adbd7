import {
  type CancellationToken,
  type Disposable,
  type LanguageModelTool,
  type LanguageModelToolInvocationOptions,
  type LanguageModelToolInvocationPrepareOptions,
  LanguageModelTextPart,
  LanguageModelToolResult,
  MarkdownString,
  type PreparedToolInvocation,
  l10n,
  lm,
} from "vscode";
import type { OperationName, ParamsOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, inRepository } from "../repositories.ts";
import { type AgentTool, agentTable } from "./table.ts";

type Input = Readonly<Record<string, unknown>>;

/** Offers the operations for agents to VS Code's language models; the server answers them as it answers the views. */
export function registerAgentTools(connection: Connection, repositories: Repositories): Disposable {
  const scope = new Disposables();
  for (const tool of agentTable()) {
    scope.add(lm.registerTool(tool.tool, new OperationTool(tool, connection, repositories)));
  }
  return scope;
}

/** One operation; exported for its test inside VS Code. */
export class OperationTool implements LanguageModelTool<Input> {
  readonly #tool: AgentTool;
  readonly #connection: Connection;
  readonly #repositories: Repositories;

  constructor(tool: AgentTool, connection: Connection, repositories: Repositories) {
    this.#tool = tool;
    this.#connection = connection;
    this.#repositories = repositories;
  }

  /** What changes something is shown to the user, with all that was asked for, before it is done. */
  prepareInvocation({ input }: LanguageModelToolInvocationPrepareOptions<Input>): PreparedToolInvocation {
    const { summary, effect } = this.#tool;
    if (effect === "read") return { invocationMessage: summary };
    const message = new MarkdownString();
    if (effect === "change") message.appendMarkdown(`${l10n.t("This alters what is there.")}\n\n`);
    message.appendCodeblock(JSON.stringify(input, null, 2), "json");
    return { invocationMessage: summary, confirmationMessages: { title: summary, message } };
  }

  async invoke(
    { input }: LanguageModelToolInvocationOptions<Input>,
    token: CancellationToken,
  ): Promise<LanguageModelToolResult> {
    const { operation, takesRepository } = this.#tool;
    const where = takesRepository ? inRepository(this.#repositories.all[0]) : {};
    try {
      // The table names operations of the contract; VS Code has compared the input with the schema, and the server does.
      const params = { ...where, ...input } as ParamsOf<OperationName>;
      const result = await this.#connection.request(operation as OperationName, params, { token });
      return new LanguageModelToolResult([new LanguageModelTextPart(JSON.stringify(result))]);
    } catch (error) {
      const { code, message, hint } = ImiError.from(error);
      // Of an error a model is told nothing but its message.
      throw new Error([`${code}: ${message}`, ...(hint === null ? [] : [hint])].join("\n"), { cause: error });
    }
  }
}
