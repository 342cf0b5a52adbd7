import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { Caller, makeScene } from "../support/workspace.ts";

describe("a removed worktree whose folder somebody deleted from the trash", () => {
  for (const [what, edit, kept] of [
    ["with work in it", "mine\n", "mine\n"],
    ["that was clean", null, "0\n"],
  ] as const) {
    it(`${what} comes back from its refs by the command that the refusal names`, async () => {
      const scene = makeScene();
      try {
        await using imi = await Caller.in(scene);
        const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
        if (edit !== null) writeFileSync(join(worktree.path, "file-0.txt"), edit);
        const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
        rmSync(join(trash?.place ?? assert.fail("it was not removed"), "tree"), { recursive: true });
        await assert.rejects(imi.call("worktree.restore", { name: "feat-x" }), (error: unknown) => {
          assert.ok(ImiError.is(error, "trash/damaged"), String(error));
          const command = error.hint?.split(": ")[1] ?? assert.fail("it names no command");
          execFileSync("sh", ["-c", command], { cwd: scene.trunk, env: scene.env, stdio: "ignore" });
          return true;
        });
        assert.ok(existsSync(worktree.path));
        assert.equal(readFileSync(join(worktree.path, "file-0.txt"), "utf8"), kept);
      } finally {
        scene.remove();
      }
    });
  }
});
