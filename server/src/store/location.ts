import { realpathSync, statSync, statfsSync } from "node:fs";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { makeFolder } from "../make-folder.ts";
import { restoring } from "./failures.ts";

/**
 * File systems whose locks or shared memory SQLite cannot trust, by the `f_type` of Linux's statfs(2). FUSE is among
 * them because sshfs, drives of virtual machines and most network mounts come as FUSE.
 */
const networkTypes: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xfe534d42: "SMB",
  0xff534d42: "SMB",
  0x01021997: "9p",
  0x65735546: "FUSE",
  0x00c36400: "Ceph",
  0x5346414f: "AFS",
  0x6b414653: "AFS",
  0x73757245: "Coda",
  0x564c: "NCP",
  0x0bd00bd0: "Lustre",
  0x47504653: "GPFS",
  0x786f4256: "VirtualBox share",
  0xbacbacbc: "VMware share",
  0x7461636f: "OCFS2",
  0x01161970: "GFS2",
};

/** Name of the network file system with this statfs type; null when it is none. */
export const networkFileSystem = (type: number): string | null => networkTypes[type >>> 0] ?? null;

/** What stands at the registry's place. */
export type Place = { readonly file: string; readonly found: "registry" | "nothing" };

/**
 * The registry's real path, with its folder made (0700) and refused where SQLite would lose data. Looks with stat
 * only: reading the file would drop the locks of a connection that this process may already have.
 */
export const locate = (wanted: string): Place => {
  const folder = path.dirname(path.resolve(wanted));
  makeItsFolder(folder);
  const file = realPath(path.resolve(wanted), folder);
  refuseNetwork(file);
  const size = sizeOf(file);
  if (size === 0) {
    throw new ImiError("store/empty", `The registry ${file} is an empty file.`, { hint: restoring(file) });
  }
  if (size === null && sizeOf(`${file}-wal`) !== null && sizeOf(file) === null) {
    throw new ImiError("store/empty", `The registry ${file} is gone, but its ${path.basename(file)}-wal is there.`, {
      hint: `What the -wal holds would end up in a new registry. ${restoring(file)}`,
    });
  }
  return { file, found: size === null ? "nothing" : "registry" };
};

const makeItsFolder = (folder: string): void => {
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new ImiError("store/failed", `The folder ${folder} for the registry cannot be made.`, {
      hint: "Check its permissions, or set IMI_DB_PATH.",
      cause,
    });
  }
};

/** By one name only: SQLite puts -wal beside the name it was given, and two of them split a database in two. */
const realPath = (file: string, folder: string): string => {
  try {
    return realpathSync.native(file);
  } catch {
    return path.join(realpathSync.native(folder), path.basename(file));
  }
};

const refuseNetwork = (file: string): void => {
  const folder = path.dirname(file);
  const kind =
    process.platform === "win32"
      ? /^\\\\(?![.?]\\(?!UNC\\))/iu.test(folder) && "network share"
      : process.platform === "linux" && networkFileSystem(statfsSync(folder).type);
  if (kind === false || kind === null) return;
  throw new ImiError(
    "store/network",
    `The registry's folder ${folder} is on a ${kind} file system, where SQLite loses data.`,
    {
      hint: "Set IMI_DB_PATH to a file on a local disk.",
    },
  );
};

const sizeOf = (file: string): number | null => {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) {
    throw new ImiError("store/failed", `${file} is not a file.`, { hint: "Set IMI_DB_PATH to the registry's file." });
  }
  return stat?.size ?? null;
};
