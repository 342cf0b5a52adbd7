import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Salvage } from "../../protocol/salvage.ts";
import { lostObjects, preciousObjects } from "../support/precious-objects.ts";
import { freshScene, groundAt, removalCorpus, skipped } from "../support/removal-corpus.ts";
import { filesIn, salvageable, treeOf, untouched } from "../support/salvage.ts";

/** Only these states, by a part of their names. */
const only = new RegExp(process.env["IMI_TEST_STATE"] ?? "");

/** Files git knows or would add whose bytes the salvaged working tree does not have; where it has none, HEAD's. */
const notKept = (path: string, env: NodeJS.ProcessEnv, kept: Salvage, commonDir: string): string[] => {
  const worktree = kept.refs.find(({ ref }) => ref === "worktree") ?? kept.refs.find(({ ref }) => ref === "HEAD");
  const tree = worktree === undefined ? new Map<string, { oid: string }>() : treeOf(commonDir, worktree.commit);
  const git = (...args: string[]): string => {
    const { stdout } = spawnSync("git", ["--no-optional-locks", ...args], { cwd: path, env, maxBuffer: 1 << 30 });
    return stdout.toString("latin1");
  };
  const known = new Set(git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"));
  // Where line ends or filters say so, git takes another blob for the same file: then it must be the index's.
  const indexed = new Set(git("ls-files", "-s").match(/\b[0-9a-f]{40}\b/g));
  const changed = new Set(git("diff-files", "--name-only", "-z").split("\0"));
  return [...filesIn(path)].flatMap(([name, { oid }]) => {
    const there = tree.get(name)?.oid;
    if (!known.has(name) || there === oid) return [];
    return there !== undefined && indexed.has(there) && !changed.has(name) ? [] : [`${name}: ${there ?? "not there"}`];
  });
};

describe("salvaging a worktree with", () => {
  for (const state of removalCorpus) {
    if (!only.test(state.name)) continue;
    const reason = skipped(state);
    it(state.name, reason === null ? {} : { skip: reason }, async () => {
      const scene = freshScene();
      try {
        const path = join(scene.container, "feat-quartz");
        scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/quartz", path);
        const ground = groundAt(scene, path, "feat-quartz", "feat/quartz");
        state.make(ground);
        const precious = preciousObjects(path, scene.env);
        const commonDir = join(scene.trunk, ".git");
        const { name, branch } = ground;
        const worktree = salvageable(
          { name, path, gitDir: ground.record, branch, base: "origin/main" },
          commonDir,
          scene.trunk,
        );
        const before = [...untouched(worktree.checkout.path), ...untouched(ground.record)];

        const kept = await worktree.salvage();

        assert.deepEqual([...untouched(worktree.checkout.path), ...untouched(ground.record)], before);
        assert.equal(await worktree.isSalvaged(kept), true, "salvaged, where it was");
        const again = await worktree.salvage();
        assert.deepEqual(again, kept, "a repetition finds the same");

        assert.deepEqual(notKept(path, scene.env, kept, commonDir), []);

        const retired = worktree.retire(join(scene.root, "trash"));
        assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
        execFileSync("git", ["fsck", "--connectivity-only", "--no-dangling"], {
          cwd: scene.trunk,
          env: scene.env,
          stdio: "pipe",
        });
        assert.equal(await retired.isSalvaged(kept), true, "salvaged, in the trash");
        await retired.drop(kept);
        assert.equal(await retired.isSalvaged(kept), false, "no more, when its refs are gone");
        await retired.drop(kept);
      } finally {
        scene.remove();
      }
    });
  }
});
