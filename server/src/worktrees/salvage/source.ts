import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, readlinkSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf, codeOrMessage, isAbsent } from "../../errno.ts";
import { pathIn, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { Changed } from "./subject.ts";

const chunkBytes = 1024 * 1024;

/**
 * A file system's clock may stand still for some milliseconds: a file changed as recently as this may change again
 * without its times showing it, so its bytes are read a second time.
 */
const youngMs = 50;

/**
 * A file of the working tree that is read once and must then be what it was: never a torn file. It is the same when inode,
 * size, mode and both times are the same before, after and at the end of everything; a young one also by its bytes.
 */
export class Source {
  readonly path: Bytes;
  /** As git has it for a tracked file (a link may be a plain file here); else told by the file itself. */
  mode: string | null;
  /** What cannot be kept by its bytes: a socket, FIFO or device. */
  special = false;
  readonly #folder: string;
  #signature = "";
  #hash: Hash | null = null;
  #readAt = 0;

  constructor(folder: string, path: Bytes, mode: string | null) {
    this.#folder = folder;
    this.path = path;
    this.mode = mode;
  }

  /** Its size in bytes and then its bytes; only the size for what is special. Raises Changed, salvage/failed. */
  *read(fileModes: boolean): Generator<number | Buffer> {
    const place = pathIn(this.#folder, this.path);
    const facts = this.#attempt(() => lstatSync(place, { bigint: true }));
    this.#signature = signatureOf(facts);
    this.#readAt = Date.now();
    if (facts.isSymbolicLink()) {
      this.mode = "120000";
      const target = this.#attempt(() => readlinkSync(place, "buffer"));
      yield target.length;
      yield target;
    } else if (facts.isFile()) {
      this.mode ??= fileModes && (facts.mode & 0o100n) !== 0n ? "100755" : "100644";
      yield* this.#bytes(place, facts);
    } else if (facts.isDirectory()) {
      throw new Changed(`${shown(this.path)} became a folder`);
    } else {
      this.special = true;
    }
  }

  *#bytes(place: Buffer, facts: BigIntStats): Generator<number | Buffer> {
    // Not through a link, and not waiting for a FIFO's other end, whichever took the file's place just now.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    const handle = this.#attempt(() => openSync(place, flags));
    try {
      this.#expect(fstatSync(handle, { bigint: true }));
      this.#hash = isYoung(facts, this.#readAt) ? createHash("sha256") : null;
      const size = Number(facts.size);
      yield size;
      for (let left = size; left > 0;) {
        const chunk = Buffer.allocUnsafe(Math.min(left, chunkBytes));
        const read = this.#attempt(() => readSync(handle, chunk, 0, chunk.length, null));
        if (read === 0) throw new Changed(`${shown(this.path)} became shorter`);
        const piece = chunk.subarray(0, read);
        this.#hash?.update(piece);
        left -= read;
        yield piece;
      }
      this.#expect(fstatSync(handle, { bigint: true }));
    } finally {
      closeSync(handle);
    }
  }

  /** Raises Changed unless the file still is what was read. */
  async confirm(): Promise<void> {
    const place = pathIn(this.#folder, this.path);
    this.#expect(this.#attempt(() => lstatSync(place, { bigint: true })));
    if (this.#hash === null) return;
    const wait = this.#readAt + youngMs - Date.now();
    if (wait > 0) await delay(wait);
    const before = this.#hash.copy().digest("hex");
    const again = new Source(this.#folder, this.path, this.mode);
    const hash = createHash("sha256");
    for (const piece of again.read(true)) if (typeof piece !== "number") hash.update(piece);
    this.#expect(this.#attempt(() => lstatSync(place, { bigint: true })));
    if (hash.digest("hex") !== before) throw new Changed(`${shown(this.path)} was written to`);
  }

  #expect(facts: BigIntStats): void {
    if (signatureOf(facts) !== this.#signature) throw new Changed(`${shown(this.path)} was written to`);
  }

  #attempt<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (isAbsent(error) || codeOf(error) === "ELOOP") throw new Changed(`${shown(this.path)} vanished`);
      throw new ImiError("salvage/failed", `${shown(this.path)} cannot be read (${codeOrMessage(error)}).`, {
        hint: "Make it readable, move it away or delete it, then try again.",
        cause: error,
      });
    }
  }
}

const signatureOf = (facts: BigIntStats): string =>
  `${facts.ino} ${facts.mode} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;

const isYoung = (facts: BigIntStats, now: number): boolean =>
  Number((facts.ctimeNs > facts.mtimeNs ? facts.ctimeNs : facts.mtimeNs) / 1_000_000n) > now - youngMs;
