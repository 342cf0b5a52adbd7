// What package.json contributes for agents, made from the contract. `node scripts/agent-tools.ts --write` puts it there.
import { readFileSync, writeFileSync } from "node:fs";
import { applyEdits, modify } from "jsonc-parser";
import { z } from "zod";
import { agentTable } from "../client/src/agents/table.ts";
import { mcpProvider } from "../client/src/tables.ts";
import { operations } from "../protocol/contract.ts";
import type { Operation } from "../protocol/operation.ts";
import { inRoot } from "./paths.ts";

/** `contributes` that the contract determines, and the strings they refer to. */
export interface AgentContributions {
  readonly mcpServerDefinitionProviders: readonly Readonly<Record<string, unknown>>[];
  readonly languageModelTools: readonly Readonly<Record<string, unknown>>[];
  readonly strings: Readonly<Record<string, string>>;
}

const formattingOptions = { tabSize: 2, insertSpaces: true };

const declared: ReadonlyMap<string, Operation> = new Map(
  operations.map((operation: Operation) => [operation.name, operation]),
);

export function agentContributions(): AgentContributions {
  const tools = agentTable();
  return {
    mcpServerDefinitionProviders: [{ id: mcpProvider, label: "iMi" }],
    languageModelTools: tools.map(({ tool, operation, summary, effect }) => ({
      name: tool,
      toolReferenceName: tool.replaceAll("_", "-"),
      displayName: `%${stringName(operation)}%`,
      userDescription: `%${stringName(operation)}%`,
      modelDescription: `${summary}.`,
      canBeReferencedInPrompt: true,
      when: `${effect === "read" ? "" : "isWorkspaceTrusted && "}imi.repository == found`,
      inputSchema: inputSchema(operation),
    })),
    strings: Object.fromEntries(tools.map(({ operation, summary }) => [stringName(operation), summary])),
  };
}

const stringName = (operation: string): string => `tool.${operation}`;

function inputSchema(name: string): unknown {
  const operation = declared.get(name);
  if (operation === undefined) throw new Error(`no operation ${name}`);
  const { $schema: _, ...schema } = z.toJSONSchema(operation.params.strict(), { io: "input" });
  return schema;
}

function write(): void {
  const { strings, ...contributes } = agentContributions();
  const edit = (file: string, changes: readonly (readonly [path: readonly string[], value: unknown])[]): void => {
    let text = readFileSync(file, "utf8");
    for (const [path, value] of changes) {
      text = applyEdits(text, modify(text, [...path], value, { formattingOptions }));
    }
    writeFileSync(file, text);
  };
  edit(
    inRoot("package.json"),
    Object.entries(contributes).map(([key, value]) => [["contributes", key], value]),
  );
  const stringsFile = inRoot("package.nls.json");
  const gone = Object.keys(JSON.parse(readFileSync(stringsFile, "utf8"))).filter(
    (key) => key.startsWith("tool.") && !Object.hasOwn(strings, key),
  );
  edit(stringsFile, [
    ...Object.entries(strings).map(([key, value]) => [[key], value] as const),
    ...gone.map((key) => [[key], undefined] as const),
  ]);
}

if (import.meta.main) {
  if (process.argv[2] === "--write") write();
  else console.log(JSON.stringify(agentContributions(), null, 2));
}
