import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Stats } from "node:fs";
import { join, resolve } from "node:path";
import { gitDirOf } from "./worktree-snapshot.ts";

const nothing = createHash("sha1").update("blob 0\0").digest("hex");

/** Something that has to be found in the repository after its worktree has gone: any one of the ids will do. */
export interface Precious {
  readonly what: string;
  readonly ids: readonly string[];
}

/**
 * What a worktree holds that no ref may keep, found by other means than the product's: commits of HEAD, pseudo refs,
 * reflogs and stashes, all stages of the index, and every file that git does not ignore, hashed here. Repositories inside
 * it likewise, as far as no remote of theirs has it, wherever they are: in ignored folders, without a working tree, or kept for
 * a submodule that is not checked out.
 */
export const preciousObjects = (path: string, env: NodeJS.ProcessEnv): Precious[] => {
  const found: Precious[] = [];
  const add = (what: string, ...ids: string[]): void => {
    // No bytes are no work: `git add --intent-to-add` notes that blob without making it.
    const real = ids.filter((id) => /^[0-9a-f]{40}$/.test(id) && !/^0+$/.test(id) && id !== nothing);
    if (real.length > 0) found.push({ what, ids: real });
  };
  collect(path, "", env, add);
  return found;
};

/** Those of them that are not in the repository, or only until the next `git gc`. */
export const lostObjects = (trunk: string, env: NodeJS.ProcessEnv, precious: readonly Precious[]): string[] => {
  const ids = [...new Set(precious.flatMap((each) => each.ids))];
  const git = (input: string, ...args: string[]): string =>
    execFileSync("git", args, { cwd: trunk, env, input, encoding: "latin1", maxBuffer: 1 << 30 });
  const kept = new Set(
    git("", "rev-list", "--objects", "--all", "--reflog")
      .split("\n")
      .map((line) => line.slice(0, 40)),
  );
  const there = new Set(
    git(`${ids.join("\n")}\n`, "cat-file", "--batch-check")
      .split("\n")
      .filter((line) => !line.endsWith(" missing"))
      .map((line) => line.slice(0, 40)),
  );
  return precious
    .filter((each) => !each.ids.some((id) => kept.has(id) && there.has(id)))
    .map((each) => `${each.what} (${each.ids.map((id) => (there.has(id) ? `${id}: in no ref` : id)).join(", ")})`);
};

type Add = (what: string, ...ids: string[]) => void;

const collect = (path: string, prefix: string, env: NodeJS.ProcessEnv, add: Add): void => {
  const git = (...args: string[]): string => {
    try {
      return execFileSync("git", ["--no-optional-locks", ...args], {
        cwd: path,
        env,
        encoding: "latin1",
        stdio: ["ignore", "pipe", "ignore"],
        maxBuffer: 1 << 30,
      });
    } catch {
      return "";
    }
  };
  const gitDir = lstatSync(join(path, ".git")).isDirectory() ? join(path, ".git") : resolve(path, gitDirOf(path));
  const outside =
    prefix === "" ? new Set<string>() : new Set(git("rev-list", "--objects", "--remotes").split("\n").map(idOf));
  const own = (what: string, ...ids: string[]): void => {
    const missing = ids.filter((id) => !outside.has(id));
    if (missing.length === ids.length) add(`${prefix}${what}`, ...ids);
  };

  own("HEAD", git("rev-parse", "--verify", "-q", "HEAD").trim());
  for (const name of readdirSync(gitDir).filter((each) => /^[A-Z][A-Z_]*_HEAD$/.test(each)))
    for (const line of readFileSync(join(gitDir, name), "latin1").split("\n")) own(name, line.slice(0, 40));
  for (const line of git("reflog", "show", "HEAD", "--format=%H").split("\n")) own("reflog", line);
  for (const line of reflogLines(gitDir)) for (const id of line.split(" ", 2)) own("logs/HEAD", id);
  for (const line of git("stash", "list", "--format=%H").split("\n")) own("stash", line);
  for (const line of git("for-each-ref", "--format=%(objectname)", "refs/bisect", "refs/worktree").split("\n"))
    own("a ref of its own", line);

  if (prefix !== "") {
    for (const line of git("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/tags").split("\n"))
      own("a branch or tag", line);
    for (const each of readdirOf(join(gitDir, "worktrees")))
      own(`HEAD of ${each}`, readFileSync(join(gitDir, "worktrees", each, "HEAD"), "latin1").trim());
  }
  for (const module of gitDirsIn(join(gitDir, "modules"))) collectRefs(module, `${prefix}modules/`, env, add);
  const ignored = git("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z").split("\0");
  for (const folder of ignored.filter((each) => each.endsWith("/"))) {
    const inside = join(path, Buffer.from(folder, "latin1").toString());
    for (const inner of checkoutsIn(inside)) collect(inner, `${prefix}${inner.slice(path.length + 1)}/`, env, add);
    for (const bare of gitDirsIn(inside)) collectRefs(bare, `${prefix}${bare.slice(path.length + 1)}: `, env, add);
  }

  // What git reads from a damaged index may never have been in it; then nothing is ignored either.
  const readable = isWhole(join(gitDir, "index"));
  const indexed = (readable ? git("ls-files", "-s", "-z") : "").split("\0").flatMap((line) => {
    const [, mode = "", id = "", stage = "", name = ""] = /^(\d+) (\w+) (\d)\t(.*)$/s.exec(line) ?? [];
    return name === "" ? [] : [{ mode, id, stage, name }];
  });
  for (const { mode, id, stage, name } of indexed) if (mode !== "160000") own(`index ${stage} of ${name}`, id);

  const status = git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames");
  const untracked = status.split("\0").filter((line) => line.startsWith("?? "));
  const names = readable
    ? new Set([...indexed.map(({ name }) => name), ...untracked.map((line) => line.slice(3))])
    : new Set(allFiles(path));
  for (const name of names) {
    const file = Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, "latin1")]);
    const facts = factsOf(file);
    // An index that git half believes has entries without a name.
    if (facts === null || name === "") continue;
    if (facts.isDirectory()) {
      const inner = resolve(path, Buffer.from(name, "latin1").toString());
      if (inner !== path && readdirSync(inner).includes(".git"))
        collect(inner, `${prefix}${name.replace(/\/$/, "")}/`, env, add);
      // git does not look there, for the index has a commit of another repository.
      else if (inner !== path)
        for (const each of allFiles(inner)) own(`file ${name}/${each}`, blobOf(readFileSync(join(inner, each))));
    } else if (facts.isSymbolicLink()) {
      own(`link ${name}`, blobOf(readlinkSync(file, { encoding: "buffer" })));
    } else if (facts.isFile() && facts.size < 2 ** 30) {
      own(`file ${name}`, blobOf(readFileSync(file)), filtered(path, file, env));
    }
  }
};

/** Of a repository without a working tree, what no remote of its has. */
const collectRefs = (gitDir: string, prefix: string, env: NodeJS.ProcessEnv, add: Add): void => {
  const git = (...args: string[]): string =>
    execFileSync("git", [`--git-dir=${gitDir}`, `--work-tree=${gitDir}`, ...args], { env, encoding: "latin1" });
  for (const line of git("rev-list", "--all", "--not", "--remotes").split("\n")) add(`${prefix}a commit`, line);
};

const readdirOf = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

const foldersIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).flatMap((each) =>
        each.isDirectory() ? [join(folder, each.name)] : [],
      )
    : [];

/** Bare repositories and the like, at any depth. */
const gitDirsIn = (folder: string): string[] => {
  const names = readdirOf(folder);
  if (names.includes(".git")) return [];
  if (["HEAD", "objects", "refs"].every((name) => names.includes(name)))
    return [folder, ...gitDirsIn(join(folder, "modules"))];
  return foldersIn(folder).flatMap(gitDirsIn);
};

const checkoutsIn = (folder: string): string[] =>
  readdirOf(folder).includes(".git") ? [folder] : foldersIn(folder).flatMap(checkoutsIn);

/** Whether an index ends in its own checksum, or in none (index.skipHash). */
const isWhole = (index: string): boolean => {
  if (!existsSync(index)) return true;
  const bytes = readFileSync(index);
  const end = bytes.subarray(-20);
  return end.equals(createHash("sha1").update(bytes.subarray(0, -20)).digest()) || end.equals(Buffer.alloc(20));
};

const idOf = (line: string): string => line.slice(0, 40);

const blobOf = (bytes: Buffer): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** As git would store it where line ends are converted; only asked where that can be. */
const filtered = (cwd: string, file: Buffer, env: NodeJS.ProcessEnv): string => {
  if (!readFileSync(file).includes("\r\n")) return "";
  try {
    return execFileSync("git", ["hash-object", "--", file.toString()], {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
};

const reflogLines = (gitDir: string): string[] => {
  try {
    return readFileSync(join(gitDir, "logs/HEAD"), "latin1").split("\n");
  } catch {
    return [];
  }
};

/** Relative paths of the plain files, as bytes written as latin1. */
const allFiles = (folder: string): string[] => {
  const found: string[] = [];
  const visit = (at: Buffer, prefix: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true, encoding: "buffer" })) {
      const here = `${prefix}${entry.name.toString("latin1")}`;
      if (here === ".git") continue;
      if (entry.isDirectory()) visit(Buffer.concat([at, Buffer.from("/"), entry.name]), `${here}/`);
      else if (entry.isFile()) found.push(here);
    }
  };
  visit(Buffer.from(folder), "");
  return found;
};

/** Null where there is nothing, also where a file is in the place of a folder. */
const factsOf = (path: Buffer): Stats | null => {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
};
