import { phrase, placeholder, usageOf, type Command, type Option, type Parameter } from "./command.ts";
import { globalOptions } from "./parse.ts";
import { wrap } from "./text.ts";

const columns = 80;

/** The overview of all commands. */
export const generalHelp = (commands: readonly Command[]): string => {
  const groups = Map.groupBy(commands, groupOf);
  const indent = Math.max(...commands.map((command) => short(command).length)) + 4;
  const lines = [
    "iMi: a Git worktree for every piece of work, made in one step and never lost.",
    "",
    "Usage: imi COMMAND [options]",
  ];
  for (const [title, members] of groups) {
    lines.push("", title, ...members.map((command) => item(short(command), command.summary, indent)));
  }
  lines.push("", "Options of every command", ...globalLines());
  lines.push(
    "",
    "Examples",
    "  imi feat user-auth                  a worktree and a branch feat/user-auth",
    "  imi review 123                      a worktree on pull request 123",
    '  code "$(imi path feat-user-auth)"   open it in VS Code',
    "",
    wrap(
      "`imi COMMAND --help` explains one command. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl+C.",
      columns,
      "",
    ),
  );
  return `${lines.join("\n")}\n`;
};

/** Everything about one command. */
export const commandHelp = (command: Command): string => {
  const lines = [wrap(`${command.summary}.`, columns, ""), "", `Usage: ${usageOf(command)}`];
  if (command.positionals.length > 0) lines.push("", "Arguments", ...describe(command.positionals, placeholder));
  if (command.options.length > 0) lines.push("", "Options", ...describe(command.options, optionName));
  const inherited = command.takesRepository ? globalLines() : globalLines().filter((line) => !line.includes("--repo"));
  lines.push("", "Options of every command", ...inherited);
  const more = notes[phrase(command)];
  if (more !== undefined) lines.push("", ...more);
  lines.push("", "Examples", ...command.examples.map((example) => `  ${example}`));
  return `${lines.join("\n")}\n`;
};

/** What belongs to a command on the command line only, and so cannot stand in the contract. */
const notes: Readonly<Record<string, readonly string[]>> = {
  list: [
    "Status",
    "  ↑2  commits ahead of its base      ●3  files changed",
    "  ↓1  commits behind its base        +1  files staged",
    "  !1  files in conflict              ?2  files git does not know",
    "  clean              nothing of all that",
    "  unknown: REASON    could not be read; count it as work that would be lost",
    "  missing            its folder is gone; locked: by `git worktree lock`",
    "  *                  the worktree you are in",
  ],
  remove: [
    "On a terminal it shows what the worktree holds and asks. Elsewhere it never",
    "asks: a worktree that holds work is refused without --yes. Nothing discards",
    "work: it is salvaged first, and `imi restore NAME` brings everything back.",
  ],
  restore: [
    "Branch, HEAD, index, files and an operation in progress are as they were. Where",
    "the name or the branch has been taken since, it comes back under another.",
  ],
  salvage: [
    "Nothing is changed in the worktree. The refs are refs/salvage/WORKTREE/TIME/*;",
    "files that git ignores are not in them, because they may hold secrets.",
  ],
  "trash empty": [
    "On a terminal it shows what would go and asks; elsewhere --yes is needed. Work",
    "that is salvaged nowhere stays. Ignored files are gone for good.",
  ],
  prune: [
    "Without --yes it only proposes. With --yes it removes those that hold no work;",
    "one that holds work goes only where it is named, and is salvaged first. All go",
    "to the trash: `imi restore NAME` brings one back.",
  ],
  claim: [
    "Whoever comes second is told who holds it, since when and until when. The token",
    "is for release and heartbeat; IMI_AGENT_ID and IMI_CLAIM_TOKEN serve instead of",
    "--agent and --token. With --pid the claim ends when that process does.",
  ],
  "take-over": [
    "On a terminal it shows who holds the worktree and asks; elsewhere --yes is",
    "needed. The holder's token is worth nothing from then on. It is logged.",
  ],
  events: [
    "With --follow it prints what is appended from now on, or after --since, by any",
    "process, one line each (JSON lines with --json). While nobody else watches the",
    "repository's files, it does.",
  ],
  doctor: ["Exits 1 when a check fails."],
  "config edit": [
    "Runs $VISUAL, else $EDITOR. A file that is not there is made first, with every",
    "setting in it, commented out.",
  ],
  "shell-init": [
    "Defines a function `imi` that runs the program, then changes into the worktree",
    "it made or found. Completion comes with it.",
  ],
};

const groupOf = (command: Command): string => {
  const domain = command.operation?.split(".")[0] ?? "shell";
  return titles[command.words[0] ?? ""] ?? titles[domain] ?? domain.charAt(0).toUpperCase() + domain.slice(1);
};

const titles: Readonly<Record<string, string>> = {
  worktree: "Worktrees",
  restore: "Trash and salvage",
  salvage: "Trash and salvage",
  trash: "Trash and salvage",
  claim: "Claims and agents",
  agent: "Claims and agents",
  enforcement: "Claims and agents",
  enforce: "Claims and agents",
  repository: "Repositories",
  sync: "Repositories",
  event: "iMi itself",
  config: "iMi itself",
  doctor: "iMi itself",
  shell: "Shell and configuration",
};

/** `feat NAME`, without options. */
const short = (command: Command): string =>
  usageOf(command)
    .replace(/^imi /u, "")
    .replace(/ \[options\]$/u, "");

// `--[no-]status`: the contract's summary says what the setting does when it is on.
const optionName = (option: Option): string => {
  if (option.bare !== null) return `--${option.flag} [${placeholder(option)}]`;
  if (option.kind !== "boolean") return `--${option.flag} ${placeholder(option)}`;
  return option.flag.startsWith("no-") ? `--[no-]${option.flag.slice(3)}` : `--${option.flag}`;
};

const describe = <P extends Parameter>(parameters: readonly P[], name: (parameter: P) => string): string[] => {
  const indent = Math.max(...parameters.map((parameter) => name(parameter).length)) + 4;
  return parameters.map((parameter) => item(name(parameter), `${parameter.summary}${limits(parameter)}`, indent));
};

const limits = (parameter: Parameter): string => {
  const parts: string[] = [];
  if (parameter.kind === "enum" && parameter.choices !== null) parts.push(parameter.choices.join(", "));
  if (parameter.default !== null && parameter.kind !== "boolean") parts.push(`default ${parameter.default}`);
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
};

const globalLines = (): string[] => {
  const names = globalOptions.map(({ flags, short: letter, value }) => {
    const long = `--${flags[0]}${value === null ? "" : ` ${value}`}`;
    return letter === null ? `    ${long}` : `-${letter}, ${long}`;
  });
  const indent = Math.max(...names.map((name) => name.length)) + 4;
  return globalOptions.map(({ summary }, index) => item(names[index] ?? "", summary, indent));
};

/** A name, and at `indent` what it is. */
const item = (name: string, summary: string, indent: number): string =>
  `  ${name.padEnd(indent - 2)}${wrap(summary, columns, " ".repeat(indent))}`;
