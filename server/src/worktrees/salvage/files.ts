import { closeSync, constants, fstatSync, openSync, readFileSync, readdirSync } from "node:fs";
import type { Dirent } from "node:fs";
import { isAbsent } from "../../errno.ts";

/** A file with the time it was last written, in ms. */
export interface Content {
  readonly bytes: Buffer;
  readonly mtimeMs: number;
}

/** A whole file; null where there is none, or something else. A FIFO that lies in its place is not waited for. */
export const contentOf = (path: string): Content | null => {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    const facts = fstatSync(handle);
    return facts.isFile() ? { bytes: readFileSync(handle), mtimeMs: facts.mtimeMs } : null;
  } finally {
    closeSync(handle);
  }
};

export const textOf = (path: string): string | null => contentOf(path)?.bytes.toString("utf8") ?? null;

/** Nothing where there is no folder. */
export const entriesOf = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
};
