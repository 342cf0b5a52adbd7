/** How the command line is described: plain JSON, made from the contract by table.ts, for everything else in here. */
export interface Command {
  /** The words after `imi`: `["list"]`, `["config", "show"]`. */
  readonly words: readonly string[];
  /** The operation it calls; null for what only the command line does. */
  readonly operation: string | null;
  readonly summary: string;
  readonly access: "read" | "write";
  readonly positionals: readonly Parameter[];
  readonly options: readonly Option[];
  readonly fixed: Readonly<Record<string, unknown>>;
  readonly examples: readonly string[];
  readonly changesDirectory: boolean;
  /** Whether `--repo` means something to it. */
  readonly takesRepository: boolean;
}

export type ValueKind = "string" | "integer" | "boolean" | "enum";
/**
 * What Tab offers for a value; null for nothing. The trunk is a worktree that is not removable; `files` are meant from where
 * we are, `paths` are files as they are typed.
 */
export type Completes =
  | "worktrees"
  | "removable"
  | "trash"
  | "remotes"
  | "agents"
  | "files"
  | "paths"
  | "directories"
  | null;

export interface Parameter {
  readonly param: string;
  readonly kind: ValueKind;
  /** Of an enum all there are; of a string what Tab offers. */
  readonly choices: readonly string[] | null;
  readonly default: string | number | boolean | null;
  /** Inclusive, of integers. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly required: boolean;
  /** An integer's value where its option is given without one; null where it needs one. */
  readonly bare: number | null;
  /** Takes every word that is left, as a list, which only the last of the positionals can; an option that may be repeated. */
  readonly many: boolean;
  readonly summary: string;
  /** How its value is called in help, where its own name does not say it. */
  readonly valueName: string | null;
  readonly completes: Completes;
}

export interface Option extends Parameter {
  /** Without the dashes: `base`, `agent-id`; `no-status` for a boolean that is true by default. */
  readonly flag: string;
  /** Of the command line itself: not a parameter of the operation. */
  readonly local: boolean;
}

/** An option of the command line itself that is there or not. */
export const localSwitch = (flag: string, summary: string): Option => ({
  flag,
  param: flag,
  local: true,
  kind: "boolean",
  choices: null,
  default: false,
  minimum: null,
  maximum: null,
  required: false,
  bare: null,
  many: false,
  summary,
  valueName: null,
  completes: null,
});

export const phrase = (command: Command): string => command.words.join(" ");

/** How a parameter's value is called in usage lines: `NAME`, `DAYS`; one of `names` is a `NAME` too. */
export const placeholder = ({ param, many, valueName }: Parameter): string =>
  valueName ?? (many ? param.replace(/s$/u, "") : param).replace(/[A-Z]/gu, (letter) => `-${letter}`).toUpperCase();

/** `imi feat NAME [options]` */
export const usageOf = (command: Command): string => {
  const words = ["imi", ...command.words];
  for (const positional of command.positionals) {
    const one = positional.kind === "enum" ? (positional.choices ?? []).join("|") : placeholder(positional);
    const shown = positional.many ? `${one}...` : one;
    words.push(positional.required ? shown : `[${shown}]`);
  }
  return [...words, "[options]"].join(" ");
};
