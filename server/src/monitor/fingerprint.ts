import { readFileSync, statSync } from "node:fs";

/**
 * A file changed this shortly before it was looked at may change again within the same tick of the file system's clock,
 * to the same size and, replaced twice, to the same inode: such a look proves nothing. In ms; kernels tick every 1 to 10.
 */
const tickMs = 40;

/** What tells one state of a file from another without reading it; "-" where there is none. */
export const fingerprint = (path: string): string => {
  try {
    const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (facts === undefined) return "-";
    return `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "?"; // ENOTDIR, EACCES, ELOOP: as good as absent
  }
};

/** Whether the change a fingerprint shows is old enough that no other can hide behind the same one. */
export const isOld = (print: string, now = Date.now()): boolean => {
  const changed = print.slice(print.lastIndexOf(":") + 1);
  if (!/^\d+$/.test(changed)) return true;
  return now - Number(changed) / 1e6 > tickMs;
};

/** Which folder it is, whatever is in it; null where there is none. */
export const folderIdentity = (path: string): string | null => {
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    return facts?.isDirectory() === true ? `${facts.dev}:${facts.ino}` : null;
  } catch {
    return null;
  }
};

/** The text of a small file; "" where it cannot be read. */
export const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
