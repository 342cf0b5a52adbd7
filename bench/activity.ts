// The activity log with a million rows: what it answers, what it takes to write, what it takes on the disk.
import { statSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { fileChanges } from "../protocol/activity-kinds.ts";
import { openStore } from "../server/src/store/index.ts";
import type { ActivityQuery, Lease, Seen, Store } from "../server/src/store/index.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, figure, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, timed } from "./support/numbers.ts";
import { makePlace } from "./support/place.ts";

const worktrees = 100;
const agents = 20;
const paths = 20_000;
const dayMs = 24 * 3_600_000;
/** How long ago the oldest row is from. */
const days = 40;

/** Seed 002's table, with the indexes that its questions need; what a tool does that writes rows as they come. */
const bareSchema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id TEXT NOT NULL,
    worktree_id TEXT NOT NULL,
    agent_id TEXT,
    activity_type TEXT NOT NULL,
    file TEXT,
    timestamp TEXT NOT NULL,
    details TEXT
  );
  CREATE INDEX of_worktree ON activities (worktree_id, timestamp);
  CREATE INDEX of_agent ON activities (agent_id, timestamp);
  CREATE INDEX of_file ON activities (file, timestamp);
  CREATE INDEX of_time ON activities (timestamp);
`;

export const activity: Bench = {
  name: "activity",
  summary: "a million activities: to find the last 50, to write more, to delete the old",
  async *measure(options) {
    const place = makePlace(options.dir);
    try {
      const rows = options.events ?? 1_000_000;
      const file = path.join(place.folder, "data", "worktrees.db");
      const bare = openBare(path.join(place.folder, "bare.db"));
      const store = await openStore({ path: file, role: "cli" });
      const lease = await store.leases.take("bench", { purpose: "measure", waitMs: 1000 });
      try {
        const scene = await fill(store, lease, bare, rows, options);
        yield* sizes(file, bare, rows);
        yield* questions(scene, bare, options);
        yield* writing(scene, lease, bare, options);
        yield* trimming(scene, bare, options);
      } finally {
        await lease.release();
        store.close();
        bare.database.close();
      }
    } finally {
      place.remove();
    }
  },
};

interface Bare {
  readonly file: string;
  readonly database: Sqlite.Database;
  readonly insert: Sqlite.Statement;
}

interface Scene {
  readonly store: Store;
  readonly repositoryId: string;
  readonly ids: readonly string[];
}

const openBare = (file: string): Bare => {
  const database = new Sqlite(file);
  database.exec(bareSchema);
  const insert = database.prepare(
    `INSERT INTO activities (repository_id, worktree_id, agent_id, activity_type, file, timestamp, details)
     VALUES (?, ?, ?, 'file_change', ?, ?, '{"change":"modified"}')`,
  );
  return { file, database, insert };
};

const nameOf = (number: number): string => `feat-n${number}`;
/** A path as they are: a folder for each area, files in folders in it. */
const pathOf = (number: number): string => `src/area-${number % 50}/part-${number % 400}/file-${number}.ts`;

const status = { ahead: 1, behind: 0, staged: 0, changed: 1, untracked: 0, conflicted: 0 };

const seen = (worktreeId: string, number: number, files: readonly string[]): Seen => ({
  ...{ worktreeId, name: nameOf(number), commit: null, switched: null },
  files: files.map((file) => ({ path: file, change: fileChanges[1] })),
  now: { head: "c0ffee", branch: nameOf(number), status, files: {} },
});

/** By the very method that writes them in earnest, a hundred at a time, with the clock of this process set back. */
const fill = async (store: Store, lease: Lease, bare: Bare, rows: number, options: BenchOptions): Promise<Scene> => {
  options.say(`${rows} activities of ${worktrees} worktrees, ${agents} agents, ${paths} files, in ${days} days`);
  const clock = Date.now;
  const end = clock();
  Date.now = () => end - days * dayMs;
  const { id: repositoryId } = await store.repositories.meet({
    ...{ name: "app", gitDir: "/app/.git", layout: "beside", container: "/app.wt", trunk: "/app" },
  });
  const ids: string[] = [];
  for (let number = 0; number < worktrees; number += 1) {
    const row = {
      ...{
        repositoryId,
        name: nameOf(number),
        type: "feat" as const,
        path: `/app.wt/${number}`,
        branch: null,
        base: null,
      },
      ...{ head: null, agentId: null, pullRequest: null, metadata: {} },
    };
    const { id } = await store.worktrees.begin(row, { baseCommit: null, createsBranch: false, fence: 1 });
    const wish = { agent: `agent-${number % agents}`, ttlMs: dayMs, task: null, process: null, sign: null };
    await store.worktrees.ready(id, { head: null, identity: null, claim: { ...wish, kind: null, provider: null } });
    ids.push(id);
  }
  const atOnce = 100;
  const batches = Math.ceil(rows / atOnce);
  try {
    for (let batch = 0; batch < batches; batch += 1) {
      const at = Math.floor(end - days * dayMs * (1 - batch / batches));
      Date.now = () => at;
      const number = (batch * 7) % worktrees;
      const id = ids[number] ?? "";
      const files = Array.from({ length: atOnce }, (_, index) => pathOf((batch * 31 + index * 17) % paths));
      await store.activities.record(seen(id, number, files), lease, { attribute: true });
      writeBare(bare, repositoryId, id, number, files, at);
    }
  } finally {
    Date.now = clock;
  }
  return { store, repositoryId, ids };
};

const writeBare = (
  { database, insert }: Bare,
  repositoryId: string,
  id: string,
  number: number,
  files: readonly string[],
  at: number,
): void => {
  database.exec("BEGIN IMMEDIATE");
  for (const file of files) insert.run(repositoryId, id, `agent-${number % agents}`, file, new Date(at).toISOString());
  database.exec("COMMIT");
};

/** The pages of the tables and indexes of activities: the rest of the registry has its own. */
function* sizes(file: string, bare: Bare, rows: number): Generator<Line> {
  const ours = new Sqlite(file, { readonly: true });
  const pages = ours.prepare(
    `SELECT name, sum(pgsize) AS bytes FROM dbstat WHERE name LIKE '%activity%' GROUP BY name`,
  );
  const tables = pages.all() as { name: string; bytes: number }[];
  ours.close();
  bare.database.pragma("wal_checkpoint(TRUNCATE)");
  const megabytes = tables.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  yield {
    ...{ what: `${rows} activities with their indexes`, unit: "MB", runs: 1, against: "seed 002's table, indexed" },
    ours: figure([megabytes]),
    baseline: figure([statSync(bare.file).size / 1e6]),
    // Seed 002 "Performance": 100 bytes per activity.
    goal: { of: "value", most: (rows * 100) / 1e6 },
  };
}

async function* questions(
  { store, repositoryId, ids }: Scene,
  bare: Bare,
  options: BenchOptions,
): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 300;
  options.say(`${rounds} rounds of questions`);
  const now = Date.now();
  const since = new Date(now - 3 * dayMs).toISOString();
  const select = (where: string): Sqlite.Statement =>
    bare.database.prepare(`SELECT * FROM activities WHERE ${where} ORDER BY timestamp DESC, id DESC LIMIT 50`);
  const sql = {
    worktree: select("worktree_id = ?"),
    agent: select("agent_id = ?"),
    file: select("file = ?"),
    folder: select("file >= ? AND file < ?"),
    since: select("timestamp >= ?"),
    both: select("worktree_id = ? AND file >= ? AND file < ?"),
    agentSince: select("agent_id = ? AND timestamp >= ?"),
  };
  const pick = (round: number): string => ids[(round + worktrees) % worktrees] ?? "";
  const agentOf = (round: number): string => `agent-${(round + agents) % agents}`;
  const area = (round: number): string => `src/area-${(round + 50) % 50}`;
  const cases: readonly {
    readonly what: string;
    readonly ours: (round: number) => Partial<ActivityQuery>;
    readonly bare: (round: number) => unknown[];
    readonly statement: Sqlite.Statement;
    readonly most: number | null;
  }[] = [
    {
      ...{ what: "of a worktree", statement: sql.worktree, most: 1 },
      ours: (round) => ({ worktree: { id: pick(round), name: nameOf(round % worktrees) } }),
      bare: (round) => [pick(round)],
    },
    {
      ...{ what: "of an agent", statement: sql.agent, most: 1 },
      ours: (round) => ({ agent: agentOf(round) }),
      bare: (round) => [agentOf(round)],
    },
    {
      ...{ what: "of a file", statement: sql.file, most: 1 },
      ours: (round) => ({ file: pathOf(round + 1) }),
      bare: (round) => [pathOf(round + 1)],
    },
    {
      ...{ what: "since 3 days ago", statement: sql.since, most: 1 },
      ours: () => ({ since: now - 3 * dayMs }),
      bare: () => [since],
    },
    {
      ...{ what: "of an agent since 3 days ago", statement: sql.agentSince, most: 1 },
      ours: (round) => ({ agent: agentOf(round), since: now - 3 * dayMs }),
      bare: (round) => [agentOf(round), since],
    },
    {
      ...{ what: "in a folder with 400 files", statement: sql.folder, most: null },
      ours: (round) => ({ file: area(round) }),
      bare: (round) => [`${area(round)}/`, `${area(round)}0`],
    },
    {
      ...{ what: "of a worktree in that folder", statement: sql.both, most: null },
      ours: (round) => ({ file: area(round), worktree: { id: pick(round), name: nameOf(round % worktrees) } }),
      bare: (round) => [pick(round), `${area(round)}/`, `${area(round)}0`],
    },
    {
      ...{ what: "of a type that is rare", statement: sql.worktree, most: null },
      ours: () => ({ type: "agent_claimed" }),
      bare: (round) => [pick(round)],
    },
    {
      ...{ what: "the page after 500 000 rows", statement: sql.since, most: null },
      ours: () => ({ before: Math.floor((now - (days / 2) * dayMs) * 1024) }),
      bare: () => [since],
    },
  ];
  for (const each of cases) {
    const measured = await inTurns(rounds, {
      ours: (round) => timed(() => store.activities.list({ repositoryId, limit: 50, ...each.ours(round) })),
      bare: (round) => timed(() => Promise.resolve(each.statement.all(...each.bare(round)))),
    });
    yield lineOf({
      ...{ what: `last 50 ${each.what}`, ours: measured.ours, baseline: measured.bare },
      against: "SELECT from seed 002's table",
      ...(each.most === null ? {} : { goal: { of: "value", most: each.most } }),
    });
  }
}

async function* writing(scene: Scene, lease: Lease, bare: Bare, options: BenchOptions): AsyncGenerator<Line> {
  const { store, repositoryId, ids } = scene;
  const rounds = options.rounds ?? 100;
  for (const [count, whose] of [
    [1, "own"],
    [100, "own"],
    [1000, "own"],
    [100, "everybody's"],
  ] as const) {
    options.say(`${rounds} times ${count}`);
    const pick = (round: number): { number: number; id: string; files: string[] } => {
      const number = (round + worktrees) % worktrees;
      const first = whose === "own" ? (number % agents) * 1000 : 0;
      const files = Array.from({ length: count }, (_, index) => pathOf(first + ((round + 1 + index) % 1000)));
      return { number, id: ids[number] ?? "", files };
    };
    const measured = await inTurns(rounds, {
      ours: (round) => {
        const { id, number, files } = pick(round);
        return timed(() => store.activities.record(seen(id, number, files), lease, { attribute: true }));
      },
      bare: (round) => {
        const { id, number, files } = pick(round);
        return timed(() => Promise.resolve(writeBare(bare, repositoryId, id, number, files, Date.now())));
      },
    });
    yield lineOf({
      ...{ what: `record a look with ${count} of ${whose} files`, ours: measured.ours, baseline: measured.bare },
      against: "INSERT into seed 002's table",
      ...(count === 1000 && whose === "own" ? { goal: { of: "value", most: 5 } } : {}),
    });
  }
}

async function* trimming({ store }: Scene, bare: Bare, options: BenchOptions): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 100;
  options.say(`${rounds} slices of 200`);
  const before = Date.now() - 30 * dayMs;
  const remove = bare.database.prepare(
    `DELETE FROM activities WHERE id IN (SELECT id FROM activities WHERE timestamp < ? ORDER BY id LIMIT 200)`,
  );
  const measured = await inTurns(rounds, {
    ours: () => timed(() => store.activities.trim(before, 200)),
    bare: () => timed(() => Promise.resolve(remove.run(new Date(before).toISOString()))),
  });
  yield lineOf({
    ...{ what: "delete 200 old ones", ours: measured.ours, baseline: measured.bare },
    against: "DELETE from seed 002's table",
    goal: { of: "value", most: 5 },
  });
}

if (import.meta.main) await runBenches([activity], process.argv.slice(2));
