import { lutimesSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Scene } from "./workspace.ts";

export const registryOf = (scene: Scene): string => join(scene.root, "home/.local/share/imi/worktrees.db");

/** As if nothing had happened in a worktree for so long: at its top, in git's record of it. */
export const ageFolder = (scene: Scene, name: string, ms: number): void => {
  const then = (Date.now() - ms) / 1000;
  const record = join(scene.trunk, ".git/worktrees", name);
  for (const folder of [record, join(record, "logs"), join(scene.container, name)]) {
    for (const entry of readdirSync(folder)) lutimesSync(join(folder, entry), then, then);
    utimesSync(folder, then, then);
  }
};

/** As if the registry had been told of it so long ago, and of nothing since. */
export const ageRow = (scene: Scene, name: string, ms: number): void => {
  const then = Date.now() - ms;
  change(scene, "UPDATE worktrees SET created_at = ?, last_accessed = ? WHERE name = ?", then, then, name);
};

/** As if all that is measured had been measured so long ago. */
export const ageMeasurements = (scene: Scene, ms: number): void =>
  change(scene, "UPDATE disk_use SET measured_at = measured_at - ?", ms);

const change = (scene: Scene, sql: string, ...values: (number | string)[]): void => {
  const database = new DatabaseSync(registryOf(scene));
  database.prepare(sql).run(...values);
  database.close();
};
