import { join } from "node:path";
import type { Git } from "../../git/index.ts";
import { textOf } from "./files.ts";
import type { ObjectFormat } from "./index-file.ts";

/** What of a repository's configuration says how its working tree is to be read; nothing in it can start a program. */
export interface TreeSettings {
  readonly format: ObjectFormat;
  readonly refsInFiles: boolean;
  /** Objects may be missing here, because a remote has promised them. */
  readonly partial: boolean;
  /** core.* for a private git directory. */
  readonly core: readonly (readonly [key: string, value: string])[];
}

const core = /^core\.(?:filemode|symlinks|ignorecase|precomposeunicode|sharedrepository|excludesfile)$/;

/**
 * Read from the files, because a process would cost as much as the rest of a clean checkout's salvage; git is asked only
 * where they include others.
 */
export const readSettings = async (git: Git, commonDir: string, gitDir: string): Promise<TreeSettings> => {
  const own = textOf(join(commonDir, "config")) ?? "";
  const apart = textOf(join(gitDir, "config.worktree")) ?? "";
  const text = own + apart;
  const values = /^\s*\[\s*include/im.test(text)
    ? await askGit(git, commonDir, gitDir)
    : new Map([...parse(own), ...(parse(own).get("extensions.worktreeconfig") === "true" ? parse(apart) : [])]);
  const refStorage = values.get("extensions.refstorage") ?? "files";
  return {
    format: values.get("extensions.objectformat")?.toLowerCase() === "sha256" ? "sha256" : "sha1",
    refsInFiles: refStorage === "files",
    partial:
      values.has("extensions.partialclone") ||
      [...values].some(([key, value]) => /^remote\..*\.promisor$/s.test(key) && value !== "false"),
    core: [...values].filter(([key]) => core.test(key)),
  };
};

const askGit = async (git: Git, commonDir: string, gitDir: string): Promise<Map<string, string>> => {
  const { stdout } = await git.run(
    commonDir,
    [`--git-dir=${gitDir}`, "config", "--includes", "--local", "-z", "--list"],
    { access: "read" },
  );
  return new Map(
    stdout.split("\0").flatMap((entry) => {
      const line = entry.indexOf("\n");
      if (entry === "") return [];
      return [line < 0 ? [entry, "true"] : [entry.slice(0, line), entry.slice(line + 1)]];
    }),
  );
};

/** Keys in lower case but for subsections, as git lists them; values of more than one line are none we look for. */
const parse = (config: string): Map<string, string> => {
  const values = new Map<string, string>();
  let section = "";
  for (const line of config.split(/\r?\n/)) {
    const header = /^\s*\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line);
    if (header !== null)
      section = `${(header[1] ?? "").toLowerCase()}${header[2] === undefined ? "" : `.${header[2]}`}`;
    const rest = header === null ? line : line.slice(header[0].length);
    const setting = /^\s*([a-z][a-z0-9-]*)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^#;]*))?/i.exec(rest);
    if (setting?.[1] === undefined) continue;
    const value = (setting[2] ?? "true").trim().replace(/^"(.*)"$/s, "$1");
    values.set(`${section}.${setting[1].toLowerCase()}`, value.replace(/\\(["\\])/g, "$1"));
  }
  return values;
};
