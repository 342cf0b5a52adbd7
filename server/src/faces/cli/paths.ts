import os from "node:os";
import path from "node:path";
import { expandHome } from "../../config/folders.ts";

/** A path as it was typed, made absolute. Shells leave the `~` of `--repo=~/x` alone, so it is ours to expand. */
export const absolutePath = (typed: string): string =>
  path.resolve(workingDirectory(), expandHome(typed, os.homedir()));

/**
 * Where we are. A folder deleted under the shell, as by `imi remove` from inside, still has its name there; what is
 * started must stand somewhere that exists.
 */
export const workingDirectory = (): string => {
  try {
    return process.cwd();
  } catch {
    process.chdir(path.parse(process.execPath).root);
    const name = process.env["PWD"] ?? "";
    return path.isAbsolute(name) ? name : process.cwd();
  }
};
