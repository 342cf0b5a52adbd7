import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { backupName, backupTime, backupsFolder, backupsOf } from "./backups-folder.ts";
import { syncFolder } from "./creating.ts";
import type { Database } from "./database.ts";
import type { Params } from "./driver.ts";
import type { Engine } from "./driver.ts";
import { translate } from "./failures.ts";
import { checks, worktrees } from "./sql.ts";
import type { Leases } from "./store.ts";

const kept = 3;
const day = 24 * 3600 * 1000;
/** How long after opening the daily backup is thought of, in ms: not while a window is starting. */
const backupDelay = 10_000;

type Vacuum = (sql: string, params: Params) => void | Promise<void>;

/**
 * A consistent copy, verified before it takes its name. VACUUM INTO, because SQLite's backup API starts anew with each
 * foreign commit (376 times in 15 s measured). Blocks this process for about 5 ms per MB.
 */
export const backUp = async (engine: Engine, file: string, vacuum: Vacuum, signal?: AbortSignal): Promise<string> => {
  const folder = backupsFolder(file);
  const newest = backupTime(backupsOf(file)[0] ?? "");
  const target = path.join(folder, backupName(file, new Date(Math.max(Date.now(), newest + 1))));
  const making = `${target}.${process.pid}.new`;
  try {
    signal?.throwIfAborted();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Made by us with its permissions first: SQLite fills an empty file.
    closeSync(openSync(making, "wx", 0o600));
    await vacuum(checks.vacuumInto, { path: making });
    signal?.throwIfAborted();
    verify(engine, making);
    sync(making);
    renameSync(making, target);
    syncFolder(folder);
  } catch (error) {
    if (ImiError.is(error) || signal?.aborted === true) throw ImiError.from(error);
    const translated = translate(error, file);
    if (translated instanceof ImiError) throw translated;
    throw new ImiError("store/failed", `The registry could not be backed up to ${folder}.`, {
      hint: "Check that the disk has room and the folder can be written.",
      cause: error,
    });
  } finally {
    rmSync(making, { force: true });
  }
  for (const old of backupsOf(file).slice(kept)) rmSync(old, { force: true });
  return target;
};

const verify = (engine: Engine, copy: string): void => {
  const connection = engine.connect(copy, "read-only");
  try {
    const rows = connection.prepare(checks.quickCheck).all({});
    // PRAGMA quick_check answers rows with that one column; a single "ok" means none found.
    const [first] = rows as { quick_check: string }[];
    if (rows.length === 1 && first?.quick_check === "ok") return;
    throw new ImiError(
      "store/corrupt",
      `A backup of the registry failed its check: ${first?.quick_check ?? "no answer"}.`,
      {
        hint: "The registry itself may be damaged: run `imi doctor`.",
      },
    );
  } finally {
    connection.close();
  }
};

const sync = (file: string): void => {
  const descriptor = openSync(file, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** One backup a day, by whichever server is first; returns a function that calls it off. */
export const backUpDaily = (
  database: Database,
  leases: Leases,
  backup: () => Promise<string>,
  log: (message: string) => void,
): (() => void) => {
  const timer = setTimeout(() => {
    backUpIfDue(database, leases, backup).catch((error: unknown) => {
      if (!database.closed) log(`store: no backup today: ${error instanceof Error ? error.message : String(error)}`);
    });
  }, backupDelay).unref();
  return () => clearTimeout(timer);
};

/** Path of the backup, or null when none is due. An empty registry is not kept, lest it push out backups of a full one. */
export const backUpIfDue = async (
  database: Database,
  leases: Leases,
  backup: () => Promise<string>,
): Promise<string | null> => {
  const isDue = (): boolean => Date.now() - backupTime(backupsOf(database.file)[0] ?? "") >= day;
  const isEmpty = (): Promise<boolean> => database.read((read) => read.get(worktrees.any) === undefined);
  if (!isDue() || (await isEmpty())) return null;
  const lease = await leases.tryTake("registry:backup", "back up the registry");
  if (lease === null) return null;
  try {
    return isDue() ? await backup() : null;
  } finally {
    await lease.release();
  }
};
