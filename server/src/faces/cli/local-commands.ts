import { commandTable } from "./table.ts";
import { localSwitch, type Command, type Parameter } from "./command.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const shell: Parameter = {
  param: "shell",
  kind: "enum",
  choices: shells,
  default: null,
  minimum: null,
  maximum: null,
  required: true,
  bare: null,
  many: false,
  summary: "the shell it is for",
  valueName: null,
  completes: null,
};

const local = (words: readonly string[], summary: string, examples: readonly string[]): Command => ({
  words,
  operation: null,
  summary,
  access: "read",
  positionals: [],
  options: [],
  fixed: {},
  examples,
  changesDirectory: false,
  takesRepository: false,
});

/** What the command line does by itself: no operation of the contract. */
const localCommands: readonly Command[] = [
  local(["config", "edit"], "Open config.toml in your editor, then check it", [
    "imi config edit",
    "VISUAL='code --wait' imi config edit",
  ]),
  {
    ...local(["shell-init"], "Print what makes your shell follow imi into a worktree", [
      'eval "$(imi shell-init bash)"    # in ~/.bashrc',
      'eval "$(imi shell-init zsh)"     # in ~/.zshrc',
      "imi shell-init fish | source     # in ~/.config/fish/config.fish",
    ]),
    positionals: [shell],
  },
  {
    ...local(["completion"], "Print completion only (shell-init has it too)", [
      "imi completion bash > ~/.local/share/bash-completion/completions/imi",
      "imi completion fish > ~/.config/fish/completions/imi.fish",
    ]),
    positionals: [shell],
  },
  {
    ...local(["monitor"], "Watch the worktrees: a live view in the terminal", [
      "imi monitor",
      "imi monitor --plain | tee monitor.log",
      "imi monitor --json --repo ~/code/app",
    ]),
    options: [localSwitch("plain", "lines, one for each thing that happens, instead of a screen")],
    takesRepository: true,
  },
  {
    ...local(["mcp"], "Serve agents: the Model Context Protocol on stdin and stdout", [
      "claude mcp add imi -- imi mcp",
      "codex mcp add imi -- imi mcp --repo ~/code/app",
    ]),
    takesRepository: true,
  },
  local(["help"], "Explain a command", ["imi help feat", "imi help config show"]),
];

/** Every command there is, in the order help shows them. */
export const allCommands = (): Command[] => [...commandTable(), ...localCommands];
