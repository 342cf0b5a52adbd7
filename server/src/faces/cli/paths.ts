import os from "node:os";
import path from "node:path";
import { expandHome } from "../../config/folders.ts";

/** A path as it was typed, made absolute. Shells leave the `~` of `--repo=~/x` alone, so it is ours to expand. */
export const absolutePath = (typed: string): string => path.resolve(expandHome(typed, os.homedir()));
