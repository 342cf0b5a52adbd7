// A process of its own that works on a registry: `node store-process.ts <command> <path> [argument]`, started with fork.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/index.ts";

const [command = "", path = "", argument = ""] = process.argv.slice(2);
const logged: string[] = [];

export interface Answer {
  readonly [key: string]: unknown;
}

const tell = (answer: Answer): void => void process.send?.(answer);
const nativeBinding = process.env["TEST_NATIVE_BINDING"];
const open = (): Promise<Store> =>
  openStore({
    path,
    role: "cli",
    log: (message) => void logged.push(message),
    ...(nativeBinding && { nativeBinding }),
  });

const repository = { name: "app", gitDir: "/app/.git", layout: "beside", container: "/app.wt", trunk: "/app" } as const;

const commands: Record<string, () => Promise<void>> = {
  /** Opens, meets the repository, says what it found. */
  async open() {
    const store = await open();
    const { id } = await store.repositories.meet(repository);
    tell({ id, engine: store.engine, events: await store.events.list(0, 10), logged });
    store.close();
  },

  /** Reads, then tries to write. */
  async readThenWrite() {
    const store = await open();
    const before = await store.repositories.all();
    const error = await store.repositories.meet({ ...repository, gitDir: "/other/.git" }).then(
      () => null,
      (thrown: unknown) => ImiError.from(thrown).toJSON(),
    );
    tell({ names: before.map(({ name }) => name), error, after: (await store.repositories.all()).length });
    store.close();
  },

  /** Takes a lease and keeps it; guards it when asked. */
  async hold() {
    const store = await open();
    const lease = await store.leases.take("thing", { purpose: "hold it", waitMs: 10_000 });
    lease.lost.addEventListener("abort", () => tell({ lost: true }));
    process.on("message", () => {
      lease.guard().then(
        () => tell({ guarded: true }),
        (error: unknown) => tell({ guarded: ImiError.from(error).code }),
      );
    });
    tell({ fence: lease.fence });
  },

  /** Takes the lease again and again; inside, nobody else may be. `argument` is the folder of the witness files. */
  async compete() {
    const store = await open();
    const inside = `${argument}/inside`;
    for (;;) {
      const lease = await store.leases.take("thing", { purpose: "compete", waitMs: 60_000 });
      try {
        writeFileSync(inside, String(process.pid), { flag: "wx" });
      } catch {
        // Whoever left this must have been killed in there.
        const other = Number(readFileSync(inside, "latin1"));
        if (isRunning(other)) tell({ violation: `${process.pid} came in while ${other} was inside` });
        writeFileSync(inside, String(process.pid));
      }
      appendFileSync(`${argument}/fences`, `${lease.fence}\n`);
      await sleep(Math.random() * 3);
      rmSync(inside);
      await lease.release();
      tell({ round: lease.fence });
    }
  },

  async takeFive() {
    const store = await open();
    const fences: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const lease = await store.leases.take("thing", { purpose: "take five", waitMs: 30_000 });
      fences.push(lease.fence);
      await sleep(2);
      await lease.release();
    }
    tell({ fences });
    store.close();
  },

  /** Appends events numbered from `argument` and tells each once it is committed. */
  async write() {
    const store = await open();
    for (let number = Number(argument); ; number += 1) {
      await store.events.append({ name: "sync.applied", repositoryId: null, subject: "s", data: { number } });
      tell({ number });
    }
  },

  /** Creates and removes worktrees until it is killed. */
  async create() {
    const store = await open();
    const { id: repositoryId } = await store.repositories.meet(repository);
    for (let number = 0; ; number += 1) {
      const name = `${process.pid}-${number}`;
      const row = await store.worktrees.begin(
        {
          repositoryId,
          name,
          type: "feat",
          path: `/app.wt/${name}`,
          branch: name,
          base: null,
          head: null,
          agentId: null,
          pullRequest: null,
          metadata: {},
        },
        { baseCommit: "c0ffee", createsBranch: true, fence: 1 },
      );
      tell({ begun: row.id });
      await store.worktrees.ready(row.id, { head: "c0ffee", identity: null });
      tell({ made: row.id });
    }
  },

  /** Records looks at the worktree with the id `argument`, of 200 files each, until it is killed. */
  async record() {
    const store = await open();
    const lease = await store.leases.take("watch", { purpose: "record", waitMs: 10_000 });
    const status = { ahead: 0, behind: 0, staged: 0, changed: 200, untracked: 0, conflicted: 0 };
    for (let number = 0; ; number += 1) {
      const files = Array.from({ length: 200 }, (_, index) => ({
        path: `look-${number}/file-${index}`,
        change: "added" as const,
      }));
      const now = { head: `head-${number}`, branch: "feat/x", status, files: {} };
      const seen = { worktreeId: argument, name: "x", files, commit: null, switched: null, now };
      await store.activities.record(seen, lease, { attribute: true });
      tell({ number });
    }
  },

  /** Stops in the middle of a transaction, with the write lock. */
  async stuck() {
    const { default: Database } = await import("better-sqlite3");
    const database = new Database(path);
    database.exec("BEGIN IMMEDIATE");
    tell({ stuck: process.pid });
    setInterval(() => database.inTransaction, 1000);
  },
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};

if (argument === "old-napi") {
  Object.defineProperty(process, "versions", { value: { ...process.versions, napi: "9" } });
}
commands[command]?.().catch((error: unknown) => {
  tell({ error: ImiError.from(error).toJSON() });
  process.disconnect?.();
});
