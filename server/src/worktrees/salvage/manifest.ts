import { createHash } from "node:crypto";
import { version } from "../../version.ts";
import { noted, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import type { RecordFile } from "./record.ts";
import type { Survey } from "./survey.ts";

/** What `state` says in words: `manifest.json` in its tree. */
export interface Manifest {
  readonly imi: string;
  readonly name: string;
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly base: string | null;
  readonly at: string;
  readonly index: "good" | "damaged" | "absent";
  /** Of the record's files that say what is under way; equal where nothing of that changed. */
  readonly record: string;
  readonly ignored: readonly ReturnType<typeof noted>[];
  readonly ignoredCount: number;
  /** Sockets, FIFOs and devices: they hold nothing that could be kept, and are only in the trash. */
  readonly special: readonly ReturnType<typeof noted>[];
  readonly inside: readonly {
    readonly ref: string;
    readonly path: ReturnType<typeof noted>;
    readonly note: string | null;
  }[];
}

const mostNoted = 10_000;
const examples = 20;

export const manifestOf = (
  { subject, head, index, record, status }: Survey,
  at: Date,
  more: Pick<Manifest, "base" | "inside" | "path"> & { readonly special: readonly Bytes[] },
): Manifest => ({
  imi: version,
  name: subject.name,
  path: more.path,
  branch: head.branch,
  head: head.oid,
  base: more.base,
  at: at.toISOString(),
  index: index.state,
  record: recordDigest(record),
  ignored: status.ignored.slice(0, mostNoted).map(noted),
  ignoredCount: status.ignored.length,
  special: more.special.slice(0, mostNoted).map(noted),
  inside: more.inside,
});

/** Logs, what was fetched and the last message may change without the state being another. */
export const recordDigest = (record: readonly RecordFile[]): string => {
  const hash = createHash("sha256");
  for (const { name, bytes } of record) {
    if (/^(?:logs\/|FETCH_HEAD$|COMMIT_EDITMSG$|HEAD$)/.test(name)) continue;
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
};

export const ignoredOf = ({ status }: Survey): { count: number; examples: string[] } => ({
  count: status.ignored.length,
  examples: status.ignored.slice(0, examples).map(shown),
});
