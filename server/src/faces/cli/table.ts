import { z } from "zod";
import { operations } from "../../../../protocol/contract.ts";
import { eventNames } from "../../../../protocol/events.ts";
import type { CommandLine, Operation } from "../../../../protocol/operation.ts";
import { localSwitch, type Command, type Completes, type Option, type Parameter, type ValueKind } from "./command.ts";

/**
 * The command line as the contract declares it, as plain JSON. Loading the contract loads zod (25 -> 77 ms of cold
 * start), so the bundle gets the result of this function in place of the function.
 */
export const commandTable = (): Command[] =>
  operations.flatMap((operation: Operation) => operation.cli.map((line) => commandOf(operation, line)));

/** What Tab offers for a parameter, by operation and parameter. */
const completions: Readonly<Record<string, Completes>> = {
  "worktree.path/name": "worktrees",
  "worktree.switch/name": "worktrees",
  "worktree.remove/name": "removable",
  "worktree.salvage/name": "worktrees",
  "worktree.salvage/push": "remotes",
  "worktree.salvage/bundle": "files",
  "worktree.prune/names": "removable",
  "worktree.disk-use/names": "worktrees",
  "overlap.merge-check/a": "worktrees",
  "overlap.merge-check/b": "worktrees",
  "overlap.list/names": "worktrees",
  "worktree.changes/name": "worktrees",
  "worktree.changes/other": "worktrees",
  "activity.list/name": "worktrees",
  "activity.list/agent": "agents",
  "activity.list/file": "paths",
  "claim.take/name": "worktrees",
  "claim.release/name": "worktrees",
  "claim.heartbeat/name": "worktrees",
  "claim.take-over/name": "worktrees",
  "worktree.restore/name": "trash",
  "trash.show/name": "trash",
  "trash.empty/name": "trash",
  "repository.clone/url": "directories",
  "repository.clone/directory": "directories",
  "repository.init/path": "directories",
};

const openOption = localSwitch("open", "open the worktree in VS Code");

/** What the command line adds to an operation's own options. */
const localOptions: Readonly<Record<string, readonly Option[]>> = {
  // Their answer VS Code can open at once.
  "worktree.create": [openOption],
  "worktree.review": [openOption],
  "event.list": [
    localSwitch("follow", "print events as they are appended, by whomever, until Ctrl+C"),
    {
      ...localSwitch("name", "with --follow: only events with this name; * stands for any part of it; may be repeated"),
      kind: "string",
      choices: Object.keys(eventNames),
      default: null,
      many: true,
      valueName: "PATTERN",
    },
  ],
};

const commandOf = (operation: Operation, line: CommandLine): Command => {
  const fixed = line.fixed ?? {};
  const declared = line.positionals ?? [];
  const order = declared.map((name) => name.replace(/(?:\?|\.\.\.)$/u, ""));
  const parameters = parametersOf(operation);
  const positionals = order.map((name) => {
    const parameter = parameters.find(({ param }) => param === name);
    if (parameter === undefined) throw new Error(`imi ${line.command}: ${operation.name} has no parameter ${name}`);
    return parameter;
  });
  const options = parameters.filter(
    ({ param }) => param !== "repository" && !order.includes(param) && !Object.hasOwn(fixed, param),
  );
  for (const { param, many } of parameters) {
    if (many !== (declared.at(-1) === `${param}...`))
      throw new Error(`imi ${line.command}: a list, and nothing else, is taken as a last positional "${param}..."`);
  }
  return {
    words: line.command.split(" "),
    operation: operation.name,
    summary: line.summary,
    access: operation.access,
    positionals,
    options: [...options.map(optionOf), ...(localOptions[operation.name] ?? [])],
    fixed,
    examples: line.examples,
    changesDirectory: line.changesDirectory ?? false,
    takesRepository: parameters.some(({ param }) => param === "repository"),
  };
};

const optionOf = (parameter: Parameter): Option => {
  const flag = kebab(parameter.param);
  const on = parameter.kind === "boolean" && parameter.default === true;
  return { ...parameter, flag: on ? `no-${flag}` : flag, local: false };
};

const kebab = (name: string): string => name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);

/** The parts of JSON Schema a parameter of the command line may have. */
interface Property {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly bare?: number;
  readonly items?: Property;
}

const parametersOf = (operation: Operation): Parameter[] => {
  // zod types its answer for every schema there is; that of an object has exactly these.
  const schema = z.toJSONSchema(operation.params, { io: "input" }) as {
    readonly properties?: Readonly<Record<string, Property>>;
    readonly required?: readonly string[];
  };
  const required = new Set(schema.required);
  if (operation.cli.length === 0) return [];
  return Object.entries(schema.properties ?? {}).map(([param, property]) => ({
    param,
    // Of a list, what each word of it is.
    ...valuesOf(`${operation.name}/${param}`, property.type === "array" ? (property.items ?? {}) : property),
    required: required.has(param),
    bare: property.bare ?? null,
    many: property.type === "array",
    summary: property.description ?? "",
    valueName: operation.valueNames?.[param] ?? null,
    completes: completions[`${operation.name}/${param}`] ?? null,
  }));
};

const valuesOf = (
  name: string,
  property: Property,
): Pick<Parameter, "kind" | "choices" | "default" | "minimum" | "maximum"> => {
  const choices = property.enum?.map(String) ?? null;
  const integer = property.type === "integer";
  const least = property.minimum ?? (property.exclusiveMinimum === undefined ? null : property.exclusiveMinimum + 1);
  const most = property.maximum ?? null;
  return {
    kind: kindOf(name, property, choices),
    choices,
    default: plain(name, property.default),
    minimum: integer ? least : null,
    maximum: integer && most !== Number.MAX_SAFE_INTEGER ? most : null,
  };
};

const kindOf = (name: string, { type }: Property, choices: readonly string[] | null): ValueKind => {
  if (choices !== null) return "enum";
  if (type === "string" || type === "integer" || type === "boolean") return type;
  throw new Error(`${name}: a parameter of type ${JSON.stringify(type)} has no form on the command line yet`);
};

const plain = (name: string, value: unknown): Parameter["default"] => {
  if (value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new Error(`${name}: the default ${JSON.stringify(value)} has no form on the command line yet`);
};
