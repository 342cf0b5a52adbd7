// A process that claims and releases: `node claims-worker.ts DATABASE HISTORY SLOT SEED ROUNDS [MUTANT]`, see claims-nemesis.ts.
import { openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import { take } from "../../server/src/claims/take.ts";
import { openStore, ownLife } from "../../server/src/store/index.ts";
import type { ClaimRow, Claims, Store } from "../../server/src/store/index.ts";
import type { Entry } from "./claims-history.ts";
import { randomFrom } from "./random.ts";

const [database = "", history = "", name = "", seed = "0", rounds = "0", mutant = ""] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const file = openSync(history, "a");
/** One system call: whole in the file as soon as it returns, also when this process is killed. */
const record = (entry: Entry | { readonly op: "round" }): void => void writeSync(file, `${JSON.stringify(entry)}\n`);

/** What this process took last. */
let mine: ClaimRow | null = null;

/** Ways to be wrong, each of which the checker has to find. */
const mutants: Readonly<Record<string, (claims: Claims) => Partial<Claims>>> = {
  /** Seed 001's own diagram: SELECT, then UPDATE. */
  "check-then-act": (claims) => ({
    take: async (worktreeId, wish) => {
      if ((await claims.of(worktreeId)) !== null) return { taken: null, held: await claims.of(worktreeId), ahead: 0 };
      await delay(2);
      return { taken: await claims.takeOver(worktreeId, wish, { from: null, log: {} }) };
    },
  }),
  /** A holder that was not heard of for a tenth of its time counts as gone. */
  impatient: (claims) => ({
    endOf: async (claim) =>
      claims.here.boot() - claim.stand.heartbeatAt > claim.ttlMs / 10 ? "expired" : claims.endOf(claim),
  }),
  /** Whoever held it once may go on. */
  fenceless: (claims) => ({
    renew: async (worktreeId, holder, renewal) => {
      try {
        return await claims.renew(worktreeId, holder, renewal);
      } catch (error) {
        if (mine === null) throw error;
        return mine;
      }
    },
  }),
};

const store = await openStore({ path: database, role: "cli" });
const claims: Claims = { ...store.claims, ...mutants[mutant]?.(store.claims) };
const settings = (): never => {
  throw new Error("no setting matters here");
};
const tools = { store: { ...store, claims } as Store, settings, log: () => undefined };
const [repository] = await store.repositories.all();
if (repository === undefined) throw new Error("no repository");
const rows = await store.worktrees.of(repository.id);
const process_ = await ownLife();
const agent = `${name}.${process.pid}`;

for (let round = 0; round < Number(rounds); round += 1) {
  record({ op: "round" });
  const row = rows[Math.floor(random() * rows.length)];
  if (row === undefined) throw new Error("no worktree");
  const ttl = 100 + Math.floor(random() * 200);
  const pid = random() < 0.5 ? process.pid : null;
  const wish = {
    agent,
    ttlMs: ttl,
    process: pid === null ? null : process_,
    task: null,
    sign: null,
    kind: null,
    provider: null,
  };
  const start = now();
  let token: number;
  try {
    mine = await take(tools, { repository, row }, wish, null);
    ({ token } = mine);
  } catch (error) {
    // Busy: not begun, because somebody was stopped in the middle of a transaction.
    if (!ImiError.is(error, "claim/held", "store/busy")) throw error;
    await delay(random() * 2);
    continue;
  }
  record({ op: "taken", worktree: row.name, agent, token, ttl, pid, start, end: now() });
  const what = random();
  if (what < 0.05) continue; // left behind: over when its time is
  if (what < 0.1) await delay(ttl * 1.3);
  else if (what < 0.4) await delay(random() * 5);
  if (what < 0.6)
    await said("renewed", () =>
      claims.renew(row.id, { agent, token }, { ttlMs: null, task: null, process: null, sign: null }),
    );
  await said("released", () => claims.release(row.id, { agent, token }));

  async function said(op: "renewed" | "released", work: () => Promise<unknown>): Promise<void> {
    const begun = now();
    const done = { worktree: row?.name ?? "", agent, token, start: begun };
    try {
      await work();
      record(op === "renewed" ? { op, ...done, ttl, pid, end: now() } : { op, ...done, end: now() });
    } catch (error) {
      if (ImiError.is(error, "store/busy")) return;
      if (!ImiError.is(error, "claim/stale")) throw error;
      record({ op: "refused", ...done, end: now() });
    }
  }
}
// What it left behind ends with it.
record({ op: "ended", pid: process.pid, start: now() });
store.close();
