import { settings, type SettingName } from "../../../protocol/settings.ts";

export type SettingValue = string | number | boolean | readonly string[];

/** One setting as plain data. */
export interface SettingRow {
  readonly name: SettingName;
  readonly toml: string;
  readonly vscode: string | null;
  readonly env: string | null;
  readonly default: SettingValue;
  readonly summary: string;
  readonly kind: "string" | "path" | "integer" | "boolean" | "strings";
  readonly choices: readonly string[] | null;
}

const choices: Partial<Record<SettingName, readonly string[]>> = {
  openAfterCreate: ["always", "alwaysNewWindow", "onlyWhenEmpty", "never", "prompt"],
  logLevel: ["error", "warn", "info", "debug"],
};

/** Absolute or under `~`. The sync folders are not here: they are relative to a container. */
const paths: ReadonlySet<SettingName> = new Set(["databasePath", "repositoryRoot", "logFile"]);

/**
 * The settings of protocol/settings.ts as JSON. Loading that file loads zod (25 -> 77 ms of cold start), so the command
 * line's bundle gets the result of this function in place of the function; nothing else of the settings may be imported
 * at run time by what `imi` loads.
 */
export const settingTable = (): SettingRow[] =>
  // Object.entries forgets the key type; these are the keys of `settings`.
  (Object.entries(settings) as [SettingName, (typeof settings)[SettingName]][]).map(([name, setting]) => ({
    name,
    toml: setting.toml,
    vscode: setting.vscode,
    env: setting.env,
    default: setting.default,
    summary: setting.summary,
    kind: kindOf(name, setting.default),
    choices: choices[name] ?? null,
  }));

const kindOf = (name: SettingName, value: SettingValue): SettingRow["kind"] => {
  if (paths.has(name)) return "path";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "integer";
  return typeof value === "boolean" ? "boolean" : "strings";
};
