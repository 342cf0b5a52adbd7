import { join } from "node:path";
import { contentOf, entriesOf } from "./files.ts";

/** A file of git's record of a worktree: HEAD, an operation in progress, logs and refs of its own. */
export interface RecordFile {
  /** Relative to the record, such as rebase-merge/done. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Folders that belong to one worktree alone, also where the record is the repository itself (the main checkout). */
const folders = [
  "rebase-merge",
  "rebase-apply",
  "sequencer",
  "refs/bisect",
  "refs/worktree",
  "refs/rewritten",
  "logs/refs/bisect",
  "logs/refs/worktree",
  "logs/refs/rewritten",
];
const files = ["config.worktree", "info/sparse-checkout", "logs/HEAD"];

/** HEAD, ORIG_HEAD, MERGE_MSG, BISECT_LOG and whatever git will call the next one. */
const pseudo = /^[A-Z][A-Z_]*$/;

/** Present at rest as well; everything else in capitals is of an operation in progress. */
const atRest = /^(?:HEAD|ORIG_HEAD|FETCH_HEAD|COMMIT_EDITMSG|config\.worktree|info\/.*|logs\/.*|refs\/.*)$/;

/** Every file of the record that says something of the worktree's state. Locks and the index are not among them. */
export const readRecordFiles = (gitDir: string): RecordFile[] => {
  const names = entriesOf(gitDir).flatMap((entry) => (entry.isFile() && pseudo.test(entry.name) ? [entry.name] : []));
  const found: RecordFile[] = [];
  const take = (name: string): void => {
    const content = contentOf(join(gitDir, name));
    if (content !== null) found.push({ name, bytes: content.bytes });
  };
  for (const name of [...names, ...files]) take(name);
  for (const folder of folders) for (const name of walk(gitDir, folder)) take(name);
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** Whether a merge, rebase, bisect or the like is under way, as far as files tell it. */
export const hasOperation = (record: readonly RecordFile[]): boolean => record.some(({ name }) => !atRest.test(name));

const walk = (gitDir: string, folder: string): string[] =>
  entriesOf(join(gitDir, folder)).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return walk(gitDir, name);
    return entry.isFile() && !name.endsWith(".lock") ? [name] : [];
  });

/** An object somebody may still need, under the name it had. */
export interface Named {
  readonly name: string;
  readonly oid: string;
}

const oidPattern = /\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g;
const zeros = /^0+$/;

const oidsIn = (text: string): string[] => (text.match(oidPattern) ?? []).filter((oid) => !zeros.test(oid));

/**
 * Objects that files of the record name outright: ORIG_HEAD, each line of MERGE_HEAD, rebase-merge/autostash, the
 * worktree's own refs (refs/bisect/bad). HEAD is not among them.
 */
export const pseudoRefs = (record: readonly RecordFile[]): Named[] =>
  record.flatMap(({ name, bytes }) => {
    if (name === "HEAD" || name === "FETCH_HEAD" || name.startsWith("logs/")) return [];
    const lines = bytes.toString("latin1").trimEnd().split("\n");
    if (lines.length > 64 || !lines.every((line) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(line))) return [];
    return lines
      .filter((oid) => !zeros.test(oid))
      .map((oid, at) => ({ name: at === 0 ? name : `${name}-${at + 1}`, oid }));
  });

/** Every object the record mentions, the newest of the reflog first: what was amended, rebased or reset away is among them. */
export const mentioned = (record: readonly RecordFile[]): string[] => {
  const log = record.find(({ name }) => name === "logs/HEAD");
  const lines = log === undefined ? [] : log.bytes.toString("latin1").split("\n").toReversed();
  const logged = lines.flatMap((line) => oidsIn(line.split("\t", 1)[0] ?? "").toReversed());
  const others = record
    .filter(({ name }) => name === "FETCH_HEAD" || !atRest.test(name))
    .flatMap(({ bytes }) => oidsIn(bytes.subarray(0, 1024 * 1024).toString("latin1")));
  return [...new Set([...logged, ...others])];
};

/** Entries of the stash, newest first; with a branch only those made on it (null: on no branch), by git's own message. */
export const stashEntries = (log: string, branch: string | null | undefined): string[] => {
  const place = branch ?? "(no branch)";
  return log
    .split("\n")
    .toReversed()
    .flatMap((line) => {
      const [, oid, message = ""] = /^[0-9a-f]+ ([0-9a-f]+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
      if (oid === undefined) return [];
      const made =
        branch === undefined || [`WIP on ${place}:`, `On ${place}:`].some((start) => message.startsWith(start));
      return made ? [oid] : [];
    });
};
