import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import Sqlite from "better-sqlite3";
import { openStore } from "../../server/src/store/index.ts";
import { migrate } from "../../server/src/store/opening.ts";
import { migrations } from "../../server/src/store/sql.ts";
import {
  Process,
  intention,
  open,
  registry,
  registryIn,
  repository,
  temporaryFolder,
  worktree,
} from "./store-helpers.ts";

const isRoot = process.getuid?.() === 0;
const needsMount = isRoot && process.platform === "linux" ? false : "mounting a small disk needs root on Linux";

/** A registry with a row and a backup, closed. */
const closedRegistry = async (t: TestContext): Promise<{ file: string; backup: string }> => {
  const { store, file, repositoryId } = await registry(t);
  for (let number = 0; number < 100; number += 1)
    await store.worktrees.begin(worktree(repositoryId, `w${number}`), intention);
  const backup = await store.backup();
  store.close();
  return { file, backup };
};

const opening = (file: string) => openStore({ path: file, role: "cli" });

const raw = (file: string, sql: string): void => {
  const database = new Sqlite(file);
  database.exec(sql);
  database.close();
};

describe("a damaged registry", () => {
  it("is refused with the newest backup named, and restoring it as told brings everything back", async (t) => {
    const { file, backup } = await closedRegistry(t);
    writeFileSync(file, Buffer.alloc(8192, "damage"));
    await assert.rejects(opening(file), (error: { code: string; hint: string }) => {
      assert.equal(error.code, "store/corrupt");
      assert.ok(error.hint.includes(backup));
      return true;
    });
    renameSync(file, `${file}.aside`);
    copyFileSync(backup, file);
    const store = await open(t, file);
    assert.equal((await store.repositories.all()).length, 1);
    assert.equal((await store.events.last()) > 100, true);
  });

  it("is refused when it was cut off", async (t) => {
    const { file } = await closedRegistry(t);
    const whole = readFileSync(file);
    for (const size of [100, 4096, 3 * 4096, whole.length - 4096]) {
      writeFileSync(file, whole.subarray(0, size));
      await assert.rejects(opening(file), { code: "store/corrupt" }, `cut to ${size} bytes`);
    }
  });

  it("says so when a page turns out to be damaged later", async (t) => {
    const { file, backup } = await closedRegistry(t);
    const bytes = readFileSync(file);
    // All but the first pages, which opening reads.
    const from = 4096 * 4;
    writeFileSync(file, Buffer.concat([bytes.subarray(0, from), Buffer.alloc(bytes.length - from, 0xff)]));
    const failure = await open(t, file).then(
      (store) =>
        store.repositories
          .all()
          .then(() => store.events.list(0, 10))
          .then(
            () => null,
            (error: unknown) => error,
          ),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof Error && "code" in failure && "hint" in failure);
    assert.equal(failure.code, "store/corrupt");
    assert.ok(String(failure.hint).includes(backup));
  });

  it("is never taken for an empty one", async (t) => {
    const { file, backup } = await closedRegistry(t);
    const aside = `${file}.aside`;
    renameSync(file, aside);
    const refused = async (why: string): Promise<void> => {
      await assert.rejects(
        opening(file),
        (error: { code: string; hint: string }) => error.code === "store/empty" && error.hint.includes(backup),
        why,
      );
      rmSync(file, { force: true });
    };
    writeFileSync(file, "");
    await refused("an empty file");
    raw(file, "CREATE TABLE other (x)");
    await refused("a database of another program");
    copyFileSync(aside, file);
    raw(file, "DELETE FROM meta");
    await refused("without the sentinel row");
    copyFileSync(aside, file);
    raw(file, "DROP TABLE meta");
    await refused("without its table");
    writeFileSync(`${file}-wal`, "left alone");
    await refused("only a -wal is left");
  });

  it("is not in a folder that no one can make", { skip: process.platform !== "linux", timeout: 20_000 }, async () => {
    await assert.rejects(opening("/proc/none/deeper/worktrees.db"), { code: "store/failed" });
  });

  it("is not a folder", async (t) => {
    const folder = temporaryFolder(t);
    await assert.rejects(opening(folder), { code: "store/failed" });
  });
});

describe("a registry that is moved, deleted or replaced while it is open", () => {
  const moved = { code: "store/moved" };
  const away: Readonly<Record<string, (file: string) => Promise<void> | void>> = {
    deleted: (file) => {
      for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    },
    "moved away": (file) => renameSync(file, `${file}.aside`),
    replaced: async (file) => {
      for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
      renameSync(file, `${file}.aside`);
      (await opening(file)).close();
    },
  };
  for (const [words, take] of Object.entries(away)) {
    it(`is neither written to nor believed any more: ${words}`, async (t) => {
      const { store, file, repositoryId } = await registry(t);
      await take(file);
      await assert.rejects(store.worktrees.begin(worktree(repositoryId, "w"), intention), moved);
      await assert.rejects(store.worktrees.of(repositoryId), moved);
      await assert.rejects(store.leases.tryTake("x", "test"), moved);
      assert.equal((store.lost.reason as { code: string }).code, "store/moved");
      store.close();
      await assert.rejects(store.worktrees.of(repositoryId), moved, "the reason is the first one");
    });
  }

  it("is noticed by whoever follows its events, though nothing is asked", { timeout: 60_000 }, async (t) => {
    const { store, file } = await registry(t);
    const stop = store.events.follow(0, () => undefined);
    const lost = new Promise((resolve) => store.lost.addEventListener("abort", resolve, { once: true }));
    rmSync(file);
    await lost;
    stop();
  });

  const overlaid = "is not taken for that where a container's disk copies it up as it is opened";
  it(overlaid, { skip: needsMount }, async (t) => {
    const disk = mountDisk(t, "8m");
    const [image, upper, work, merged] = ["image", "upper", "work", "merged"].map((name) => {
      const folder = path.join(disk, name);
      mkdirSync(folder);
      return folder;
    });
    assert.ok(image !== undefined && merged !== undefined);
    (await opening(path.join(image, "imi.db"))).close();
    // One of two names gets another inode when it is copied up; so does every file where the image is on another disk.
    linkSync(path.join(image, "imi.db"), path.join(image, "other name"));
    const layers = `lowerdir=${image},upperdir=${upper},workdir=${work}`;
    try {
      execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, merged], { stdio: "pipe" });
    } catch {
      return t.skip("this system mounts no overlay");
    }
    const store = await opening(path.join(merged, "imi.db"));
    assert.equal((await store.repositories.meet(repository)).gitDir, repository.gitDir);
    store.close();
  });

  it("leaves the one that took its place alone when it is closed", async (t) => {
    const { store, file } = await registry(t);
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    const next = await opening(file);
    await next.repositories.meet(repository);
    store.close();
    await next.repositories.meet({ ...repository, gitDir: "/b/.git" });
    next.close();
    assert.equal((await (await open(t, file)).repositories.all()).length, 2);
  });
});

const current = migrations.at(-1)?.version ?? 0;

describe("a registry of a newer iMi", () => {
  it("is refused at opening", async (t) => {
    const { file } = await closedRegistry(t);
    raw(file, "PRAGMA user_version = 99");
    await assert.rejects(opening(file), { code: "store/newer" });
  });

  it("can be read but not written by one that had it open before the update", async (t) => {
    const { store, file } = await registry(t);
    raw(file, "PRAGMA user_version = 99");
    await assert.rejects(store.repositories.meet({ ...repository, gitDir: "/b/.git" }), { code: "store/newer" });
    assert.equal((await store.repositories.all()).length, 1);
    raw(file, `PRAGMA user_version = ${current}`);
    await store.repositories.meet({ ...repository, gitDir: "/b/.git" });
  });
});

/** Takes a registry back to the version before, by that version. */
const back: Readonly<Record<number, string>> = {
  1: "DROP TABLE trash; DROP TABLE disk_use",
  2: `DROP TABLE claims; DROP TABLE claim_waiters;
    ALTER TABLE worktrees DROP COLUMN claimed_at; ALTER TABLE worktrees DROP COLUMN released_at;
    ALTER TABLE agents DROP COLUMN provider`,
  3: `DROP VIEW activities; DROP TABLE activity_rows; DROP TABLE activity_streams; DROP TABLE activity_files;
    DROP TABLE same_file_told; DROP TABLE live_status; DROP INDEX events_touched; DELETE FROM meta WHERE key = 'id';
    ALTER TABLE worktrees DROP COLUMN head_subject; ALTER TABLE worktrees DROP COLUMN head_subject_of;
    CREATE TABLE activities (id TEXT PRIMARY KEY, worktree_id TEXT REFERENCES worktrees(id) ON DELETE SET NULL, agent_id TEXT,
      activity_type TEXT NOT NULL, timestamp INTEGER NOT NULL, details TEXT) STRICT;
    CREATE INDEX activities_of_worktree ON activities (worktree_id, timestamp)`,
};

describe("a migration", () => {
  it("happens once and whole, or not at all", async (t) => {
    const { file } = await closedRegistry(t);
    const database = new Sqlite(file);
    const connection = {
      get inTransaction() {
        return database.inTransaction;
      },
      prepare: (sql: string) => {
        const statement = database.prepare(sql);
        return { all: () => statement.all(), get: () => statement.get(), run: () => statement.run().changes };
      },
      exec: (sql: string) => void database.exec(sql),
      close: () => void database.close(),
    };
    const broken = [{ version: current + 1, sql: "CREATE TABLE more (x); SELECT nonsense" }];
    assert.throws(() => migrate(connection, broken));
    assert.equal(database.pragma("user_version", { simple: true }), current);
    const good = [{ version: current + 1, sql: "CREATE TABLE more (x)" }];
    migrate(connection, good);
    migrate(connection, good);
    assert.equal(database.pragma("user_version", { simple: true }), current + 1);
    database.close();
  });

  for (let older = current - 1; older > 0; older -= 1) {
    it(`of a registry of version ${older} is preceded by a backup`, async (t) => {
      const { file, backup } = await closedRegistry(t);
      rmSync(backup);
      for (let version = current - 1; version >= older; version -= 1) raw(file, back[version] ?? assert.fail());
      raw(file, `PRAGMA user_version = ${older}`);
      const store = await open(t, file);
      assert.equal(readdirSync(path.dirname(backup)).length, 1);
      assert.deepEqual(await store.trash.of("any"), []);
      assert.deepEqual(await store.claims.held(), []);
      assert.deepEqual(await store.activities.names("any"), []);
      assert.equal((await store.repositories.all()).length, 1, "and what was there is there still");
    });
  }
});

describe("a registry that may not be written", () => {
  const user = isRoot ? { uid: 65534, gid: 65534 } : {};

  for (const shut of ["the file", "the folder", "both"] as const) {
    it(`is read, and writing says why not: ${shut}`, { skip: process.platform === "win32" }, async (t) => {
      const { store, file } = await registry(t);
      store.close();
      const folder = path.dirname(file);
      chmodSync(path.dirname(folder), 0o755);
      chmodSync(file, shut === "the folder" ? 0o666 : 0o444);
      chmodSync(folder, shut === "the file" ? 0o777 : 0o555);
      const answer = await new Process(t, ["readThenWrite", file], user).next();
      chmodSync(folder, 0o755);
      assert.deepEqual(answer["names"], ["app"]);
      assert.equal((answer["error"] as { code: string } | null)?.code, "store/read-only");
      assert.equal(answer["after"], 1);
    });
  }

  it("is read while others write to it", { skip: isRoot ? false : "needs a second user" }, async (t) => {
    const { store, file } = await registry(t);
    chmodSync(path.dirname(path.dirname(file)), 0o755);
    chmodSync(path.dirname(file), 0o755);
    await store.repositories.meet({ ...repository, gitDir: "/b/.git", name: "b" });
    for (const suffix of ["", "-wal", "-shm"]) chmodSync(`${file}${suffix}`, 0o644);
    const answer = await new Process(t, ["readThenWrite", file], user).next();
    assert.deepEqual(answer["names"], ["app", "b"]);
    assert.equal((answer["error"] as { code: string } | null)?.code, "store/read-only");
  });

  it("on a disk mounted read-only is read, and written again when it may be", { skip: needsMount }, async (t) => {
    const disk = mountDisk(t, "4m");
    const file = registryIn(disk);
    const before = await open(t, file);
    await before.repositories.meet(repository);
    before.close();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const store = await open(t, file);
    assert.equal((await store.repositories.all()).length, 1);
    await assert.rejects(store.events.append({ name: "sync.applied", repositoryId: null, subject: "s", data: {} }), {
      code: "store/read-only",
    });
    assert.equal(await store.events.last(), 1);
    execFileSync("mount", ["-o", "remount,rw", disk]);
    assert.equal(
      (await store.events.append({ name: "sync.applied", repositoryId: null, subject: "s", data: {} })).seq,
      2,
    );
    assert.equal(await store.events.last(), 2);
    store.close();
  });

  it("that may not even be read says so", { skip: isRoot ? false : "needs a second user" }, async (t) => {
    const { store, file } = await registry(t);
    chmodSync(path.dirname(path.dirname(file)), 0o755);
    chmodSync(path.dirname(file), 0o755);
    const answer = await new Process(t, ["open", file], user).next();
    store.close();
    assert.equal((answer["error"] as { code: string }).code, "store/failed");
  });

  it("that does not exist yet says so", { skip: process.platform === "win32" }, async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    mkdirSync(path.join(folder, "data"), { mode: 0o555 });
    const answer = await new Process(t, ["open", path.join(folder, "data", "worktrees.db")], user).next();
    assert.equal((answer["error"] as { code: string }).code, "store/read-only");
  });
});

describe("a full disk", () => {
  const fill = (disk: string): string => {
    const ballast = path.join(disk, "ballast");
    try {
      for (let size = 1 << 20; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
        } catch {
          // Smaller pieces still fit.
        }
      }
    } catch {
      // Full.
    }
    return ballast;
  };
  const append = { name: "sync.applied", repositoryId: null, subject: "s", data: { text: "x".repeat(9000) } } as const;

  it("refuses changes whole, goes on reading, and works again when there is room", { skip: needsMount }, async (t) => {
    const disk = mountDisk(t, "4m");
    const store = await open(t, registryIn(disk));
    const { id } = await store.repositories.meet(repository);
    const ballast = fill(disk);
    await assert.rejects(
      (async () => {
        for (;;) await store.events.append(append);
      })(),
      { code: "store/full" },
    );
    const last = await store.events.last();
    assert.equal((await store.repositories.byId(id))?.name, "app");
    await assert.rejects(store.leases.tryTake("thing", "x".repeat(9000)), { code: "store/full" });
    await assert.rejects(store.backup(), { code: "store/full" });
    rmSync(ballast);
    assert.equal((await store.events.append(append)).seq, last + 1);
    store.close();
    const again = await open(t, registryIn(disk));
    assert.equal(await again.events.last(), last + 1);
    again.close();
  });

  it("lets a registry be opened for reading", { skip: needsMount }, async (t) => {
    const disk = mountDisk(t, "4m");
    const file = registryIn(disk);
    const before = await open(t, file);
    await before.repositories.meet(repository);
    before.close();
    const ballast = fill(disk);
    const store = await open(t, file);
    assert.equal((await store.repositories.all()).length, 1);
    await assert.rejects(store.events.append(append), { code: "store/full" });
    rmSync(ballast);
    assert.equal((await store.events.append(append)).seq, 2);
    store.close();
  });

  it("refuses to make a registry", { skip: needsMount }, async (t) => {
    const disk = mountDisk(t, "1m");
    fill(disk);
    await assert.rejects(opening(path.join(disk, "worktrees.db")), { code: "store/full" });
    assert.equal(existsSync(path.join(disk, "worktrees.db")), false);
  });
});

/** A small disk of its own, unmounted before its folder is removed. */
const mountDisk = (t: TestContext, size: string): string => {
  const disk = mkdtempSync(path.join(tmpdir(), "imi-store-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk]);
  t.after(() => {
    execFileSync("umount", ["-l", disk]);
    rmSync(disk, { recursive: true });
  });
  return disk;
};
