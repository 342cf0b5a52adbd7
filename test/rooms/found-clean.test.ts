import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { openWorkspace } from "../../server/src/workspace.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

interface Watched extends AsyncDisposable {
  readonly scene: Scene;
  readonly imi: Caller;
  readonly path: string;
  /** What was logged since, git's calls among it. */
  readonly log: string[];
}

/** A worktree of which a server has just said that it is clean, and that it watches since. */
const foundClean = async (prepare?: (scene: Scene, path: string) => void): Promise<Watched> => {
  const scene = makeScene();
  writeFileSync(join(scene.trunk, ".git/info/exclude"), "build/\n");
  const log: string[] = [];
  const imi = new Caller(
    await openWorkspace({
      ...{ role: "server", cwd: scene.trunk, env: scene.env },
      log: (_, message) => void log.push(message),
    }),
  );
  const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
  prepare?.(scene, worktree.path);
  await imi.call("repository.open", {});
  // Until its status is answered from memory: what was checked out a moment ago proves nothing yet.
  for (let seen = -1; seen !== log.length && log.length < 1_000;) {
    await delay(100);
    seen = log.length;
    await imi.call("worktree.list", {});
  }
  const { work } = await imi.call("worktree.remove", { name: "feat-x", dryRun: true });
  assert.equal(work.answer, "clean");
  log.length = 0;
  return {
    ...{ scene, imi, path: worktree.path, log },
    [Symbol.asyncDispose]: async () => {
      await imi[Symbol.asyncDispose]();
      scene.remove();
    },
  };
};

const refused = (error: unknown): boolean => ImiError.is(error, "worktree/dirty");

describe("a worktree that was found clean", { skip: process.platform !== "linux" }, () => {
  it("is removed without asking git again while nothing happened", async () => {
    await using watched = await foundClean();
    await watched.imi.call("worktree.remove", { name: "feat-x" });
    assert.deepEqual(
      watched.log.filter((line) => line.includes(" status ")),
      [],
    );
  });

  it("with ignored folders is removed as quickly", async () => {
    await using watched = await foundClean((_, path) => mkdirSync(join(path, "build/deep/down"), { recursive: true }));
    await watched.imi.call("worktree.remove", { name: "feat-x" });
    assert.deepEqual(
      watched.log.filter((line) => line.includes(" status ")),
      [],
    );
  });

  it("is looked at again after a commit was made in a clone that git ignores", async () => {
    const tool = (path: string): string => join(path, "build/tool");
    await using watched = await foundClean((scene, path) => scene.git(path, "clone", "-q", scene.remote, tool(path)));
    watched.scene.git(tool(watched.path), "commit", "-q", "--allow-empty", "-m", "nowhere else");
    await assert.rejects(watched.imi.call("worktree.remove", { name: "feat-x" }), refused);
  });

  for (const [what, act] of [
    ["a bisect began", ({ scene, path }: Watched) => scene.git(path, "bisect", "start")],
    ["a repository was made in it", ({ scene, path }: Watched) => scene.git(path, "init", "-q", "tool")],
    [
      "one was made that git ignores",
      ({ scene, path }: Watched) => {
        scene.git(path, "init", "-q", "build/deep/tool");
        scene.git(join(path, "build/deep/tool"), "commit", "-q", "--allow-empty", "-m", "nowhere else");
      },
    ],
    [
      "a ref of its own got a commit that nothing else has",
      ({ scene, path }: Watched) => {
        const tree = scene.git(path, "write-tree").trim();
        const commit = scene.git(path, "commit-tree", "-m", "nowhere else", tree).trim();
        scene.git(path, "update-ref", "refs/worktree/mine", commit);
      },
    ],
  ] as const) {
    it(`is looked at again after ${what}`, async () => {
      await using watched = await foundClean();
      act(watched);
      await assert.rejects(watched.imi.call("worktree.remove", { name: "feat-x" }), refused);
    });
  }
});
