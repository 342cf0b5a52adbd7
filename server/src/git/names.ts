import { ImiError } from "../../../protocol/errors.ts";
import type { ErrorCode } from "../../../protocol/errors.ts";

/** A name becomes a folder's and a branch's, with a type before it; file systems allow 255 bytes in all. */
const longestName = 100;
const longestBranch = 200;

type Test = (character: string) => boolean;

/** Letters, digits and marks of any script. Emoji are symbols and not among them: terminals and shells draw them apart. */
// In functions, because every command loads this file and making the three expressions takes 1.5 ms.
const nameCharacter: Test = (text) => /[\p{L}\p{M}\p{N}._-]/u.test(text);
const branchCharacter: Test = (text) => /[\p{L}\p{M}\p{N}._\-/#+@=,%]/u.test(text);
/** Letters that draw nothing, or alter what is drawn around them. */
const invisible: Test = (text) =>
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);

const windowsDevices = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** The rules a name can break, in closed words; the sentence goes with it. */
export type NameRule =
  | "empty"
  | "surrogate"
  | "option"
  | "invisible"
  | "character"
  | "form"
  | "accents"
  | "long"
  | "reference"
  | "reserved"
  | "dots"
  | "slashes"
  | "dot"
  | "lock"
  | "device";

interface Broken {
  readonly rule: NameRule;
  readonly says: string;
}

const broke = (rule: NameRule, says: string): Broken => ({ rule, says });

interface Kind {
  readonly code: ErrorCode;
  readonly what: string;
  readonly longest: number;
  readonly character: Test;
}
const name: Kind = { code: "name/invalid", what: "name", longest: longestName, character: nameCharacter };
const branch: Kind = {
  code: "branch/invalid",
  what: "branch name",
  longest: longestBranch,
  character: branchCharacter,
};
const base: Kind = { code: "base/unknown", what: "base", longest: longestBranch, character: branchCharacter };

/**
 * The name of a piece of work, as it may be given to `imi feat`; returned as it came. It is safe as a folder on every
 * system, as a branch, and pasted into a shell. Raises name/invalid with the rule that was broken and, where there is
 * one, a name that would do.
 */
export const checkName = (input: string): string => {
  const broken = brokenBy(input);
  if (broken !== null) throw refusal(input, name, broken.says);
  return input;
};

/** The first rule a work's name breaks; null when it breaks none. */
export const ruleBrokenBy = (input: string): NameRule | null => brokenBy(input)?.rule ?? null;

const brokenBy = (input: string): Broken | null => characterRule(input, name) ?? nameRule(input);

/** A branch to work on, its own or one that exists: git's rules, and nothing a shell or a terminal would act on. */
export const checkBranch = (input: string): string => {
  const broken = characterRule(input, branch) ?? branchRule(input);
  if (broken !== null) throw refusal(input, branch, broken.says);
  return input;
};

/** A branch, tag or commit to start from, with `~2` or `^` behind it where wanted; no option, range or `@{…}`. */
export const checkBase = (input: string): string => {
  const start = input.replace(/(?:~\d*|\^\d*)+$/, "");
  const broken = characterRule(start, base) ?? (start === "HEAD" ? null : revisionRule(start));
  if (broken !== null) throw refusal(input, base, broken.says);
  return input;
};

/** The folder of a named piece of work by the user's template: a slash in the name becomes a hyphen. */
export const folderFor = (template: string, type: string, work: string): string => {
  const folder = fill(template, type, work.replaceAll("/", "-"));
  if (folder.includes("/")) throw templateError("folder", template, folder);
  const broken = characterRule(folder, { ...name, longest: longestBranch }) ?? nameRule(folder);
  if (broken !== null) throw templateError("folder", template, folder, broken.says);
  return folder;
};

/** The branch of a named piece of work by the user's template. */
export const branchFor = (template: string, type: string, work: string): string => {
  const made = fill(template, type, work);
  const broken = characterRule(made, branch) ?? branchRule(made);
  if (broken !== null) throw templateError("branch", template, made, broken.says);
  return made;
};

/** One pass, with functions: nothing in a name is taken for a placeholder or for `$&`. */
const fill = (template: string, type: string, work: string): string =>
  template.replace(/\{(type|name)\}/g, (_, placeholder: string) => (placeholder === "type" ? type : work));

const templateError = (of: string, template: string, made: string, rule = "it may hold no slash"): ImiError =>
  new ImiError(
    "config/invalid",
    `The ${of} template ${JSON.stringify(template)} makes ${JSON.stringify(shown(made))}: ${rule}.`,
    {
      hint: "Use {type} and {name} with plain letters, digits, hyphens and underscores.",
    },
  );

/** What holds for every kind: something visible, of allowed characters, in one spelling, not too long, no option. */
const characterRule = (input: string, kind: Kind): Broken | null => {
  if (input === "") return broke("empty", "it is empty");
  if (!input.isWellFormed()) return broke("surrogate", "it holds half of a character (a lone surrogate)");
  if (input.startsWith("-")) return broke("option", "it begins with -, which programs take for an option");
  for (const character of input) {
    if (invisible(character))
      return broke(
        "invisible",
        character === " " ? "it holds a space" : `it holds ${codePoint(character)}, which cannot be seen`,
      );
    if (character === "/" && kind === name) continue;
    if (!kind.character(character)) {
      return broke(
        "character",
        `it holds ${/^[\x21-\x7e]$/.test(character) ? character : `${character} (${codePoint(character)})`}`,
      );
    }
  }
  if (input.normalize("NFC") !== input)
    return broke("form", "its letters are not in the composed form (NFC), so it would look like another name");
  if (/(?:^|[^\p{L}\p{M}\p{N}])\p{M}/u.test(input)) return broke("accents", "an accent stands without its letter");
  if (/\p{M}{5}/u.test(input)) return broke("accents", "it holds too many accents on one letter");
  const bytes = Buffer.byteLength(input);
  if (bytes > kind.longest) return broke("long", `it is ${bytes} bytes long; ${kind.longest} are allowed`);
  return null;
};

const nameRule = (input: string): Broken | null => {
  if (/^(?:refs|heads|remotes|tags)\//i.test(input))
    return broke("reference", "it looks like the full name of a git reference");
  if (
    /^(?:head|fetch_head|orig_head|merge_head|cherry_pick_head|revert_head|bisect_head|auto_merge|stash)$/i.test(input)
  ) {
    return broke("reserved", "git uses that name itself");
  }
  return pathRule(input, { hyphen: "refused" });
};

const branchRule = (input: string): Broken | null => {
  if (/^(?:head|@)$/i.test(input)) return broke("reserved", "git uses that name itself");
  if (input.startsWith("refs/")) return broke("reference", "give the branch without refs/heads/");
  return pathRule(input, { hyphen: "allowed" });
};

const revisionRule = (input: string): Broken | null =>
  input === "@" ? broke("reserved", "say HEAD") : pathRule(input, { hyphen: "allowed" });

/** What a path of folders, and of parts of a reference, may look like on every system. */
const pathRule = (input: string, { hyphen }: { readonly hyphen: "allowed" | "refused" }): Broken | null => {
  if (input.includes("..")) return broke("dots", "it holds two dots in a row");
  if (input.includes("//") || input.startsWith("/") || input.endsWith("/"))
    return broke("slashes", "it has a slash too many");
  for (const part of input.split("/")) {
    if (part.startsWith(".")) return broke("dot", "a part of it begins with a dot");
    if (part.endsWith(".")) return broke("dot", "a part of it ends with a dot");
    if (/\.lock$/i.test(part)) return broke("lock", "it ends with .lock, which git keeps for its locks");
    if (part.startsWith("-") && hyphen === "refused") return broke("option", "a part of it begins with -");
    if (windowsDevices.test(part)) return broke("device", `${part} is a device on Windows`);
  }
  return null;
};

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Safe to print: what cannot be seen is written as its number, and what is too long is cut. */
const shown = (input: string): string => {
  const visible = [...input].map((character) =>
    character !== " " && invisible(character) ? `<${codePoint(character)}>` : character,
  );
  return visible.length > 60 ? `${visible.slice(0, 60).join("")}…` : visible.join("");
};

const refusal = (input: string, kind: Kind, rule: string): ImiError => {
  const cleaned = suggestion(input, kind);
  const message = `"${shown(input)}" cannot be a ${kind.what}: ${rule}.`;
  return new ImiError(kind.code, message, cleaned === null ? {} : { hint: `Try ${cleaned}.` });
};

/** The nearest name that passes; null where too little would be left of it. */
const suggestion = (input: string, kind: Kind): string | null => {
  if (kind === base) return null;
  const parts = input
    .toWellFormed()
    .normalize("NFC")
    .replace(/[\p{Cf}\p{Cc}\ufffd]+/gu, "")
    .replace(/\.\.+/g, ".")
    .split("/")
    .map((part) =>
      [...part]
        .map((character) => (kind.character(character) && !invisible(character) ? character : "-"))
        .join("")
        .replace(/-{2,}/g, "-")
        .replace(/^[-.\p{M}]+|[-.]+$/gu, "")
        .replace(/\.lock$/i, "-lock"),
    )
    .filter((part) => part !== "");
  const cleaned = parts.join("/");
  const broken = characterRule(cleaned, kind) ?? (kind === name ? nameRule(cleaned) : branchRule(cleaned));
  return broken === null && cleaned !== input ? cleaned : null;
};
