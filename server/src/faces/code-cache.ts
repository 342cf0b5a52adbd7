import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { Script } from "node:vm";
import { codeOf } from "../errno.ts";
import { cacheFolder } from "./cache-folder.ts";

/**
 * V8's code cache of one bundle, with the functions that ran. Node's own compile cache keeps what had run when it was
 * first written, often for `--version`, and everything else is compiled at every call: 15 ms of a list. Here each kind
 * of call adds what it needed, once.
 */
interface Loaded {
  readonly script: Script;
  /** null where the user has no cache folder. */
  readonly file: string | null;
  /** The kinds of calls whose functions are in the cache. */
  readonly uses: ReadonlySet<string>;
  /** How often V8 has refused what stood there. */
  readonly refusals: number;
}

let loaded: Loaded | null = null;

/** More kinds of calls than this are not kept: by then the cache has what most of them share. */
const mostUses = 40;
/** A V8 that refuses its own cache this often has a reason we do not know: making it anew at each call would only cost. */
const mostRefusals = 3;
/** Caches of other builds and other Nodes that are left in the folder. */
const keptFiles = 4;
const prefix = "cli-";
const ending = ".code";
/** The last bytes of a whole cache file, before them the length of the list of uses. */
const mark = "iMi1";

/** What the build wrote first into the bundle: a hash of the rest. V8 itself compares nothing but the length. */
const stamp = /^\/\*([0-9a-f]{16,})\*\//;

/** Runs a CommonJS bundle that the build has stamped and kept free of other characters than ASCII; answers what it exports. */
export const loadBundle = (bundle: string, require: NodeJS.Require): unknown => {
  const source = readFileSync(bundle, "latin1");
  const file = fileFor(stamp.exec(source)?.[1]);
  const kept = file === null ? null : read(file);
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: bundle,
    ...(kept === null ? {} : { cachedData: kept.code }),
  });
  const refused = script.cachedDataRejected === true;
  loaded = {
    script,
    file,
    uses: kept === null || refused ? new Set() : kept.uses,
    refusals: (kept?.refusals ?? 0) + (refused ? 1 : 0),
  };
  const module = { exports: {} };
  // The script is the one function expression above.
  const run = script.runInThisContext() as (...scope: readonly unknown[]) => void;
  run(module.exports, require, module, bundle, path.dirname(bundle));
  return module.exports;
};

/**
 * Keeps what this process has compiled for the next call of its kind. To be called last, when everything is written.
 * Does nothing where that is kept already, or in a checkout that runs from its sources. What cannot be kept is no error.
 */
export const keepCode = (call: string): void => {
  if (loaded === null || loaded.file === null) return;
  const { script, file, uses, refusals } = loaded;
  const use = call.replaceAll("\n", " ");
  if (uses.has(use) || uses.size >= mostUses || refusals > mostRefusals) return;
  const temporary = `${file}.${process.pid}`;
  try {
    const descriptor = create(temporary);
    try {
      const list = Buffer.from([refusals, ...uses, use].join("\n"));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(list.length);
      writeSync(descriptor, Buffer.concat([script.createCachedData(), list, length, Buffer.from(mark)]));
      // V8 trusts what it reads: after a power cut, the name must not stand for half a file.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
    if (uses.size === 0) sweep(path.dirname(file), file);
  } catch {
    discard(temporary);
  }
};

const discard = (file: string): void => {
  try {
    rmSync(file, { force: true });
  } catch {
    // The folder cannot be written, or is none.
  }
};

/** One for each build of the bundle, each V8 and each set of its flags: what V8 would refuse must not be overwritten in turns. */
const fileFor = (hash: string | undefined): string | null => {
  const folder = cacheFolder();
  // As for Node's own cache, whose documentation gives the variable to those who measure what code runs.
  const off = (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") !== "";
  if (folder === null || hash === undefined || off) return null;
  const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ").trim();
  const { v8 } = process.versions;
  return path.join(folder, `${prefix}${hash}-${v8}-${process.arch}${flags === "" ? "" : `-${sum(flags)}`}${ending}`);
};

/** FNV-1a: node:crypto takes 3 ms to load. */
const sum = (text: string): string => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16);
};

const read = (file: string): (Pick<Loaded, "uses" | "refusals"> & { readonly code: Buffer }) | null => {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return null; // not made yet
  }
  try {
    // Who wrote it decides what runs: it must be this very user, also under sudo.
    const { uid, mode } = fstatSync(descriptor);
    if (process.platform !== "win32" && (uid !== process.geteuid?.() || (mode & 0o022) !== 0)) return null;
    const bytes = readFileSync(descriptor);
    const end = bytes.length - mark.length - 4;
    if (end < 0 || bytes.toString("latin1", end + 4) !== mark) return null;
    const start = end - bytes.readUInt32LE(end);
    if (start <= 0) return null;
    const [refusals = "", ...uses] = bytes.toString("utf8", start, end).split("\n");
    return { code: bytes.subarray(0, start), uses: new Set(uses), refusals: Number(refusals) };
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
};

const create = (file: string): number => {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, "wx", 0o600);
  }
};

/** Every build and every update of Node begins a new file; the oldest go, and what killed processes left. */
const sweep = (folder: string, own: string): void => {
  const others = readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name !== path.basename(own))
    .map((name) => path.join(folder, name))
    .map((file) => ({ file, at: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.at - a.at);
  for (const [index, { file, at }] of others.entries()) {
    const unfinished = !file.endsWith(ending) && Date.now() - at > 60_000;
    if (index >= keptFiles || unfinished) discard(file);
  }
};
