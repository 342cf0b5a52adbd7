import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import type { FaultPoint } from "../../server/src/faults.ts";
import { assertTrash, listed } from "./agreement.ts";
import { startImi, told } from "./imi.ts";
import type { Place } from "./imi.ts";
import { lostObjects } from "./precious-objects.ts";
import type { Precious } from "./precious-objects.ts";
import type { Ground } from "./removal-corpus.ts";
import { Server } from "./server.ts";
import { snapshotWorktree } from "./worktree-snapshot.ts";
import type { WorktreeSnapshot } from "./worktree-snapshot.ts";

/** One call as both faces have it. */
export interface Deed {
  readonly args: readonly string[];
  readonly ask: (server: Server, repository: string) => Promise<unknown>;
}

const deed = <Name extends OperationName>(operation: Name, params: ParamsOf<Name>, ...args: string[]): Deed => ({
  args,
  ask: (server, repository) => server.call(operation, { ...params, repository }),
});

export const deeds = {
  create: (name: string) => deed("worktree.create", { type: "feat", name }, "feat", name),
  remove: (name: string) => deed("worktree.remove", { name, yes: true }, "remove", name, "--yes"),
  restore: (name: string) => deed("worktree.restore", { name }, "restore", name),
  salvage: (name: string) => deed("worktree.salvage", { name }, "salvage", name),
  empty: (name: string) => deed("trash.empty", { name, yes: true }, "trash", "empty", name, "--yes"),
} as const;

export type Face = "cli" | "server";
export const faces: readonly Face[] = ["cli", "server"];

/** When to die: so many milliseconds after the call, or at a point of the product's own. */
export type Moment = { readonly after: number } | { readonly at: FaultPoint | `${FaultPoint}:${number}` };

/** Does it in a process of its own that is killed at that moment as by kill -9; what that process started lives on. */
export const killedDoing = async (
  place: Place,
  face: Face,
  { args, ask }: Deed,
  moment: Moment,
): Promise<"killed" | "ended"> => {
  const env = "at" in moment ? { ...place.env, IMI_TEST_FAULT: moment.at } : place.env;
  if (face === "cli") {
    const { child, ended } = startImi({ ...place, env }, ...args, "--json");
    if ("after" in moment) {
      await Promise.race([delay(moment.after, undefined, { ref: false }), ended]);
      child.kill("SIGKILL");
    }
    return (await ended).signal === "SIGKILL" ? "killed" : "ended";
  }
  const server = await Server.start(env, place.cwd);
  const exit = once(server.process, "exit");
  const answered = ask(server, place.cwd).then(
    () => "ended" as const,
    () => "ended" as const,
  );
  const died = exit.then(() => "killed" as const);
  const first = await Promise.race([
    ...[answered, died],
    ...("after" in moment ? [delay(moment.after, "killed" as const, { ref: false })] : []),
  ]);
  // A connection that broke is told before the exit is.
  const outcome = first === "ended" && server.process.connected ? "ended" : "killed";
  server.process.kill("SIGKILL");
  await exit;
  return outcome;
};

/** What a worktree held before anybody was killed. */
export interface Held {
  readonly ground: Ground;
  readonly snapshot: WorktreeSnapshot;
  readonly precious: readonly Precious[];
}

export type Whereabouts = "in place" | "in the trash" | "emptied";

/**
 * After the next look it is in its place or in the trash, whole, and what the trash held comes back the same. Only where
 * it was to be emptied may it be gone, and then all that git does not ignore is in refs.
 */
export const assertUnharmed = async (
  { ground, snapshot, precious }: Held,
  may: "stay" | "go",
): Promise<Whereabouts> => {
  const { scene, place, name, path } = ground;
  const row = (await listed(scene)).find((each) => each.name === name);
  const entries = (await assertTrash(scene)).filter((entry) => entry.name === name);
  assert.ok(entries.length <= 1 && !(row !== undefined && entries.length > 0), "it is there twice");
  if (row !== undefined) {
    assert.equal(row.state, "ready");
    assert.deepEqual(snapshotWorktree({ path, env: scene.env }), snapshot, "in place, but not as it was");
    return "in place";
  }
  assert.ok(!existsSync(path), "its folder is in its place, and nobody knows it");
  if (entries.length === 0) {
    assert.equal(may, "go", "it is neither in its place nor in the trash");
    assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
    return "emptied";
  }
  const { notes } = await told<ResultOf<"worktree.restore">>(place, "restore", name);
  assert.deepEqual(notes, []);
  assert.deepEqual(snapshotWorktree({ path, env: scene.env }), snapshot, "restored, but not as it was");
  return "in the trash";
};
