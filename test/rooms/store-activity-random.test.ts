import assert from "node:assert/strict";
import { it } from "node:test";
import { activityTypes } from "../../protocol/activity-kinds.ts";
import type { Activity } from "../../protocol/activity.ts";
import type { ActivityQuery, WorktreeRow } from "../../server/src/store/index.ts";
import { claimed, look } from "../support/activity.ts";
import { randomFrom, seeded } from "../support/random.ts";
import { intention, registry, repository, worktree } from "./store-helpers.ts";

/** IMI_TEST_ROUNDS=3000 for many more; IMI_TEST_SEED repeats one that failed. */
const { seed, rounds } = seeded(300);
const next = randomFrom(seed);
const below = (most: number): number => Math.floor(next() * most);
const chance = (part: number): boolean => next() < part;
const pick = <T>(from: readonly T[]): T => from[below(from.length)] ?? assert.fail("nothing to pick from");

const paths = ["src", "src.ts", "src/a.ts", "src/b", "src/b/c.ts", "src0", "src-old/a.ts", "doc/a.md", "ä/ö.ts", "a"];
const folders = ["src", "src/b", "doc", "ä", "nowhere", "a"];

it("whatever is asked, the answer is what a look at every row would give", async (t) => {
  t.diagnostic(`IMI_TEST_SEED=${seed} IMI_TEST_ROUNDS=${rounds}`);
  const { store, repositoryId } = await registry(t);
  const { id: elsewhere } = await store.repositories.meet({ ...repository, gitDir: "/other/.git" });
  const lease = await store.leases.take("watch", { purpose: "record", waitMs: 1000 });
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const rows: WorktreeRow[] = [];
  for (const [index, name] of ["feat-a", "feat-b", "feat-c", "feat-d", "feat-e"].entries()) {
    const where = index === 4 ? elsewhere : repositoryId;
    const { id } = await store.worktrees.begin({ ...worktree(where, name), path: `/wt/${index}/${name}` }, intention);
    rows.push(await store.worktrees.ready(id, { head: null, identity: null }));
  }
  const agents = ["ada", "bob", "cyd"];
  const held = new Map<string, { readonly agent: string; readonly token: number }>();
  const start = Date.now();
  for (let round = 0; round < rounds; round += 1) {
    const row = pick(rows);
    const holder = held.get(row.id);
    if (chance(0.1) && holder !== undefined) {
      await store.claims.release(row.id, holder);
      held.delete(row.id);
    } else if (chance(0.1) && holder === undefined) {
      held.set(row.id, await claimed(store, row, pick(agents)));
    } else {
      const files = paths.filter(() => chance(0.2)).map((path) => ({ path, change: "modified" as const }));
      const commit = chance(0.1) ? { from: null, subject: null, commits: 1, dropped: 0 } : null;
      const switched = chance(0.05) ? { from: null, to: "x" } : null;
      await store.activities.record(look(row, { files, commit, switched }), lease, { attribute: true });
    }
    if (chance(0.3)) t.mock.timers.setTime(Date.now() + below(5000));
    if (chance(0.01)) t.mock.timers.setTime(Date.now() - below(20_000));
    if (chance(0.01)) {
      const index = rows.indexOf(row);
      rows[index] = await store.worktrees.update(row.id, { name: `feat-new-${round}`, path: `/wt/new/${round}` });
    }
  }
  const all = await store.activities.list({ repositoryId, limit: 100_000 });
  const ids = all.map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.toSorted((one, other) => other - one),
  );
  assert.ok(all.length > rounds / 2);

  for (let round = 0; round < rounds; round += 1) {
    const some = pick(all);
    const query: ActivityQuery = {
      repositoryId,
      limit: pick([1, 2, 7, 50, 100_000]),
      ...(chance(0.4) ? { worktree: wanted(some, rows) } : {}),
      ...(chance(0.3) ? { agent: pick([...agents, "nobody"]) } : {}),
      ...(chance(0.4) ? { file: pick(chance(0.5) ? paths : folders) } : {}),
      ...(chance(0.3) ? { type: pick(activityTypes) } : {}),
      ...(chance(0.3) ? { since: start + below(Math.max(1, Date.now() - start)) } : {}),
      ...(chance(0.3) ? { before: some.id + pick([0, 0, 1]) } : {}),
    };
    const expected = all.filter((each) => fits(each, query)).slice(0, query.limit);
    assert.deepEqual(await store.activities.list(query), expected, JSON.stringify(query));
  }
});

const wanted = ({ worktree: seen }: Activity, rows: readonly WorktreeRow[]): ActivityQuery["worktree"] =>
  chance(0.3)
    ? { id: null, name: seen.name }
    : { id: seen.id, name: rows.find(({ id }) => id === seen.id)?.name ?? seen.name };

const fits = (each: Activity, query: ActivityQuery): boolean =>
  (query.worktree === undefined ||
    each.worktree.id === query.worktree.id ||
    each.worktree.name === query.worktree.name) &&
  (query.agent === undefined || each.agent === query.agent) &&
  (query.file === undefined || each.file === query.file || each.file?.startsWith(`${query.file}/`) === true) &&
  (query.type === undefined || each.type === query.type) &&
  (query.since === undefined || Date.parse(each.at) >= query.since) &&
  (query.before === undefined || each.id < query.before);
