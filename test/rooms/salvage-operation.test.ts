import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
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

  it("lists what was salvaged, newest first", async () => {
    await using imi = await Caller.in(scene);
    const { salvages } = await imi.call("salvage.list", {});
    assert.ok(salvages.length >= 5);
    assert.deepEqual(
      salvages.map(({ at }) => at),
      salvages
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    assert.deepEqual(new Set(salvages.map(({ worktree }) => worktree)), new Set(["feat-quartz", "trunk-main"]));
    assert.equal(salvages[0]?.trashed, false);
  });
});
