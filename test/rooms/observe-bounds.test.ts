import assert from "node:assert/strict";
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import type { Activities, Lease } from "../../server/src/store/index.ts";
import { claimed } from "../support/activity.ts";
import { Observed, until, write } from "../support/observe.ts";

const skip = process.platform !== "linux";

describe("recording has bounds", { skip }, () => {
  it("of the files that one look tells: a thousand, and how many more", async () => {
    await using scene = await Observed.of();
    const row = await scene.worktree("one");
    const many = join(scene.repository.root, "many");
    for (let at = 0; at < 3_000; at++) write(many, `${at % 10}/f-${at}.txt`, "x\n");
    await scene.start();
    renameSync(many, join(row.path, "many"));
    const told = await until(
      "told",
      async () => (await scene.events()).findLast(({ name }) => name === "worktree.touched") ?? null,
    );
    assert.equal((told.data["files"] as unknown[]).length + Number(told.data["more"]), 3_000);
    const rows = (await scene.activities("one")).filter(({ file }) => file !== null);
    assert.equal(rows.length, 1_000);
    assert.equal((await scene.store.activities.told(scene.met.id)).get(row.id)?.files, null);

    // They are too many to be kept for whoever watches next: he tells of those that change from then on.
    await scene.stop();
    appendFileSync(join(row.path, "many/3/f-3.txt"), "more\n");
    const before = (await scene.activities("one")).length;
    await scene.start();
    await until("recorded", async () => (await scene.activities("one")).length > before);
    assert.deepEqual((await scene.words("one")).slice(before), ["added many/3/f-3.txt"]);
    rmSync(join(row.path, "many"), { recursive: true });
    await scene.agrees();
  });

  it("of what a checkout of thousands of files tells: that it was one", async () => {
    await using scene = await Observed.of();
    const row = await scene.worktree("one");
    for (let at = 0; at < 4_000; at++) write(row.path, `many/${at % 40}/f-${at}.txt`, "x\n");
    await scene.repository.commit("many", {}, row.path);
    await scene.start();
    await scene.repository.run(["checkout", "-q", "--detach", "main"], row.path);
    await until("recorded", async () => (await scene.words("one")).length > 0);
    await scene.agrees();
    await scene.repository.run(["checkout", "-q", "feat/one"], row.path);
    await until("recorded", async () => (await scene.words("one")).length > 1);
    await scene.agrees();
    await delay(300);
    assert.deepEqual(await scene.words("one"), ["switch feat/one to -", "switch - to feat/one"]);
  });

  it("of looks while changes go on, and of git processes: none for a log that git ignores", async () => {
    await using scene = await Observed.of();
    const row = await scene.worktree("one");
    write(row.path, ".gitignore", "*.log\n");
    await scene.repository.commit("ignore", {}, row.path);
    await scene.start();
    const log = join(row.path, "debug.log");
    await until("git was asked what it ignores", async () => {
      writeFileSync(log, "1\n");
      await delay(50);
      return scene.repository.log.some((line) => line.includes("check-ignore"));
    });
    await delay(300);
    const asked = scene.repository.log.length;
    for (let at = 0; at < 40; at++) {
      appendFileSync(log, `${at}\n`);
      await delay(10);
    }
    await delay(300);
    assert.deepEqual(scene.repository.log.slice(asked), []);
    // What is not ignored is seen all the same.
    appendFileSync(log, "last\n");
    write(row.path, "a.txt", "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);
    assert.deepEqual(await scene.words("one"), ["added a.txt"]);
  });
});

describe("a file that was ignored, and written to all the time", { skip }, () => {
  /** A worktree in which git was asked about debug.log: it ignores it. */
  const ignoring = async (scene: Observed): Promise<string> => {
    const { path } = await scene.worktree("one");
    write(scene.repository.commonDir, "info/exclude", "*.log\n");
    await scene.start();
    await until("git was asked what it ignores", async () => {
      write(path, "debug.log", "1\n");
      await delay(50);
      return scene.repository.log.some((line) => line.includes("check-ignore"));
    });
    return path;
  };

  it("is seen once it is added to the index", async () => {
    await using scene = await Observed.of();
    const path = await ignoring(scene);
    await scene.repository.run(["add", "-f", "debug.log"], path);
    await scene.agrees();
    await delay(300);
    write(path, "debug.log", "22\n");
    await until("recorded", async () => (await scene.words("one")).at(-1) === "modified debug.log");
  });

  it("is seen once it is ignored no more", async () => {
    await using scene = await Observed.of();
    const path = await ignoring(scene);
    write(scene.repository.commonDir, "info/exclude", "\n");
    await scene.agrees();
    await delay(300);
    const before = (await scene.words("one")).length;
    write(path, "debug.log", "22\n");
    await until("recorded", async () => (await scene.words("one")).length > before);
  });
});

describe("recording goes on", { skip }, () => {
  it("with worktrees that come, move and go", async () => {
    await using scene = await Observed.of();
    const first = await scene.worktree("one");
    await scene.start();
    const row = await scene.worktree("two");
    await until("it is looked at", async () => (await scene.store.activities.told(scene.met.id)).has(row.id));
    write(row.path, "a.txt", "1\n");
    await until("recorded", async () => (await scene.words("two")).length === 1);
    const moved = join(scene.repository.root, "moved");
    await scene.repository.run(["worktree", "move", row.path, moved]);
    await scene.store.worktrees.update(row.id, { path: moved, name: "moved" });
    await until("it is told of at its new place", async () => {
      appendFileSync(join(moved, "a.txt"), "more\n");
      await delay(100);
      return (await scene.words("moved")).length > 0;
    });
    assert.ok((await scene.words("moved")).every((words) => words === "modified a.txt"));
    await scene.store.worktrees.settle(row.id, "by the test");
    rmSync(moved, { recursive: true });
    write(first.path, "b.txt", "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);
    await scene.agrees();
  });

  it("after git, or the database, failed: nothing is lost", async () => {
    await using scene = await Observed.of({ files: 20 });
    const row = await scene.worktree("one");
    let failures = 0;
    const kept = scene.store.activities;
    const activities: Activities = {
      ...kept,
      record: (...told) => {
        if (failures === 0) return kept.record(...told);
        failures -= 1;
        return Promise.reject(new ImiError("store/busy", "The registry is busy."));
      },
    };
    await scene.start({ store: { ...scene.store, activities } });
    failures = 2;
    write(row.path, "a.txt", "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);

    const index = join(scene.repository.commonDir, "worktrees/one/index");
    renameSync(index, `${index}.kept`);
    writeFileSync(index, "this is no index");
    write(row.path, "b.txt", "1\n");
    await until("its status is unknown", async () => {
      const status = (await scene.store.activities.told(scene.met.id)).get(row.id)?.status;
      return status !== undefined && "unknown" in status;
    });
    truncateSync(index);
    renameSync(`${index}.kept`, index);
    await until("recorded", async () => (await scene.words("one")).length === 2);
    await scene.agrees();
    assert.deepEqual(await scene.words("one"), ["added a.txt", "added b.txt"]);
  });

  it("not once the lease is lost, or it is closed", async () => {
    await using scene = await Observed.of();
    const row = await scene.worktree("one");
    await scene.start();
    const [observer, lease] = [scene.observer, scene.lease];
    assert.ok(observer !== null && lease !== null);
    await lease.release();
    const other: Lease = await scene.store.leases.take("observe", { purpose: "another", waitMs: 5_000 });
    write(row.path, "a.txt", "1\n");
    await delay(400);
    assert.deepEqual(await scene.words(), [], "what is told is who holds the lease to say");
    await observer.close();
    scene.lease = other;
    await scene.start();
    await until("recorded", async () => (await scene.words("one")).length === 1);
    await scene.observer?.close();
    write(row.path, "b.txt", "1\n");
    await delay(300);
    assert.deepEqual(await scene.words("one"), ["added a.txt"]);
  });
});

describe("what is recorded", { skip }, () => {
  it("is attributed to who holds the worktree, and two that change one file within a minute are told", async () => {
    await using scene = await Observed.of({ files: 20 });
    const [one, two] = [await scene.worktree("one"), await scene.worktree("two")];
    await claimed(scene.store, one, "ada");
    await claimed(scene.store, two, "bob");
    await scene.start();
    appendFileSync(join(one.path, "src/0/file-1.txt"), "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);
    appendFileSync(join(two.path, "src/0/file-1.txt"), "2\n");
    const event = await until(
      "told",
      async () => (await scene.events()).find(({ name }) => name === "conflict.detected") ?? null,
    );
    assert.equal(event.data["file"], "src/0/file-1.txt");
    const agents = event.data["agents"] as { agent: string; worktree: string }[];
    assert.deepEqual(
      agents.map(({ agent, worktree }) => `${agent} in ${worktree}`),
      ["bob in two", "ada in one"],
    );
    assert.deepEqual(
      (await scene.activities()).map(({ agent }) => agent),
      ["ada", "bob"],
    );
  });

  it("is attributed to nobody where that is not wanted", async () => {
    await using scene = await Observed.of();
    const one = await scene.worktree("one");
    await claimed(scene.store, one, "ada");
    scene.settings = { ...scene.settings, trackAgentActivity: false };
    await scene.start();
    write(one.path, "a.txt", "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);
    assert.deepEqual(
      (await scene.activities()).map(({ agent }) => agent),
      [null],
    );
  });

  it("follows the settings as they are: patterns as in .gitignore", async () => {
    await using scene = await Observed.of();
    const one = await scene.worktree("one");
    await scene.start();
    scene.settings = { ...scene.settings, excludePatterns: ["*.tmp", "/top/", "!kept.tmp"] };
    for (const path of ["a.tmp", "top/b.txt", "deep/top/c.txt", "kept.tmp"]) write(one.path, path, "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 2);
    await scene.agrees();
    assert.deepEqual((await scene.words("one")).toSorted(), ["added deep/top/c.txt", "added kept.tmp"]);
    // What is left out no more was there before.
    scene.settings = { ...scene.settings, excludePatterns: [] };
    await delay(100);
    write(one.path, "b.tmp", "1\n");
    await until("recorded", async () => (await scene.words("one")).length === 3);
    await scene.agrees();
    assert.deepEqual((await scene.words("one")).slice(2), ["added b.tmp"]);
  });
});
