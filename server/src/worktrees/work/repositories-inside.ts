import { join, relative, resolve, sep } from "node:path";
import { readWorktreeRecords } from "../../git/index.ts";
import type { IndexEntry } from "../../git/index.ts";
import { inside } from "../../inside.ts";
import type { Findings } from "./findings.ts";
import { kindOf, namesIn, textOf } from "./place.ts";
import type { Tree } from "./place.ts";
import { onTree } from "./tree-status.ts";
import type { Asked } from "./tree-status.ts";

/** Looks into one repository inside the tree: everything it holds is told to findings of its own. */
export type Survey = (tree: Tree) => Promise<Findings>;

/**
 * Submodules, and commits of other repositories that the index has without them being submodules. Each is looked into with
 * the git directory that git keeps for it in the worktree's record, for its `.git` file leads nowhere from the trash.
 */
export const tellModules = async (
  asked: Asked,
  tree: Tree,
  gitlinks: readonly IndexEntry[],
  moved: ReadonlySet<string>,
  findings: Findings,
  survey: Survey,
): Promise<void> => {
  // A repository in the place of a tracked file.
  for (const name of moved) if (!gitlinks.some(({ path }) => path.toString() === name)) findings.add("nested", name);
  const home = join(tree.gitDir, "modules");
  const kept = new Set(await modulesIn(home));
  if (gitlinks.length === 0 && kept.size === 0) return;
  const declared = gitlinks.length === 0 ? new Set<string>() : await declaredPaths(asked, tree);
  for (const { path: bytes } of gitlinks) {
    const name = bytes.toString();
    const path = join(tree.path, name);
    const kind = declared.has(name) ? "submodule" : "nested";
    const found = await gitDirOf(path, home, kept);
    const inner = { path, gitDir: found ?? "", commonDir: found ?? "" };
    // git does not look into the folder of a commit of another repository, even where there is none.
    const holds =
      found === null
        ? (await kindOf(path)) === "folder" && (await namesIn(path)).length > 0
        : kind === "nested" || (await holdsWork(asked, inner, name, findings, survey));
    if (found !== null) kept.delete(found);
    if (holds || moved.has(name)) findings.add(kind, name);
  }
  // Not checked out any more, or never: its commits may still be nowhere else.
  for (const gitDir of kept) {
    if (await hasOwnCommits(asked, gitDir)) findings.add("submodule", relative(home, gitDir));
  }
};

const holdsWork = async (
  asked: Asked,
  tree: Tree,
  name: string,
  findings: Findings,
  survey: Survey,
): Promise<boolean> => {
  const found = await survey(tree);
  if (found.reason !== null) findings.doubt(`submodule ${name}: ${found.reason}`);
  return found.exposed || (await hasOwnCommits(asked, tree.gitDir));
};

/**
 * Whether it has commits (on branches, detached, stashed) that no remote of its own has. A working tree is named because
 * the one in its config need not be there, and git refuses to start then.
 */
const hasOwnCommits = async ({ git, signal }: Asked, gitDir: string): Promise<boolean> => {
  const { stdout } = await git.run(
    gitDir,
    [
      ...["--no-replace-objects", ...onTree({ path: gitDir, gitDir }), "rev-list", "--max-count=1"],
      ...["--all", "--not", "--remotes", "--tags"],
    ],
    { access: "read", signal },
  );
  return stdout !== "";
};

/** Paths that `.gitmodules` declares. */
const declaredPaths = async ({ git, signal }: Asked, tree: Tree): Promise<Set<string>> => {
  if ((await textOf(join(tree.path, ".gitmodules"))) === null) return new Set();
  const { stdout } = await git.run(
    tree.path,
    [
      ...onTree(tree),
      "config",
      "--file",
      join(tree.path, ".gitmodules"),
      "--no-includes",
      "-z",
      "--get-regexp",
      "^submodule\\..*\\.path$",
    ],
    { access: "read", signal, accept: [0, 1] },
  );
  return new Set(stdout.split("\0").map((entry) => entry.slice(entry.indexOf("\n") + 1).replace(/\/$/, "")));
};

/** Git directories under a `modules` folder; a submodule's name may hold slashes. */
const modulesIn = async (folder: string): Promise<string[]> => {
  const names = await namesIn(folder);
  if (names.includes("HEAD") && names.includes("objects")) return [folder];
  const found = await Promise.all(names.map((name) => modulesIn(join(folder, name))));
  return found.flat();
};

/** Of a submodule's folder; null where no repository is in it. */
const gitDirOf = async (path: string, home: string, kept: ReadonlySet<string>): Promise<string | null> => {
  const dotGit = join(path, ".git");
  const kind = await kindOf(dotGit);
  if (kind === "folder") return dotGit;
  if (kind !== "file") return null;
  const named = /^gitdir: (.*?)\r?\n?$/s.exec((await textOf(dotGit)) ?? "")?.[1];
  if (named === undefined) return null;
  const target = resolve(path, named);
  if (kept.has(target)) return target;
  // From the trash it leads nowhere; what follows `modules/` is its name all the same.
  const parts = target.split(`${sep}modules${sep}`);
  for (let at = 1; at < parts.length; at++) {
    const candidate = join(home, parts.slice(at).join(`${sep}modules${sep}`));
    if (kept.has(candidate)) return candidate;
  }
  return (await kindOf(join(target, "HEAD"))) === "file" ? target : null;
};

/** Worktrees of this very repository that lie inside the tree: git tells of an untracked one, and not of an ignored one. */
export const tellWorktreesInside = async (
  tree: Tree,
  known: ReadonlySet<string>,
  findings: Findings,
): Promise<void> => {
  for (const path of await worktreesOf(tree.commonDir)) {
    const below = inside(tree.path, path);
    if (below === null || below === "" || known.has(`${below}/`)) continue;
    if ((await kindOf(path)) === "folder") findings.add("nested", `${below}/`);
  }
};

/** Whoever looks at many worktrees reads the records once, not once for each; ms. */
const rememberedMs = 1_000;
let remembered: { readonly commonDir: string; readonly at: number; readonly paths: Promise<string[]> } | null = null;

const worktreesOf = (commonDir: string): Promise<string[]> => {
  const now = performance.now();
  if (remembered?.commonDir === commonDir && now - remembered.at < rememberedMs) return remembered.paths;
  const paths = readWorktreeRecords(commonDir).then((records) => records.flatMap(({ path }) => path ?? []));
  remembered = { commonDir, at: now, paths };
  return paths;
};
