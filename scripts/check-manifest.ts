// Checks that package.json's `contributes` says the same as the typed tables the client is written against.
import { existsSync, globSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { settings as declared } from "../protocol/settings.ts";
import { agentContributions } from "./agent-tools.ts";
import { inRoot, root } from "./paths.ts";

interface Tables {
  readonly commands?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly contextKeys?: Readonly<Record<string, unknown>>;
  readonly views?: Readonly<Record<string, unknown>>;
  readonly colors?: Readonly<Record<string, unknown>>;
}

interface Configuration {
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Contributes {
  readonly commands?: readonly { readonly command: string }[];
  readonly configuration?: Configuration | readonly Configuration[];
  readonly views?: Readonly<Record<string, readonly { readonly id: string }[]>>;
  readonly colors?: readonly { readonly id: string }[];
  readonly languageModelTools?: unknown;
  readonly mcpServerDefinitionProviders?: unknown;
}

/** Those that the contract says VS Code has. */
const settingsOfVscode: ReadonlySet<string> = new Set(
  Object.values(declared).flatMap(({ vscode }) => (vscode === null ? [] : [`imi.${vscode}`])),
);

/** Returns one line for each difference; none when the client does not exist yet. */
export async function checkManifest(): Promise<string[]> {
  const text = readFileSync(inRoot("package.json"), "utf8");
  const manifest: { readonly contributes?: Contributes } = JSON.parse(text);
  const contributes = manifest.contributes ?? {};
  const problems = checkStrings(text);
  const file = inRoot("client", "src", "tables.ts");
  if (!existsSync(file)) return problems;

  const tables: Tables = await import(pathToFileURL(file).href);
  const commands = new Set((contributes.commands ?? []).map((each) => each.command));
  const settings = new Set(
    [contributes.configuration ?? []].flat().flatMap((each) => Object.keys(each.properties ?? {})),
  );
  return [
    ...problems,
    ...difference("command", commands, new Set(Object.keys(tables.commands ?? {}))),
    ...difference("setting", settings, new Set(Object.keys(tables.settings ?? {}))),
    ...difference("setting of the contract", settings, settingsOfVscode),
    ...difference(
      "view",
      idsOf(Object.values(contributes.views ?? {}).flat()),
      new Set(Object.keys(tables.views ?? {})),
    ),
    ...difference("color", idsOf(contributes.colors ?? []), new Set(Object.keys(tables.colors ?? {}))),
    ...checkConditions(contributes, settings, new Set(Object.keys(tables.contextKeys ?? {}))),
    ...checkCommandUses(contributes, commands),
    ...checkAgentTools(contributes),
  ];
}

/** What is contributed for agents is made from the contract. */
function checkAgentTools(contributes: Contributes): string[] {
  const { strings, ...expected } = agentContributions();
  const texts: Record<string, unknown> = JSON.parse(readFileSync(inRoot("package.nls.json"), "utf8"));
  const same =
    isDeepStrictEqual(contributes.languageModelTools, expected.languageModelTools) &&
    isDeepStrictEqual(contributes.mcpServerDefinitionProviders, expected.mcpServerDefinitionProviders) &&
    Object.entries(strings).every(([name, text]) => texts[name] === text);
  return same ? [] : ["the tools for agents are not the contract's; run node scripts/agent-tools.ts --write"];
}

function idsOf(contributed: readonly { readonly id: string }[]): Set<string> {
  return new Set(contributed.map(({ id }) => id));
}

function difference(kind: string, manifest: ReadonlySet<string>, table: ReadonlySet<string>): string[] {
  return [
    ...[...table.difference(manifest)].map((id) => `${kind} ${id} is in client/src/tables.ts but not in package.json`),
    ...[...manifest.difference(table)].map((id) => `${kind} ${id} is in package.json but not in client/src/tables.ts`),
  ];
}

/** Every `imi.…` name in a `when` or `enablement` must be a context key or a setting somebody declared. */
function checkConditions(
  contributes: Contributes,
  settings: ReadonlySet<string>,
  contextKeys: ReadonlySet<string>,
): string[] {
  const problems: string[] = [];
  walk(contributes, (key, value) => {
    if (key !== "when" && key !== "enablement") return;
    // What stands right of a comparison is a value (`view == imi.worktrees`), not a name.
    const names = value.replaceAll(/(?:==|!=|=~|<|>)\s*(?:'[^']*'|\/[^/]*\/\w*|[^\s&|)]+)/gu, " ");
    for (const [name] of names.matchAll(/(?<![\w.])(?:config\.)?imi\.[\w.]+/gu)) {
      if (name.startsWith("config.")) {
        if (!settings.has(name.slice("config.".length))) problems.push(`"${value}" reads the unknown setting ${name}`);
      } else if (!contextKeys.has(name)) {
        problems.push(`"${value}" reads ${name}, which is not in the contextKeys of client/src/tables.ts`);
      }
    }
  });
  return problems;
}

function checkCommandUses(contributes: Contributes, commands: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const { commands: _declared, ...uses } = contributes;
  const expect = (id: string, where: string): void => {
    if (id.startsWith("imi.") && !commands.has(id)) problems.push(`${where} uses the unknown command ${id}`);
  };
  walk(uses, (key, value) => {
    if (key === "command") expect(value, "package.json");
    for (const [, id] of value.matchAll(/command:(imi\.[\w.]+)/gu)) expect(id ?? "", `"${value}"`);
  });
  return problems;
}

/** Every %name% of the manifest must exist in package.nls.json, each of its names must be used, and no more in translations. */
function checkStrings(manifestText: string): string[] {
  const used = new Set(Array.from(manifestText.matchAll(/"%([^%"\s]+)%"/gu), ([, name]) => name ?? ""));
  const defined = namesOf("package.nls.json");
  const translations = globSync("package.nls.*.json", { cwd: root });
  return [
    ...[...used.difference(defined)].map((name) => `%${name}% is not in package.nls.json`),
    ...[...defined.difference(used)].map((name) => `${name} in package.nls.json is used nowhere in package.json`),
    ...translations.flatMap((file) =>
      [...namesOf(file).difference(defined)].map((name) => `${name} in ${file} is not in package.nls.json`),
    ),
  ];
}

function namesOf(file: string): Set<string> {
  if (!existsSync(inRoot(file))) return new Set();
  const strings: Record<string, unknown> = JSON.parse(readFileSync(inRoot(file), "utf8"));
  return new Set(Object.keys(strings));
}

function walk(value: unknown, visit: (key: string, value: string) => void, key = ""): void {
  if (typeof value === "string") visit(key, value);
  else if (Array.isArray(value)) for (const item of value) walk(item, visit, key);
  else if (typeof value === "object" && value !== null)
    for (const [name, item] of Object.entries(value)) walk(item, visit, name);
}

if (import.meta.main) {
  const problems = await checkManifest();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
