import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Repository } from "../../protocol/repositories.ts";
import { Git } from "../../server/src/git/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/index.ts";
import { measureStale } from "../../server/src/worktrees/keep-measured.ts";
import { measureFolders } from "../../server/src/worktrees/measure.ts";
import { ageFolder, ageMeasurements, registryOf } from "../support/ageing.ts";
import { scratch } from "../support/git.ts";
import { mountSmall } from "../support/odd-scenes.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const du = (path: string): number =>
  Number(execFileSync("du", ["-x", "-s", "-B1", "--", path], { encoding: "utf8" }).split("\t")[0]);

describe("measuring a folder", () => {
  it("counts blocks as du does: hard links once, holes not, links not followed, any name", async () => {
    await using folder = scratch();
    const at = (...parts: string[]): string => join(folder.root, ...parts);
    mkdirSync(at("deep/down"), { recursive: true });
    writeFileSync(at("deep/down/large"), Buffer.alloc(300_000, 1));
    linkSync(at("deep/down/large"), at("again"));
    writeFileSync(at("hole"), "");
    truncateSync(at("hole"), 1e9);
    symlinkSync("/usr", at("link"));
    writeFileSync(
      Buffer.concat([Buffer.from(`${folder.root}/deep/`), Buffer.from([0xff, 0xfe])]),
      Buffer.alloc(10_000, 1),
    );
    mkdirSync(Buffer.concat([Buffer.from(`${folder.root}/`), Buffer.from([0xe9])]));
    writeFileSync(Buffer.concat([Buffer.from(`${folder.root}/`), Buffer.from([0xe9]), Buffer.from("/in")]), "x");
    assert.deepEqual({ ...(await measureFolders([folder.root])) }, { bytes: du(folder.root), files: 5 });
    assert.deepEqual({ ...(await measureFolders([at("deep"), at("again")])) }, { bytes: du(at("deep")), files: 2 });
    assert.deepEqual({ ...(await measureFolders([at("nothing")])) }, { bytes: 0, files: 0 });
    const without = await measureFolders([folder.root], { without: new Set([at("deep")]) });
    assert.equal(without.files, 4);
  });

  it("stays on its file system", async (context) => {
    await using folder = scratch();
    const other = join(folder.root, "other");
    mkdirSync(other);
    const mounted = mountSmall(other, 1_000);
    if (mounted === null) return context.skip("nothing may be mounted here");
    try {
      writeFileSync(join(other, "file"), "x".repeat(100_000));
      assert.equal((await measureFolders([folder.root])).files, 0);
    } finally {
      mounted.unmount();
    }
  });

  it("lets others run meanwhile, and ends when it is told to", async () => {
    await using folder = scratch();
    for (let at = 0; at < 20_000; at++) {
      if (at % 100 === 0) mkdirSync(join(folder.root, `d${at}`));
      writeFileSync(join(folder.root, `d${at - (at % 100)}`, `f${at}`), "");
    }
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    assert.equal((await measureFolders([folder.root], { pace: "background" })).files, 20_000);
    clearInterval(ticking);
    assert.ok(ticks > 5, `${ticks} turns`);
    await assert.rejects(measureFolders([folder.root], { pace: "background", signal: AbortSignal.timeout(5) }));
  });
});

describe("disk use of worktrees", () => {
  let scene: Scene;
  before(async () => {
    scene = makeScene();
    await using imi = await Caller.in(scene);
    for (const name of ["a", "b"]) await imi.call("worktree.create", { type: "feat", name });
    writeFileSync(join(scene.container, "feat-a/large"), Buffer.alloc(1_000_000, 1));
    const inner = join(scene.trunk, "inner");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "inner", inner);
    writeFileSync(join(inner, "larger"), Buffer.alloc(3_000_000, 1));
  });
  after(() => scene.remove());

  it("is measured when it is asked for, without the repository and without worktrees inside", async () => {
    await using imi = await Caller.in(scene);
    const { worktrees, trash } = await imi.call("worktree.disk-use", {});
    const of = (name: string): number => worktrees.find((each) => each.name === name)?.use?.bytes ?? -1;
    assert.equal(trash, 0);
    assert.deepEqual(worktrees.map(({ name }) => name).toSorted(), ["feat-a", "feat-b", "inner", "trunk-main"]);
    const path = join(scene.container, "feat-a");
    assert.equal(of("feat-a"), du(path) + du(join(scene.trunk, ".git/worktrees/feat-a")));
    assert.ok(of("inner") > 3_000_000);
    assert.ok(of("trunk-main") > 0 && of("trunk-main") < 200_000, String(of("trunk-main")));
  });

  it("is remembered for a while, and measured anew when that is asked for", async () => {
    await using imi = await Caller.in(scene);
    const ask = async (fresh: boolean): Promise<number> => {
      const { worktrees } = await imi.call("worktree.disk-use", { names: ["b"], fresh });
      assert.deepEqual(
        worktrees.map(({ name }) => name),
        ["feat-b"],
      );
      return worktrees[0]?.use?.bytes ?? -1;
    };
    const before = await ask(false);
    writeFileSync(join(scene.container, "feat-b/new"), Buffer.alloc(500_000, 1));
    assert.equal(await ask(false), before);
    assert.ok((await ask(true)) > before + 400_000);
    rmSync(join(scene.container, "feat-b"), { recursive: true });
    const { worktrees } = await imi.call("worktree.disk-use", { names: ["feat-b"], fresh: true });
    assert.equal(worktrees[0]?.use, null);
  });
});

describe("in the background", () => {
  it("what was never measured, and what changed since some minutes, is measured; the rest is left alone", async () => {
    const scene = makeScene();
    try {
      await using imi = await Caller.in(scene);
      for (const name of ["a", "b"]) await imi.call("worktree.create", { type: "feat", name });
      const { repository } = await imi.call("repository.open", {});
      const store = await openStore({ path: registryOf(scene), role: "cli" });
      const ids = new Map((await store.worktrees.of(repository.id)).map(({ name, id }) => [name, id]));
      const times = async (): Promise<Map<string, string>> =>
        new Map([...(await store.diskUse.of(repository.id))].map(([id, use]) => [id, use.measuredAt]));
      await measure(store, repository);
      assert.equal((await times()).size, 3);
      const first = await times();
      await measure(store, repository);
      assert.deepEqual(await times(), first);

      const hour = 60 * 60 * 1000;
      ageMeasurements(scene, hour);
      for (const name of ["feat-a", "feat-b"]) ageFolder(scene, name, 2 * hour);
      mkdirSync(join(scene.container, "feat-a/target"));
      const aged = await times();
      await measure(store, repository);
      const again = await times();
      const isNew = (name: string): boolean => again.get(ids.get(name) ?? "") !== aged.get(ids.get(name) ?? "");
      assert.deepEqual([isNew("feat-a"), isNew("feat-b")], [true, false]);
      store.close();
    } finally {
      scene.remove();
    }
  });
});

const measure = (store: Store, repository: Repository): Promise<void> => {
  const call = { signal: new AbortController().signal, progress: () => undefined };
  const settings = (): never => {
    throw new Error("no setting matters here");
  };
  return measureStale(
    {
      ...{ store, git: new Git(), settings, log: () => undefined, includeGlobs: () => null, restricted: () => false },
      claims: settings,
    },
    repository,
    call,
  );
};
