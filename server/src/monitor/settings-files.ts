import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { knownFilter } from "../git/index.ts";
import type { Git } from "../git/index.ts";
import { fingerprint, isOld } from "./fingerprint.ts";

/**
 * The files outside a worktree that decide what `git status` says in it: configuration of every scope with what it
 * includes, and the excludes and attributes it names. While their fingerprints hold, so does what was read.
 */
export interface SettingsFiles {
  readonly files: readonly string[];
  /** Fingerprints of them all, from before they were read. */
  readonly state: string;
  /** Some of it holds for one worktree, or for one branch, only. */
  readonly perWorktree: boolean;
  /** What git says of a path depends on no other path, as far as the configuration decides it. */
  readonly byPath: boolean;
  /** Something that cannot be watched over; then git is always asked. */
  readonly trouble: string | null;
}

export const stateOf = (files: readonly string[]): string => files.map(fingerprint).join("|");

const unchangedSince = (state: string, moment: number): boolean =>
  state.split("|").every((print) => isOld(print, moment));

/** Asks git for its configuration as it is in one git directory. Null while a file of it is being written. */
export const readSettingsFiles = async (
  git: Git,
  gitDir: string,
  commonDir: string,
  signal: AbortSignal,
): Promise<SettingsFiles | null> => {
  const always = [...ofTheUser(), ...ofTheRepository(gitDir, commonDir)];
  const before = stateOf(always);
  const started = Date.now();
  const { stdout } = await git.run(gitDir, [`--git-dir=${gitDir}`, "config", "--list", "--show-origin", "-z"], {
    access: "read",
    signal,
  });
  const files = new Set(always);
  let perWorktree = false;
  let byPath = true;
  let trouble: string | null = null;
  const add = (value: string, base: string | null): void => {
    const path = expanded(value, base);
    if (path === null) trouble ??= `git's configuration names ${value}`;
    else files.add(path);
  };
  const fields = stdout.split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const origin = fields[at]?.startsWith("file:") === true ? resolve(gitDir, (fields[at] ?? "").slice(5)) : null;
    if (origin !== null) files.add(origin);
    const [key = "", ...rest] = (fields[at + 1] ?? "").split("\n");
    const value = rest.join("\n");
    if (key === "core.excludesfile" || key === "core.attributesfile") add(value, null);
    else if (key === "include.path" || (key.startsWith("includeif.") && key.endsWith(".path"))) {
      add(value, origin === null ? null : dirname(origin));
      perWorktree ||= key.startsWith("includeif.");
    } else if (key === "extensions.worktreeconfig" || key === "core.sparsecheckout") perWorktree = true;
    else if (key === "core.ignorecase") byPath &&= /^(?:false|no|off|0)$/i.test(value);
    else if (/^filter\..*\.(?:clean|process)$/.test(key) && !knownFilter.test(value))
      trouble ??= `a filter of git's configuration (${key}) decides what has changed`;
  }
  const all = [...files];
  if (stateOf(always) !== before) return null;
  const state = stateOf(all);
  return unchangedSince(state, started)
    ? { files: all, state, perWorktree, byPath: byPath && !perWorktree, trouble }
    : null;
};

const ofTheUser = (): string[] => {
  const home = process.env["HOME"] ?? homedir();
  const xdg = process.env["XDG_CONFIG_HOME"];
  const folder = join(xdg === undefined || xdg === "" ? join(home, ".config") : xdg, "git");
  const named = [process.env["GIT_CONFIG_GLOBAL"], process.env["GIT_CONFIG_SYSTEM"]];
  return [
    ...["/etc/gitconfig", "/etc/gitattributes", join(home, ".gitconfig")],
    ...["config", "ignore", "attributes"].map((name) => join(folder, name)),
    ...named.filter((path) => path !== undefined && path !== "").map((path) => resolve(path ?? "")),
  ];
};

const ofTheRepository = (gitDir: string, commonDir: string): string[] => [
  ...["config", "info/exclude", "info/attributes", "info/grafts", "shallow"].map((name) => join(commonDir, name)),
  ...["config.worktree", "info/sparse-checkout"].map((name) => join(gitDir, name)),
  ...["remotes", "branches"].flatMap((name) => withFiles(join(commonDir, name))),
];

/** Remotes as they were described before the configuration did: a file for each. An upstream may follow from one. */
const withFiles = (folder: string): string[] => {
  try {
    return [folder, ...readdirSync(folder).map((name) => join(folder, name))];
  } catch {
    return [folder];
  }
};

/** As git reads a path in its configuration. Null for what only git can resolve. */
const expanded = (value: string, base: string | null): string | null => {
  if (value === "") return "/dev/null"; // "no file", as git has it
  if (value.startsWith("~/")) return join(process.env["HOME"] ?? homedir(), value.slice(2));
  if (value.startsWith("~") || value.startsWith("%(prefix)")) return null;
  if (isAbsolute(value)) return value;
  return base === null ? null : join(base, value);
};
