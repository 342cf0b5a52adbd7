import path from "node:path";

/** The folder of the repository. */
export const root = path.dirname(import.meta.dirname);

/** A path inside the repository. */
export function inRoot(...parts: string[]): string {
  return path.join(root, ...parts);
}

/** What is expensive to fetch or make and can be made again: the VS Code server, the sample project. */
export const cacheFolder = inRoot(".cache");
