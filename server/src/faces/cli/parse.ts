import { ImiError } from "../../../../protocol/errors.ts";
import { nearest } from "../../config/nearest.ts";
import { phrase, placeholder, usageOf, type Command, type Option, type Parameter } from "./command.ts";
import { givenIn, type Given } from "./given.ts";

/** What was asked for. */
export type Invocation =
  | { readonly kind: "help"; readonly about: readonly string[] }
  | { readonly kind: "version" }
  | Run;

export interface Run {
  readonly kind: "run";
  readonly command: Command;
  /** Parameters of the operation, with its defaults: what the contract's schema would make of them. */
  readonly params: Readonly<Record<string, unknown>>;
  /** As it was typed. */
  readonly repository: string | null;
  readonly format: "human" | "json";
  readonly colour: "auto" | "never";
  /** Options of the command line itself that were given: `open`. */
  readonly local: ReadonlySet<string>;
  /** The values of those of them that may be repeated. */
  readonly localLists: ReadonlyMap<string, readonly string[]>;
  /** Parameters whose options were typed, as opposed to those that have their default. */
  readonly typed: ReadonlySet<string>;
  /** What of it a command that goes on from here has to say again. */
  readonly given: Given;
}

interface GlobalOption {
  readonly flags: readonly string[];
  readonly short: string | null;
  readonly value: string | null;
  readonly summary: string;
}

export const globalOptions = [
  {
    flags: ["repo"],
    short: null,
    value: "PATH",
    summary: "use the repository PATH is in (default: the working directory's)",
  },
  { flags: ["json"], short: null, value: null, summary: "print the result, or the error, as JSON" },
  { flags: ["no-color", "no-colour"], short: null, value: null, summary: "no colours (also: NO_COLOR=1)" },
  { flags: ["help"], short: "h", value: null, summary: "explain, with examples" },
  { flags: ["version"], short: "V", value: null, summary: "print the version" },
] as const satisfies readonly GlobalOption[];

/** Whether an error must be JSON. It asks the raw words, because what could not be parsed must be answered too. */
export const wantsJson = (argv: readonly string[]): boolean => beforeDashes(argv).includes("--json");

export const wantsNoColour = (argv: readonly string[]): boolean =>
  beforeDashes(argv).some((word) => word === "--no-color" || word === "--no-colour");

/** The first thing wrong is thrown as `usage/invalid`. */
export const parse = (argv: readonly string[], commands: readonly Command[]): Invocation => {
  const free = beforeDashes(argv);
  if (free.includes("--help") || free.includes("-h")) return { kind: "help", about: commandWords(free, commands) };
  const words = split(argv, commands);
  if (words.globals.has("version")) return { kind: "version" };
  if (words.command === null) throw noCommand(words.operands, commands);
  if (phrase(words.command) === "help") return { kind: "help", about: words.operands };
  return assemble(words.command, words);
};

const beforeDashes = (argv: readonly string[]): readonly string[] => {
  const end = argv.indexOf("--");
  return end === -1 ? argv : argv.slice(0, end);
};

interface TypedOption {
  readonly option: Option;
  readonly value: unknown;
}

interface Words {
  command: Command | null;
  /** What is not an option, without the command's own words. */
  operands: string[];
  readonly globals: Map<string, string | true>;
  readonly options: Map<string, TypedOption>;
}

/** Sorts the words into options and operands, and finds the command, whose options are known from then on. */
const split = (argv: readonly string[], commands: readonly Command[]): Words => {
  const words: Words = { command: null, operands: [], globals: new Map(), options: new Map() };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      for (const operand of rest.splice(0)) addOperand(words, operand, commands);
    } else if (isOption(word)) takeOption(words, word, rest, commands);
    else addOperand(words, word, commands);
  }
  return words;
};

// A lone "-" and "-5" are values.
const isOption = (word: string): boolean => /^-[^\d]/u.test(word);

const addOperand = (words: Words, operand: string, commands: readonly Command[]): void => {
  words.operands.push(operand);
  if (words.command !== null) return;
  const found = commands.find((command) => same(command.words, words.operands));
  if (found !== undefined) {
    words.command = found;
    words.operands = [];
  } else if (!commands.some((command) => same(command.words.slice(0, words.operands.length), words.operands))) {
    throw unknownCommand(words.operands, commands);
  }
};

const takeOption = (words: Words, word: string, rest: string[], commands: readonly Command[]): void => {
  const [flag, attached] = dissect(word);
  const global = globalOptions.find(({ flags, short }) =>
    word.startsWith("--") ? (flags as readonly string[]).includes(flag) : short === flag,
  );
  if (global !== undefined) {
    const name = global.flags[0];
    if (global.value === null) {
      if (attached !== null) throw takesNoValue(word);
      words.globals.set(name, true);
      return;
    }
    if (words.globals.has(name)) throw twice(flag);
    words.globals.set(name, attached ?? nextValue(flag, global.value, rest));
    return;
  }
  const { command } = words;
  const options = command?.options ?? [];
  const option = word.startsWith("--") ? options.find((each) => names(each).includes(flag)) : undefined;
  if (option === undefined) throw unknownOption(word, command, commands);
  takeValue(words, option, flag, attached, rest);
};

const dissect = (word: string): [flag: string, attached: string | null] => {
  const body = word.replace(/^--?/u, "");
  const equals = word.startsWith("--") ? body.indexOf("=") : -1;
  return equals === -1 ? [body, null] : [body.slice(0, equals), body.slice(equals + 1)];
};

/** `--no-status` has `--status` beside it, so that a script can say what it means. */
const names = ({ flag, kind }: Option): readonly string[] =>
  kind === "boolean" && flag.startsWith("no-") ? [flag, flag.slice(3)] : [flag];

const takeValue = (words: Words, option: Option, flag: string, attached: string | null, rest: string[]): void => {
  const before = words.options.get(option.param);
  if (option.kind === "boolean") {
    if (attached !== null) throw takesNoValue(`--${flag}`);
    const value = !flag.startsWith("no-");
    if (before !== undefined && before.value !== value)
      throw usage(`--${option.flag} contradicts --${flag}.`, "Give one of them.");
    words.options.set(option.param, { option, value });
    return;
  }
  if (before !== undefined && !option.many) throw twice(flag);
  if (option.bare !== null && attached === null && !/^[+-]?\d+$/u.test(rest[0] ?? "")) {
    words.options.set(option.param, { option, value: option.bare });
    return;
  }
  const text = attached ?? nextValue(flag, placeholder(option), rest);
  const value = convert(option, `--${flag}`, text);
  const earlier = Array.isArray(before?.value) ? before.value : [];
  words.options.set(option.param, { option, value: option.many ? [...earlier, value] : value });
};

const nextValue = (flag: string, placeholderName: string, rest: string[]): string => {
  const value = rest[0];
  if (value === undefined || isOption(value)) {
    const literal = value === undefined || value === "--" ? "" : ` A value that begins with "-": --${flag}=${value}`;
    throw usage(`--${flag} needs a value.`, `Write --${flag} ${placeholderName}.${literal}`);
  }
  rest.shift();
  return value;
};

const convert = (parameter: Parameter, name: string, text: string): unknown => {
  switch (parameter.kind) {
    case "string":
      return text;
    case "integer":
      return toInteger(parameter, name, text);
    case "enum": {
      const choices = parameter.choices ?? [];
      if (choices.includes(text)) return text;
      throw usage(`${name} must be one of ${choices.join(", ")}, not ${quote(text)}.`, didYouMean(text, choices));
    }
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      throw usage(`${name} must be true or false, not ${quote(text)}.`, "Write true or false.");
  }
};

const inDigits = "Write it in digits, such as 7.";

const toInteger = ({ minimum, maximum }: Parameter, name: string, text: string): number => {
  const value = /^[+-]?\d+$/u.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw usage(`${name} must be a whole number, not ${quote(text)}.`, inDigits);
  if (minimum !== null && value < minimum) throw usage(`${name} must be ${minimum} or more, not ${text}.`, inDigits);
  if (maximum !== null && value > maximum) throw usage(`${name} must be ${maximum} or less, not ${text}.`, inDigits);
  return value;
};

const assemble = (command: Command, { operands, options, globals }: Words): Run => {
  const params: Record<string, unknown> = { ...command.fixed, ...defaultsOf(command) };
  const local = new Set<string>();
  const localLists = new Map<string, readonly string[]>();
  for (const { option, value } of options.values()) {
    if (!option.local) params[option.param] = value;
    else if (value === true) local.add(option.param);
    else if (Array.isArray(value)) localLists.set(option.param, value.map(String));
  }
  for (const [index, positional] of command.positionals.entries()) {
    const text = operands[index];
    const name = placeholder(positional);
    if (text === undefined) {
      if (positional.required) throw missing(command, positional);
    } else if (positional.many) {
      params[positional.param] = operands.slice(index).map((each) => convert(positional, name, each));
    } else params[positional.param] = convert(positional, name, text);
  }
  const extra = command.positionals.at(-1)?.many === true ? undefined : operands[command.positionals.length];
  if (extra !== undefined) throw usage(`${quote(extra)} is one word too many.`, hintUsage(command));
  const absent = command.options.find((option) => option.required && !options.has(option.param));
  if (absent !== undefined) throw usage(`--${absent.flag} is missing.`, hintUsage(command));
  const repository = globals.get("repo");
  if (repository !== undefined && !command.takesRepository) {
    throw usage(`imi ${phrase(command)} does not take --repo.`, hintUsage(command));
  }
  return {
    kind: "run",
    command,
    params,
    repository: typeof repository === "string" ? repository : null,
    format: globals.has("json") ? "json" : "human",
    colour: globals.has("no-color") ? "never" : "auto",
    local,
    localLists,
    typed: new Set([...options.values()].filter(({ option }) => !option.local).map(({ option }) => option.param)),
    given: givenIn([...options.values()], repository),
  };
};

const defaultsOf = ({ options, positionals }: Command): Record<string, unknown> =>
  Object.fromEntries(
    [...positionals, ...options.filter((option) => !option.local)]
      .filter((parameter) => parameter.default !== null)
      .map((parameter) => [parameter.param, parameter.default]),
  );

/** The command somebody asks help for, as far as it can be told; other mistakes do not matter then. */
const commandWords = (free: readonly string[], commands: readonly Command[]): readonly string[] => {
  const operands = free.filter((word, index) => !isOption(word) && free[index - 1] !== "--repo");
  const asked = operands[0] === "help" ? operands.slice(1) : operands;
  const longest = commands
    .map((command) => command.words)
    .filter((words) => same(words, asked.slice(0, words.length)))
    .sort((left, right) => right.length - left.length)[0];
  return longest ?? asked.slice(0, 1);
};

/** What people type out of habit from other tools. */
const habits: Readonly<Record<string, string>> = {
  ls: "list",
  status: "list",
  rm: "remove",
  delete: "remove",
  cd: "switch",
  checkout: "switch",
  go: "switch",
  pr: "review",
  mr: "review",
  add: "feat",
  create: "feat",
  new: "feat",
  log: "events",
  repair: "reconcile",
  undo: "restore",
  undelete: "restore",
  clean: "prune",
  gc: "prune",
  du: "disk-use",
};

export const unknownCommand = (words: readonly string[], commands: readonly Command[]): ImiError => {
  const typed = words.join(" ");
  const meant = habits[typed] ?? nearest(typed, commands.map(phrase));
  const siblings = commands.filter((command) => command.words.length > 1 && command.words[0] === words[0]);
  const listed = siblings.length > 0 ? siblings.map((each) => `\`imi ${phrase(each)}\``).join(" or ") : null;
  return usage(
    `There is no command ${quote(typed)}.`,
    meant === null ? (listed ?? "`imi --help` lists them.") : `Did you mean \`imi ${meant}\`?`,
  );
};

const noCommand = (operands: readonly string[], commands: readonly Command[]): ImiError =>
  operands.length === 0
    ? usage("No command was given.", "`imi --help` lists them.")
    : incomplete(
        operands,
        commands.filter((command) => command.words[0] === operands[0]),
      );

const incomplete = (words: readonly string[], siblings: readonly Command[]): ImiError =>
  usage(`imi ${words[0] ?? ""} needs one more word.`, siblings.map((each) => `\`imi ${phrase(each)}\``).join(" or "));

const unknownOption = (word: string, command: Command | null, commands: readonly Command[]): ImiError => {
  const [flag] = dissect(word);
  const typed = `--${flag}`;
  const globals = globalOptions.flatMap(({ flags }) => flags.map((each) => `--${each}`));
  const own = (command?.options ?? []).map((option) => `--${option.flag}`);
  const meant = nearest(typed, [...own, ...globals]);
  if (meant !== null) return usage(`There is no option ${word}.`, `Did you mean ${meant}?`);
  if (command !== null) return usage(`imi ${phrase(command)} has no option ${word}.`, hintUsage(command));
  const owner = commands.find((each) => each.options.some((option) => option.flag === flag));
  return usage(
    `There is no option ${word} before the command.`,
    owner === undefined ? "`imi --help` lists them." : `Write it after the command: imi ${phrase(owner)} … ${typed}`,
  );
};

const missing = (command: Command, positional: Parameter): ImiError => {
  const what = positional.summary === "" ? "" : `: ${positional.summary}`;
  return usage(`${placeholder(positional)} is missing${what}.`, hintUsage(command));
};

const hintUsage = (command: Command): string =>
  `Usage: ${usageOf(command)}; \`imi ${phrase(command)} --help\` explains.`;

const twice = (flag: string): ImiError => usage(`--${flag} is given twice.`, "Give it once.");

const takesNoValue = (word: string): ImiError => {
  const bare = word.replace(/=.*$/su, "");
  return usage(`${bare} takes no value.`, `Write ${bare} alone.`);
};

const didYouMean = (typed: string, candidates: readonly string[]): string => {
  const meant = nearest(typed, candidates);
  return meant === null ? "Choose one of these." : `Did you mean ${meant}?`;
};

const quote = (text: string): string => JSON.stringify(text);

const same = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((word, index) => word === right[index]);

const usage = (message: string, hint: string): ImiError => new ImiError("usage/invalid", message, { hint });
