import path from "node:path";
import type { ResultOf } from "../../../protocol/contract.ts";
import type { SettingName, SettingOrigin, Settings } from "../../../protocol/settings.ts";
import { checkValue } from "./check-value.ts";
import { foldersOf, type Folders } from "./folders.ts";
import type { ConfigProblem } from "./problem.ts";
import { readConfigFile, type FileContent } from "./read-file.ts";
import { settingTable, type SettingRow, type SettingValue } from "./table.ts";

export { foldersOf, type Folders } from "./folders.ts";
export { nearest } from "./nearest.ts";
export { configError, type ConfigProblem } from "./problem.ts";
export { settingTable, type SettingRow, type SettingValue } from "./table.ts";
export { configTemplate } from "./template.ts";

export interface Config extends Folders {
  /** Every setting has a value; the paths among them are absolute, or "" for "not set". */
  readonly settings: Settings;
  readonly origins: Readonly<Record<SettingName, SettingOrigin>>;
  readonly databasePath: string;
  readonly logFile: string;
  readonly problems: readonly ConfigProblem[];
}

export interface ConfigSources {
  readonly env: NodeJS.ProcessEnv;
  readonly homedir: string;
  /** What the user set in VS Code; unset ones are left out. */
  readonly vscode?: Partial<Settings>;
}

/**
 * The settings with where each came from: environment, then VS Code, then config.toml, then default (docs/settings.md).
 * Never throws for what the user wrote: a wrong value is skipped and stands in `problems`. Callers that act on the
 * settings throw `configError(problems)` first: with a mistyped database_path skipped, iMi would work on another registry.
 */
export const loadConfig = async (sources: ConfigSources): Promise<Config> => {
  const rows = settingTable();
  const folders = foldersOf(sources.env, sources.homedir);
  const file = await readConfigFile(folders.file, rows);
  const problems: ConfigProblem[] = [...file.problems];
  const chosen = rows.map((row) => [row.name, choose(row, sources, folders.file, file, problems)] as const);

  // Both hold every SettingName, because the rows do; each value was checked against its row.
  const origins = Object.fromEntries(chosen.map(([name, { origin }]) => [name, origin])) as Config["origins"];
  const values = Object.fromEntries(chosen.map(([name, { value }]) => [name, value])) as Settings;
  const databasePath = values.databasePath || path.join(folders.dataDir, "worktrees.db");
  const logFile = values.logFile || path.join(folders.dataDir, "imi.log");
  return { ...folders, settings: { ...values, databasePath, logFile }, origins, databasePath, logFile, problems };
};

/** The answer of `config.show`. */
export const describeConfig = (config: Config): ResultOf<"config.show"> => ({
  file: config.file,
  settings: settingTable().map((row) => {
    const value: SettingValue = config.settings[row.name];
    return {
      key: row.toml,
      value: typeof value === "object" ? [...value] : value,
      origin: config.origins[row.name],
      summary: row.summary,
    };
  }),
});

interface Choice {
  readonly value: SettingValue;
  readonly origin: SettingOrigin;
}

const choose = (
  row: SettingRow,
  { env, vscode, homedir }: ConfigSources,
  file: string,
  content: FileContent,
  problems: ConfigProblem[],
): Choice => {
  const attempt = (given: Given): Choice | null => {
    const checked = checkValue(row, given.value, homedir, given.base);
    if ("value" in checked) return { value: checked.value, origin: given.origin };
    const { origin, key, line } = given;
    const message = `${given.place}: ${key} ${checked.wrong}`;
    problems.push({ severity: "error", origin, key, line, message });
    return null;
  };

  const variable = row.env === null ? undefined : env[row.env];
  if (row.env !== null && variable !== undefined && variable !== "") {
    const given = { origin: "environment", key: row.env, place: "environment", base: process.cwd() } as const;
    const choice = attempt({ ...given, value: variable, line: null });
    if (choice !== null) return choice;
  }
  const fromVscode = vscode?.[row.name];
  if (fromVscode !== undefined) {
    const given = { origin: "vscode", key: `imi.${row.vscode ?? row.name}`, place: "VS Code settings" } as const;
    const choice = attempt({ ...given, value: fromVscode, line: null, base: null });
    if (choice !== null) return choice;
  }
  if (content.values.has(row.toml)) {
    const line = content.line(row.toml);
    const place = line === null ? file : `${file}:${line}`;
    const given = { origin: "config.toml", key: row.toml, place, base: null } as const;
    const choice = attempt({ ...given, value: content.values.get(row.toml), line });
    if (choice !== null) return choice;
  }
  return { value: row.default, origin: "default" };
};

interface Given {
  readonly value: unknown;
  readonly origin: ConfigProblem["origin"];
  readonly key: string;
  readonly place: string;
  readonly line: number | null;
  readonly base: string | null;
}
