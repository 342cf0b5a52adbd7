import { readFileSync, statSync } from "node:fs";

/** Byte of the -shm file that a writer locks (SQLite, "WAL-mode File Format", WAL_WRITE_LOCK). */
const writeLock = 120;

/** Pid of the process that has the write lock, where the system tells (Linux); never opens a file of the database. */
export const writerOf = (file: string): number | null => {
  if (process.platform !== "linux") return null;
  try {
    const { ino } = statSync(`${file}-shm`);
    for (const line of readFileSync("/proc/locks", "latin1").split("\n")) {
      // 1: POSIX  ADVISORY  WRITE 4711 fd:00:1234 120 120
      const [, kind, , mode, pid, inode, first, last] = line.trim().split(/\s+/u);
      if (kind !== "POSIX" || mode !== "WRITE" || !inode?.endsWith(`:${ino}`)) continue;
      if (Number(first) <= writeLock && writeLock <= Number(last)) return Number(pid);
    }
  } catch {
    // Only a better sentence is lost.
  }
  return null;
};
