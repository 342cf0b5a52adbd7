import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { sep } from "node:path";

/** A process by what it was started with. */
export interface Running {
  readonly pid: number;
  readonly args: readonly string[];
}

/**
 * Processes whose working directory is a folder or lies below it, as far as the system says so: only Linux does without asking
 * for every open file, and of another user's processes it does not. So none found is no proof that there is none.
 */
export const processesIn = (folder: string): Running[] => {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const cwd = readlinkSync(`/proc/${name}/cwd`);
      if (cwd !== folder && !cwd.startsWith(folder + sep)) return [];
      const args = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
      // One that has ended and was not waited for has no arguments any more.
      return args.length === 0 ? [] : [{ pid: Number(name), args }];
    } catch {
      return []; // it ended, or is somebody else's
    }
  });
};
