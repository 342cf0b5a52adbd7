/** What VS Code or a program passed to a command is looked at, not believed: a field of it, where it is an object with one. */
export function fieldIn(given: unknown, name: string): unknown {
  return typeof given === "object" && given !== null && name in given
    ? (given as Record<string, unknown>)[name]
    : undefined;
}

/** The same of a text; undefined for anything else. */
export function textIn(given: unknown, name: string): string | undefined {
  const value = fieldIn(given, name);
  return typeof value === "string" ? value : undefined;
}
