import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { told } from "../support/imi.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("imi salvage", () => {
  let scene: Scene;
  let path: string;
  before(async () => {
    scene = makeScene();
    await using imi = await Caller.in(scene);
    path = (await imi.call("worktree.create", { type: "feat", name: "quartz" })).worktree.path;
    writeFileSync(join(path, "note.txt"), "note\n");
  });
  after(() => scene.remove());

  const treeOf = (folder: string, ref: string): string => scene.git(folder, "ls-tree", "-r", ref);

  it("takes the worktree one is in, and tells the log", async () => {
    mkdirSync(join(path, "src/deep"), { recursive: true });
    await using imi = await Caller.in(scene, join(path, "src/deep"));
    const { salvage, pushed, bundle } = await imi.call("worktree.salvage", {});
    assert.equal(salvage.worktree, "feat-quartz");
    assert.deepEqual([pushed, bundle], [null, null]);
    assert.deepEqual(salvage.refs.map(({ ref }) => ref).toSorted(), ["HEAD", "index", "state", "worktree"]);
    const { events } = await imi.call("event.list", {});
    const told = events.findLast(({ name }) => name === "worktree.salvaged");
    const data = { name: "feat-quartz", prefix: salvage.prefix, refs: 4, pushed: null, bundle: null };
    assert.deepEqual(told?.data, data);
  });

  it("takes the main checkout too", async () => {
    await using imi = await Caller.in(scene);
    const { salvage } = await imi.call("worktree.salvage", {});
    assert.equal(salvage.worktree, "trunk-main");
    assert.equal(scene.git(scene.trunk, "status", "--porcelain"), "");
  });

  it("names the worktrees where it is called in none", async () => {
    await using imi = await Caller.in(scene, scene.container);
    await assert.rejects(imi.call("worktree.salvage", {}), { code: "worktree/not-found", hint: /feat-quartz/ });
    await assert.rejects(imi.call("worktree.salvage", { name: "nothing" }), { code: "worktree/not-found" });
  });

  it("pushes all refs or none, and asks the remote what it has", async () => {
    await using imi = await Caller.in(scene);
    const { salvage, pushed } = await imi.call("worktree.salvage", { name: "feat-quartz", push: "origin" });
    assert.equal(pushed, "origin");
    for (const { ref, commit } of salvage.refs)
      assert.equal(scene.git(scene.remote, "rev-parse", `${salvage.prefix}/${ref}`).trim(), commit);
    for (const push of ["--upload-pack=x", "ext::sh -c id", ""])
      await assert.rejects(imi.call("worktree.salvage", { name: "feat-quartz", push }), { code: "usage/invalid" });
    const push = join(scene.root, "no-such.git");
    await assert.rejects(imi.call("worktree.salvage", { name: "feat-quartz", push }), { code: "remote/unreachable" });
  });

  it("writes a bundle from which everything comes back, never over another file", async () => {
    await using imi = await Caller.in(scene, path);
    const { salvage, bundle } = await imi.call("worktree.salvage", { bundle: "../kept.bundle" });
    const file = join(scene.container, "kept.bundle");
    assert.equal(bundle, file);
    const fresh = join(scene.root, "fresh.git");
    scene.git(scene.root, "init", "-q", "--bare", fresh);
    scene.git(fresh, "fetch", "-q", file, "refs/salvage/*:refs/salvage/*");
    assert.equal(treeOf(fresh, `${salvage.prefix}/worktree`), treeOf(scene.trunk, `${salvage.prefix}/worktree`));

    const bytes = readFileSync(file);
    await assert.rejects(imi.call("worktree.salvage", { bundle: "../kept.bundle" }), { code: "path/taken" });
    assert.deepEqual(readFileSync(file), bytes);
    await assert.rejects(imi.call("worktree.salvage", { bundle: "../nowhere/x.bundle" }), { code: "usage/invalid" });
    assert.deepEqual(
      readdirSync(scene.container).filter((name) => name.endsWith(".draft")),
      [],
    );
  });

  it("hands on the last salvage while that has all there is", async () => {
    await using imi = await Caller.in(scene, path);
    const { salvage } = await imi.call("worktree.salvage", {});
    const pushed = await imi.call("worktree.salvage", { push: "origin" });
    assert.deepEqual(pushed.salvage, salvage);
    const bundled = await imi.call("worktree.salvage", { bundle: "../again.bundle" });
    assert.deepEqual(bundled.salvage, salvage);

    writeFileSync(join(path, "note.txt"), "another note\n");
    const changed = await imi.call("worktree.salvage", { push: "origin" });
    assert.notEqual(changed.salvage.prefix, salvage.prefix);
    const amended = scene.git(path, "commit-tree", "-m", "amended away", "HEAD^{tree}").trim();
    scene.git(path, "update-ref", "HEAD", amended);
    scene.git(path, "update-ref", "HEAD", "HEAD@{1}");
    const dropped = await imi.call("worktree.salvage", { push: "origin" });
    assert.ok(dropped.salvage.refs.some(({ commit }) => commit === amended));
    const last = dropped.salvage.refs[0]?.ref ?? "";
    scene.git(path, "update-ref", "-d", `${dropped.salvage.prefix}/${last}`);
    const whole = await imi.call("worktree.salvage", { push: "origin" });
    assert.notEqual(whole.salvage.prefix, dropped.salvage.prefix, "a ref of that was deleted");
  });

  it("does not hand on refs that go with a restore", async () => {
    await using imi = await Caller.in(scene);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "twice" });
    writeFileSync(join(worktree.path, "note.txt"), "note\n");
    const { trash } = await imi.call("worktree.remove", { name: "feat-twice", yes: true });
    const again = await imi.call("worktree.create", { type: "feat", name: "twice" });
    writeFileSync(join(again.worktree.path, "note.txt"), "note\n");
    const { salvage } = await imi.call("worktree.salvage", { name: "feat-twice", push: "origin" });
    assert.notEqual(salvage.prefix, trash?.salvaged);
  });

  it("takes a bundle's name from where one is, whichever repository is asked", async () => {
    const place = { cwd: scene.root, env: scene.env };
    type Salvaged = ResultOf<"worktree.salvage">;
    const { bundle } = await told<Salvaged>(place, "salvage", "feat-quartz", "--repo", path, "--bundle", "here.bundle");
    assert.equal(bundle, join(scene.root, "here.bundle"));
    assert.ok(existsSync(bundle));
  });

  it("lists what was salvaged, newest first", async () => {
    await using imi = await Caller.in(scene);
    const { salvages } = await imi.call("salvage.list", {});
    assert.ok(salvages.length >= 4);
    assert.deepEqual(
      salvages.map(({ at }) => at),
      salvages
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    assert.deepEqual(
      new Set(salvages.map(({ worktree }) => worktree)),
      new Set(["feat-quartz", "feat-twice", "trunk-main"]),
    );
    assert.equal(salvages[0]?.trashed, false);
  });
});
