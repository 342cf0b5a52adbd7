import type { Salvage } from "../../../../protocol/salvage.ts";
import type { Composition } from "./compose.ts";
import { PrivateDir } from "./private-dir.ts";
import { refsUnder } from "./refs.ts";
import { listRefs } from "./refs-of.ts";
import { reachable } from "./reach.ts";
import type { Job, Subject } from "./subject.ts";

/** Whether a salvage that is still there has everything that was composed just now. */
export const covers = async (job: Job, subject: Subject, kept: Salvage, now: Composition): Promise<boolean> => {
  const there = await refsUnder({ git: job.git, commonDir: job.home, signal: job.signal }, kept.prefix);
  const actual = new Map(there.map(({ name, oid }) => [name.slice(kept.prefix.length + 1), oid]));
  if (kept.refs.length === 0 || kept.refs.some(({ ref, commit }) => actual.get(ref) !== commit)) return false;

  const loose: string[] = [];
  for (const { name, oid } of now.refs) {
    if (actual.get(name) === oid || isState(name)) continue;
    // Numbers shift when another commit is dropped: what counts is that a ref has it.
    if (/(?:^|\/)(?:reflog|stash|linked)\/\d+$/.test(name)) loose.push(oid);
    else return false;
  }
  const dir = new PrivateDir(job, subject, null);
  if (loose.length > 0) {
    const refs = await listRefs(job, job.home);
    if (
      (
        await reachable(
          dir,
          loose,
          refs.map(({ oid }) => oid),
        )
      ).length > 0
    )
      return false;
  }
  return sameRecords(dir, actual, now);
};

/** Whether it has each of these commits itself, so that it is enough to hand on; the states are for `covers`. */
export const hasAll = (kept: Salvage, now: Composition): boolean => {
  const there = new Set(kept.refs.map(({ commit }) => commit));
  return now.refs.every(({ name, oid }) => isState(name) || there.has(oid));
};

const isState = (name: string): boolean => /(?:^|\/)state$/.test(name);

/** Operations in progress are the same; index and logs, which hold times and places, are compared by what they lead to. */
const sameRecords = async (
  dir: PrivateDir,
  actual: ReadonlyMap<string, string>,
  now: Composition,
): Promise<boolean> => {
  for (const { name, oid } of now.refs) {
    if (!isState(name)) continue;
    const before = actual.get(name);
    if (before === undefined) return false;
    const [was, is] = await Promise.all([recordOf(dir, before), recordOf(dir, oid)]);
    if (was === null || was !== is) return false;
  }
  return true;
};

const recordOf = async (dir: PrivateDir, state: string): Promise<string | null> => {
  const { stdout } = await dir.git(["cat-file", "blob", `${state}:manifest.json`]);
  // Written by us; an older or newer iMi may have written something else.
  const manifest: unknown = JSON.parse(stdout.toString("utf8"));
  if (typeof manifest !== "object" || manifest === null || !("record" in manifest)) return null;
  return typeof manifest.record === "string" ? manifest.record : null;
};
