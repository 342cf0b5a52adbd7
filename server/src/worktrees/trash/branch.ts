import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Restoring, TrashRow } from "../../store/index.ts";
import type { Notes, Tools } from "../context.ts";
import { branchIn, originalHead, recordsFolder } from "./links.ts";

const zeros = "0".repeat(40);

/**
 * The branch a removed worktree was on, and whether it can have it back: it is there and where it was, or is gone and is
 * made again. One that has moved on, or that another worktree is on by now, stays theirs; this one gets a new name beside it.
 */
export const branchFor = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  notes: Notes,
): Promise<Restoring["branch"]> => {
  const on = await branchIn(entry.record);
  if (on === null) return null;
  const was =
    on.by === "HEAD"
      ? (entry.salvage?.refs.find(({ ref }) => ref === "HEAD")?.commit ?? null)
      : await originalHead(entry.record);
  const branches = await branchesOf(tools, repository);
  const now = branches.get(on.name) ?? null;
  const elsewhere = (await checkedOut(repository)).has(on.name);
  if (now === was && !elsewhere) return null; // as it was, or without a commit as it was
  if (was === null && on.by === "rebase") return null; // where the rebase began is not known any more
  if (now === null && was !== null && !elsewhere) {
    notes.add("branch/made", `Branch ${on.name} was deleted meanwhile; it is back.`);
    return { from: on.name, to: on.name, commit: was };
  }
  if (was === null && !elsewhere && entry.movement.tree === null) {
    notes.add("branch/born", `Branch ${on.name} had no commit when this was removed; it has by now.`);
    return null; // there are no files that would look like changes
  }
  const to = freeBranch(on.name, branches);
  const why = elsewhere ? "is checked out in another worktree" : was === null ? "has commits" : "has moved";
  notes.add(
    was === null ? "branch/unborn" : "branch/renamed",
    `Branch ${on.name} ${why} by now; this one ${was === null ? `had none on it, and is to be ${to}: that branch is made by its first commit` : `is on ${to}`}.`,
  );
  return { from: on.name, to, commit: was };
};

const branchesOf = async (tools: Tools, repository: Repository): Promise<Map<string, string>> => {
  const { stdout } = await tools.git.run(
    repository.gitDir,
    ["for-each-ref", "--format=%(objectname) %(refname)", "--", "refs/heads"],
    { access: "read" },
  );
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(line.indexOf(" ") + 1 + "refs/heads/".length), line.slice(0, line.indexOf(" "))]),
  );
};

/** Branches that HEAD or a rebase of any worktree is on, the main checkout's among them. */
const checkedOut = async (repository: Repository): Promise<Set<string>> => {
  const folder = recordsFolder(repository);
  const records = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  const found = new Set<string>();
  for (const record of [...(repository.trunk === null ? [] : [repository.gitDir]), ...records]) {
    const on = await branchIn(record);
    if (on !== null) found.add(on.name);
  }
  return found;
};

/** Also not one that a branch is a folder of: `a` and `a/b` cannot both be. */
const freeBranch = (wanted: string, branches: ReadonlyMap<string, string>): string =>
  namesBeside(wanted).find((name) => !isTaken(name, branches)) ?? wanted;

const namesBeside = (wanted: string): string[] =>
  Array.from({ length: 1_000 }, (_, index) => `${wanted}-restored${index === 0 ? "" : `-${index + 1}`}`);

const isTaken = (name: string, branches: ReadonlyMap<string, string>): boolean =>
  branches.has(name) || [...branches.keys()].some((other) => other.startsWith(`${name}/`));

/**
 * Makes the branch where it is not there, under its name or the next that is free; one that a killed restore made is
 * found at its commit and taken. The settings of the branch come along under a new name. Answers with the name.
 */
export const makeBranch = async (
  tools: Tools,
  repository: Repository,
  branch: NonNullable<Restoring["branch"]>,
): Promise<string> => {
  const to =
    branch.commit === null ? branch.to : await makeAt(tools, repository, branch.to, branch.commit, branch.from);
  if (to !== branch.from) await copySettings(tools, repository, branch.from, to);
  return to;
};

const makeAt = async (
  tools: Tools,
  repository: Repository,
  wanted: string,
  commit: string,
  from: string,
): Promise<string> => {
  const branches = await branchesOf(tools, repository);
  const used = await checkedOut(repository);
  for (const name of [wanted, ...namesBeside(from)]) {
    if (branches.get(name) === commit && !used.has(name)) return name;
    if (isTaken(name, branches)) continue;
    const { exitCode } = await tools.git.run(
      repository.gitDir,
      [
        ...["update-ref", "--create-reflog", "-m", "imi: restored"],
        ...[`refs/heads/${name}`, commit, zeros.padEnd(commit.length, "0")],
      ],
      { access: "write", accept: [0, 128] },
    );
    if (exitCode === 0) return name;
  }
  throw new ImiError("branch/invalid", `No branch could be made at ${commit.slice(0, 12)} to restore ${from}.`, {
    hint: `Its folder is back in its place. Make room for a branch named ${from}-restored, then look again: imi list`,
  });
};

const copySettings = async (tools: Tools, repository: Repository, from: string, to: string): Promise<void> => {
  const { stdout } = await tools.git.run(repository.gitDir, ["config", "--local", "-z", "--get-regexp", "^branch\\."], {
    access: "read",
    accept: [0, 1],
  });
  for (const pair of stdout.split("\0")) {
    const [key = "", ...value] = pair.split("\n");
    const prefix = `branch.${from}.`;
    if (!key.startsWith(prefix) || key.slice(prefix.length).includes(".")) continue;
    await tools.git.run(
      repository.gitDir,
      ["config", "--local", `branch.${to}.${key.slice(prefix.length)}`, value.join("\n")],
      { access: "write" },
    );
  }
};
