import type { Option } from "./command.ts";
import { shellWord } from "./render/shell-word.ts";

/** What was typed that a command which goes on from its answer has to say again, as words for a shell. */
export interface Given {
  /** `--repo PATH`, or nothing. */
  readonly repository: readonly string[];
  /** The command's own options, but for those that say whether to do it at all. */
  readonly options: readonly string[];
}

/** `--yes` and `--dry-run` are what tells the next command from this one. */
const turns: ReadonlySet<string> = new Set(["yes", "dryRun"]);

export const givenIn = (
  options: readonly { readonly option: Option; readonly value: unknown }[],
  repository: string | true | undefined,
): Given => ({
  repository: typeof repository === "string" ? [word("repo", repository)] : [],
  options: options.flatMap(({ option, value }) => {
    if (option.local || turns.has(option.param)) return [];
    if (option.kind !== "boolean") return [word(option.flag, String(value))];
    return [`--${value === true ? option.flag.replace(/^no-/u, "") : option.flag}`];
  }),
});

const word = (flag: string, value: string): string =>
  value.startsWith("-") ? `--${flag}=${shellWord(value).replace(/^-- /u, "")}` : `--${flag} ${shellWord(value)}`;

/** Names as the last words of a command. */
export const lastWords = (names: readonly string[]): readonly string[] => {
  const words = names.map(shellWord);
  return words.some((each) => each.startsWith("-")) ? ["--", ...words.map((each) => each.replace(/^-- /u, ""))] : words;
};

/** A command line that somebody may type next; a part that is empty is left out. */
export const commandLine = (...parts: readonly (string | readonly string[] | undefined)[]): string =>
  ["imi", ...parts.flatMap((part) => part ?? [])].join(" ");
