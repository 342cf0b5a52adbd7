import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { noted, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { entriesOf } from "./files.ts";
import { importCommits } from "./import.ts";
import type { CommitPlan, Leaf } from "./import.ts";
import { findInside, plainly } from "./inside.ts";
import type { Inside } from "./inside.ts";
import { oidsInDamaged } from "./index-file.ts";
import type { IndexFile } from "./index-file.ts";
import { ignoredOf, manifestOf } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import { beyondHead, numbered, reachable, typesOf } from "./reach.ts";
import { hasOperation, pseudoRefs, stashEntries } from "./record.ts";
import type { Named } from "./record.ts";
import { listRefs, stashLog } from "./refs-of.ts";
import { Source } from "./source.ts";
import { isPlain, isUnstaged } from "./status.ts";
import type { Entry } from "./status.ts";
import { linkedObjects, linkedRecords } from "./linked.ts";
import { Changed } from "./subject.ts";
import type { Job, Subject } from "./subject.ts";
import { survey, walk } from "./survey.ts";
import type { Survey } from "./survey.ts";
import { transfer } from "./transfer.ts";

/** Objects that keep a working tree, and the refs that are to hold them. */
export interface Composition {
  /** Names below the salvage's prefix. */
  readonly refs: readonly Named[];
  /** Objects made for it. */
  readonly written: ReadonlySet<string>;
  readonly head: string | null;
  /** Whether HEAD is all there is: no index, working tree or state had to be kept. */
  readonly plain: boolean;
  readonly ignored: { readonly count: number; readonly examples: string[] };
}

export interface ComposeOptions {
  readonly base: string | null;
  /** `none`: the subject's folder is an empty one of ours, for its own is gone, or it never had any. */
  readonly tree: "there" | "none";
  /** Called once the tree has been looked at. */
  readonly onSurveyed?: (() => void) | undefined;
}

/** Repositories in repositories in repositories. */
const deepest = 8;

/**
 * Writes the objects that keep a working tree as it is: HEAD, and where there is more than that its index, its files and
 * git's record of it; what its stash and reflog have and no ref does; and the repositories inside it. Raises Changed when
 * somebody worked there meanwhile.
 */
export const compose = async (job: Job, subject: Subject, options: ComposeOptions): Promise<Composition> => {
  const found = await survey(job, subject);
  options.onSurveyed?.();
  return composeSurveyed(job, found, { ...options, depth: 0, stashOf: "branch", refs: "shared", raw: null });
};

interface Inner extends ComposeOptions {
  readonly depth: number;
  readonly stashOf: "branch" | "all" | "none";
  /** Whether its branches and tags would go with it. */
  readonly refs: "own" | "shared";
  /** A git directory that is kept as plain files. */
  readonly raw: string | null;
}

const composeSurveyed = async (job: Job, found: Survey, options: Inner): Promise<Composition> => {
  const { subject, dir, head, status } = found;
  const inside = await composeInside(job, found, options.depth);
  const pinned = await pins(job, found, options);
  const plain =
    isAtRest(found, options.tree) && head.oid !== null && inside.kept.length === 0 && pinned.trees.length === 0;
  const outcome = { head: head.oid, plain, ignored: ignoredOf(found) };
  const refs: Named[] = [
    ...(head.oid === null ? [] : [{ name: "HEAD", oid: head.oid }]),
    ...pinned.refs,
    ...inside.refs,
  ];
  if (plain) return { ...outcome, refs, written: inside.written };

  const special: Bytes[] = [];
  const covered = new Set([...inside.paths, ...status.ignored.map((path) => path.replace(/\/$/, ""))]);
  const walked = await walk(subject.path, covered, (path, code) => {
    throw new ImiError("salvage/failed", `The folder ${shown(path)} in ${subject.name} cannot be read (${code}).`, {
      hint: "Make it readable, move it away or delete it, then try again.",
    });
  });
  special.push(...walked.specials);
  const sources = status.files.map(({ path, mode }) => new Source(subject.path, path, mode));
  // `.git` folders that git does not take for repositories: nothing else keeps what is in them.
  const strays = walked.dotGits
    .filter((path) => !covered.has(path.slice(0, -"/.git".length)))
    .flatMap((path) =>
      rawFiles(join(subject.path, shown(path))).map((file): Leaf => ({
        path: `strays/${path.slice(0, -"/.git".length)}/git/${file.path}`,
        of: file,
      })),
    );
  const raw = options.raw === null ? [] : rawFiles(options.raw);
  const manifest = manifestOf(found, job.at, {
    ...{ base: options.base, inside: inside.kept, special },
    path: options.tree === "there" ? subject.path : (subject.gitDir ?? subject.name),
  });
  const settled = await settledTree(found);
  const plans = [
    ...(await indexPlans(found, job.at, settled)),
    ...(options.tree === "none" ? [] : [worktreePlan(found, job.at, settled, sources, inside.heads)]),
    statePlan(found, job.at, manifest, [...strays, ...(await indexOnly(found))]),
    ...pinned.trees.map(({ name, oid }): CommitPlan => ({
      name,
      message: `${name} of ${subject.name}\n`,
      parents: [],
      tree: oid,
    })),
    ...(options.raw === null
      ? []
      : [
          {
            name: "git",
            message: `git directory of ${subject.name}\n`,
            parents: [],
            leaves: raw.map((of) => ({ path: of.path, of })),
          },
        ]),
  ];
  const fileModes = !subject.settings.core.some(([key, value]) => key === "core.filemode" && value === "false");
  const imported = await importCommits(dir, plans, { at: job.at, fileModes });
  await together(found.confirm(), confirmAll([...sources, ...raw]));
  const made = [...imported.commits].map(([name, oid]) => ({ name, oid }));
  await transfer(
    dir,
    [...refs, ...made].map(({ oid }) => oid),
    await ourTips(job, subject),
  );
  return {
    ...outcome,
    refs: [...refs, ...made],
    written: imported.written.union(inside.written),
  };
};

const confirmAll = async (sources: readonly Source[]): Promise<void> => {
  for (const source of sources) await source.confirm();
};

/** Both to their end, for a git that still runs must not outlive its private directory; raises what the first raised. */
const together = async (...both: readonly Promise<void>[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(both)) if (outcome.status === "rejected") throw outcome.reason;
};

/** Nothing changed or staged, and nothing under way. A repository without a working tree need not have an index. */
const isAtRest = ({ status, index, record }: Survey, tree: ComposeOptions["tree"]): boolean =>
  (tree === "none" ? isUnstaged(status) : isPlain(status)) &&
  (index.state === "good" || (tree === "none" && index.state === "absent")) &&
  !hasOperation(record);

/** What our repository has already need not be brought there. */
const ourTips = async (job: Job, subject: Subject): Promise<string[]> =>
  subject.commonDir === job.home ? [] : (await listRefs(job, job.home)).map(({ oid }) => oid);

const message = (what: string, { subject, head }: Survey, at: Date): string =>
  `${what} of ${subject.name}${head.branch === null ? "" : ` on ${head.branch}`}\n\nSalvaged by iMi at ${at.toISOString()}.\n`;

/** The index as a commit on HEAD; in a conflict what is settled in it, and each stage of what is not. */
const indexPlans = async (found: Survey, at: Date, settled: string | null): Promise<CommitPlan[]> => {
  const { dir, head, status } = found;
  const parents = head.oid === null ? [] : [head.oid];
  const plans: CommitPlan[] = [{ name: "index", message: message("Index", found, at), parents, tree: settled }];
  for (const [stage, entries] of status.stages.entries()) {
    if (entries.length === 0) continue;
    const tree = await treeOf(dir, entries, `index-${stage + 1}`);
    plans.push({
      name: `index-${stage + 1}`,
      message: message(`Stage ${stage + 1} of the conflicts`, found, at),
      parents,
      tree,
    });
  }
  return plans;
};

/** The tree of what the index has without conflict; null where that is HEAD's. */
const settledTree = async (found: Survey): Promise<string | null> => {
  const { index, status } = found;
  if (index.state !== "good" || (!status.staged && status.conflicted.length === 0)) return null;
  return treeWithout(found, index.file, status.conflicted);
};

/** The tree of the index but these paths. Objects may be missing that a remote has promised. */
const treeWithout = async ({ subject, dir }: Survey, file: IndexFile, paths: readonly Bytes[]): Promise<string> => {
  const name = "index-settled"; // git may write into it
  dir.write(name, file.copy);
  if (paths.length > 0) {
    const none = "0".repeat(subject.settings.format === "sha1" ? 40 : 64);
    await dir.git(["update-index", "-z", "--index-info"], {
      index: name,
      input: paths.map((path) => `0 ${none}\t${path}\0`).join(""),
    });
  }
  return treeIn(dir, name);
};

const treeOf = async (dir: Survey["dir"], entries: readonly Entry[], index: string): Promise<string> => {
  await dir.git(["update-index", "-z", "--index-info"], {
    index,
    input: entries.map(({ mode, oid, path }) => `${mode} ${oid}\t${path}\0`).join(""),
  });
  return treeIn(dir, index);
};

const treeIn = async (dir: Survey["dir"], index: string): Promise<string> =>
  (await dir.git(["write-tree", "--missing-ok"], { index })).stdout.toString("latin1").trim();

const worktreePlan = (
  found: Survey,
  at: Date,
  settled: string | null,
  sources: readonly Source[],
  heads: ReadonlyMap<Bytes, string>,
): CommitPlan => ({
  name: "worktree",
  message: message("Working tree", found, at),
  parents: found.head.oid === null ? ["index"] : [found.head.oid, "index"],
  tree: settled,
  deleted: found.status.deleted,
  leaves: [
    ...sources.map((of) => ({ path: of.path, of })),
    ...[...heads].map(([path, oid]) => ({ path, of: { mode: "160000", oid } })),
  ],
});

const statePlan = (found: Survey, at: Date, manifest: Manifest, strays: readonly Leaf[]): CommitPlan => ({
  name: "state",
  message: message("State", found, at),
  parents: [],
  leaves: [
    { path: "manifest.json", of: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) },
    ...found.record.map(({ name, bytes }) => ({ path: `git/${Buffer.from(name).toString("latin1")}`, of: bytes })),
    ...(found.index.state === "good" ? [{ path: "git/index", of: found.index.file.raw }] : []),
    ...(found.index.state === "damaged" ? [{ path: "git/index", of: found.index.raw }] : []),
    ...strays,
  ],
});

/** Objects that the index names and its tree does not have, so that its bytes in `state` are not left pointing at nothing. */
const indexOnly = async ({ subject, dir, index }: Survey): Promise<Leaf[]> => {
  if (index.state === "absent") return [];
  const { noted, resolved } =
    index.state === "good" ? index.file : { noted: false, resolved: oidsInDamaged(index.raw, subject.settings.format) };
  const types = await typesOf(dir, [...new Set(resolved)]);
  return [
    ...(noted ? [{ path: "index/empty", of: Buffer.alloc(0) }] : []),
    ...[...types].flatMap(([oid, type]) =>
      type === "blob" ? [{ path: `index/resolved/${oid}`, of: { mode: "100644", oid } }] : [],
    ),
  ];
};

/** A git directory's files, as plain files. */
const rawFiles = (folder: string, below: Bytes = ""): Source[] =>
  entriesOf(join(folder, shown(below))).flatMap((entry) => {
    const path = `${below}${below === "" ? "" : "/"}${Buffer.from(entry.name).toString("latin1")}`;
    if (entry.isDirectory()) return rawFiles(folder, path);
    return entry.isFile() || entry.isSymbolicLink() ? [new Source(folder, path, null)] : [];
  });

/** Commits the record, the stash and the reflog have, and branches that would go with a repository inside. */
const pins = async (
  job: Job,
  found: Survey,
  options: Inner,
): Promise<{ readonly refs: readonly Named[]; readonly trees: readonly Named[] }> => {
  const { subject, dir, head, record } = found;
  const own = options.refs === "own" ? await listRefs(job, subject.commonDir) : [];
  const branches = own.flatMap(({ name, oid }) => {
    const [, kind, rest] = /^refs\/([^/]+)\/(.+)$/s.exec(name) ?? [];
    if (kind === undefined || rest === undefined || kind === "remotes") return [];
    return [{ name: kind === "heads" || kind === "tags" ? `${kind}/${rest}` : `refs/${kind}/${rest}`, oid }];
  });
  const all = pseudoRefs(record).filter(({ name, oid }) => oid !== head.oid || name.startsWith("refs/"));
  // Every worktree has an ORIG_HEAD from the day it was made; only one that HEAD does not lead to needs a ref.
  const orig = all.filter(({ name }) => name === "ORIG_HEAD");
  const named = all.filter(({ name }) => name !== "ORIG_HEAD");
  const stash =
    options.stashOf === "none"
      ? []
      : stashEntries(await stashLog(job, subject), options.stashOf === "all" ? undefined : head.branch);
  // Checkouts of it elsewhere are not salvaged, but what they are at is in this repository alone.
  const linked = options.refs === "own" ? linkedObjects(subject.commonDir) : [];
  const types = await typesOf(dir, [...named.map(({ oid }) => oid), ...stash, ...linked]);
  const pseudo = named
    .filter(({ oid }) => types.get(oid) === "commit")
    .map(({ name, oid }) => ({ name: `pseudo/${name}`, oid }));
  const trees = named
    .filter(({ oid }) => types.get(oid) === "tree")
    .map(({ name, oid }) => ({ name: `pseudo/${name}`, oid }));
  const stashed = numbered(
    "stash",
    stash.filter((oid) => types.has(oid)),
  );
  const elsewhere = numbered(
    "linked",
    linked.filter((oid) => types.get(oid) === "commit"),
  );
  const pinned = [...pseudo, ...stashed, ...elsewhere, ...branches];
  const beyond = await beyondHead(
    job,
    found,
    pinned.map(({ oid }) => oid),
    orig.map(({ oid }) => oid),
  );
  const origin = orig
    .filter(({ oid }) => beyond.extra.includes(oid))
    .map(({ name, oid }) => ({ name: `pseudo/${name}`, oid }));
  return { refs: [...pinned, ...origin, ...numbered("reflog", beyond.dropped)], trees };
};

interface Insides {
  readonly refs: readonly Named[];
  readonly written: ReadonlySet<string>;
  readonly kept: Manifest["inside"];
  /** Every repository inside, kept or not: what is in them is not in the tree around them. */
  readonly paths: readonly Bytes[];
  /** Commits of those that the tree around them names; git's own status may not know them where a record was moved. */
  readonly heads: ReadonlyMap<Bytes, string>;
}

const composeInside = async (job: Job, around: Survey, depth: number): Promise<Insides> => {
  const insides = await findInside(job, around);
  const refs: Named[] = [];
  const kept: { ref: string; path: ReturnType<typeof noted>; note: string | null }[] = [];
  const heads = new Map<Bytes, string>();
  let written: ReadonlySet<string> = new Set();
  if (insides.length > 0 && depth >= deepest) {
    throw new ImiError("salvage/failed", `${around.subject.name} holds repositories nested more than ${deepest} deep.`);
  }
  for (const one of insides) {
    const composed = await composeOne(job, one, depth + 1);
    const headOid = composed.composition.head;
    if (one.visible && headOid !== null) heads.set(one.path, headOid);
    if (composed.nothingOwn) continue;
    const ref = `inside/${kept.length + 1}`;
    kept.push({ ref, path: noted(one.path), note: composed.note });
    refs.push(...composed.composition.refs.map(({ name, oid }) => ({ name: `${ref}/${name}`, oid })));
    written = written.union(composed.composition.written);
  }
  return { refs, written, kept, paths: insides.map(({ path }) => path), heads };
};

interface One {
  readonly composition: Composition;
  readonly note: string | null;
  /** Everything of it is in its remote. */
  readonly nothingOwn: boolean;
}

const composeOne = async (job: Job, one: Inside, depth: number): Promise<One> => {
  const { subject, opaque, ownsRefs, tree } = one;
  const common = {
    base: null,
    tree,
    depth,
    stashOf: ownsRefs ? "all" : "none",
    refs: ownsRefs ? "own" : "shared",
  } as const;
  try {
    const found = await survey(job, subject);
    if (one.keep === "own" && (await hasNothingOwn(job, found, one))) {
      const nothing = { refs: [], written: new Set<string>(), head: found.head.oid, plain: true };
      return { composition: { ...nothing, ignored: ignoredOf(found) }, note: null, nothingOwn: true };
    }
    if (opaque !== null) return await asFiles(job, one, opaque, depth);
    const composition = await composeSurveyed(job, found, { ...common, raw: null });
    const tips = composition.refs.map(({ oid }) => oid);
    if (composition.plain) await transfer(found.dir, tips, await ourTips(job, subject));
    return { composition, note: null, nothingOwn: false };
  } catch (error) {
    if (error instanceof Changed) throw error;
    if (ImiError.is(error, "operation/cancelled", "disk/full", "salvage/failed")) throw error;
    const files = opaque === null ? (ownsRefs ? subject.commonDir : null) : opaque.files;
    return asFiles(job, one, { reason: opaque?.reason ?? ImiError.from(error).message, files }, depth);
  }
};

/** Nothing changed, nothing under way, and every commit is somewhere else. */
const hasNothingOwn = async (job: Job, found: Survey, { tree, ownsRefs }: Inside): Promise<boolean> =>
  found.subject.gitDir !== null &&
  isAtRest(found, tree) &&
  (!ownsRefs || linkedRecords(found.subject.commonDir).length === 0) &&
  (await findInside(job, found)).length === 0 &&
  (await isElsewhere(job, found, ownsRefs));

const asFiles = async (
  job: Job,
  { subject, tree }: Inside,
  { reason, files }: NonNullable<Inside["opaque"]>,
  depth: number,
): Promise<One> => {
  const found = await survey(job, plainly(job, subject.path, subject.name));
  const composition = await composeSurveyed(job, found, {
    base: null,
    tree,
    depth,
    stashOf: "none",
    refs: "shared",
    raw: files,
  });
  return { composition, note: reason, nothingOwn: false };
};

/** Whether its remotes (or, where it shares its refs with others, any ref) have every commit of it. */
const isElsewhere = async (job: Job, found: Survey, ownsRefs: boolean): Promise<boolean> => {
  const { subject, dir, head, record } = found;
  const refs = await listRefs(job, subject.commonDir);
  const there = refs.filter(({ name }) => !ownsRefs || name.startsWith("refs/remotes/")).map(({ oid }) => oid);
  const own = ownsRefs ? refs.filter(({ name }) => !name.startsWith("refs/remotes/")).map(({ oid }) => oid) : [];
  const stash = ownsRefs ? stashEntries(await stashLog(job, subject), undefined) : [];
  const named = pseudoRefs(record).map(({ oid }) => oid);
  const tips = [...(head.oid === null ? [] : [head.oid]), ...own, ...stash, ...named];
  if (there.length === 0 && tips.length > 0) return false;
  if ((await reachable(dir, tips, there)).length > 0) return false;
  return (await beyondHead(job, found, there)).dropped.length === 0;
};
