import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { hostileNames } from "../support/hostile-names.ts";
import { ask } from "../support/imi.ts";
import { snapshot } from "../support/odd-scenes.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const all = Object.values(hostileNames).flat();

/** One or two of each kind, as far as a command line can carry them: no NUL, no half characters, not 64 KiB. */
const typed = Object.values(hostileNames).flatMap((names) =>
  names.filter((name) => !name.includes("\0") && name.isWellFormed() && name.length < 1_000).slice(0, 2),
);

describe("a hostile name", () => {
  let scene: Scene;
  let untouched: string[];
  /** The registry's own files change; nothing else may. */
  const now = (): string[] => snapshot(scene.root, [join(scene.root, "home")]);
  before(async () => {
    scene = makeScene();
    await ask({ cwd: scene.trunk, env: scene.env }, "list", "--no-status");
    untouched = now();
  });
  after(() => scene.remove());

  it(`is refused by the room before anything is touched, as name and as branch (${all.length} names)`, async () => {
    await using imi = await Caller.in(scene);
    for (const name of all) {
      await assert.rejects(imi.call("worktree.create", { type: "feat", name }), (error: unknown) => {
        assert.ok(ImiError.is(error, "name/invalid"), `${JSON.stringify(name.slice(0, 80))}: ${String(error)}`);
        return true;
      });
    }
    for (const branch of [
      "-D",
      "--force",
      "a..b",
      "x.lock",
      "@{-1}",
      "a\nb",
      "refs/heads/x",
      "HEAD",
      "a b",
      "../x",
      "$(id)",
    ]) {
      await assert.rejects(imi.call("worktree.create", { type: "feat", name: "x", branch }), (error: unknown) =>
        ImiError.is(error, "branch/invalid"),
      );
    }
    for (const base of ["--upload-pack=id", "-", "@{-1}x\n", "a\0b"]) {
      await assert.rejects(imi.call("worktree.create", { type: "feat", name: "x", base }), (error: unknown) =>
        ImiError.is(error, "base/unknown", "usage/invalid"),
      );
    }
    assert.deepEqual(now(), untouched);
  });

  it(`is refused by the command line too, without a trace of it on disk (${typed.length} names)`, async () => {
    const place = { cwd: scene.trunk, env: scene.env };
    for (let at = 0; at < typed.length; at += 4) {
      const answers = await Promise.all(
        typed.slice(at, at + 4).map(async (name) => ({ name, ...(await ask(place, "feat", "--", name)) })),
      );
      for (const { name, error } of answers) {
        assert.ok(
          error?.code === "name/invalid" || error?.code === "usage/invalid",
          `${JSON.stringify(name)}: ${JSON.stringify(error)}`,
        );
      }
    }
    // Without the --, an option is an option: of imi, and never of git.
    for (const name of ["--upload-pack=touch /tmp/imi-pwned", "-D", "--exec=id"]) {
      assert.equal((await ask(place, "feat", name)).error?.code, "usage/invalid");
    }
    assert.deepEqual(now(), untouched);
  });
});
