import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../../protocol/contract.ts";
import { assertAgreement, assertTrash, listed } from "../support/agreement.ts";
import { ask, told } from "../support/imi.ts";
import type { Answer } from "../support/imi.ts";
import { lostObjects, preciousObjects } from "../support/precious-objects.ts";
import { freshScene, groundIn, text } from "../support/removal-corpus.ts";
import type { Ground } from "../support/removal-corpus.ts";
import { Server } from "../support/server.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

type Removed = ResultOf<"worktree.remove">;
type Restored = ResultOf<"worktree.restore">;

/** How many files are written while their worktree is removed; the documented run has 20 000. */
const files = process.env["IMI_TEST_LARGE"] === "1" ? 20_000 : 2_000;

let scene: Scene;
let ground: Ground;
beforeEach(async () => {
  scene = freshScene();
  ground = await groundIn(scene);
});
afterEach(() => scene.remove());
after(() => Server.endAll());

const work = ({ commit, write, git }: Ground): void => {
  commit("mine", { "mine.txt": "mine\n" });
  write("src/a.txt", text({ 3: "staged" }));
  git("add", "-A");
  write("src/a.txt", text({ 3: "changed since" }));
  write("note.txt", "untracked\n");
  write(".env", "SECRET=1\n");
};

const snapshot = (path = ground.path) => snapshotWorktree({ path, env: scene.env });

/** Runs a shell script over and over beside the test until it ends by itself or is told to. */
const meanwhile = (script: string, cwd = scene.trunk): { stop(): Promise<void>; readonly ended: Promise<unknown> } => {
  const child = spawn("sh", ["-c", script], { cwd, env: scene.env, stdio: "ignore", detached: true });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    // The shell and the git that it runs just then: a group of their own.
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid);
    await ended;
  };
  return { stop, ended };
};

const grows = async (file: string, lines: number): Promise<void> => {
  for (let tries = 0; linesIn(file).length < lines; tries += 1) {
    if (tries > 2_000) throw new Error(`${file} has only ${linesIn(file).length} lines`);
    await delay(5);
  }
};

const linesIn = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];

const codes = (answers: readonly Answer<unknown>[]): string[] =>
  answers.map(({ error }) => error?.code ?? "done").toSorted();

describe("two at once", () => {
  it("two removals of one worktree: one removes it, the other is told that it is gone", async () => {
    work(ground);
    const before = snapshot();
    const answers = await Promise.all([1, 2].map(() => ask<Removed>(ground.place, "remove", ground.name, "--yes")));
    assert.deepEqual(codes(answers), ["done", "worktree/not-found"]);
    assert.equal((await assertTrash(scene)).length, 1);
    await assertAgreement(scene, [ground.branch]);
    await told(ground.place, "restore", ground.name);
    assert.deepEqual(snapshot(), before);
  });

  it("two restores of one entry: one brings it back, the other is told that it is not in the trash", async () => {
    work(ground);
    const before = snapshot();
    await told(ground.place, "remove", ground.name, "--yes");
    const answers = await Promise.all([1, 2].map(() => ask<Restored>(ground.place, "restore", ground.name)));
    assert.deepEqual(codes(answers), ["done", "trash/not-found"]);
    assert.deepEqual(await assertTrash(scene), []);
    await assertAgreement(scene);
    assert.deepEqual(snapshot(), before);
  });

  it("a restore and a creation of the same name: both get a worktree, one of them under another name", async () => {
    work(ground);
    const before = snapshotWorktree({
      path: ground.path,
      env: scene.env,
      anonymous: { branches: [ground.branch, `${ground.branch}-restored`] },
    });
    await told(ground.place, "remove", ground.name, "--yes");
    const [restored, created] = await Promise.all([
      told<Restored>(ground.place, "restore", ground.name),
      ask<ResultOf<"worktree.create">>(ground.place, "feat", "quartz"),
    ]);
    assert.ok(created.error === null, created.error?.message ?? "");
    const { path } = restored.worktree;
    const now = snapshotWorktree({
      path,
      env: scene.env,
      anonymous: { branches: [ground.branch, `${ground.branch}-restored`] },
    });
    assert.deepEqual([now.entries, now.record, now.git], [before.entries, before.record, before.git]);
    // Either the creation found the restored one, or it was first and the restored one stands beside it.
    assert.equal(created.value.created, created.value.worktree.path !== path);
    if (created.value.created) assert.ok(restored.notes.length > 0);
    await assertAgreement(scene);
  });

  it("a removal and emptying: what was removed is in the trash or was emptied after it was salvaged", async () => {
    work(ground);
    const precious = preciousObjects(ground.path, scene.env);
    const [removed] = await Promise.all([
      told<Removed>(ground.place, "remove", ground.name, "--yes"),
      told(ground.place, "trash", "empty", "--yes"),
    ]);
    const left = await assertTrash(scene);
    assert.ok(left.length === 0 || left[0]?.id === removed.trash?.id);
    assert.deepEqual(lostObjects(scene.trunk, scene.env, precious), []);
  });

  it("many worktrees removed at once, some twice, all come back", async () => {
    const names = ["one", "two", "three", "four"].map((name) => `feat-${name}`);
    const befores = new Map<string, unknown>();
    for (const name of names) {
      const each = await groundIn(scene, name);
      work(each);
      befores.set(each.path, null);
    }
    for (const path of befores.keys()) befores.set(path, snapshot(path));
    const answers = await Promise.all([...names, "feat-one"].map((name) => ask(ground.place, "remove", name, "--yes")));
    assert.deepEqual(codes(answers), ["done", "done", "done", "done", "worktree/not-found"]);
    await Promise.all(names.map((name) => told(ground.place, "restore", name)));
    for (const [path, before] of befores) assert.deepEqual(snapshot(path), before);
    await assertAgreement(scene);
  });
});

describe("a removal beside somebody who works on", () => {
  /** Everything written, as noted down by who wrote it once it was complete. */
  const assertFound = async (notedDown: readonly { name: string; content: string }[], path: string): Promise<void> => {
    const [entry] = await assertTrash(scene);
    const places = [path, ...(entry === undefined ? [] : [join(entry.place, "tree")])];
    const missing = notedDown.filter(
      ({ name, content }) =>
        !places.some((place) => existsSync(join(place, name)) && readFileSync(join(place, name), "utf8") === content),
    );
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
      `of ${notedDown.length} files these are nowhere`,
    );
  };

  for (const head of ["a branch", "a detached HEAD"])
    it(`commits in a loop on ${head}: every commit that was made is in a ref afterwards`, async (test) => {
      if (head === "a detached HEAD") ground.git("checkout", "-q", "--detach");
      const log = join(scene.root, "commits");
      const script = `n=0; while n=$((n+1)) && echo $n > work-$n.txt && git add -A && git commit -q -m $n && git rev-parse HEAD >> '${log}'; do :; done`;
      const committing = meanwhile(script, ground.path);
      await grows(log, 5);
      let attempts = 0;
      let removed: Answer<Removed>;
      do {
        removed = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
        attempts += 1;
        // Somebody who never stops committing may be left in peace, as long as that is said.
        if (removed.error !== null)
          assert.ok(
            ["repository/busy", "salvage/failed", "worktree/dirty"].includes(removed.error.code),
            `${removed.error.code}: ${removed.error.message}`,
          );
      } while (removed.error !== null && attempts < 5);
      if (removed.error !== null) await committing.stop();
      await committing.ended;
      const commits = linesIn(log);
      await listed(scene);
      const entries = await assertTrash(scene);
      assert.equal(entries.length, removed.error === null ? 1 : 0);
      scene.git(scene.trunk, "gc", "-q", "--prune=now");
      const lost = lostObjects(
        scene.trunk,
        scene.env,
        commits.map((id, at) => ({ what: `commit ${at + 1} of ${commits.length}`, ids: [id] })),
      );
      if (removed.error === null) assert.deepEqual(lost, []);
      if (removed.error === null) await told(ground.place, "restore", ground.name);
      // What git had in its hands when its record was taken away may be half done, but it is all there.
      assert.equal(scene.git(ground.path, "fsck", "--connectivity-only", "--no-dangling", "--no-progress"), "");
      rmSync(join(ground.record, "index.lock"), { force: true });
      for (const id of commits) ground.git("merge-base", "--is-ancestor", id, "HEAD");
      test.diagnostic(`${commits.length} commits, ${attempts} attempts, ${removed.error?.code ?? "removed"}`);
    });

  it(`${files} files written through a handle on the folder: each is in the trash, in place or both`, async (test) => {
    const log = join(scene.root, "written");
    // Its working directory goes with the folder, as an agent's does.
    const script = `n=0; while [ $n -lt ${files} ]; do n=$((n+1)); echo "content $n" > file-$n.txt && echo $n >> '${log}'; done`;
    const writing = meanwhile(script, ground.path);
    await grows(log, files / 20);
    const { error } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
    const during = linesIn(log).length;
    await writing.ended;
    if (error !== null) assert.ok(["salvage/failed", "repository/busy"].includes(error.code), error.message);
    const written = linesIn(log).map((n) => ({ name: `file-${n}.txt`, content: `content ${n}\n` }));
    assert.equal(written.length, files);
    await assertFound(written, ground.path);
    if (error === null) await told(ground.place, "restore", ground.name);
    for (const { name } of written) assert.ok(existsSync(ground.at(name)), name);
    test.diagnostic(`${error?.code ?? "removed"} while ${during} of ${files} were written`);
  });

  it(`${files} files written by their full paths, with the folders made anew where they are gone`, async (test) => {
    const log = join(scene.root, "written");
    const script = `n=0; while [ $n -lt ${files} ]; do n=$((n+1)); d='${ground.path}'/new/$((n % 20)); while ! { mkdir -p "$d" && echo "content $n" > "$d/$n.txt"; } 2>&-; do :; done; echo $n >> '${log}'; done`;
    const writing = meanwhile(script);
    await grows(log, files / 20);
    const { error } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
    const during = linesIn(log).length;
    await writing.ended;
    if (error !== null) assert.ok(["salvage/failed", "repository/busy"].includes(error.code), error.message);
    const written = linesIn(log).map((n) => ({ name: `new/${Number(n) % 20}/${n}.txt`, content: `content ${n}\n` }));
    assert.equal(written.length, files);
    await assertFound(written, ground.path);
    if (error === null && existsSync(ground.path)) {
      const { worktree, notes } = await told<Restored>(ground.place, "restore", ground.name);
      assert.notEqual(worktree.path, ground.path, "what was written meanwhile was not overwritten");
      assert.ok(notes.length > 0);
    }
    test.diagnostic(`${error?.code ?? "removed"} while ${during} of ${files} were written`);
  });

  it("files replaced by renames, as editors save them: the newest of each is kept", async () => {
    let stop = false;
    const newest = new Map<string, number>();
    const saving = (async () => {
      for (let n = 0; !stop; n += 1) {
        const name = `doc-${n % 7}.txt`;
        try {
          writeFileSync(join(ground.path, `${name}.tmp`), `${n}\n`);
          renameSync(join(ground.path, `${name}.tmp`), join(ground.path, name));
          newest.set(name, n);
        } catch {
          return;
        }
        if (n % 5 === 0) await delay(1);
      }
    })();
    await delay(50);
    const { error } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
    stop = true;
    await saving;
    if (error !== null) assert.ok(["salvage/failed", "repository/busy"].includes(error.code), error.message);
    else await told(ground.place, "restore", ground.name);
    for (const [name, n] of newest) assert.equal(readFileSync(ground.at(name), "utf8"), `${n}\n`);
  });
});

describe("a removal beside git", () => {
  const loops: Readonly<Record<string, string>> = {
    "`git worktree prune`": "while git worktree prune --expire=now; do :; done",
    "`git gc`": "while :; do git gc -q; done",
    // The two that delete what any git is just writing; what a salvage writes is marked to be kept.
    "`git gc --prune=now`": "while :; do git gc -q --prune=now; done",
    "`git repack -a -d`": "while :; do git repack -q -a -d; done",
    "`git pack-refs` and `git repack`": "while :; do git pack-refs --all --prune; git repack -q -A -d; done",
    "`git fetch` and `git worktree list`": "while :; do git fetch -q; git worktree list; git status; done",
  };
  /** Without the locks that a looping git holds in this moment: gc takes HEAD's to look through its log. */
  const unlocked = ({ record, ...rest }: ReturnType<typeof snapshot>) => ({
    ...rest,
    record: record.filter((line) => !/^\S*\.lock file /u.test(line)),
  });
  for (const [what, script] of Object.entries(loops))
    it(`in a loop, ${what}: it comes back as it was`, async () => {
      work(ground);
      // Once before: gc writes logs in its own way, with a tab where a message is missing.
      scene.git(scene.trunk, "gc", "-q");
      const looping = meanwhile(script);
      try {
        for (let round = 0; round < 3; round += 1) {
          ground.write("round.txt", `${round}\n`);
          const { entries, record, git } = unlocked(snapshot());
          for (let attempt = 1; ; attempt += 1) {
            const { error } = await ask<Removed>(ground.place, "remove", ground.name, "--yes");
            if (error === null) break;
            // Packing anew can hide an object for a moment; then nothing is removed.
            assert.ok(error.code === "salvage/failed" && attempt < 8, `${error.code}: ${error.message}`);
            assert.deepEqual(snapshot().entries, entries);
          }
          await told(ground.place, "restore", ground.name);
          const now = unlocked(snapshot());
          assert.deepEqual([now.entries, now.record, now.git], [entries, record, git]);
        }
      } finally {
        await looping.stop();
      }
      for (const lock of ["gc.pid", "packed-refs.lock"]) rmSync(join(scene.trunk, ".git", lock), { force: true });
      assert.equal(scene.git(scene.trunk, "fsck", "--connectivity-only", "--no-dangling", "--no-progress"), "");
      assert.deepEqual(await assertTrash(scene), []);
    });
});

describe("a removal while a server follows the repository", () => {
  it("the server tells of it, and of the restore, and both see the same", async () => {
    work(ground);
    const before = snapshot();
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", { repository: scene.trunk });
    await told(ground.place, "remove", ground.name, "--yes");
    await server.seen("worktree.removed");
    const names = async () =>
      (await server.call("worktree.list", { repository: scene.trunk, status: false })).worktrees.map(
        ({ name }) => name,
      );
    assert.deepEqual(await names(), ["trunk-main"]);
    const { entries } = await server.call("trash.list", { repository: scene.trunk });
    assert.deepEqual(
      entries.map(({ name }) => name),
      [ground.name],
    );
    await told(ground.place, "restore", ground.name);
    await server.seen("worktree.restored");
    assert.deepEqual(await names(), ["trunk-main", ground.name]);
    assert.deepEqual(snapshot(), before);
    await assertAgreement(scene);
    await server.stop();
  });

  it("both remove it at once: one does, and a restore by the server brings it back", async () => {
    work(ground);
    const before = snapshot();
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", { repository: scene.trunk });
    const outcomes = await Promise.allSettled([
      server.call("worktree.remove", { repository: scene.trunk, name: ground.name, yes: true }),
      told(ground.place, "remove", ground.name, "--yes"),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    assert.equal((await assertTrash(scene)).length, 1);
    await server.call("worktree.restore", { repository: scene.trunk, name: ground.name });
    assert.deepEqual(snapshot(), before);
    await server.stop();
  });
});
