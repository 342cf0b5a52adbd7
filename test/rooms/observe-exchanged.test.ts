import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { WorktreeRow } from "../../server/src/store/index.ts";
import { Observed, until } from "../support/observe.ts";

const skip = process.platform !== "linux";

/** As a reconcile leaves the registry that finds another checkout in a worktree's folder. */
const found = async (scene: Observed, { id, path }: WorktreeRow, gitId: string): Promise<void> => {
  const { dev, ino } = statSync(path);
  await scene.store.worktrees.update(id, { identity: { gitId, device: String(dev), inode: String(ino) } });
};

test("two worktrees that change places are both told of, though nothing more happens in either", { skip }, async () => {
  await using scene = await Observed.of();
  const [one, two] = [await scene.worktree("one"), await scene.worktree("two")];
  await scene.start();
  const aside = join(scene.repository.root, "aside");
  for (const [from, to] of [[one.path, aside] as const, [two.path, one.path] as const, [aside, two.path] as const])
    await scene.repository.run(["worktree", "move", from, to]);
  await found(scene, one, "two");
  await found(scene, two, "one");
  await until("both are told of", async () => (await scene.words()).length === 2);
  assert.deepEqual(await scene.words("one"), ["switch feat/one to feat/two"]);
  assert.deepEqual(await scene.words("two"), ["switch feat/two to feat/one"]);
  await scene.agrees();
});
