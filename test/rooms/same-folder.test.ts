import assert from "node:assert/strict";
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

/** That it is refused by this code, in words that name all of these. */
const refused = async (asking: Promise<unknown>, code: ErrorCode, ...named: string[]): Promise<void> => {
  await assert.rejects(asking, (error: unknown) => {
    assert.ok(ImiError.is(error, code), String(error));
    for (const name of named)
      assert.ok(`${error.message} ${error.hint ?? ""}`.includes(name), `${name}: ${error.message}`);
    return true;
  });
};

describe("two pieces of work that would get the same folder", () => {
  let scene: Scene;
  let imi: Caller;
  beforeEach(async () => {
    scene = makeScene();
    imi = await Caller.in(scene);
  });
  afterEach(async () => {
    await imi.workspace.close();
    scene.remove();
  });
  const feat = (name: string, branch?: string) =>
    imi.call("worktree.create", { type: "feat", name, ...(branch === undefined ? {} : { branch }) });

  it("do not get each other's worktree, whichever was first", async () => {
    const { worktree } = await feat("a/b");
    await refused(feat("a-b"), "worktree/mismatch", "feat-a-b", "feat/a/b", "feat/a-b", "imi switch feat-a-b");
    assert.equal((await feat("a/b")).worktree.id, worktree.id);
    await feat("c-d");
    await refused(feat("c/d"), "worktree/mismatch", "feat/c-d", "feat/c/d");
    assert.throws(() => scene.git(scene.trunk, "rev-parse", "--verify", "-q", "refs/heads/feat/a-b"));
  });

  it("are told apart also where the folder of the first is gone", async () => {
    const { worktree } = await feat("a/b");
    rmSync(worktree.path, { recursive: true });
    await refused(feat("a-b"), "worktree/mismatch", "feat/a/b");
    assert.equal((await feat("a/b")).created, true);
  });

  it("are told apart by the branch that is checked out now, which git knows before anybody lists", async () => {
    const { worktree } = await feat("auth");
    scene.git(worktree.path, "switch", "-q", "-c", "something-else");
    await refused(feat("auth"), "worktree/mismatch", "something-else", "feat/auth", "imi switch feat-auth");
    scene.git(worktree.path, "switch", "-q", "feat/auth");
    assert.equal((await feat("auth")).created, false);
  });

  it("are one where the first was made on a branch of another name", async () => {
    const { worktree } = await feat("auth", "jane/auth");
    assert.equal((await feat("auth")).worktree.id, worktree.id);
    assert.equal((await feat("auth", "jane/auth")).worktree.id, worktree.id);
    await refused(feat("auth", "joe/auth"), "worktree/mismatch", "jane/auth", "joe/auth");
    scene.git(worktree.path, "switch", "-q", "-c", "elsewhere");
    await refused(feat("auth"), "worktree/mismatch", "elsewhere");
  });

  it("are one while the first is in the middle of a rebase, and its detached HEAD is told", async () => {
    const { worktree } = await feat("a/b");
    scene.git(worktree.path, "switch", "-q", "--detach");
    const again = await feat("a/b");
    assert.equal(again.worktree.id, worktree.id);
    assert.equal(again.worktree.branch, null);
    assert.deepEqual(
      again.notes.map(({ code }) => code),
      ["branch/detached"],
    );
    await refused(feat("a-b"), "worktree/mismatch", "detached HEAD");
  });

  it("are refused where only case tells them apart, and the disk does not", async () => {
    await feat("auth");
    assert.equal((await feat("AUTH")).created, true, "this disk tells them apart");
    linkSync(join(scene.trunk, ".git/HEAD"), join(scene.trunk, ".git/head")); // from here on it seems not to
    await refused(feat("Auth"), "path/taken", "feat-auth", "feat-Auth");
    await refused(feat("other", "FEAT/auth"), "branch/checked-out", "feat/auth", "FEAT/auth");
    assert.ok(!existsSync(join(scene.container, "feat-Auth")));
    assert.ok(!existsSync(join(scene.container, "feat-other")));
  });

  it("are told apart from reviews, which have names of their own", async () => {
    mkdirSync(join(scene.root, "home/.config/iMi"), { recursive: true });
    writeFileSync(
      join(scene.root, "home/.config/iMi/config.toml"),
      '[worktree_settings]\nfolder_template = "{name}"\n',
    );
    await using named = await Caller.in(scene);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD:refs/pull/7/head");
    await named.call("worktree.create", { type: "feat", name: "pr-7" });
    await refused(named.call("worktree.review", { number: 7 }), "worktree/mismatch", "feat/pr-7", "request 7");
    await named.call("worktree.create", { type: "feat", name: "x" });
    await refused(named.call("worktree.create", { type: "fix", name: "x" }), "worktree/mismatch", "feat/x", "fix/x");
  });
});
