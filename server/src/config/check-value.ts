import path from "node:path";
import { expandHome } from "./folders.ts";
import { nearest } from "./nearest.ts";
import type { SettingRow, SettingValue } from "./table.ts";

/** A value that may stand, or what it must be instead. */
export type Checked = { readonly value: SettingValue } | { readonly wrong: string };

/** `base` is what a relative path is relative to; null where it would be a guess. */
export const checkValue = (row: SettingRow, value: unknown, homedir: string, base: string | null): Checked => {
  switch (row.kind) {
    case "boolean":
      return typeof value === "boolean" ? { value } : wrong("true or false", value);
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
        ? { value }
        : wrong("a whole number, 0 or more", value);
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string")
        ? { value }
        : wrong('a list of strings such as ["a", "b"]', value);
    case "string":
      return checkText(row, value);
    case "path":
      return checkPath(value, homedir, base);
  }
};

const checkText = (row: SettingRow, value: unknown): Checked => {
  if (typeof value !== "string") return wrong("a string in quotes", value);
  if (row.choices === null || row.choices.includes(value)) return { value };
  const meant = nearest(value, row.choices);
  return wrong(`one of ${row.choices.join(", ")}`, value, meant === null ? "" : ` (did you mean ${meant}?)`);
};

const checkPath = (value: unknown, homedir: string, base: string | null): Checked => {
  if (typeof value !== "string") return wrong("a path in quotes", value);
  if (value === "") return { value };
  const expanded = expandHome(value, homedir);
  if (path.isAbsolute(expanded)) return { value: path.normalize(expanded) };
  return base === null
    ? wrong("an absolute path, or one that begins with ~/", value)
    : { value: path.resolve(base, expanded) };
};

const wrong = (expected: string, value: unknown, more = ""): Checked => ({
  wrong: `must be ${expected}, not ${JSON.stringify(value) ?? String(value)}${more}`,
});
