import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { isAbsent } from "../../errno.ts";
import { hookScript, mark } from "./script.ts";

/** The hooks that refuse: one before the message is written, one for every change of a ref however it is made. */
const enforcing = ["pre-commit", "reference-transaction"] as const;

/** Every hook git runs in a repository one works in; where ours stand instead of a folder, each leads there. */
const everyHook = [
  ...["applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg"],
  ...[
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-auto-gc",
    "post-rewrite",
  ],
  ...["reference-transaction", "post-index-change", "push-to-checkout", "pre-receive", "update", "proc-receive"],
  ...[
    "post-receive",
    "post-update",
    "sendemail-validate",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
  ],
  "p4-pre-submit",
];

/** What a hook that was here is called while ours stands in its place. */
const setAside = (hook: string): string => `${hook}.imi-before`;

const besides = hookScript("$0.imi-before");

/**
 * In a hooks folder of the repository's own: what is there is renamed and run by ours; it comes back untouched, with its
 * mode and its times. May be repeated after having been cut off at any point.
 */
export const installBeside = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  for (const hook of enforcing) {
    const file = join(folder, hook);
    const before = join(folder, setAside(hook));
    if (isOurs(file)) continue;
    if (isThere(file)) {
      if (isThere(before)) {
        throw new ImiError("path/taken", `${file} has been written anew while ${before} was still set aside.`, {
          hint: "Keep the one you need under the first name, delete the other, then try again.",
        });
      }
      renameSync(file, before);
    }
    put(file, besides);
  }
};

/** What could not be put back: hooks that something else has replaced since. */
export const removeBeside = (folder: string): string[] => {
  const problems: string[] = [];
  for (const hook of enforcing) {
    const file = join(folder, hook);
    const before = join(folder, setAside(hook));
    if (isThere(file) && !isOurs(file)) {
      if (isThere(before)) problems.push(`${file} was replaced since; what was there before iMi is ${before}.`);
      continue;
    }
    rmSync(file, { force: true });
    if (isThere(before)) renameSync(before, file);
  }
  return problems;
};

/** A folder of our own, whose hooks lead to those of the folder that was set. */
export const installInstead = (folder: string, before: string): void => {
  mkdirSync(folder, { recursive: true });
  const script = hookScript(`${quote(before)}/$hook`);
  for (const hook of everyHook) put(join(folder, hook), script);
};

export const removeInstead = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
};

export const areBeside = (folder: string): boolean => enforcing.every((hook) => isOurs(join(folder, hook)));

/** A folder that was made for ours, and is empty again. */
export const removeIfEmpty = (folder: string): void => {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody has put something there, which is his.
  }
};

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

const isOurs = (file: string): boolean => {
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
    return readFileSync(file, "utf8").includes(mark);
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
};

/** Whole or not at all: git may be about to run it. */
const put = (file: string, text: string): void => {
  const draft = `${file}.${process.pid}.imi`;
  writeFileSync(draft, text, { mode: 0o755 });
  renameSync(draft, file);
};
