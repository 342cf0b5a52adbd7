import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "./errno.ts";

/**
 * Makes a folder of the user's choice with those above it, for its owner alone. Node's own recursive mkdir never ends
 * where a file system says that a folder in a folder that is there does not exist (`/proc/x`); this one raises ENOENT.
 */
export const makeFolder = (folder: string): void => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) !== "EEXIST" || !statSync(folder).isDirectory()) throw error;
  }
};
