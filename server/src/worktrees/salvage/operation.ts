import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, lstat, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { ParsedOf, ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf } from "../../errno.ts";
import { checkRemote, gitIdOf } from "../../git/index.ts";
import type { WorktreeRow } from "../../store/index.ts";
import { checkoutOf } from "../checkout.ts";
import type { Call, Tools } from "../context.ts";
import { find, thereAre } from "../entity.ts";
import { lastSalvage, salvage } from "./index.ts";
import { parsePrefix, root } from "./names.ts";

/** Salvages one worktree, by its name or the one the caller is in, and hands the refs on where that was asked for. */
export const salvageWorktree = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.salvage">,
  from: string,
  call: Call,
): Promise<ResultOf<"worktree.salvage">> => {
  const remote = params.push === undefined ? null : checkRemote(params.push);
  const file = params.bundle === undefined ? null : resolve(from, params.bundle);
  if (file !== null) {
    await requireFolder(dirname(file));
    await refuseTaken(file);
  }
  const rows = await tools.store.worktrees.of(repository.id);
  const row = params.name === undefined ? await containing(rows, from) : find(rows, params.name);
  const gitId = row.path === repository.trunk ? "" : await gitIdOf(row.path);
  if (gitId === null) {
    throw new ImiError("worktree/missing", `${row.path} is no worktree of this repository now.`, {
      hint: "`imi reconcile` brings the registry up to date.",
    });
  }

  call.progress(`Salvaging ${row.name}`, null);
  const checkout = checkoutOf(repository, row, gitId);
  const { signal } = call;
  // Whoever hands on what was salvaged a moment ago wants that, not a second one that is equal.
  const handOn = remote !== null || file !== null;
  const except = handOn ? await trashedPrefixes(tools, repository) : new Set<string>();
  const last = handOn ? await lastSalvage(tools, repository, checkout, { signal, except }) : null;
  const kept = last ?? (await salvage(tools, repository, checkout, { signal, at: new Date() }));
  if (remote !== null) {
    call.progress(`Pushing to ${remote}`, null);
    await push(tools, repository, kept, remote, call);
  }
  if (file !== null) {
    call.progress(`Writing ${basename(file)}`, null);
    await bundle(tools, repository, kept, file, call);
  }
  await tools.store.events.append({
    name: "worktree.salvaged",
    repositoryId: repository.id,
    subject: row.id,
    data: { name: row.name, prefix: kept.prefix, refs: kept.refs.length, pushed: remote, bundle: file },
  });
  return { salvage: kept, pushed: remote, bundle: file };
};

const containing = async (rows: readonly WorktreeRow[], from: string): Promise<WorktreeRow> => {
  const here = await realpath(from).catch(() => resolve(from));
  const within = rows
    .filter(({ path }) => here === path || here.startsWith(path.endsWith(sep) ? path : `${path}${sep}`))
    .toSorted((a, b) => b.path.length - a.path.length);
  const [nearest] = within;
  if (nearest !== undefined) return nearest;
  throw new ImiError("worktree/not-found", `${from} is in no worktree; say which one is to be salvaged.`, {
    hint: thereAre(
      rows.map(({ name }) => name),
      "Create one with `imi feat NAME`.",
    ),
  });
};

/** All refs or none; then the remote is asked what it has. */
const push = async (tools: Tools, { gitDir }: Repository, kept: Salvage, remote: string, call: Call): Promise<void> => {
  const all = `${kept.prefix}/*`;
  await tools.git.run(
    gitDir,
    [
      `--git-dir=${gitDir}`,
      ...["-c", "push.followTags=false", "-c", "push.gpgSign=false", "-c", "push.recurseSubmodules=no"],
      ...["push", "--atomic", "--no-verify", "--progress", "--end-of-options", remote, `${all}:${all}`],
    ],
    {
      access: "write",
      timeoutMs: 60 * 60_000,
      signal: call.signal,
      onProgress: (line) => call.progress(line, null),
    },
  );
  const { stdout } = await tools.git.run(
    gitDir,
    [`--git-dir=${gitDir}`, "ls-remote", "--refs", "--end-of-options", remote, all],
    { access: "read", timeoutMs: 5 * 60_000, signal: call.signal },
  );
  const there = new Set(stdout.split("\n"));
  const lacking = kept.refs.filter(({ ref, commit }) => !there.has(`${commit}\t${kept.prefix}/${ref}`));
  if (lacking.length > 0) {
    throw new ImiError(
      "salvage/failed",
      `${remote} took the push, but does not show ${lacking.length} of ${kept.refs.length} refs.`,
      { hint: `They are safe in this repository: git for-each-ref ${kept.prefix}` },
    );
  }
};

/** Before anything is salvaged, and also where the file may be of the same salvage: it is whole only when we wrote it. */
const refuseTaken = async (file: string): Promise<void> => {
  if ((await lstat(file).catch(() => null)) !== null) throw taken(file);
};

const taken = (file: string): ImiError =>
  new ImiError("path/taken", `There is something at ${file} already; it was left as it is.`, {
    hint: "Choose another name, or move it away.",
  });

/** Written under a name of its own, verified, and only then given the name asked for; never over another file. */
const bundle = async (tools: Tools, { gitDir }: Repository, kept: Salvage, file: string, call: Call): Promise<void> => {
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}.draft`);
  const options = { access: "write", timeoutMs: 60 * 60_000, signal: call.signal } as const;
  try {
    const refs = kept.refs.map(({ ref }) => `${kept.prefix}/${ref}\n`).join("");
    const flags = [`--git-dir=${gitDir}`, "-c", "pack.threads=1", "bundle"];
    await tools.git.run(gitDir, [...flags, "create", "-q", draft, "--stdin"], { ...options, input: refs });
    await tools.git.run(gitDir, [`--git-dir=${gitDir}`, "bundle", "verify", "-q", draft], options);
    const handle = await open(draft, "r");
    await handle.sync().finally(() => handle.close());
    await settle(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
};

const requireFolder = async (folder: string): Promise<void> => {
  const facts = await lstat(await realpath(folder).catch(() => folder)).catch(() => null);
  if (facts?.isDirectory() === true) return;
  throw new ImiError("usage/invalid", `There is no folder ${folder} to write the bundle into.`);
};

/** A hard link takes a name only when it is free, which a rename does not; not every file system has them. */
const settle = async (draft: string, file: string): Promise<void> => {
  try {
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      if (!(await sameBytes(draft, file))) throw taken(file);
      return;
    }
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
    await copyFile(draft, file, constants.COPYFILE_EXCL).catch((second: unknown) => {
      throw codeOf(second) === "EEXIST" ? taken(file) : second;
    });
    await rename(draft, file);
  }
};

const sameBytes = async (one: string, other: string): Promise<boolean> => {
  const [a, b] = await Promise.all([lstat(one), lstat(other)]);
  if (!b.isFile() || a.size !== b.size) return false;
  const [left, right] = await Promise.all([readFile(one), readFile(other)]);
  return left.equals(right);
};

/** What has been salvaged, newest first, from the refs themselves. */
export const listSalvages = async (
  tools: Tools,
  repository: Repository,
  call: Call,
): Promise<ResultOf<"salvage.list">> => {
  const { gitDir } = repository;
  const { stdout } = await tools.git.run(gitDir, [`--git-dir=${gitDir}`, "for-each-ref", "--format=%(refname)", root], {
    access: "read",
    signal: call.signal,
  });
  const counts = new Map<string, number>();
  for (const ref of stdout.split("\n")) {
    const prefix = parsePrefix(ref)?.prefix;
    if (prefix !== undefined) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  const trashed = await trashedPrefixes(tools, repository);
  const salvages = [...counts].flatMap(([prefix, refs]) => {
    const parsed = parsePrefix(prefix);
    return parsed === null ? [] : [{ ...parsed, refs, trashed: trashed.has(prefix) }];
  });
  return { salvages: salvages.toSorted((a, b) => (a.at < b.at ? 1 : -1)) };
};

/** Whose worktree is in the trash as well. */
const trashedPrefixes = async (tools: Tools, repository: Repository): Promise<ReadonlySet<string>> =>
  new Set((await tools.store.trash.of(repository.id)).flatMap(({ salvage: kept }) => kept?.prefix ?? []));
