import { enableCompileCache } from "node:module";
import { cacheFolder } from "./cache-folder.ts";

/** Keeps what is loaded from now on compiled, in the user's own cache folder. */
export const useCompileCache = (): void => {
  const folder = cacheFolder();
  if (folder !== null) enableCompileCache(folder);
};
