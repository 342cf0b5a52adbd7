import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** More of the log than this is not read, in bytes: some dozens of entries. */
const atMost = 16 * 1024;

/**
 * Whether HEAD went from one commit to the other by `git commit` alone (or by making a branch first), as its log has it. Where
 * no log is kept, or not in a file, it is not known, which is no.
 */
export const isCommitted = (gitDir: string, from: string | null, to: string | null): boolean => {
  const entries = lastEntries(join(gitDir, "logs/HEAD"));
  let at = to;
  for (const { before, after, message } of entries.toReversed()) {
    if (after !== at) return false;
    const stays = before === after && message.startsWith("checkout:");
    if (!stays && !/^commit(?: \((?:amend|initial)\))?:/.test(message)) return false;
    at = before;
    if (at === from) return true;
  }
  return false;
};

interface Entry {
  readonly before: string | null;
  readonly after: string | null;
  readonly message: string;
}

const lastEntries = (file: string): Entry[] =>
  tail(file)
    .split("\n")
    .flatMap((line) => {
      const [, before, after, message] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\t]*\t(.*)$/.exec(line) ?? [];
      if (before === undefined || after === undefined || message === undefined) return [];
      return [{ before: commitOrNull(before), after: commitOrNull(after), message }];
    });

const commitOrNull = (id: string): string | null => (/^0+$/.test(id) ? null : id);

const tail = (file: string): string => {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, "r");
    const { size } = fstatSync(descriptor);
    const part = Buffer.alloc(Math.min(size, atMost));
    const read = readSync(descriptor, part, 0, part.length, size - part.length);
    return part.toString("utf8", 0, read);
  } catch {
    return "";
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
};
