import { lstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { isAbsent } from "../../errno.ts";
import type { FileIdentity } from "../../store/index.ts";

/** Synchronously: some microseconds, through a thread twenty times that, and a removal looks at thirty places. */
export const isThere = async (path: string): Promise<boolean> => {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error; // what cannot be looked at is not known to be gone
  }
};

/** null where nothing is, or where that cannot be looked at. */
export const seenAt = (path: string): Stats | null => {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
};

/** What a rename does not change; null where there is no folder. A link is not followed: it is not the folder. */
export const identityAt = async (path: string): Promise<FileIdentity | null> => {
  try {
    const facts = lstatSync(path, { bigint: true });
    return facts.isDirectory() ? { device: String(facts.dev), inode: String(facts.ino) } : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};

export const isSame = (one: FileIdentity | null, other: FileIdentity | null): boolean =>
  one !== null && other !== null && one.device === other.device && one.inode === other.inode;
