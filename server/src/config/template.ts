import { settingTable, type SettingRow, type SettingValue } from "./table.ts";

/** A config.toml in which every setting stands with its default, commented out. */
export const configTemplate = (rows: readonly SettingRow[] = settingTable()): string => {
  const tables = Map.groupBy(rows, (row) => tableOf(row.toml));
  const lines = [
    "# Configuration of iMi. Every setting is listed with its default; remove the # to change one.",
    "# What is set in VS Code wins over this file, and environment variables win over both.",
    "# `imi config show` prints each value with where it came from.",
  ];
  // What belongs to no table must come first: after a [table] line, TOML counts it to that table.
  for (const table of ["", ...[...tables.keys()].filter((name) => name !== "")]) {
    if (table !== "") lines.push("", `[${table}]`);
    for (const row of tables.get(table) ?? []) lines.push(...entry(row));
  }
  return `${lines.join("\n")}\n`;
};

const entry = (row: SettingRow): string[] => {
  const key = row.toml.slice(row.toml.lastIndexOf(".") + 1);
  const variable = row.env === null ? "" : ` (${row.env})`;
  return ["", `# ${row.summary}${variable}`, `# ${key} = ${tomlValue(row.default)}`];
};

const tableOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf(".")));

/** A value as TOML writes it; JSON's strings and lists of strings are TOML's. */
export const tomlValue = (value: SettingValue): string =>
  Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(", ")}]` : JSON.stringify(value);
