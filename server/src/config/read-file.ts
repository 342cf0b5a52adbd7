import { readFile } from "node:fs/promises";
import { codeOrMessage, isAbsent } from "../errno.ts";
import { lineOf } from "./locate.ts";
import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import type { SettingRow } from "./table.ts";

/** What config.toml sets, by TOML key; values are not checked yet. */
export interface FileContent {
  readonly values: ReadonlyMap<string, unknown>;
  /** Where to find a key again, for messages. */
  readonly line: (key: string) => number | null;
  readonly problems: readonly ConfigProblem[];
}

/** Reads config.toml. A file that is not there sets nothing; one that cannot be read is a problem, not an exception. */
export const readConfigFile = async (file: string, rows: readonly SettingRow[]): Promise<FileContent> => {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).replace(/^\uFEFF/u, "");
  } catch (error) {
    if (isAbsent(error)) return { values: new Map(), line: () => null, problems: [] };
    return failed(`${file}: cannot be read (${codeOrMessage(error)})`, null);
  }
  // Loaded only here: most people have no config file, and every `imi` call would pay for the parser.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return collect(file, text, parse(text), rows);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line is the reason; the rest is a drawing of the place.
    const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /u, "");
    return failed(`${file}:${error.line}: not valid TOML: ${reason}`, error.line);
  }
};

const failed = (message: string, line: number | null): FileContent => ({
  values: new Map(),
  line: () => null,
  problems: [{ severity: "error", origin: "config.toml", key: null, line, message }],
});

const collect = (
  file: string,
  text: string,
  document: Readonly<Record<string, unknown>>,
  rows: readonly SettingRow[],
): FileContent => {
  const values = new Map<string, unknown>();
  const placed = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  const keys = rows.map((row) => row.toml);
  const tables = new Set(keys.filter((key) => key.includes(".")).map((key) => key.slice(0, key.lastIndexOf("."))));

  const report = (severity: ConfigProblem["severity"], key: string, what: string): void => {
    const line = lineOf(text, key);
    const where = line === null ? file : `${file}:${line}`;
    problems.push({ severity, origin: "config.toml", key, line, message: `${where}: ${what}` });
  };
  const unknown = (key: string, what: string, candidates: readonly string[]): void => {
    const meant = nearest(key, candidates);
    report("warning", key, `unknown ${what} ${key}${meant === null ? "" : `; did you mean ${meant}?`}`);
  };
  const inTable = (table: string, name: string, value: unknown): void => {
    const key = `${table}.${name}`;
    if (keys.includes(key)) values.set(key, value);
    // Seed 002's example has symlink_files and exclude_patterns below [monitoring_settings], where TOML counts them to
    // that table although they belong to none. People have such files.
    else if (keys.includes(name) && !Object.hasOwn(document, name)) {
      values.set(name, value);
      placed.set(name, key);
    } else if (keys.includes(name)) report("warning", key, `${key} is not used: ${name} is set at the top of the file`);
    else unknown(key, "key", keys);
  };

  for (const [name, value] of Object.entries(document)) {
    if (tables.has(name)) {
      if (isTable(value)) for (const [inner, innerValue] of Object.entries(value)) inTable(name, inner, innerValue);
      else report("error", name, `${name} must be a table: [${name}]`);
    } else if (keys.includes(name)) values.set(name, value);
    else if (isTable(value)) unknown(name, "table", [...tables]);
    else unknown(name, "key", keys);
  }
  return { values, problems, line: (key) => lineOf(text, placed.get(key) ?? key) };
};

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
