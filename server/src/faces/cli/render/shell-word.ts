import { printable } from "../text.ts";

/**
 * A name as the last word of a command that somebody is told to type. Worktrees that other tools made may be named
 * anything; what cannot be typed at all is shown as `printable` shows it.
 */
export const shellWord = (name: string): string => {
  if (/^[\p{L}\p{N}._/][\p{L}\p{N}._/-]*$/u.test(name)) return name;
  const shown = printable(name);
  const quoted = /^[\p{L}\p{N}._/-]+$/u.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
  return shown.startsWith("-") ? `-- ${quoted}` : quoted;
};
