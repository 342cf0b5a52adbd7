import { readlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expandHome } from "../../config/folders.ts";
import type { Command } from "./command.ts";

/** A path as it was typed, made absolute. Shells leave the `~` of `--repo=~/x` alone, so it is ours to expand. */
export const absolutePath = (typed: string): string =>
  path.resolve(workingDirectory(), expandHome(typed, os.homedir()));

/** Files that were named are meant from where we are, whichever repository is asked about. */
export const withAbsoluteFiles = (
  { options }: Pick<Command, "options">,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const files = new Set(options.flatMap(({ param, completes }) => (completes === "files" ? [param] : [])));
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) =>
      files.has(name) && typeof value === "string" ? [name, absolutePath(value)] : [name, value],
    ),
  );
};

/**
 * Where we are. A folder deleted under the shell, as by `imi remove` from inside, still has its name there; what is
 * started must stand somewhere that exists.
 */
export const workingDirectory = (): string => {
  // Asked once: where it was is not known any more when we stand elsewhere.
  directory ??= whereWeAre();
  return directory;
};

let directory: string | null = null;

const whereWeAre = (): string => {
  try {
    return process.cwd();
  } catch {
    const name = process.env["PWD"] ?? "";
    const known = path.isAbsolute(name) ? name : deletedFolder();
    process.chdir(path.parse(process.execPath).root);
    return known;
  }
};

/** Linux remembers the name; elsewhere a place is named at which nothing is. */
const deletedFolder = (): string => {
  try {
    return readlinkSync("/proc/self/cwd").replace(/ \(deleted\)$/u, "");
  } catch {
    return path.join(path.parse(process.execPath).root, "deleted folder");
  }
};
