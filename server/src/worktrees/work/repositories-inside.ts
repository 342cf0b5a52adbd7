import { join } from "node:path";
import { readWorktreeRecords } from "../../git/index.ts";
import { inside } from "../../inside.ts";
import { isGitDir, modulesOf } from "../nested/git-dir.ts";
import { repositoriesInside } from "../nested/repositories-inside.ts";
import type { Place } from "../nested/repositories-inside.ts";
import { bytesOf, shown } from "../salvage/bytes.ts";
import type { Findings } from "./findings.ts";
import { kindOf, textOf } from "./place.ts";
import type { Tree } from "./place.ts";
import { onTree } from "./tree-status.ts";
import type { Asked } from "./tree-status.ts";

/** Looks into one repository inside the tree: everything it holds is told to findings of its own. */
export type Survey = (tree: Tree) => Promise<Findings>;

/** What git said of the tree. */
export interface Said {
  /** Commits of other repositories that the index has. */
  readonly gitlinks: readonly Buffer[];
  /** Where something else than the index says is there. */
  readonly moved: ReadonlySet<string>;
  /** With a slash behind, as in the rest. */
  readonly nested: ReadonlySet<string>;
  readonly ignored: readonly string[];
}

/** How long ignored folders are looked through for repositories; a disk may be slow. Milliseconds. */
const patienceMs = 30_000;

/**
 * Submodules, checked out or not, and other repositories inside the tree. Each is looked into with the git directory that git
 * keeps for it in the worktree's record, for its `.git` file leads nowhere from the trash. What git does not tell by itself
 * counts by what it holds. Answers with those in ignored folders that hold work, each with a slash behind.
 */
export const tellRepositories = async (
  asked: Asked,
  tree: Tree,
  { gitlinks, moved, nested, ignored }: Said,
  findings: Findings,
  survey: Survey,
): Promise<ReadonlySet<string>> => {
  const around = { ...tree, folderOf: (path: string) => join(tree.path, shown(path)) };
  const links = gitlinks.map((path) => path.toString("latin1"));
  const untracked = [...nested].map((path) => bytesOf(path.replace(/\/$/, "")));
  const found = await repositoriesInside(
    around,
    { gitlinks: [...links, ...[...moved].map(bytesOf)], nested: untracked, ignored: ignored.map(bytesOf) },
    { signal: asked.signal, patienceMs: asked.patienceMs ?? patienceMs },
  );
  // In both cases whoever empties the trash looks again, for as long as it takes.
  if (found.cutOff) findings.doubt("its ignored folders are too large to be looked through for repositories");
  const [first] = found.closed;
  if (first !== undefined) findings.doubt(`the ignored folder ${shown(first.path)} could not be read (${first.code})`);

  const declared = links.length === 0 ? new Set<string>() : await declaredPaths(asked, tree);
  const told = new Set<string>();
  for (const place of found.places) {
    const name = shown(place.path);
    const dependents = await dependentsOf(tree, place);
    for (const path of dependents) findings.depends(path);
    const looked: Looked = { asked, tree, name, place, depended: dependents.length > 0, declared };
    // An untracked one is told by git itself, whatever it holds.
    if (place.how === "untracked" || !(await holdsWork(looked, findings, survey))) continue;
    if (place.how === "ignored") told.add(`${name}/`);
    else if (place.how === "module") findings.add("submodule", name.slice(".git/modules/".length));
    else if (!moved.has(name)) findings.add(declared.has(name) ? "submodule" : "nested", name);
  }
  for (const name of told) findings.add("nested", name);
  // A repository in the place of a tracked file, and a submodule that is at another commit, or gone.
  for (const name of moved) findings.add(declared.has(name) ? "submodule" : "nested", name);
  return told;
};

interface Looked {
  readonly asked: Asked;
  readonly tree: Tree;
  readonly name: string;
  readonly place: Place;
  /** Whether checkouts elsewhere need it. */
  readonly depended: boolean;
  /** Paths of submodules. Another repository that the index has a commit of counts whatever it holds. */
  readonly declared: ReadonlySet<string>;
}

/** Whether it holds what is nowhere else; what is damaged does. */
const holdsWork = async (
  { asked, tree, name, place, depended, declared }: Looked,
  findings: Findings,
  survey: Survey,
): Promise<boolean> => {
  const { gitDir, commonDir, ownsRefs } = place;
  if (gitDir === null || commonDir === null || depended) return true;
  if (place.how === "gitlink" && !declared.has(name)) return true;
  if (place.tree === "there") {
    const inner = await survey({ ...tree, path: join(tree.path, name), gitDir, commonDir });
    for (const path of inner.dependents) findings.depends(path);
    if (inner.reason !== null) findings.doubt(`${nounOf(place)} ${name}: ${inner.reason}`);
    if (inner.exposed) return true;
  }
  if (ownsRefs && (await hasOwnCommits(asked, commonDir))) return true;
  return place.tree === "none" && moduleHasOwnCommits(asked, gitDir);
};

/** Whether a submodule's submodule does, where neither is checked out. */
const moduleHasOwnCommits = async (asked: Asked, gitDir: string): Promise<boolean> => {
  for (const inner of modulesOf(gitDir)) {
    // A damaged one is not known to have none.
    if (!isGitDir(inner.gitDir) || (await hasOwnCommits(asked, inner.gitDir))) return true;
    if (await moduleHasOwnCommits(asked, inner.gitDir)) return true;
  }
  return false;
};

const nounOf = ({ how }: Place): string => (how === "gitlink" ? "submodule" : "repository");

/** Where checkouts of a repository inside lie elsewhere: they stop working when it moves. */
const dependentsOf = async (tree: Tree, { commonDir, ownsRefs }: Place): Promise<string[]> => {
  if (commonDir === null || !ownsRefs) return [];
  const elsewhere: string[] = [];
  for (const { path } of await readWorktreeRecords(commonDir)) {
    if (path !== null && inside(tree.top, path) === null && (await kindOf(path)) === "folder") elsewhere.push(path);
  }
  return elsewhere;
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
