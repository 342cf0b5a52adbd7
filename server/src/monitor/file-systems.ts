/** File systems of the kernel itself, where every change passes by inotify: ext, btrfs, xfs, f2fs, tmpfs, zfs, overlay, bcachefs. */
const local = new Set([0xef53, 0x9123683e, 0x58465342, 0xf2f52010, 0x01021994, 0x2fc12fc1, 0x794c7630, 0xca451a4e]);

/** Whether a file system, by its number (`statfs`), tells of every change in it. */
export const isLocal = (type: number): boolean => process.platform !== "linux" || local.has(type);
