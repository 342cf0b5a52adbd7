import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { assertAgreement, assertTrash, listed } from "../support/agreement.ts";
import { ask, told } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { giveAway, isRoot, mountSmall, nobody } from "../support/odd-scenes.ts";
import { lostObjects, preciousObjects } from "../support/precious-objects.ts";
import { fastFolder, freshScene, groundAt, groundIn, text } from "../support/removal-corpus.ts";
import type { Ground } from "../support/removal-corpus.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

type Removed = ResultOf<"worktree.remove">;
type Restored = ResultOf<"worktree.restore">;

const needsRoot = isRoot ? false : "only root may mount, give away and make immutable";

/** What is undone after each test, the last first, whatever became of it. */
let cleaning: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleaning.toReversed()) clean();
  cleaning = [];
});

const sceneUnder = (under?: string): Scene => {
  const scene = freshScene(under);
  cleaning.push(() => scene.remove());
  return scene;
};

const work = ({ commit, write, git, at }: Ground): void => {
  commit("mine", { "src/a.txt": text({ 5: "mine" }), "mine.txt": "mine\n" });
  write("src/a.txt", text({ 3: "staged" }));
  git("add", "-A");
  write("src/a.txt", text({ 3: "changed since" }));
  write("note.txt", "untracked\n");
  write(".env", "SECRET=1\n");
  mkdirSync(at("empty"));
};

const snapshot = ({ scene, path }: Ground) => snapshotWorktree({ path, env: scene.env });

/** Refused with one of these codes, a sentence, and a hint of what to do; never as a fault of our own. */
const refused = async (codes: readonly ErrorCode[], place: Place, ...args: string[]): Promise<string> => {
  const { error } = await ask(place, ...args);
  assert.ok(error !== null, `imi ${args.join(" ")} was not refused`);
  const said = `${error.code}: ${error.message} (${error.hint ?? "no hint"})`;
  assert.ok(codes.includes(error.code), said);
  assert.ok(error.message.length > 0 && error.hint !== null && error.hint.length > 0, said);
  return said;
};

/** A folder for a small file system of its own, in memory. */
const small = (kilobytes: number): string | null => {
  const path = mkdtempSync(join(tmpdir(), "imi-small-"));
  const mounted = mountSmall(path, kilobytes);
  cleaning.push(() => rmSync(path, { recursive: true, force: true }));
  if (mounted === null) return null;
  cleaning.push(() => mounted.unmount());
  return path;
};

/** Takes all but so many kilobytes; answers how to give them back. */
const fillUp = (folder: string, leaving: number): (() => void) => {
  const facts = statfsSync(folder);
  const file = join(folder, "ballast");
  writeFileSync(file, Buffer.alloc(Math.max(0, facts.bavail * facts.bsize - leaving * 1024), 1));
  return () => rmSync(file);
};

const bytes = (count: number): Buffer => {
  const noise = Buffer.alloc(count);
  let state = 1;
  for (let at = 0; at < count; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    noise[at] = state >>> 16;
  }
  return noise;
};

/** A worktree that plain git made on the other of two file systems; null where there is but one. */
const away = (scene: Scene): Ground | null => {
  const other = mkdtempSync(join(tmpdir(), "imi-away-"));
  cleaning.push(() => rmSync(other, { recursive: true, force: true }));
  if (statSync(other).dev === statSync(scene.root).dev) return null;
  const path = join(other, "feat-quartz");
  scene.git(scene.trunk, "worktree", "add", "-q", "--no-track", "-b", "feat/quartz", path);
  return groundAt(scene, path, "feat-quartz", "feat/quartz");
};

describe("a full disk", { skip: needsRoot }, () => {
  it("with no room for what has to be salvaged: nothing is removed, and with room it goes on", async (test) => {
    const under = small(24 * 1024);
    if (under === null) return test.skip("no tmpfs may be mounted here");
    const scene = sceneUnder(under);
    const ground = await groundIn(scene);
    work(ground);
    ground.write("large.bin", bytes(6 << 20));
    const before = snapshot(ground);
    const free = fillUp(under, 1500);
    await refused(["disk/full", "store/full"], ground.place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
    free();
    await assertAgreement(scene);
    assert.deepEqual(await assertTrash(scene), []);
    await told(ground.place, "remove", ground.name, "--yes");
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("with no room at all, also for the registry: nothing is removed", async (test) => {
    const under = small(24 * 1024);
    if (under === null) return test.skip("no tmpfs may be mounted here");
    const scene = sceneUnder(under);
    const ground = await groundIn(scene);
    work(ground);
    const before = snapshot(ground);
    const free = fillUp(under, 0);
    await refused(["disk/full", "store/full"], ground.place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
    free();
    await assertAgreement(scene);
    await told(ground.place, "remove", ground.name, "--yes");
    const again = fillUp(under, 0);
    const restored = await ask<Restored>(ground.place, "restore", ground.name);
    if (restored.error !== null)
      assert.ok(["disk/full", "store/full"].includes(restored.error.code), restored.error.code);
    again();
    if (restored.error !== null) await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
    await assertAgreement(scene);
  });

  it("where the trash is, for a worktree that has to be copied: nothing is removed, and no half copy is left", async (test) => {
    const under = small(24 * 1024);
    if (under === null) return test.skip("no tmpfs may be mounted here");
    const scene = sceneUnder(under);
    const ground = away(scene);
    if (ground === null) return test.skip("there is no second file system here");
    work(ground);
    await told(ground.place, "list", "--no-status");
    // Ignored, so that only the copy has to find room for it.
    ground.write("ignored/large.bin", bytes(8 << 20));
    const before = snapshot(ground);
    const free = fillUp(under, 4 * 1024);
    await refused(["disk/full"], ground.place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
    assert.deepEqual(await assertTrash(scene), []);
    free();
    await told(ground.place, "remove", ground.name, "--yes");
    assert.ok(!existsSync(ground.path));
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("where it came from, for a restore that has to be copied: it stays in the trash, whole", async (test) => {
    const scene = sceneUnder();
    const under = small(24 * 1024);
    if (under === null) return test.skip("no tmpfs may be mounted here");
    const path = join(under, "feat-quartz");
    scene.git(scene.trunk, "worktree", "add", "-q", "--no-track", "-b", "feat/quartz", path);
    const ground = groundAt(scene, path, "feat-quartz", "feat/quartz");
    work(ground);
    ground.write("ignored/large.bin", bytes(8 << 20));
    await told(ground.place, "list", "--no-status");
    const before = snapshot(ground);
    await told(ground.place, "remove", ground.name, "--yes");
    const free = fillUp(under, 4 * 1024);
    await refused(["disk/full"], ground.place, "restore", ground.name);
    assert.deepEqual(readdirSync(under), ["ballast"], "a half copy was left");
    assert.equal((await assertTrash(scene)).length, 1);
    free();
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });
});

describe("what may not be written or read", { skip: needsRoot }, () => {
  /** A scene of somebody who may not do everything, and what he may not do. */
  const asNobody = async (): Promise<{ ground: Ground; place: Place; give: () => void }> => {
    const scene = sceneUnder();
    const ground = await groundIn(scene);
    work(ground);
    chmodSync(scene.root, 0o755);
    const give = (): void => giveAway(scene.root, nobody);
    give();
    // git refuses repositories of others: root, who looks at it in these tests, says that it may.
    writeFileSync(join(scene.root, "home/gitconfig"), "[safe]\n\tdirectory = *\n", { flag: "a" });
    return { ground, place: { ...ground.place, uid: nobody }, give };
  };

  it("a read-only folder around it: nothing is removed, and the folder is named", async () => {
    const { ground, place } = await asNobody();
    const before = snapshot(ground);
    chmodSync(ground.scene.container, 0o555);
    const said = await refused(["path/permission"], place, "remove", ground.name, "--yes");
    assert.ok(said.includes(ground.scene.container), said);
    assert.deepEqual(snapshot(ground), before);
    chmodSync(ground.scene.container, 0o755);
    await told(place, "remove", ground.name, "--yes");
    chmodSync(ground.scene.container, 0o555);
    await refused(["path/permission"], place, "restore", ground.name);
    chmodSync(ground.scene.container, 0o755);
    await told(place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("a trash that may not be written to: nothing is removed", async () => {
    const { ground, place } = await asNobody();
    const before = snapshot(ground);
    const trash = join(ground.scene.env["XDG_DATA_HOME"] ?? "", "imi/trash");
    mkdirSync(trash);
    chmodSync(trash, 0o555);
    mkdirSync(join(ground.trunk, ".git/imi-trash"));
    chmodSync(join(ground.trunk, ".git/imi-trash"), 0o555); // root's, and so not his
    await refused(["path/permission"], place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
    rmSync(join(ground.trunk, ".git/imi-trash"), { recursive: true });
    await told(place, "remove", ground.name, "--yes"); // another place is found in the git directory
    await told(place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("an untracked file that cannot be read: it is not removed without anybody knowing, and comes back", async () => {
    const { ground, place } = await asNobody();
    ground.write("secret.txt", "not readable\n");
    chmodSync(ground.at("secret.txt"), 0o000); // root's, as a container leaves them
    const before = snapshot(ground);
    const dry = await told<Removed>(place, "remove", ground.name, "--dry-run");
    assert.notEqual(dry.work.answer, "clean");
    const said = await refused(["salvage/failed", "path/permission"], place, "remove", ground.name, "--yes");
    assert.ok(said.includes("secret.txt"), said);
    assert.deepEqual(snapshot(ground), before);
    assert.equal(ground.scene.git(ground.trunk, "for-each-ref", "refs/salvage"), "", "half a salvage was left");
  });

  it("a folder that cannot be looked into: unknown is not clean", async () => {
    const { ground, place } = await asNobody();
    ground.write("closed/inner.txt", "not readable\n");
    chmodSync(ground.at("closed"), 0o000);
    const before = snapshot(ground);
    const dry = await told<Removed>(place, "remove", ground.name, "--dry-run");
    assert.notEqual(dry.work.answer, "clean");
    await refused(["salvage/failed", "path/permission"], place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
  });

  it("an ignored folder of root's, as containers leave them: it goes to the trash and comes back", async () => {
    const { ground, place } = await asNobody();
    ground.write("ignored/cache/x.bin", "root's\n");
    chmodSync(ground.at("ignored/cache"), 0o700);
    const before = snapshot(ground);
    await told(place, "remove", ground.name, "--yes");
    await told(place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
    await told(place, "remove", ground.name, "--yes");
    // He may not delete it either: that is said, and the rest of the trash is not in danger.
    const emptied = await ask<ResultOf<"trash.empty">>(place, "trash", "empty", "--yes");
    if (emptied.error === null) assert.ok((emptied.value.kept[0]?.reason ?? "").length > 0);
    else assert.equal(emptied.error.code, "path/permission", emptied.error.message);
    assert.equal((await ask(place, "trash", "list")).error, null);
    assert.equal((await ask(place, "list")).error, null);
  });

  it("a folder that is immutable: git's record is given back, and it is an ordinary worktree again", async (test) => {
    const scene = sceneUnder(tmpdir());
    const ground = await groundIn(scene);
    work(ground);
    const before = snapshot(ground);
    try {
      execFileSync("chattr", ["+i", ground.path], { stdio: "pipe" });
    } catch {
      return test.skip("this file system has no immutable files");
    }
    try {
      await refused(["path/permission"], ground.place, "remove", ground.name, "--yes");
      assert.deepEqual(snapshot(ground), before);
      await assertAgreement(scene);
      assert.deepEqual(await assertTrash(scene), []);
    } finally {
      execFileSync("chattr", ["-i", ground.path]);
    }
    await told(ground.place, "remove", ground.name, "--yes");
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("a mount inside: it is refused or goes and comes back, and emptying deletes nothing through it", async (test) => {
    const scene = sceneUnder();
    const ground = await groundIn(scene);
    ground.write("ignored/volume/.keep", "");
    const outside = join(scene.root, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "precious.txt"), "of another place\n");
    try {
      execFileSync("mount", ["--bind", outside, ground.at("ignored/volume")], { stdio: "pipe" });
    } catch {
      return test.skip("nothing may be mounted here");
    }
    let mountedAt = ground.at("ignored/volume");
    cleaning.push(() => execFileSync("umount", ["-l", mountedAt], { stdio: "pipe" }));
    const { error, value } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
    if (error !== null) {
      assert.ok(["path/permission", "path/unsafe", "salvage/failed"].includes(error.code), error.code);
      await assertAgreement(scene);
    } else {
      mountedAt = join(value.trash?.place ?? "", "tree/ignored/volume");
      await ask(ground.place, "trash", "empty", "--yes");
      assert.equal((await ask(ground.place, "trash", "list")).error, null);
    }
    assert.equal(readFileSync(join(outside, "precious.txt"), "utf8"), "of another place\n");
  });
});

describe("other file systems", () => {
  it("a worktree on another one than registry and repository is copied, and comes back the same", async (test) => {
    const scene = sceneUnder();
    const ground = away(scene);
    if (ground === null) return test.skip("there is no second file system here");
    work(ground);
    ground.stops("merge", "origin/other");
    await told(ground.place, "list", "--no-status");
    const before = snapshot(ground);
    const precious = preciousObjects(ground.path, scene.env);
    await told(ground.place, "remove", ground.name, "--yes");
    assert.deepEqual(readdirSync(dirname(ground.path)), []);
    assert.equal((await assertTrash(scene)).length, 1);
    assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(readdirSync(dirname(ground.path)), ["feat-quartz"]);
    assert.deepEqual(snapshot(ground), before);
    assert.deepEqual(await assertTrash(scene), []);
  });

  it("a registry on another one than the repository: the trash is in the git directory, and it is a rename", async (test) => {
    const scene = sceneUnder(tmpdir());
    const registry = mkdtempSync(join(fastFolder(), "imi-registry-"));
    cleaning.push(() => rmSync(registry, { recursive: true }));
    if (statSync(registry).dev === statSync(scene.root).dev) return test.skip("there is no second file system here");
    scene.env["IMI_DB_PATH"] = join(registry, "worktrees.db");
    const ground = await groundIn(scene);
    work(ground);
    const before = snapshot(ground);
    const { ino } = statSync(ground.path);
    const { trash } = await told<Removed>(ground.place, "remove", ground.name, "--yes");
    assert.ok(trash?.place.startsWith(join(scene.trunk, ".git")), trash?.place);
    assert.equal(statSync(join(trash?.place ?? "", "tree")).ino, ino);
    assert.equal((await assertTrash(scene)).length, 1);
    assert.equal(scene.git(scene.trunk, "status", "--porcelain"), "");
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });
});

describe("what is not what was registered", () => {
  let scene: Scene;
  let ground: Ground;
  beforeEach(async () => {
    scene = sceneUnder();
    ground = await groundIn(scene);
    work(ground);
  });

  it("a symbolic link at its path is not followed", async () => {
    const moved = join(scene.root, "moved");
    renameSync(ground.path, moved);
    symlinkSync(moved, ground.path);
    await refused(["path/unsafe"], ground.place, "remove", ground.name, "--yes");
    assert.equal(readFileSync(join(moved, "note.txt"), "utf8"), "untracked\n");
    rmSync(ground.path);
    renameSync(moved, ground.path);
    await told(ground.place, "remove", ground.name, "--yes");
  });

  it("a different repository at its path is not touched", async () => {
    rmSync(ground.path, { recursive: true });
    scene.git(scene.root, "clone", "-q", scene.remote, ground.path);
    writeFileSync(ground.at("theirs.txt"), "theirs\n");
    await refused(["path/unsafe"], ground.place, "remove", ground.name, "--yes");
    assert.equal(readFileSync(ground.at("theirs.txt"), "utf8"), "theirs\n");
    assert.ok(existsSync(ground.at(".git/HEAD")));
  });

  it("a worktree of another repository at its path is not touched", async () => {
    rmSync(ground.path, { recursive: true });
    const other = join(scene.root, "other");
    scene.git(scene.root, "clone", "-q", scene.remote, other);
    scene.git(other, "worktree", "add", "-q", "-b", "theirs", ground.path);
    writeFileSync(ground.at("theirs.txt"), "theirs\n");
    await refused(["path/unsafe"], ground.place, "remove", ground.name, "--yes");
    assert.equal(readFileSync(ground.at("theirs.txt"), "utf8"), "theirs\n");
    assert.match(scene.git(other, "worktree", "list"), /theirs/);
  });

  it("another worktree of this repository inside of it is neither taken along nor orphaned", async () => {
    const inner = ground.at("inner");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "inner", inner);
    writeFileSync(join(inner, "inner.txt"), "inner\n");
    const before = snapshot(ground);
    const innerBefore = snapshotWorktree({ path: inner, env: scene.env });
    const said = await refused(["worktree/nested"], ground.place, "remove", ground.name, "--yes");
    assert.ok(said.includes("inner"), said);
    scene.git(scene.trunk, "worktree", "prune", "--expire=now");
    assert.deepEqual(snapshotWorktree({ path: inner, env: scene.env }), innerBefore);
    assert.deepEqual(snapshot(ground), before);
    // The inner one alone may go, and then the outer one.
    await told(ground.place, "remove", "inner", "--yes");
    await told(ground.place, "remove", ground.name, "--yes");
    await told(ground.place, "restore", ground.name);
    await told(ground.place, "restore", "inner");
    assert.deepEqual(snapshotWorktree({ path: inner, env: scene.env }), innerBefore);
    assert.deepEqual(snapshot(ground), before);
  });

  it("a lock of git's that is held is waited for and then respected", async () => {
    writeFileSync(join(ground.record, "index.lock"), "");
    const before = snapshot(ground);
    await refused(["repository/busy"], ground.place, "remove", ground.name, "--yes");
    assert.deepEqual(snapshot(ground), before);
    rmSync(join(ground.record, "index.lock"));
    await told(ground.place, "remove", ground.name, "--yes");
  });

  it("`git worktree lock` by another program is respected, with its reason", async () => {
    ground.git("worktree", "lock", "--reason", "agent 7 is at work (pid 1)", ground.path);
    const said = await refused(["worktree/locked"], ground.place, "remove", ground.name, "--yes");
    assert.match(said, /agent 7 is at work/);
  });

  it("its folder is gone: git's record goes to the trash, and what it kept is salvaged", async () => {
    ground.git("checkout", "-q", "--detach");
    ground.git("stash", "push", "-q", "--all");
    const commit = ground.commit("only its record knows this", { "detached.txt": "1\n" });
    rmSync(ground.path, { recursive: true });
    const { error, value } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
    assert.equal(error, null, `${error?.code ?? ""}: ${error?.message ?? ""}`);
    assert.ok(value !== null);
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.deepEqual(lostObjects(scene.trunk, scene.env, [{ what: "its commit", ids: [commit] }]), []);
  });
});

describe("a trash that somebody put his hands on", () => {
  let scene: Scene;
  let ground: Ground;
  let before: ReturnType<typeof snapshot>;
  let removed: NonNullable<Removed["trash"]>;
  const make = async (prepare: () => void = () => undefined): Promise<void> => {
    scene = sceneUnder();
    ground = await groundIn(scene);
    work(ground);
    before = snapshot(ground);
    prepare();
    const { trash } = await told<Removed>(ground.place, "remove", ground.name, "--yes");
    removed = trash ?? assert.fail("no entry");
  };
  const retired = (): string =>
    join(scene.trunk, ".git/imi-trash", removed.place.slice(dirname(removed.place).length + 1));

  it("its folder deleted: a restore says so and where the work still is, and that is true", async () => {
    await make();
    const precious = preciousInTrash();
    rmSync(removed.place, { recursive: true });
    const said = await refused(["trash/damaged"], ground.place, "restore", ground.name);
    assert.ok(removed.salvaged !== null && said.includes(removed.salvaged), said);
    scene.git(scene.trunk, "worktree", "add", "-q", "--detach", ground.path, `${removed.salvaged}/worktree`);
    assert.equal(readFileSync(ground.at("note.txt"), "utf8"), "untracked\n");
    assert.equal(readFileSync(ground.at("src/a.txt"), "utf8"), text({ 3: "changed since" }));
    await told(ground.place, "trash", "empty", "--yes");
    assert.deepEqual(await assertTrash(scene), []);
    assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
  });

  /** The ids of what the trash holds, by asking git with its retired record. */
  const preciousInTrash = () =>
    ["note.txt", "src/a.txt", "mine.txt"].map((name) => ({
      what: name,
      ids: [scene.git(scene.trunk, "hash-object", "--no-filters", join(removed.place, "tree", name)).trim()],
    }));

  it("git's record of it deleted: nothing is deleted with it, and its work is named", async () => {
    await make();
    rmSync(retired(), { recursive: true });
    await refused(["trash/damaged"], ground.place, "restore", ground.name);
    const emptied = await told<ResultOf<"trash.empty">>(ground.place, "trash", "empty", "--yes");
    assert.equal(emptied.emptied.length, 0);
    assert.equal(readFileSync(join(removed.place, "tree/.env"), "utf8"), "SECRET=1\n");
  });

  for (const file of ["HEAD", "index", "commondir", "gitdir"])
    it(`git's record of it damaged (${file}): its files come back, or it stays where it is`, async () => {
      await make();
      truncateSync(join(retired(), file), 0);
      const { error, value } = await ask<Restored>(ground.place, "restore", ground.name);
      if (error === null) {
        assert.equal(value.worktree.path, ground.path);
        assert.equal(readFileSync(ground.at("note.txt"), "utf8"), "untracked\n");
        return;
      }
      assert.ok(
        ["trash/damaged", "repository/damaged", "git/failed"].includes(error.code),
        `${error.code}: ${error.message}`,
      );
      assert.ok(error.hint !== null, error.message);
      assert.ok(!existsSync(ground.path));
      assert.ok(readdirSync(join(removed.place, "tree")).includes("note.txt"));
    });

  it("its manifest deleted or damaged: the registry knows enough", async () => {
    await make();
    writeFileSync(join(removed.place, "manifest.json"), "{");
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
  });

  it("the salvage's refs deleted: it is restored the same, and not emptied without a new salvage", async () => {
    await make();
    const drop = (): void => {
      for (const ref of scene
        .git(scene.trunk, "for-each-ref", "--format=%(refname)", "refs/salvage")
        .trim()
        .split("\n"))
        scene.git(scene.trunk, "update-ref", "-d", ref);
    };
    drop();
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
    const precious = preciousObjects(ground.path, scene.env);
    await told(ground.place, "remove", ground.name, "--yes");
    drop();
    const { emptied } = await told<ResultOf<"trash.empty">>(ground.place, "trash", "empty", "--yes");
    assert.equal(emptied.length, 1);
    assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
  });

  it("files added to it in the trash: they are restored, and salvaged before it is emptied", async () => {
    await make();
    writeFileSync(join(removed.place, "tree/late.txt"), "written late\n");
    const id = scene.git(scene.trunk, "hash-object", "--no-filters", join(removed.place, "tree/late.txt")).trim();
    await told(ground.place, "trash", "empty", "--yes");
    assert.deepEqual(await assertTrash(scene), []);
    assert.deepEqual(lostObjects(scene.trunk, scene.env, [{ what: "late.txt", ids: [id] }]), []);
  });

  const registry = (): string => join(scene.env["XDG_DATA_HOME"] ?? "", "imi/worktrees.db");
  const withoutRegistry = (): void => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${registry()}${suffix}`, { force: true });
  };
  /** A copy as a backup keeps it; nobody has the database open. */
  const backup = (): string => {
    const copy = join(scene.root, "backup.db");
    execFileSync(process.execPath, [
      "-e",
      `new (require("node:sqlite").DatabaseSync)(${JSON.stringify(registry())}).exec("VACUUM INTO '" + ${JSON.stringify(copy)}.replaceAll("'", "''") + "'")`,
    ]);
    return copy;
  };

  it("the registry lost: what lies in the trash is found again and comes back the same", async () => {
    await make();
    withoutRegistry();
    const [entry] = await assertTrash(scene);
    assert.equal(entry?.id, removed.id);
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
    await assertAgreement(scene);
  });

  it("the registry replaced by one from before the removal: likewise", async () => {
    let copy = "";
    await make(() => {
      copy = backup();
    });
    withoutRegistry();
    copyFileSync(copy, registry());
    assert.ok(!(await listed(scene)).some(({ name, state }) => name === ground.name && state === "ready"));
    assert.equal((await assertTrash(scene)).length, 1);
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(ground), before);
    await assertAgreement(scene);
  });

  it("the registry replaced by one from before the restore: the worktree in its place is not touched", async () => {
    await make();
    const copy = backup();
    await told(ground.place, "restore", ground.name);
    ground.write("since.txt", "since the restore\n");
    const since = snapshot(ground);
    withoutRegistry();
    copyFileSync(copy, registry());
    assert.equal((await listed(scene)).find(({ path }) => path === ground.path)?.state, "ready");
    const restored = await ask<Restored>(ground.place, "restore", ground.name);
    assert.ok(
      restored.error !== null && restored.error.code !== "internal",
      restored.error?.message ?? "restored twice",
    );
    await told(ground.place, "trash", "empty", "--yes");
    await listed(scene);
    assert.deepEqual(snapshot(ground), since);
    assert.deepEqual(await assertTrash(scene), []);
  });
});
