import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { BigIntStats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";

/** Paths as bytes: a name need not be text. */
const root = (path: string): Buffer => Buffer.from(path);
const inside = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, Buffer.from("/"), name]);

const namesIn = async (folder: Buffer): Promise<Buffer[]> =>
  (await readdir(folder, { encoding: "buffer" })).sort((one, other) => Buffer.compare(one, other));

/** A digest of what is in a folder by names, kinds, sizes and times: equal before and after, nobody wrote there. */
export const stateOf = async (path: string, signal: AbortSignal): Promise<string> => {
  const digest = createHash("sha256");
  const walk = async (folder: Buffer): Promise<void> => {
    signal.throwIfAborted();
    for (const name of await namesIn(folder)) {
      const facts = await lstat(inside(folder, name), { bigint: true });
      digest.update(name).update(`\0${facts.mode} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs} ${facts.ino}\0`);
      if (facts.isDirectory()) await walk(inside(folder, name));
    }
  };
  await walk(root(path));
  return digest.digest("hex");
};

/** How two folders differ, in words; null when they hold the same. Sockets hold nothing and are not copied by all means. */
export const compareTrees = async (one: string, other: string, signal: AbortSignal): Promise<string | null> => {
  const walk = async (from: Buffer, to: Buffer): Promise<string | null> => {
    signal.throwIfAborted();
    const names = await namesIn(from);
    const others = new Set((await namesIn(to)).map((name) => name.toString("latin1")));
    for (const name of names) {
      const [left, right] = [inside(from, name), inside(to, name)];
      const facts = await lstat(left, { bigint: true });
      if (!others.delete(name.toString("latin1"))) {
        if (facts.isSocket()) continue;
        return `${left.toString()} is missing`;
      }
      const difference =
        (await entryDiffers(left, right, facts)) ?? (facts.isDirectory() ? await walk(left, right) : null);
      if (difference !== null) return difference;
    }
    const [more] = others;
    return more === undefined ? null : `${Buffer.from(more, "latin1").toString()} is there besides`;
  };
  return walk(root(one), root(other));
};

const entryDiffers = async (left: Buffer, right: Buffer, facts: BigIntStats): Promise<string | null> => {
  const copied = await lstat(right, { bigint: true });
  if (copied.mode !== facts.mode) return `${left.toString()} has another mode or kind`;
  if (facts.isSymbolicLink()) {
    const targets = await Promise.all([left, right].map((path) => readlink(path, { encoding: "buffer" })));
    return targets[0]?.equals(targets[1] ?? Buffer.alloc(0)) === true ? null : `${left.toString()} leads elsewhere`;
  }
  if (!facts.isFile()) return null;
  if (copied.size !== facts.size) return `${left.toString()} has another size`;
  // A file system may keep coarser times; a second is what all of them keep.
  if (copied.mtimeNs / 1_000_000_000n !== facts.mtimeNs / 1_000_000_000n) return `${left.toString()} has another time`;
  return (await hashOf(left)) === (await hashOf(right)) ? null : `${left.toString()} has other bytes`;
};

const hashOf = async (path: Buffer): Promise<string> => {
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  return digest.digest("hex");
};
