import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { lookThrough } from "../../server/src/worktrees/nested/look-through.ts";
import type { Met } from "../../server/src/worktrees/nested/look-through.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("emptying the trash", () => {
  let scene: Scene;
  let imi: Caller;
  let path: string;
  beforeEach(async () => {
    scene = makeScene();
    writeFileSync(join(scene.trunk, ".git/info/exclude"), "build/\n");
    imi = await Caller.in(scene);
    path = (await imi.call("worktree.create", { type: "feat", name: "x" })).worktree.path;
    mkdirSync(join(path, "build"));
  });
  afterEach(async () => {
    await imi[Symbol.asyncDispose]();
    scene.remove();
  });

  const commitIn = (folder: string): string => {
    scene.git(scene.root, "init", "-q", folder);
    scene.git(folder, "commit", "-q", "--allow-empty", "-m", "nowhere else");
    return scene.git(folder, "rev-parse", "HEAD").trim();
  };
  const isThere = (commit: string): boolean => scene.git(scene.trunk, "rev-list", "--all").split("\n").includes(commit);

  it("keeps the commits of a repository that came into an ignored folder when nobody looked", async () => {
    const { trash } = await imi.call("worktree.remove", { name: "feat-x" });
    const commit = commitIn(join(trash?.place ?? "", "tree/build/a/b/c/tool"));
    const { emptied, kept } = await imi.call("trash.empty", { yes: true });
    assert.deepEqual([emptied.length, kept.length], [1, 0]);
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.ok(isThere(commit));
  });

  it("keeps the commits of a repository whose name is no text", { skip: process.platform !== "linux" }, async () => {
    const commit = commitIn(join(scene.root, "tool"));
    const place = Buffer.concat([Buffer.from(join(path, "build/")), Buffer.from([0x62, 0xff])]);
    renameSync(join(scene.root, "tool"), place);
    await imi.call("worktree.remove", { name: "feat-x", yes: true });
    await imi.call("trash.empty", { yes: true });
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.ok(isThere(commit));
  });

  it("keeps the commits of an untracked bare repository whose objects git ignores", async () => {
    writeFileSync(join(scene.trunk, ".git/info/exclude"), "objects/\n");
    const commit = commitIn(join(scene.root, "origin"));
    scene.git(scene.root, "clone", "-q", "--bare", join(scene.root, "origin"), join(path, "cache.git"));
    assert.match(JSON.stringify(await imi.call("worktree.remove", { name: "feat-x", dryRun: true })), /cache\.git/u);
    await imi.call("worktree.remove", { name: "feat-x", yes: true });
    await imi.call("trash.empty", { yes: true });
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.ok(isThere(commit));
  });

  it(
    "keeps what is in an ignored folder that cannot be read, and says which",
    { skip: process.platform === "win32" },
    async () => {
      // Longer than a path may be: not even root reads that.
      const deep = `${"n".repeat(200)}/`.repeat(15);
      const [one, other] = [join(path, "build", deep), join(scene.root, "other")];
      mkdirSync(one, { recursive: true });
      mkdirSync(join(other, deep), { recursive: true });
      const commit = commitIn(join(other, deep, "tool"));
      renameSync(other, join(one, "other"));
      await assert.rejects(imi.call("worktree.remove", { name: "feat-x" }), {
        code: "worktree/dirty",
        message: /cannot|could not/,
      });
      const { trash } = await imi.call("worktree.remove", { name: "feat-x", yes: true });
      const { emptied, kept } = await imi.call("trash.empty", { yes: true });
      assert.deepEqual(emptied, []);
      assert.match(kept[0]?.reason ?? "", /ignored folder .* cannot be read \(ENAMETOOLONG\)/);
      assert.ok(existsSync(trash?.place ?? ""));
      assert.ok(!isThere(commit));
      renameSync(join(trash?.place ?? "", "tree/build", deep, "other"), other);
      assert.equal(scene.git(join(other, deep, "tool"), "rev-parse", "HEAD").trim(), commit, "nothing of it is gone");
    },
  );
});

describe("looking through folders for repositories", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "imi look "));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const met = async (...args: Parameters<typeof lookThrough> extends [string, ...infer Rest] ? Rest : never) => {
    const all: Met[] = [];
    for await (const each of lookThrough(root, ...args)) all.push(each);
    return all.map((each) => ("path" in each ? `${each.kind} ${each.path}` : each.kind)).toSorted();
  };
  const folder = (...names: (string | Buffer)[]): void => {
    const parts = [Buffer.from(root), ...names.map((name) => Buffer.concat([Buffer.from("/"), Buffer.from(name)]))];
    mkdirSync(Buffer.concat(parts), { recursive: true });
  };

  it("finds those with and without a working tree, and enters neither", async () => {
    folder("a/tool/.git/objects");
    folder("a/tool/inner/.git");
    for (const name of ["HEAD", "objects/repository/.git", "refs", "main/.git"]) folder("b/mirror.git", name);
    folder("elsewhere/.git");
    assert.deepEqual(await met(["a", "b"]), ["bare b/mirror.git", "checkout a/tool", "checkout b/mirror.git/main"]);
    const isRepository = (path: string): boolean => path !== "a/tool";
    assert.deepEqual(await met(["a"], { isRepository }), ["checkout a/tool/inner"]);
  });

  it("takes names that are no text", { skip: process.platform !== "linux" }, async () => {
    folder(Buffer.from([0x61, 0xff]), Buffer.from([0xc3, 0xa4, 0xfe]), ".git");
    folder("\u{e4}", "tool", ".git");
    assert.deepEqual(await met([""]), ["checkout a\u{ff}/\u{c3}\u{a4}\u{fe}", "checkout \u{c3}\u{a4}/tool"]);
  });

  it("stops when it is told to, and says when it was cut off", async () => {
    folder("a/b");
    await assert.rejects(met(["a"], { signal: AbortSignal.abort() }), { code: "operation/cancelled" });
    assert.deepEqual(await met(["a"], { patienceMs: 0 }), ["cut off"]);
    assert.deepEqual(await met(["a", "gone"]), []);
  });
});
