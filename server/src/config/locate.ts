/**
 * The line (from 1) on which `key` is set in a TOML text, or null when it cannot be told. It reads lines, not syntax:
 * good enough to send somebody to the right place, never used to decide anything.
 */
export const lineOf = (toml: string, key: string): number | null => {
  const wanted = key.split(".");
  let table: string[] = [];
  for (const [index, line] of toml.split("\n").entries()) {
    const header = /^\s*\[\[?([^[\]]+)\]/u.exec(line)?.[1];
    if (header !== undefined) {
      table = segments(header);
      if (same(table, wanted)) return index + 1;
      continue;
    }
    const assigned = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/u.exec(line)?.[1];
    if (assigned !== undefined && same([...table, ...segments(assigned)], wanted)) return index + 1;
  }
  return null;
};

const segments = (dotted: string): string[] =>
  Array.from(dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/gu), (match) => match[1] ?? match[2] ?? match[3] ?? "");

const same = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((segment, index) => segment === right[index]);
