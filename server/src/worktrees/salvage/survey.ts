import { readdirSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOrMessage, isAbsent } from "../../errno.ts";
import { backedUpWork } from "../shared-config/index.ts";
import { pathIn, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { readIndex } from "./index-file.ts";
import type { IndexState } from "./index-file.ts";
import { PrivateDir } from "./private-dir.ts";
import { readRecordFiles } from "./record.ts";
import type { RecordFile } from "./record.ts";
import { readHead } from "./refs-of.ts";
import type { Head } from "./refs-of.ts";
import { parseStatus, statusCommand } from "./status.ts";
import type { TreeStatus } from "./status.ts";
import { Changed } from "./subject.ts";
import type { Job, Subject } from "./subject.ts";

/** A working tree as it was at one moment. */
export interface Survey {
  readonly subject: Subject;
  readonly dir: PrivateDir;
  readonly head: Head;
  readonly index: IndexState;
  /** Submodules and other repositories the index has as such. */
  readonly gitlinks: readonly Bytes[];
  readonly record: readonly RecordFile[];
  readonly status: TreeStatus;
  /** Raises Changed unless HEAD, the index and the working tree are what they were. */
  confirm(): Promise<void>;
}

/** Looks at a working tree through a private git directory; nothing of it, and nothing of git's about it, is written. */
export const survey = async (job: Job, subject: Subject): Promise<Survey> => {
  const head = await readHead(job, subject);
  const { index, shared, gitlinks } = indexOf(subject);
  const dir = new PrivateDir(job, subject, head.oid);
  if (index.state === "good") dir.writeIndex(index.file, shared);
  else if (head.oid !== null) await dir.git(["read-tree", head.oid]);
  const first = await statusOf(dir, subject);
  const parsed = parseStatus(first);
  if (parsed === null) throw new ImiError("salvage/failed", `git's status of ${subject.name} was not understood.`);
  const status = { ...parsed, files: [...parsed.files, ...(await setAside(job, subject))] };
  const record = subject.gitDir === null ? [] : readRecordFiles(subject.gitDir);
  const confirm = async (): Promise<void> => {
    if (!first.equals(await statusOf(dir, subject))) throw new Changed(`${subject.name} was worked in`);
    const now = await readHead(job, subject);
    if (now.oid !== head.oid || now.branch !== head.branch) throw new Changed(`HEAD of ${subject.name} moved`);
    if (!sameIndex(indexOf(subject).index, index)) throw new Changed(`the index of ${subject.name} was written`);
    const later = subject.gitDir === null ? [] : readRecordFiles(subject.gitDir);
    const same = later.length === record.length && later.every((file, at) => sameFile(file, record[at]));
    if (!same) throw new Changed(`git's record of ${subject.name} was written`);
  };
  return { subject, dir, head, index, gitlinks, record, status, confirm };
};

/** Work that shared config moved aside, which no status shows. */
const setAside = async (job: Job, { path, gitDir, commonDir }: Subject): Promise<TreeStatus["files"]> => {
  if (gitDir === null || commonDir !== job.home) return [];
  const paths = await backedUpWork({ git: job.git, signal: job.signal, path, gitDir, commonDir });
  return paths.map((name) => ({ path: Buffer.from(name).toString("latin1"), mode: null }));
};

const sameFile = (a: RecordFile, b: RecordFile | undefined): boolean => a.name === b?.name && a.bytes.equals(b.bytes);

const sameIndex = (a: IndexState, b: IndexState): boolean => {
  if (a.state === "good" && b.state === "good") return a.file.raw.equals(b.file.raw);
  if (a.state === "damaged" && b.state === "damaged") return a.raw.equals(b.raw);
  return a.state === b.state;
};

const indexOf = (
  subject: Subject,
): { readonly index: IndexState; readonly shared: Buffer | null; readonly gitlinks: readonly Bytes[] } => {
  const { gitDir, settings } = subject;
  if (gitDir === null) return { index: { state: "absent" }, shared: null, gitlinks: [] };
  const index = readIndex(gitDir, settings.format);
  if (index.state !== "good") return { index, shared: null, gitlinks: [] };
  const { file } = index;
  if (file.shared === null) return { index, shared: null, gitlinks: file.gitlinks };
  const shared = readIndex(gitDir, settings.format, `sharedindex.${file.shared}`);
  // A split index is as good as both of its parts.
  if (shared.state !== "good") return { index: { state: "damaged", raw: file.raw }, shared: null, gitlinks: [] };
  const gitlinks = [...new Set([...shared.file.gitlinks, ...file.gitlinks])];
  return { index, shared: shared.file.copy, gitlinks };
};

const statusOf = async (dir: PrivateDir, subject: Subject): Promise<Buffer> => {
  const { stdout, stderr } = await dir.git(statusCommand);
  // git only warns of a folder it cannot look into, and goes on as if it were empty.
  if (stderr.trim() !== "") {
    const closed = await unreadable(subject.path, parseStatus(stdout)?.ignored ?? []);
    if (closed !== null) {
      throw new ImiError("salvage/failed", `The folder ${shown(closed.path)} cannot be read (${closed.code}).`, {
        hint: "Make it readable, move it away or delete it, then try again.",
      });
    }
  }
  return stdout;
};

/** Folders and what is no file, link or folder; `.git` is not looked into. */
export interface Walked {
  readonly specials: readonly Bytes[];
  /** `.git` below the top. */
  readonly dotGits: readonly Bytes[];
}

/** Folders looked into before others get their turn. */
const atATime = 200;

/** Walks all folders but ignored ones and those in `except`; `closed` is told of what cannot be read. */
export const walk = async (
  root: string,
  except: ReadonlySet<Bytes>,
  closed: (path: Bytes, code: string) => void,
): Promise<Walked> => {
  const specials: Bytes[] = [];
  const dotGits: Bytes[] = [];
  const folders: Bytes[] = [""];
  for (let count = 1; ; count++) {
    const folder = folders.pop();
    if (folder === undefined) return { specials, dotGits };
    if (count % atATime === 0) await breathe();
    let entries;
    try {
      entries = readdirSync(pathIn(root, folder), { withFileTypes: true, encoding: "buffer" });
    } catch (error) {
      if (!isAbsent(error)) closed(folder, codeOrMessage(error));
      continue;
    }
    for (const entry of entries) {
      const name = entry.name.toString("latin1");
      const path = folder === "" ? name : `${folder}/${name}`;
      if (name === ".git") {
        if (folder !== "") dotGits.push(path);
      } else if (entry.isDirectory()) {
        if (!except.has(path)) folders.push(path);
      } else if (!entry.isFile() && !entry.isSymbolicLink()) specials.push(path);
    }
  }
};

const unreadable = async (
  root: string,
  ignored: readonly Bytes[],
): Promise<{ readonly path: Bytes; readonly code: string } | null> => {
  let found: { path: Bytes; code: string } | null = null;
  const except = new Set(ignored.map((path) => path.replace(/\/$/, "")));
  await walk(root, except, (path, code) => (found ??= { path, code }));
  return found;
};
