import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Scene } from "./workspace.ts";

/** A hook of the user's that takes until we say so; the checkout it follows holds the repository's lease. */
export const slowHook = (scene: Scene): { readonly started: string; readonly go: string } => {
  const [started, go] = [join(scene.root, "started"), join(scene.root, "go")];
  const hook = join(scene.trunk, ".git/hooks/post-checkout");
  writeFileSync(hook, `#!/bin/sh\n: > '${started}'\nwhile [ ! -e '${go}' ]; do sleep 0.05; done\n`);
  chmodSync(hook, 0o755);
  return { started, go };
};

export const appears = async (path: string): Promise<void> => {
  for (let tries = 0; !existsSync(path); tries += 1) {
    if (tries > 1500) throw new Error(`${path} did not appear`);
    await delay(20);
  }
};
