import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  renameSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Repository } from "../../protocol/repositories.ts";
import type { Salvage } from "../../protocol/salvage.ts";
import { Git } from "../../server/src/git/index.ts";
import type { Checkout } from "../../server/src/worktrees/checkout.ts";
import { dropSalvage, isSalvaged, salvage } from "../../server/src/worktrees/salvage/index.ts";
import { isolateGit } from "./git.ts";

/** A worktree that can be salvaged, wherever it and git's record of it lie. */
export interface Salvageable {
  readonly checkout: Checkout;
  readonly repository: Repository;
  /** What git was asked, one line each. */
  readonly log: string[];
  salvage(at?: Date, signal?: AbortSignal): Promise<Salvage>;
  isSalvaged(kept: Salvage): Promise<boolean>;
  drop(kept: Salvage): Promise<void>;
  /** Record and folder renamed away, as a removal does. */
  retire(into: string): Salvageable;
}

/** A moment without milliseconds that matter: the refs' names are the same in every run. */
export const moment = new Date("2026-11-21T05:01:02.345Z");

export const salvageable = (checkout: Checkout, commonDir: string, trunk: string): Salvageable => {
  isolateGit();
  const log: string[] = [];
  const repository: Repository = {
    ...{ id: "r", name: "r", gitDir: commonDir, trunk, container: dirname(trunk), layout: "container" },
  };
  const tools = { git: new Git({ log: (line) => log.push(line) }), log: (_: string, line: string) => log.push(line) };
  return {
    checkout,
    repository,
    log,
    salvage: (at = moment, signal) => salvage(tools, repository, checkout, { at, signal }),
    isSalvaged: (kept) => isSalvaged(tools, repository, checkout, kept),
    drop: (kept) => dropSalvage(tools, repository, kept),
    retire: (into) => {
      const gitDir = join(commonDir, "imi-trash", "entry");
      const path = join(into, "tree");
      mkdirSync(dirname(gitDir), { recursive: true });
      mkdirSync(into, { recursive: true });
      renameSync(checkout.gitDir, gitDir);
      renameSync(checkout.path, path);
      return salvageable({ ...checkout, gitDir, path }, commonDir, trunk);
    },
  };
};

const plain = (gitDir: string, args: readonly string[], input?: string | Buffer): Buffer =>
  execFileSync("git", [`--git-dir=${gitDir}`, ...args], { input, maxBuffer: 1 << 30, stdio: ["pipe", "pipe", "pipe"] });

/** Files of a tree by their path (one character a byte), with mode and object. */
export const treeOf = (gitDir: string, commit: string): Map<string, { mode: string; oid: string }> =>
  new Map(
    plain(gitDir, ["ls-tree", "-r", "-z", commit])
      .toString("latin1")
      .split("\0")
      .flatMap((line) => {
        const [, mode = "", oid = "", path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        return path === undefined ? [] : [[path, { mode, oid }] as const];
      }),
  );

export const blobAt = (gitDir: string, commit: string, path: string): Buffer =>
  plain(gitDir, ["cat-file", "blob", `${commit}:${path}`]);

/** Every file and link on the disk with what git would call its bytes, whatever it is configured to do with them. */
export const filesIn = (folder: string, algorithm = "sha1"): Map<string, { mode: string; oid: string }> => {
  const found = new Map<string, { mode: string; oid: string }>();
  const walk = (below: Buffer): void => {
    for (const name of readdirSync(below, { encoding: "buffer" })) {
      const path = Buffer.concat([below, Buffer.from("/"), name]);
      const facts = lstatSync(path);
      const relative = path.subarray(Buffer.byteLength(folder) + 1).toString("latin1");
      if (name.toString() === ".git") continue;
      if (facts.isDirectory()) walk(path);
      else if (facts.isSymbolicLink()) {
        found.set(relative, { mode: "120000", oid: oidOf(readlinkSync(path, { encoding: "buffer" }), algorithm) });
      } else if (facts.isFile()) {
        const mode = (facts.mode & 0o100) === 0 ? "100644" : "100755";
        found.set(relative, { mode, oid: oidOfFile(path, facts.size, algorithm) });
      }
    }
  };
  walk(Buffer.from(folder));
  return found;
};

/** In pieces: Node reads no file of more than 2 GiB at once. */
const oidOfFile = (path: Buffer, size: number, algorithm: string): string => {
  const hash = createHash(algorithm).update(`blob ${size}\0`);
  const piece = Buffer.alloc(1 << 20);
  const file = openSync(path, "r");
  for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read));
  closeSync(file);
  return hash.digest("hex");
};

const oidOf = (bytes: Buffer, algorithm: string): string =>
  createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** Everything below a folder with its bytes and its times: equal when nobody wrote there, or changed a mode. */
export const untouched = (folder: string, digest = true): string[] => {
  const lines: string[] = [];
  const walk = (below: Buffer): void => {
    const facts = lstatSync(below, { bigint: true });
    const content =
      digest && facts.isFile() && facts.size < 1n << 26n && (facts.mode & 0o400n) !== 0n
        ? createHash("sha1").update(readFileSync(below)).digest("hex")
        : "";
    lines.push(`${below.toString("latin1")} ${facts.mode} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs} ${content}`);
    if (facts.isDirectory())
      for (const name of readdirSync(below, { encoding: "buffer" }))
        walk(Buffer.concat([below, Buffer.from("/"), name]));
  };
  walk(Buffer.from(folder));
  return lines;
};

export const commitOf = (kept: Salvage, name: string): string => {
  const found = kept.refs.find(({ ref }) => ref === name);
  if (found === undefined) throw new Error(`no ref ${name} among ${kept.refs.map(({ ref }) => ref).join(", ")}`);
  return found.commit;
};
