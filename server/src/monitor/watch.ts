import type { LogLevel } from "../log.ts";
import { InotifyWatch } from "./inotify.ts";

/** What a system that tells of changes in order can do: the seam behind which each platform has its own way. */
export interface Watch {
  /**
   * Tells of every change in a folder, not of those in its folders. Raises where there is no such folder, or where the
   * system or our own budget has no watch left (`code` ENOSPC or EMFILE).
   */
  folder(path: string, tell: FolderEvent): { close(): void };
  /** True once everything that happened before the call has been told; false when that cannot be known any more. */
  settled(): Promise<boolean>;
  /** How many folders are watched. */
  readonly size: number;
  close(): void;
}

/** `rename`: a name came or went, or the folder itself did; `change`: content or attributes. A name of null: anything. */
export type FolderEvent = (kind: "rename" | "change", name: string | null) => void;

export interface WatchOptions {
  /** A folder of this user's alone, for the files by which the order is proven. */
  readonly runtimeDir: string;
  /** Most folders to watch; by default half of what the system allows the user. */
  readonly budget?: number | undefined;
  /** Events may have been lost: whatever was concluded from their absence no longer holds. */
  readonly lost: () => void;
  readonly log: (level: LogLevel, message: string) => void;
}

/**
 * The watch of this platform, or why there is none. Only Linux's is in order: one inotify queue holds the events of all
 * folders. FSEvents and ReadDirectoryChangesW tell in no order across folders, so there git is asked as before.
 */
export const openWatch = async (options: WatchOptions): Promise<Watch | string> => {
  if (process.platform !== "linux") return `${process.platform} tells of changes in no certain order`;
  return InotifyWatch.open(options);
};

/** Where nothing can be watched. */
export const noWatch: Watch = {
  folder: () => {
    throw new Error("nothing can be watched");
  },
  settled: () => Promise.resolve(false),
  size: 0,
  close: () => undefined,
};
