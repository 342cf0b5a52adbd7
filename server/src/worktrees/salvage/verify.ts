import { ImiError } from "../../../../protocol/errors.ts";
import { root } from "./names.ts";
import type { PrivateDir } from "./private-dir.ts";
import { typesOf } from "./reach.ts";
import type { Named } from "./record.ts";
import { listRefs } from "./refs-of.ts";
import { refsUnder } from "./refs.ts";
import type { Job } from "./subject.ts";

/**
 * Reads every ref back, and every object below it that no other ref has. Answers with how many objects that were.
 * Raises salvage/failed when one is missing. `branch` is what HEAD is known by elsewhere.
 */
export const verify = async (
  job: Job,
  dir: PrivateDir,
  prefix: string,
  refs: readonly Named[],
  known: { readonly written: ReadonlySet<string>; readonly branchTip: string | null },
): Promise<number> => {
  const tips = [...new Set(refs.map(({ oid }) => oid))];
  const apart = tips.filter((oid) => oid !== known.branchTip);
  const [found, all] = await Promise.all([
    refsUnder({ git: job.git, commonDir: job.home, signal: job.signal }, prefix),
    apart.length === 0 ? [] : listRefs(job, job.home),
  ]);
  const there = new Map(found.map(({ name, oid }) => [name, oid]));
  for (const { name, oid } of refs) {
    if (there.get(`${prefix}/${name}`) !== oid) throw notThere(`${prefix}/${name}`);
  }
  if (apart.length === 0) return tips.length;

  const others = all.filter(({ name }) => !name.startsWith(root)).map(({ oid }) => oid);
  // Where a remote has promised objects some may be missing, but none of those that were just written.
  const missing = job.homeSettings.partial ? "--missing=print" : "--missing=error";
  const { stdout } = await dir.git(
    ["rev-list", "--objects", "--no-object-names", "--ignore-missing", missing, "--stdin"],
    { alternate: null, input: `${[...apart, ...others.map((oid) => `^${oid}`)].join("\n")}\n` },
  );
  const lines = stdout.toString("latin1").split("\n");
  const lost = lines.find((line) => line.startsWith("?") && known.written.has(line.slice(1)));
  if (lost !== undefined) throw notThere(lost.slice(1));
  const objects = lines.filter((line) => line !== "" && !line.startsWith("?"));
  await requireAll(dir, objects);
  return new Set([...tips, ...objects]).size;
};

const requireAll = async (dir: PrivateDir, oids: readonly string[]): Promise<void> => {
  const types = await typesOf(dir, oids);
  const gone = oids.find((oid) => !types.has(oid));
  if (gone !== undefined) throw notThere(gone);
};

const notThere = (what: string): ImiError =>
  new ImiError("salvage/failed", `${what} was written but could not be read back.`, {
    hint: "Another git process may be deleting objects (git gc, git prune). Try again when it has ended.",
  });
