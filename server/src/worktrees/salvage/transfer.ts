import { PassThrough } from "node:stream";
import type { PrivateDir } from "./private-dir.ts";

/**
 * Brings everything the tips lead to, and our refs do not, from a repository inside the worktree into ours: packed by
 * one git and read by another, which computes every object's name anew. No transport, hook or configuration of theirs.
 */
export const transfer = async (dir: PrivateDir, tips: readonly string[], ours: readonly string[]): Promise<void> => {
  if (dir.alternate === null || tips.length === 0) return;
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const head: Buffer[] = [];
  const reading: Promise<unknown>[] = [];
  let empty = false;
  const receive = async (chunk: Buffer): Promise<void> => {
    if (reading.length === 0 && !empty) {
      head.push(chunk);
      const start = Buffer.concat(head);
      if (start.length < 12) return;
      // A pack says in its header how many objects it holds; none is nothing to keep.
      empty = start.readUInt32BE(8) === 0;
      if (empty) return;
      const reader = dir.git(["index-pack", "--stdin"], { input: stream, alternate: null });
      reader.catch(() => stream.destroy());
      reading.push(reader);
      stream.write(start);
      return;
    }
    if (empty || stream.destroyed) return;
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve).once("close", resolve));
  };
  try {
    await dir.git(["pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset"], {
      input: `${[...tips, "--not", ...ours].join("\n")}\n`,
      receive,
    });
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await Promise.allSettled(reading);
    throw error;
  }
  stream.end();
  await Promise.all(reading);
};
