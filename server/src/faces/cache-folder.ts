import path from "node:path";

/**
 * Where compiled code is kept between runs; null where the user has no cache folder. Never the shared temporary folder,
 * Node's default: who can write the cache decides what runs.
 */
export const cacheFolder = (): string | null => {
  const home = process.env["HOME"] ?? process.env["USERPROFILE"];
  const caches = process.env["XDG_CACHE_HOME"] ?? (home === undefined ? undefined : path.join(home, ".cache"));
  return caches !== undefined && path.isAbsolute(caches) ? path.join(caches, "imi") : null;
};
