import { execFileSync } from "node:child_process";
import { chownSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export const isRoot = process.geteuid?.() === 0;

/** nobody: root may do anything, so what must be refused is tried as this user. */
export const nobody = 65_534;

export const giveAway = (path: string, uid: number): void => {
  execFileSync("chown", ["-R", "-h", `${uid}:${uid}`, "--", path]);
  chownSync(path, uid, uid);
};

/** A tmpfs of so many kilobytes; null where it may not be mounted. */
export const mountSmall = (path: string, kilobytes: number): { unmount(): void } | null => {
  if (!isRoot) return null;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k,mode=0755`, "tmpfs", path], { stdio: "pipe" });
  } catch {
    return null;
  }
  return { unmount: () => execFileSync("umount", ["-l", path]) };
};

/** Every path below a folder with what it is, so that two moments can be compared; `except` is not looked into. */
export const snapshot = (folder: string, except: readonly string[]): string[] => {
  const found: string[] = [];
  const walk = (at: string): void => {
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      if (except.includes(path)) continue;
      const facts = lstatSync(path);
      if (facts.isDirectory()) {
        found.push(`${path}/`);
        walk(path);
      } else {
        found.push(
          facts.isSymbolicLink() ? `${path} -> ${readlinkSync(path)}` : `${path} ${facts.size} ${facts.mtimeMs}`,
        );
      }
    }
  };
  walk(folder);
  return found.toSorted();
};
