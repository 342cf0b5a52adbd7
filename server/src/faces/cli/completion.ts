import { phrase, type Command, type Completes, type Option } from "./command.ts";
import { globalOptions } from "./parse.ts";
import type { Shell } from "./local-commands.ts";

/** One thing that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly summary: string;
}

/** What may stand at the cursor: candidates, or names that only somebody else knows. */
export type Offer =
  | { readonly kind: "candidates"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "worktrees" | "removable" | "trash" | "remotes" | "agents"; readonly repository: string | null }
  | { readonly kind: "directories" | "files" };

/**
 * What may stand in place of the last word, which may be empty. `words` are those after `imi`, up to the cursor.
 * Nothing here fails: where nothing is known, nothing is offered.
 */
export const offer = (words: readonly string[], commands: readonly Command[]): Offer => {
  const current = words.at(-1) ?? "";
  const before = read(words.slice(0, -1), commands);
  if (before.pending !== null) return valueOffer(before.pending, before.repository);
  const attached = before.ended ? null : /^--([^=]+)=/u.exec(current)?.[1];
  if (typeof attached === "string") {
    const option = attached === "repo" ? pathValue : before.command?.options.find(({ flag }) => flag === attached);
    return option === undefined ? nothing : valueOffer(option, before.repository);
  }
  if (current.startsWith("-") && !before.ended) return candidates(optionCandidates(before.command), current);
  if (before.command === null) return candidates(wordCandidates(before.operands, commands), current);
  if (phrase(before.command) === "help") return candidates(wordCandidates(before.operands, commands), current);
  const { positionals } = before.command;
  const last = positionals.at(-1);
  const positional = positionals[before.operands.length] ?? (last?.many === true ? last : undefined);
  return positional === undefined ? nothing : valueOffer(positional, before.repository);
};

/** Completion in bash splits words at `=`; this puts `--base=main` together again. */
export const joinEquals = (words: readonly string[]): string[] => {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const last = joined.at(-1);
    const continues = word === "=" || words[index - 1] === "=";
    if (last?.startsWith("--") === true && continues) joined[joined.length - 1] = last + word;
    else joined.push(word);
  }
  return joined;
};

type Value = Pick<Option, "kind" | "choices" | "completes">;

const pathValue: Value = { kind: "string", choices: null, completes: "directories" };
const nothing: Offer = { kind: "candidates", candidates: [] };

interface Before {
  command: Command | null;
  operands: string[];
  /** The option that still waits for its value. */
  pending: Value | null;
  ended: boolean;
  repository: string | null;
}

const read = (words: readonly string[], commands: readonly Command[]): Before => {
  const before: Before = { command: null, operands: [], pending: null, ended: false, repository: null };
  let repositoryNext = false;
  for (const word of words) {
    if (before.pending !== null) {
      if (repositoryNext) before.repository = word;
      before.pending = null;
      repositoryNext = false;
    } else if (before.ended || !word.startsWith("-") || word === "-") addOperand(before, word, commands);
    else if (word === "--") before.ended = true;
    else if (word === "--repo") {
      before.pending = pathValue;
      repositoryNext = true;
    } else if (word.startsWith("--repo=")) before.repository = word.slice("--repo=".length);
    else {
      const option = before.command?.options.find(({ flag }) => `--${flag}` === word);
      if (option !== undefined && option.kind !== "boolean") before.pending = option;
    }
  }
  return before;
};

const addOperand = (before: Before, word: string, commands: readonly Command[]): void => {
  before.operands.push(word);
  if (before.command !== null) return;
  const typed = before.operands.join(" ");
  const found = commands.find((command) => phrase(command) === typed);
  if (found === undefined) return;
  before.command = found;
  before.operands = [];
};

const wordCandidates = (operands: readonly string[], commands: readonly Command[]): Candidate[] => {
  const fitting = commands.filter(
    ({ words }) => words.length > operands.length && operands.every((word, index) => words[index] === word),
  );
  const next = Map.groupBy(fitting, ({ words }) => words[operands.length] ?? "");
  return Array.from(next, ([value, members]) => ({
    value,
    summary: members.length === 1 ? (members[0]?.summary ?? "") : members.map(({ words }) => words.at(-1)).join(", "),
  }));
};

const optionCandidates = (command: Command | null): Candidate[] => [
  ...(command?.options ?? []).map(({ flag, summary }) => ({ value: `--${flag}`, summary })),
  ...globalOptions
    .filter(({ flags }) => flags[0] !== "repo" || command === null || command.takesRepository)
    .map(({ flags, summary }) => ({ value: `--${flags[0]}`, summary })),
];

const valueOffer = (value: Value, repository: string | null): Offer => {
  if (value.choices !== null)
    return { kind: "candidates", candidates: value.choices.map((each) => ({ value: each, summary: "" })) };
  return byNature(value.completes, repository);
};

const byNature = (completes: Completes, repository: string | null): Offer => {
  switch (completes) {
    case "worktrees":
    case "removable":
    case "trash":
    case "remotes":
    case "agents":
      return { kind: completes, repository };
    case "directories":
    case "files":
      return { kind: completes };
    case "paths":
      return { kind: "files" };
    case null:
      return nothing;
  }
};

const candidates = (all: readonly Candidate[], typed: string): Offer => ({
  kind: "candidates",
  candidates: all.filter(({ value }) => value.startsWith(typed)),
});

/** How an offer crosses to the shell: `value<TAB>summary` lines, or `@directories`, or `@files`. */
export const completionLines = (offered: readonly Candidate[]): string[] =>
  // A name with a control character cannot be typed at a prompt anyway.
  offered.filter(({ value }) => !/\p{Cc}/u.test(value)).map(({ value, summary }) => `${value}\t${summary}`);

/** The completion script of a shell. It asks `imi __complete` each time, so it never grows old. `program` is a shell word. */
export const completionScript = (shell: Shell, program: string): string =>
  scripts[shell].replaceAll("@IMI@", () => program);

const scripts: Readonly<Record<Shell, string>> = {
  bash: `_imi() {
  local current=\${COMP_WORDS[COMP_CWORD]} line value quoted
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in @directories | @files)
      compopt -o filenames 2>/dev/null
      [ "$line" = @files ] && line=f || line=d
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen "-$line" -- "\${current#=}")
      return ;;
    esac
    value=\${line%%$'\\t'*}
    printf -v quoted %q "$value"
    case $quoted in "\${current#=}"*) COMPREPLY+=("$quoted") ;; esac
  done < <(@IMI@ __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _imi imi
`,
  zsh: `#compdef imi
_imi() {
  local line
  local -a offered
  # In --option=value only the value is to be completed.
  compset -P '--*='
  for line in "\${(@f)$(@IMI@ __complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      @directories) _directories; return ;;
      @files) _files; return ;;
    esac
    [[ -n $line ]] && offered+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( $#offered )) && _describe -V imi offered
}
if [[ \${funcstack[1]} == _imi ]]; then
  _imi "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -C }
  compdef _imi imi
fi
`,
  fish: `function __imi_complete
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    set -l offered (@IMI@ __complete fish $words 2>/dev/null)
    if test "$offered[1]" = @directories
        __fish_complete_directories (commandline -ct)
    else if test "$offered[1]" = @files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $offered
    end
end
complete -c imi -f -a '(__imi_complete)'
`,
};
