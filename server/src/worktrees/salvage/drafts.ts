import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "../../process/index.ts";

/**
 * A folder of this process's own in the repository, for what is only needed while a salvage is made. Those of processes
 * that were killed are swept away by the next one.
 */
export const openDrafts = async (commonDir: string): Promise<AsyncDisposable & { readonly path: string }> => {
  const parent = join(commonDir, "imi-salvage");
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(parent)) {
    const pid = Number(/^(\d+)\./.exec(name)?.[1] ?? Number.NaN);
    if (pid === process.pid || (await isAlive(pid, null))) continue;
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
  const path = join(parent, `${process.pid}.${randomBytes(6).toString("hex")}`);
  mkdirSync(path, { mode: 0o700 });
  return {
    path,
    [Symbol.asyncDispose]: () =>
      rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 }).catch(() => undefined),
  };
};
