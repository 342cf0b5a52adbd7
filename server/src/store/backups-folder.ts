import { readdirSync } from "node:fs";
import path from "node:path";

export const backupsFolder = (file: string): string => path.join(path.dirname(file), "backups");

const stamped = /-(?<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z)\.db$/u;

/** Full paths of the backups of this registry, newest first. */
export const backupsOf = (file: string): string[] => {
  const folder = backupsFolder(file);
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(`${path.parse(file).name}-`) && stamped.test(name))
      .toSorted()
      .toReversed()
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
};

export const backupName = (file: string, at: Date): string =>
  `${path.parse(file).name}-${at.toISOString().replaceAll(/[:.]/gu, "-")}.db`;

/** When it was made, in ms; from its name, which a copy or a restore does not change. */
export const backupTime = (backup: string): number => {
  const time = stamped.exec(backup)?.groups?.["time"];
  return time === undefined ? 0 : Date.parse(time.replace(/T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z/u, "T$1:$2:$3.$4Z"));
};
