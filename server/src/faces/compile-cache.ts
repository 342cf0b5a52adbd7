import { enableCompileCache } from "node:module";
import path from "node:path";

/** Keeps what is loaded from now on compiled, in the user's own cache folder. */
export const useCompileCache = (): void => {
  // Never the shared temporary folder, Node's default: who can write the cache decides what runs.
  const home = process.env["HOME"] ?? process.env["USERPROFILE"];
  const caches = process.env["XDG_CACHE_HOME"] ?? (home === undefined ? undefined : path.join(home, ".cache"));
  if (caches !== undefined && path.isAbsolute(caches)) enableCompileCache(path.join(caches, "imi"));
};
