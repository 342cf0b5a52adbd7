import { setTimeout as sleep } from "node:timers/promises";
import { backUp, backUpDaily } from "./backup.ts";
import { backupsOf } from "./backups-folder.ts";
import { activityRows } from "./activities.ts";
import { agentRows } from "./agents.ts";
import { realHere } from "./claim-here.ts";
import type { Here } from "./claim-here.ts";
import { claimRows } from "./claims.ts";
import { createRegistry, sweepUnfinished } from "./creating.ts";
import { Database } from "./database.ts";
import { loadEngine } from "./driver.ts";
import type { Engine } from "./driver.ts";
import { eventLog } from "./events.ts";
import { failureOf, readOnly, translate } from "./failures.ts";
import { createLeases } from "./leases.ts";
import { liveFactRows } from "./live-facts.ts";
import { locate } from "./location.ts";
import { connect, inspect, migrate } from "./opening.ts";
import type { Opened } from "./opening.ts";
import { repositoryRows } from "./repositories.ts";
import { diskUses } from "./disk-use.ts";
import { meta, migrations } from "./sql.ts";
import type { Store } from "./store.ts";
import { trashRows } from "./trash.ts";
export { uuidv7 } from "./uuid.ts";
import { worktreeRows } from "./worktrees.ts";

export type { Activities, ActivityQuery, Seen, Told } from "./activities.ts";
export type { Here } from "./claim-here.ts";
export { realHere } from "./claim-here.ts";
export type { KeptFacts } from "./live-facts.ts";
export { ownLife } from "./life.ts";
export { heldBy, queuedFor, stale } from "./claim-errors.ts";
export type { Holder } from "./claim-guard.ts";
export type { ClaimRow } from "./claim-rows.ts";
export type { Wish } from "./claim-take.ts";
export type { Claims, Credentials, Outcome, Over, Renewal } from "./claims.ts";
export type { Waiter } from "./claim-queue.ts";
export { waiterBeatMs } from "./claim-queue.ts";
export { Bell } from "./leases.ts";
export type {
  DiskUses,
  EventLog,
  FileIdentity,
  Identity,
  Lease,
  LeaseHolder,
  Leases,
  NewWorktree,
  RepositoryRows,
  Restoring,
  Store,
  TrashRow,
  TrashRows,
  WorktreePatch,
  WorktreeRow,
  WorktreeRows,
} from "./store.ts";

export interface StoreOptions {
  /** The registry's file; made with its folder when it does not exist. */
  readonly path: string;
  /** better-sqlite3's binary; by default native/better-sqlite3.node beside the running bundle, else the package's own. */
  readonly nativeBinding?: string | undefined;
  /** A `server` also makes the daily backup. */
  readonly role: "server" | "cli";
  readonly log?: ((message: string) => void) | undefined;
  /** Where and when claims are judged; tests put another clock in its place. */
  readonly here?: Here;
  /** Whether the activity log names agents; asked at each entry. */
  readonly attribute?: (() => boolean) | undefined;
}

/** Longest wait at opening for another process that is migrating or recovering, in ms. */
const patience = 10_000;

/**
 * Opens the registry. Throws store/network, store/empty, store/corrupt, store/newer, store/full, store/busy,
 * store/read-only (when there is none and none can be made), store/failed, runtime/unsupported.
 */
export const openStore = async ({
  path,
  nativeBinding,
  role,
  log = () => {},
  here = realHere,
  attribute,
}: StoreOptions): Promise<Store> => {
  const place = locate(path);
  const engine = await loadEngine({ nativeBinding, log });
  const { file } = place;
  if (place.found === "nothing") {
    createRegistry(engine, file);
    const [earlier] = backupsOf(file);
    if (earlier !== undefined)
      log(`store: ${file} was gone and has been made anew, empty; the newest backup is ${earlier}`);
  }
  const database = new Database(engine, file, await open(engine, file), log, attribute);
  const leases = createLeases(database, log);
  const backup = (signal?: AbortSignal): Promise<string> =>
    backUp(engine, file, (sql, params) => database.maintain(sql, params), signal);
  if (role === "server") sweepUnfinished(file);
  const callOff = role === "server" ? backUpDaily(database, leases, backup, log) : () => {};
  let id: Promise<string> | null = null;
  return {
    path: file,
    id: () => (id ??= database.read((read) => read.get<{ value: string }>(meta.id)?.value ?? "")),
    lost: database.lost,
    engine: { name: engine.name, sqlite: engine.sqlite },
    repositories: repositoryRows(database),
    worktrees: worktreeRows(database, here),
    claims: claimRows(database, here),
    agents: agentRows(database),
    trash: trashRows(database),
    diskUse: diskUses(database),
    activities: activityRows(database),
    liveFacts: liveFactRows(database),
    events: eventLog(database, log),
    leases,
    backup,
    close: () => {
      callOff();
      leases.close();
      database.close();
    },
  };
};

const open = async (engine: Engine, file: string): Promise<Opened> => {
  const start = performance.now();
  for (;;) {
    try {
      return await openOnce(engine, file);
    } catch (error) {
      if (failureOf(error) !== "busy" || performance.now() - start > patience) throw translate(error, file);
    }
    await sleep(1 + Math.random() * 19);
  }
};

const openOnce = async (engine: Engine, file: string): Promise<Opened> => {
  const opened = connect(engine, file);
  try {
    const known = migrations.at(-1)?.version ?? 0;
    const version = inspect(opened, file, known);
    if (version < known) await upgrade(engine, file, opened);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
};

/** Never without a way back. */
const upgrade = async (engine: Engine, file: string, { access, connection }: Opened): Promise<void> => {
  if (access === "read-only") throw readOnly(file);
  await backUp(engine, file, (sql, params) => void connection.prepare(sql).run(params));
  migrate(connection, migrations);
};
