import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { privateEnvironment } from "../../scripts/testing/private-environment.ts";

/** A folder and a home of one bench's own: neither what the user has nor what another bench left is in it. */
export interface Place {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** The same home with a registry of its own, for sides that must not see each other's. */
  envWithRegistry(name: string): NodeJS.ProcessEnv;
  remove(): void;
}

export function makePlace(dir: string): Place {
  const folder = mkdtempSync(path.join(dir, "imi-bench-"));
  const home = privateEnvironment();
  const envWithRegistry = (name: string): NodeJS.ProcessEnv => {
    const data = path.join(folder, `data-${name}`);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    return { ...home.env, IMI_DB_PATH: path.join(data, "worktrees.db") };
  };
  return {
    folder,
    env: home.env,
    envWithRegistry,
    remove: () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      home.dispose();
    },
  };
}
