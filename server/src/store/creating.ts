import { closeSync, fsyncSync, linkSync, openSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf } from "../errno.ts";
import { mayExist } from "../process/may-exist.ts";
import type { Engine } from "./driver.ts";
import { full, readOnly, translate } from "./failures.ts";
import { migrate } from "./opening.ts";
import { applicationId, meta, migrations } from "./sql.ts";

/**
 * Makes the registry whole under another name and gives it its own by a hard link, which either happens or not: nobody
 * ever sees a half-made one, and an empty file at that place is always damage. Of many at once one wins, to all the same.
 */
export const createRegistry = (engine: Engine, file: string): void => {
  const making = `${file}.new-${process.pid}-${Math.random().toString(36).slice(2)}`;
  try {
    closeSync(openSync(making, "wx", 0o600));
    const connection = engine.connect(making, "read-write");
    try {
      connection.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA application_id=${applicationId}`);
      migrate(connection, migrations);
      connection.exec(meta.plant);
    } finally {
      connection.close();
    }
    linkSync(making, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw creationError(error, file);
  } finally {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${making}${suffix}`, { force: true });
  }
};

const creationError = (error: unknown, file: string): unknown => {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") return full(file, error);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return readOnly(file, error);
  const translated = translate(error, file);
  if (translated instanceof ImiError) return translated;
  return new ImiError("store/failed", `The registry ${file} cannot be made.`, {
    hint: "Set IMI_DB_PATH to a file on an ordinary local disk.",
    cause: error,
  });
};

/** A name is durable once its folder is synced; Windows does it by itself and cannot open folders. */
export const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Removes what creations that were killed left behind. */
export const sweepUnfinished = (file: string): void => {
  const folder = path.dirname(file);
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(`${path.basename(file)}.new-`) && /\.new-(\d+)-/u.exec(name)?.[1];
    if (pid && !mayExist(Number(pid))) rmSync(path.join(folder, name), { force: true });
  }
};
