import { join } from "node:path";
import { entriesOf } from "./files.ts";
import { pseudoRefs, readRecordFiles } from "./record.ts";

/** git's records of a repository's linked worktrees. */
export const linkedRecords = (commonDir: string): string[] =>
  entriesOf(join(commonDir, "worktrees"))
    .flatMap((entry) => (entry.isDirectory() ? [join(commonDir, "worktrees", entry.name)] : []))
    .toSorted();

/** Objects that these name and no branch need have: what is checked out there, and what an operation set aside. */
export const linkedObjects = (commonDir: string): string[] => {
  const named = linkedRecords(commonDir).flatMap((folder) => {
    const record = readRecordFiles(folder);
    const head =
      record
        .find(({ name }) => name === "HEAD")
        ?.bytes.toString("latin1")
        .trim() ?? "";
    return [
      ...(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(head) ? [head] : []),
      ...pseudoRefs(record).map(({ oid }) => oid),
    ];
  });
  return [...new Set(named)];
};
