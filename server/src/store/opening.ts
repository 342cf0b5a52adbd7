import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Connection, Engine } from "./driver.ts";
import { failureOf, full, newer, restoring } from "./failures.ts";
import { applicationId, checks, meta, pragmas } from "./sql.ts";
import type { Migration } from "./sql.ts";

/** A connection with how far it serves. Read-only ones of a place where SQLite cannot work are on a copy. */
export interface Opened {
  readonly connection: Connection;
  readonly access: "read-write" | "read-only";
  readonly reason: "permission" | "full" | null;
  /** The original of a copy has changed since. */
  stale(): boolean;
  /** The file is not at its place any more, or is another: what is written here nobody else sees. Costs a stat. */
  moved(): boolean;
  close(): void;
}

/** Connections of this process on the files themselves, by file. While there is one, nothing here may open the file with fs. */
const direct = new Map<string, number>();

/** Opens the file, for writing where possible. Throws SQLite's own errors, and store/full where nothing can be read either. */
export const connect = (engine: Engine, file: string): Opened => {
  const access = isWritable(file) ? "read-write" : "read-only";
  try {
    return connectDirectly(engine, file, access);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === "full") return connectToCopy(engine, file, "full");
    // WAL needs its -shm even to read; where neither can be made, SQLite refuses in one of these ways.
    const shut = failure === "cannot-open" || failure === "read-only" || failure === "io";
    if (access === "read-only" && shut) return connectToCopy(engine, file, "permission");
    throw error;
  }
};

const isWritable = (file: string): boolean => {
  try {
    accessSync(file, constants.W_OK);
    accessSync(path.dirname(file), constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** How often a file is opened that becomes another while it is opened. */
const attempts = 3;

const connectDirectly = (engine: Engine, file: string, access: Opened["access"], attempt = 1): Opened => {
  // Before it is opened: one that takes its place meanwhile is another.
  const identity = identityOf(file);
  const connection = engine.connect(file, access);
  try {
    connection.exec(pragmas);
    // The first read: opens -wal and -shm and recovers what a killed process left.
    connection.prepare(checks.userVersion).get({});
    if (access === "read-write") beInWal(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  if (attempt < attempts && identityOf(file) !== identity) {
    // Replaced just now; or copied up, which a container's disk does with what is opened for writing.
    connection.close();
    return connectDirectly(engine, file, access, attempt + 1);
  }
  direct.set(file, (direct.get(file) ?? 0) + 1);
  return {
    connection,
    access,
    reason: access === "read-write" ? null : "permission",
    stale: () => false,
    moved: () => {
      const now = identityOf(file);
      return now !== undefined && now !== identity;
    },
    close: () => {
      direct.set(file, (direct.get(file) ?? 1) - 1);
      connection.close();
    },
  };
};

/** The file remembers it; a restored backup (VACUUM INTO) does not. */
const beInWal = (connection: Connection): void => {
  const row = connection.prepare(checks.journalMode).get({});
  // PRAGMA journal_mode answers one row with that column.
  if ((row as { journal_mode: string }).journal_mode !== "wal") connection.exec("PRAGMA journal_mode=WAL");
};

/** Reads through a private copy, made anew whenever the original changes. */
const connectToCopy = (engine: Engine, file: string, reason: "permission" | "full"): Opened => {
  if ((direct.get(file) ?? 0) > 0) throw full(file);
  const folder = mkdtempSync(path.join(tmpdir(), "imi-registry-"));
  const removeCopy = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = path.join(folder, "copy.db");
    const before = stampOf(file);
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    const connection = engine.connect(copy, "read-write");
    connection.exec(`${pragmas}; PRAGMA query_only=ON`);
    connection.prepare(checks.userVersion).get({});
    // All files are open now; without names, nothing is left behind when this process is killed. Windows needs the names.
    if (process.platform !== "win32") removeCopy();
    return {
      connection,
      access: "read-only",
      reason,
      stale: () => stampOf(file) !== before,
      moved: () => identityOf(file) === null, // another in its place is read anew
      close: () => {
        connection.close();
        removeCopy();
      },
    };
  } catch (error) {
    removeCopy();
    if (failureOf(error) !== null) throw error;
    throw new ImiError("store/failed", `The registry ${file} cannot be read.`, {
      hint: "Check the permissions of the file and its folder, and that the temporary folder has room.",
      cause: error,
    });
  }
};

/** Which file it is; null where there is none, undefined where that cannot be seen. */
const identityOf = (file: string): string | null | undefined => {
  try {
    const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
    return stat === undefined ? null : `${stat.dev}/${stat.ino}`;
  } catch {
    return undefined;
  }
};

const stampOf = (file: string): string =>
  [file, `${file}-wal`]
    .map((each) => statSync(each, { throwIfNoEntry: false, bigint: true }))
    .map((stat) => (stat === undefined ? "none" : `${stat.ino}/${stat.size}/${stat.mtimeNs}`))
    .join(" ");

/** Throws store/empty, store/corrupt or store/newer unless this is a registry of ours; answers its schema version. */
export const inspect = ({ connection }: Opened, file: string, known: number): number => {
  const number = (sql: string): number => {
    const row = connection.prepare(sql).get({});
    // These pragmas answer one row with one integer.
    return Object.values(row as Record<string, number>)[0] ?? 0;
  };
  if (number(checks.applicationId) !== applicationId || !hasSentinel(connection)) {
    throw new ImiError("store/empty", `${file} holds no registry of iMi.`, { hint: restoring(file) });
  }
  const version = number(checks.userVersion);
  if (version > known) throw newer(file, version, known);
  refuseTruncated(file, number("PRAGMA page_count") * number("PRAGMA page_size"));
  return version;
};

const hasSentinel = (connection: Connection): boolean => {
  try {
    return connection.prepare(meta.sentinel).get({}) !== undefined;
  } catch (error) {
    // No such table.
    if (failureOf(error) === "other") return false;
    throw error;
  }
};

/** SQLite itself notices only when it comes to a page that is not there. */
const refuseTruncated = (file: string, expected: number): void => {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (wal > 0 || size >= expected) return;
  throw new ImiError("store/corrupt", `The registry ${file} is cut off: ${size} of ${expected} bytes.`, {
    hint: restoring(file),
  });
};

/** One transaction for all that is missing; of many processes at once, the first does it and the others find it done. */
export const migrate = (connection: Connection, migrations: readonly Migration[]): void => {
  connection.exec("BEGIN IMMEDIATE");
  try {
    const row = connection.prepare(checks.userVersion).get({});
    // PRAGMA user_version answers one row with that column.
    const { user_version: version } = row as { user_version: number };
    for (const migration of migrations) {
      if (migration.version <= version) continue;
      connection.exec(migration.sql);
      connection.exec(`PRAGMA user_version=${migration.version}`);
    }
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.inTransaction) connection.exec("ROLLBACK");
    throw error;
  }
};
