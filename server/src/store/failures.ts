import { ImiError } from "../../../protocol/errors.ts";
import { backupsOf } from "./backups-folder.ts";

/** What a SQLite error means for us, by its code and never by its sentence; null: not SQLite's error. */
export type Failure =
  | "busy"
  | "read-only"
  | "full"
  | "corrupt"
  | "cannot-open"
  | "io"
  | "taken"
  | "moved"
  | "other"
  | null;

const byNumber: Readonly<Record<number, string>> = {
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  15: "SQLITE_PROTOCOL",
  19: "SQLITE_CONSTRAINT",
  26: "SQLITE_NOTADB",
};
const moved = 1032;
const shmSize = 4874;

export const failureOf = (error: unknown): Failure => {
  const code = codeOf(error);
  if (code === null) return null;
  if (code === "SQLITE_READONLY_DBMOVED") return "moved";
  if (code === "SQLITE_IOERR_SHMSIZE" || code.startsWith("SQLITE_FULL")) return "full";
  if (/^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/u.test(code)) return "busy";
  if (/^SQLITE_(?:CORRUPT|NOTADB)/u.test(code)) return "corrupt";
  if (code.startsWith("SQLITE_READONLY")) return "read-only";
  if (code.startsWith("SQLITE_CANTOPEN")) return "cannot-open";
  if (code.startsWith("SQLITE_CONSTRAINT")) return "taken";
  if (code.startsWith("SQLITE_IOERR")) return "io";
  return "other";
};

const codeOf = (error: unknown): string | null => {
  if (!(error instanceof Error) || !("code" in error)) return null;
  if (typeof error.code === "string" && error.code.startsWith("SQLITE_")) return error.code;
  if (error.code !== "ERR_SQLITE_ERROR" || !("errcode" in error) || typeof error.errcode !== "number") return null;
  if (error.errcode === moved) return "SQLITE_READONLY_DBMOVED";
  if (error.errcode === shmSize) return "SQLITE_IOERR_SHMSIZE";
  return byNumber[error.errcode & 0xff] ?? "SQLITE_OTHER";
};

/** The error to show for what SQLite threw; what is not SQLite's passes through. */
export const translate = (error: unknown, file: string): unknown => {
  const failure = failureOf(error);
  switch (failure) {
    case null:
      return error;
    case "busy":
      return new ImiError("store/busy", `The registry ${file} is busy.`, { cause: error });
    case "full":
      return full(file, error);
    case "read-only":
      return readOnly(file, error);
    case "corrupt":
      return new ImiError("store/corrupt", `The registry ${file} is damaged.`, { hint: restoring(file), cause: error });
    case "moved":
      return movedAway(file, error);
    case "cannot-open":
    case "io":
    case "taken":
    case "other":
      return new ImiError(
        "store/failed",
        `The registry ${file} failed: ${error instanceof Error ? error.message : ""}.`,
        {
          hint: "Check the disk and the permissions of the folder; `imi doctor` collects what a report needs.",
          cause: error,
        },
      );
  }
};

/** How to come back from a registry that cannot be used: worktrees are found again from git, the rest is in the backup. */
export const restoring = (file: string): string => {
  const newest = backupsOf(file)[0];
  const aside = `rename ${file} (and its -wal and -shm, when they exist)`;
  return newest === undefined
    ? `There is no backup. Close every VS Code window and agent, ${aside}, and run \`imi reconcile\` in each repository: the worktrees are found again from git.`
    : `Newest backup: ${newest}. Close every VS Code window and agent, ${aside}, copy the backup to ${file}, and run \`imi reconcile\` in each repository.`;
};

export const full = (file: string, cause?: unknown): ImiError =>
  new ImiError("store/full", `The disk of the registry ${file} is full; nothing was changed.`, {
    hint: "Make room on that disk. Reading still works.",
    cause,
  });

export const readOnly = (file: string, cause?: unknown): ImiError =>
  new ImiError("store/read-only", `The registry ${file} cannot be written; nothing was changed.`, {
    hint: "Give yourself write permission for the file and its folder, or set IMI_DB_PATH. Reading still works.",
    cause,
  });

/** What would be written to it now nobody else would ever see: two could hold one worktree. */
export const movedAway = (file: string, cause?: unknown): ImiError =>
  new ImiError("store/moved", `The registry ${file} was moved, deleted or replaced while iMi had it open.`, {
    hint: `Put the file back if it should be there. Then start this again: it opens the registry that is there (VS Code: "iMi: Restart Server").`,
    cause,
  });

export const newer = (file: string, version: number, known: number): ImiError =>
  new ImiError(
    "store/newer",
    `The registry ${file} was written by a newer iMi (schema ${version}, this one knows ${known}).`,
    {
      hint: "Reload the VS Code window, or update the imi command.",
    },
  );
