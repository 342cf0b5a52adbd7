import { ImiError } from "../../../../protocol/errors.ts";
import { root } from "./names.ts";
import { listRefs } from "./refs-of.ts";
import { mentioned } from "./record.ts";
import type { Named } from "./record.ts";
import type { Survey } from "./survey.ts";
import type { Job } from "./subject.ts";
import type { PrivateDir } from "./private-dir.ts";

/** Of these, the objects that are there, with their types. Missing ones are not promised by anybody: nothing is fetched. */
export const typesOf = async (dir: PrivateDir, oids: readonly string[]): Promise<Map<string, string>> => {
  if (oids.length === 0) return new Map();
  const { stdout } = await dir.git(["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
    input: `${oids.join("\n")}\n`,
  });
  return new Map(
    stdout
      .toString("latin1")
      .split("\n")
      .flatMap((line) => {
        const [oid = "", type = ""] = line.split(" ");
        return /^(?:commit|tree|blob|tag)$/.test(type) ? [[oid, type] as const] : [];
      }),
  );
};

/** Commits that are reachable from the first and not from the others, with their parents; what is missing is left out. */
export const reachable = async (
  dir: PrivateDir,
  from: readonly string[],
  not: readonly string[],
): Promise<{ readonly oid: string; readonly parents: readonly string[] }[]> => {
  if (from.length === 0) return [];
  const { stdout } = await dir.git(["rev-list", "--ignore-missing", "--parents", "--stdin"], {
    input: `${[...from, ...not.map((oid) => `^${oid}`)].join("\n")}\n`,
  });
  return stdout
    .toString("latin1")
    .split("\n")
    .flatMap((line) => {
      const [oid = "", ...parents] = line.split(" ");
      return oid === "" ? [] : [{ oid, parents }];
    });
};

/** git gives up at a commit whose history was collected in part; that one cannot be kept whole, the others can. */
const oneByOne =
  (dir: PrivateDir, from: readonly string[], not: readonly string[]) =>
  async (error: unknown): Promise<Awaited<ReturnType<typeof reachable>>> => {
    if (!ImiError.is(error, "git/failed", "repository/damaged", "base/unknown")) throw error;
    const found = [];
    for (const oid of from.slice(0, mostDropped)) found.push(...(await reachable(dir, [oid], not).catch(() => [])));
    return found;
  };

/** As many as are kept of what was amended or reset away. */
const mostDropped = 200;

/**
 * Of the record, what HEAD does not lead to. `extra` are those of the given commits that are not behind HEAD; `dropped` are
 * commits the record mentions that no ref has (amended, rebased, reset away, fetched and never merged), newest first, and none
 * that another of them leads to. One process where all are behind HEAD, none where HEAD is all there is.
 */
export const beyondHead = async (
  job: Job,
  { subject, dir, head, record }: Survey,
  pinned: readonly string[],
  extra: readonly string[] = [],
): Promise<{ readonly extra: readonly string[]; readonly dropped: readonly string[] }> => {
  const known = [...(head.oid === null ? [] : [head.oid]), ...pinned];
  const candidates = mentioned(record).filter((oid) => !known.includes(oid));
  const asked = [...new Set([...candidates, ...extra.filter((oid) => !known.includes(oid))])];
  if (asked.length === 0) return { extra: [], dropped: [] };
  // The record may mention trees and blobs too, and objects that are gone.
  const near = new Set((await reachable(dir, asked, known).catch(oneByOne(dir, asked, known))).map(({ oid }) => oid));
  const kept = extra.filter((oid) => near.has(oid));
  const left = candidates.filter((oid) => near.has(oid) && !kept.includes(oid));
  if (left.length === 0) return { extra: kept, dropped: [] };
  // Another salvage may be dropped before this one is.
  const refs = (await listRefs(job, subject.commonDir)).filter(({ name }) => !name.startsWith(root));
  const apart = await reachable(dir, left, [...known, ...kept, ...refs.map(({ oid }) => oid)]);
  const there = new Set(apart.map(({ oid }) => oid));
  const behind = new Set(apart.flatMap(({ parents }) => parents));
  return { extra: kept, dropped: left.filter((oid) => there.has(oid) && !behind.has(oid)).slice(0, mostDropped) };
};

/** Names under which commits are kept, in the order given. */
export const numbered = (kind: string, oids: readonly string[]): Named[] =>
  oids.map((oid, at) => ({ name: `${kind}/${at}`, oid }));
