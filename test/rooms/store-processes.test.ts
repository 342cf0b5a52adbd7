import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { Process, open, registry, registryIn, temporaryFolder, until } from "./store-helpers.ts";
import type { Answer } from "./store-process.ts";

const integrity = (file: string): unknown => {
  const database = new Sqlite(file);
  try {
    return database.pragma("integrity_check", { simple: true });
  } finally {
    database.close();
  }
};

describe("many processes on one registry", { concurrency: 4 }, () => {
  it("start for the first time at once, and there is one registry with one event", async (t) => {
    const file = registryIn(temporaryFolder(t));
    const processes = Array.from({ length: 10 }, () => new Process(t, ["open", file]));
    const answers = await Promise.all(processes.map((each) => each.next()));
    for (const answer of answers) assert.deepEqual({ ...answer, engine: null }, { ...answers[0], engine: null });
    assert.equal(typeof answers[0]?.["id"], "string");
    const events = answers[0]?.["events"];
    assert.equal(Array.isArray(events) && events.length, 1);
  });

  it("are in a lease one at a time, also when they are killed inside, and fences only grow", async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(path.join(folder, "witness"));
    const argv = ["compete", registryIn(folder), path.join(folder, "witness")];
    const all: Process[] = [];
    const start = (): Process => {
      const process = new Process(t, argv);
      all.push(process);
      return process;
    };
    const count = (key: string): Answer[] => all.flatMap(({ answers }) => answers).filter((answer) => key in answer);
    const living = Array.from({ length: 8 }, start);
    for (let kills = 1; kills <= 8; kills += 1) {
      await until(() => count("round").length >= kills * 15 || count("error").length > 0);
      const [victim] = living.splice(kills % living.length, 1);
      await victim?.kill();
      living.push(start());
    }
    await Promise.all(living.map((each) => each.kill()));
    assert.deepEqual(count("violation"), []);
    assert.deepEqual(count("error"), []);
    const fences = readFileSync(path.join(folder, "witness", "fences"), "latin1")
      .trim()
      .split("\n")
      .map(Number);
    assert.ok(fences.length >= 120);
    for (const [index, fence] of fences.entries()) assert.ok(index === 0 || fence > (fences[index - 1] ?? 0));
    assert.equal(integrity(registryIn(folder)), "ok");
  });

  it("all get the lease when eight of them want it five times", async (t) => {
    const { file } = await registry(t);
    const processes = Array.from({ length: 8 }, () => new Process(t, ["takeFive", file]));
    const answers = await Promise.all(processes.map((each) => each.next()));
    const fences = answers.flatMap(({ fences: own }) => own as number[]).toSorted((a, b) => a - b);
    assert.deepEqual(
      fences,
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
  });

  it("take a lease over from a killed process at once", async (t) => {
    const { store, file } = await registry(t);
    const holder = new Process(t, ["hold", file]);
    assert.deepEqual(await holder.next(), { fence: 1 });
    const waiting = store.leases.take("thing", { purpose: "next", waitMs: 60_000 });
    await holder.kill();
    const start = performance.now();
    const lease = await waiting;
    assert.ok(performance.now() - start < 1000, "long before its 30 s are over");
    assert.equal(lease.fence, 2);
  });

  it(
    "do not rob one that is stopped, however long it was silent; it goes on with what it holds",
    { skip: process.platform === "win32" },
    async (t) => {
      const { store, file } = await registry(t);
      const holder = new Process(t, ["hold", file]);
      await holder.next();
      holder.child.kill("SIGSTOP");
      const raw = new Sqlite(file);
      raw.exec("UPDATE leases SET expires_at = 1, heartbeat_at = 1");
      raw.close();
      assert.equal(await store.leases.tryTake("thing", "rob"), null);
      await assert.rejects(
        store.leases.take("thing", { purpose: "rob", waitMs: 50 }),
        (error: { code: string; message: string; hint: string }) => {
          assert.equal(error.code, "repository/busy");
          assert.match(
            error.message,
            new RegExp(`Process ${holder.child.pid} .*: hold it\\. It has given no sign of life`, "u"),
          );
          return true;
        },
      );
      assert.equal((await store.leases.holder("thing"))?.pid, holder.child.pid);
      holder.child.kill("SIGCONT");
      holder.child.send("guard");
      assert.deepEqual(await holder.next(), { guarded: true });
      await holder.kill();
      assert.equal((await store.leases.tryTake("thing", "after its death"))?.fence, 2);
    },
  );

  it("do not take a lease from a process that merely has the pid of a dead one", async (t) => {
    const { store, file } = await registry(t);
    const holder = new Process(t, ["hold", file]);
    await holder.next();
    const raw = new Sqlite(file);
    raw.exec("UPDATE leases SET process_start = '1'");
    assert.equal(await store.leases.holder("thing"), null, "started at another time: it is not the holder");
    raw.exec("UPDATE leases SET boot_id = 'another boot', process_start = NULL");
    assert.equal(await store.leases.holder("thing"), null, "before a reboot");
    raw.exec(`UPDATE leases SET boot_id = (SELECT boot_id FROM leases), pid_namespace = 'pid:[1]', pid = 4194305`);
    raw.close();
    const lease = await store.leases.tryTake("thing", "p");
    assert.equal(lease?.fence, 2);
    holder.child.send("guard");
    assert.deepEqual(await holder.next(), { lost: true });
    assert.deepEqual(await holder.next(), { guarded: "lease/lost" });
  });

  it("are followed in order and without a gap while the writers are killed", async (t) => {
    const { store, file } = await registry(t);
    const numbers: number[] = [];
    t.after(store.events.follow(1, (events) => void numbers.push(...events.map(({ data }) => Number(data["number"])))));
    // What is read for one of a process serves the others, who are at other places of the log for a while.
    const pauses = [0, 0, 3, 20];
    const seen = pauses.map((pause) => {
      const seqs: number[] = [];
      t.after(
        store.events.follow(1, async (events) => {
          seqs.push(...events.map(({ seq }) => seq));
          if (pause > 0) await delay(pause);
        }),
      );
      return seqs;
    });
    let acknowledged: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const writers = [1, 2].map((which) => new Process(t, ["write", file, String((round * 2 + which) * 1_000_000)]));
      await until(() => writers.every(({ answers }) => answers.length > 50));
      await Promise.all(writers.map((each) => each.kill()));
      acknowledged = [
        ...acknowledged,
        ...writers.flatMap(({ answers }) => answers.map(({ number }) => Number(number))),
      ];
    }
    const last = await store.events.last();
    const all = Array.from({ length: last - 1 }, (_, index) => index + 2);
    for (const seqs of seen) {
      await until(() => seqs.at(-1) === last);
      assert.deepEqual(seqs, all);
    }
    const known = new Set(numbers);
    assert.deepEqual(
      acknowledged.filter((number) => !known.has(number)),
      [],
      "what was committed is seen",
    );
    assert.equal(integrity(file), "ok");
  });

  it("killed while they make worktrees leave what they were told is done, and each row with its event", async (t) => {
    const { store, file, repositoryId } = await registry(t);
    const makers = [1, 2, 3].map(() => new Process(t, ["create", file]));
    await until(() => makers.every(({ answers }) => answers.length > 30));
    await Promise.all(makers.map((each) => each.kill()));
    assert.equal(integrity(file), "ok");
    const rows = new Map((await store.worktrees.of(repositoryId)).map((row) => [row.id, row]));
    for (const { made, begun } of makers.flatMap(({ answers }) => answers)) {
      if (typeof made === "string") assert.equal(rows.get(made)?.state, "ready");
      if (typeof begun === "string") assert.ok(rows.has(begun));
    }
    const told = new Map((await store.events.list(1, 10_000)).map((event) => [event.subject, event.data["state"]]));
    assert.deepEqual(told, new Map(Array.from(rows, ([id, row]) => [id, row.state])));
  });

  it(
    "waiting for one that hangs with the write lock go on with everything else, and name it in the end",
    { timeout: 30_000 },
    async (t) => {
      const { store, file } = await registry(t);
      const stuck = new Process(t, ["stuck", file]);
      await stuck.next();
      let turns = 0;
      const turning = setInterval(() => (turns += 1), 5);
      t.after(() => clearInterval(turning));
      const refused = assert.rejects(store.worktrees.settle("x", "y"), (error: { code: string; message: string }) => {
        assert.equal(error.code, "store/busy");
        if (process.platform === "linux") assert.match(error.message, new RegExp(`process ${stuck.child.pid} `, "u"));
        return true;
      });
      assert.equal((await store.repositories.all()).length, 1, "reading goes on");
      await refused;
      assert.ok(turns > 200);
      const afterwards = store.events.append({ name: "sync.applied", repositoryId: null, subject: "s", data: {} });
      await stuck.kill();
      assert.equal((await afterwards).seq, 2);
    },
  );
});

describe("the SQLite library", () => {
  it("is Node's own where the native one cannot be loaded, and the log says which and why", async (t) => {
    const file = registryIn(temporaryFolder(t));
    const env = { ...process.env, TEST_NATIVE_BINDING: import.meta.filename };
    const answer = await new Process(t, ["open", file], { env }).next();
    assert.equal((answer["engine"] as { name: string }).name, "node:sqlite");
    assert.match(
      String(answer["logged"]),
      /^store: node:sqlite 3\.\S+ serves, because better-sqlite3 cannot be loaded: /u,
    );
    const store = await open(t, file);
    assert.equal(store.engine.name, "better-sqlite3");
    assert.equal((await store.repositories.all())[0]?.id, answer["id"]);
  });

  it("is Node's own below Node-API 10, where the native one would take the process down", async (t) => {
    const answer = await new Process(t, ["open", registryIn(temporaryFolder(t)), "old-napi"]).next();
    assert.match(String(answer["logged"]), /Node-API 9 is too old/u);
  });
});
