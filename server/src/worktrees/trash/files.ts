import { lstat } from "node:fs/promises";
import { isAbsent } from "../../errno.ts";
import type { FileIdentity } from "../../store/index.ts";

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isAbsent(error)) return false;
      throw error; // what cannot be looked at is not known to be gone
    },
  );

/** What a rename does not change; null where there is no folder. A link is not followed: it is not the folder. */
export const identityAt = async (path: string): Promise<FileIdentity | null> => {
  try {
    const facts = await lstat(path, { bigint: true });
    return facts.isDirectory() ? { device: String(facts.dev), inode: String(facts.ino) } : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};

export const isSame = (one: FileIdentity | null, other: FileIdentity | null): boolean =>
  one !== null && other !== null && one.device === other.device && one.inode === other.inode;
