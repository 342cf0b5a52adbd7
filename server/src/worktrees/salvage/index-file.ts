import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Bytes } from "./bytes.ts";
import { contentOf } from "./files.ts";

/** git's index as read from its file, made ready for a private copy. */
export interface IndexFile {
  /** The file's own bytes. */
  readonly raw: Buffer;
  /** The same, without the marks that make git look away from a file (assume-unchanged). */
  readonly copy: Buffer;
  /** Its own modification time, whole seconds. */
  readonly seconds: number;
  readonly gitlinks: readonly Bytes[];
  /** Whether files are noted for a later `git add` (intent-to-add); their entries name the empty blob. */
  readonly noted: boolean;
  /** Stages of conflicts that are resolved, which git remembers. */
  readonly resolved: readonly string[];
  /** Name of the shared index a split index is based on. */
  readonly shared: string | null;
}

export type IndexState =
  | { readonly state: "absent" }
  | { readonly state: "damaged"; readonly raw: Buffer }
  | { readonly state: "good"; readonly file: IndexFile };

export type ObjectFormat = "sha1" | "sha256";

/** Reads `index` of a git directory; a damaged one is found by its own checksum, because git half believes it. */
export const readIndex = (gitDir: string, format: ObjectFormat, name = "index"): IndexState => {
  const content = contentOf(join(gitDir, name));
  if (content === null) return { state: "absent" };
  const raw = content.bytes;
  const parsed = parseIndex(raw, format);
  if (parsed === null) return { state: "damaged", raw };
  return { state: "good", file: { raw, seconds: Math.floor(content.mtimeMs / 1000), ...parsed } };
};

const assumeUnchanged = 0x80;
const extended = 0x40;
const intentToAdd = 0x20;
/** The second lowest byte of the mode, whose upper half says what the entry is. */
const modeAt = 26;
const gitlinkMode = 0xe0;
/** A longer name's length is not noted. */
const longestNoted = 0xfff;

/** Format: gitformat-index(5), versions 2 to 4. Null: it is no whole index. */
export const parseIndex = (raw: Buffer, format: ObjectFormat): Omit<IndexFile, "raw" | "seconds"> | null => {
  const hashBytes = format === "sha1" ? 20 : 32;
  if (raw.length < 12 + hashBytes || raw.toString("latin1", 0, 4) !== "DIRC") return null;
  const end = raw.length - hashBytes;
  const trailer = raw.subarray(end);
  // Zeros: index.skipHash
  if (!trailer.every((byte) => byte === 0) && !createHash(format).update(raw.subarray(0, end)).digest().equals(trailer))
    return null;
  const version = raw.readUInt32BE(4);
  const count = raw.readUInt32BE(8);
  if (version < 2 || version > 4) return null;

  const copy = Buffer.from(raw);
  const gitlinks: Bytes[] = [];
  let noted = false;
  const fixed = 40 + hashBytes + 2;
  let at = 12;
  let previous: Bytes = "";
  for (let entry = 0; entry < count; entry++) {
    if (at + fixed > end) return null;
    // Bytes and no calls: a command line does this once, before anything is compiled.
    const flagsAt = at + fixed - 2;
    const flags = raw[flagsAt] ?? 0;
    copy[flagsAt] = flags & ~assumeUnchanged;
    let nameAt = at + fixed;
    if ((flags & extended) !== 0) {
      if (((raw[nameAt] ?? 0) & intentToAdd) !== 0) noted = true;
      nameAt += 2;
    }
    let kept = "";
    if (version === 4) {
      let strip = 0;
      let byte = raw[nameAt++] ?? 0;
      strip = byte & 0x7f;
      while ((byte & 0x80) !== 0) {
        byte = raw[nameAt++] ?? 0;
        strip = ((strip + 1) << 7) | (byte & 0x7f);
      }
      if (strip > previous.length) return null;
      kept = previous.slice(0, previous.length - strip);
    }
    const length = ((flags & 0x0f) << 8) | (raw[flagsAt + 1] ?? 0);
    let nameEnd = nameAt + length - kept.length;
    if (length === longestNoted || raw[nameEnd] !== 0) nameEnd = raw.indexOf(0, nameAt);
    if (nameEnd < nameAt || nameEnd >= end) return null;
    const isGitlink = ((raw[at + modeAt] ?? 0) & 0xf0) === gitlinkMode;
    if (version === 4 || isGitlink) {
      const name = kept + raw.toString("latin1", nameAt, nameEnd);
      if (version === 4) previous = name;
      if (isGitlink && name !== gitlinks.at(-1)) gitlinks.push(name);
    }
    at = version === 4 ? nameEnd + 1 : at + ((nameEnd - at + 8) & ~7);
  }
  const extensions = extensionsOf(raw.subarray(at, end));
  // A split index names its base first of all.
  const base = extensions.get("link")?.toString("hex", 0, hashBytes) ?? "";
  const shared = /^0*$/.test(base) ? null : base;
  return { copy, gitlinks, noted, resolved: resolvedIn(extensions.get("REUC"), hashBytes), shared };
};

/**
 * Objects that entries of a damaged index name, as far as it can be read: what was staged and nowhere else may be among
 * them. Most of what this finds at the damaged place is no object at all.
 */
export const oidsInDamaged = (raw: Buffer, format: ObjectFormat): string[] => {
  const hashBytes = format === "sha1" ? 20 : 32;
  const oids = new Set<string>();
  if (raw.length < 12 || raw.toString("latin1", 0, 4) !== "DIRC") return [];
  const version = raw.readUInt32BE(4);
  for (let at = 12; at + 40 + hashBytes + 2 <= raw.length;) {
    oids.add(raw.toString("hex", at + 40, at + 40 + hashBytes));
    const nameAt = at + 40 + hashBytes + 2 + (((raw[at + 40 + hashBytes] ?? 0) & extended) === 0 ? 0 : 2);
    const nameEnd = raw.indexOf(0, nameAt);
    if (nameEnd < 0) break;
    at = version === 4 ? nameEnd + 1 : at + ((nameEnd - at + 8) & ~7);
  }
  return [...oids];
};

const extensionsOf = (bytes: Buffer): Map<string, Buffer> => {
  const found = new Map<string, Buffer>();
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at + 4);
    found.set(bytes.toString("latin1", at, at + 4), bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return found;
};

/** Objects of the resolve-undo extension: a path, three modes in octal, and an object for each mode that is not 0. */
const resolvedIn = (bytes: Buffer | undefined, hashBytes: number): string[] => {
  const oids: string[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length;) {
    const fields: string[] = [];
    for (let field = 0; field < 4; field++) {
      const end = bytes.indexOf(0, at);
      if (end < 0) return oids;
      fields.push(bytes.toString("latin1", at, end));
      at = end + 1;
    }
    for (const mode of fields.slice(1)) {
      if (/^0*$/.test(mode)) continue;
      oids.push(bytes.toString("hex", at, at + hashBytes));
      at += hashBytes;
    }
  }
  return oids;
};
