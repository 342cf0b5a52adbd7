import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plumb } from "../../git/index.ts";
import type { PlumbingOptions, PlumbingOutput } from "../../git/index.ts";
import { contentOf, textOf } from "./files.ts";
import type { IndexFile } from "./index-file.ts";
import type { Job, Subject } from "./subject.ts";

/**
 * Attributes from here come before all others: no text conversion, no filter. So what is salvaged are the bytes of the
 * files, and no program is run that somebody configured.
 */
const rawBytes = "* -text !eol !crlf !ident !filter !working-tree-encoding\n";

/** Files above this are passed through instead of being held in memory. */
export const bigFile = 16 * 1024 * 1024;

const calm = [
  ["core.autocrlf", "false"],
  ["core.safecrlf", "false"],
  ["core.eol", "lf"],
  ["core.trustctime", "true"],
  ["core.checkStat", "default"],
  ["core.untrackedCache", "false"],
  ["core.splitIndex", "false"],
  ["core.sparseCheckout", "true"],
  ["sparse.expectFilesOutsideOfPatterns", "false"],
  ["core.quotePath", "true"],
  ["core.bigFileThreshold", String(bigFile)],
  ["core.logAllRefUpdates", "false"],
  ["commit.gpgSign", "false"],
  ["fastimport.unpackLimit", "0"],
  ["pack.packSizeLimit", "0"],
  // Somebody waits for it; a later `git gc` has the time to pack it well.
  ["pack.compression", "1"],
  ["pack.threads", "2"],
  ["gc.auto", "0"],
] as const;

let made = 0;

/**
 * A git directory of our own around somebody's working tree: its own HEAD and index, the objects of the repository, and
 * none of the configuration, hooks, filters or promised remotes that the repository and whoever works in it have.
 */
export class PrivateDir {
  readonly path: string;
  readonly #job: Job;
  readonly #subject: Subject;

  constructor(job: Job, subject: Subject, head: string | null) {
    this.#job = job;
    this.#subject = subject;
    made += 1;
    this.path = join(job.drafts, `git-${made}`);
    for (const folder of ["refs", "objects", "info"]) mkdirSync(join(this.path, folder), { recursive: true });
    this.write("HEAD", `${head ?? "ref: refs/heads/none"}\n`);
    this.write("config", configOf(subject, job));
    this.write("info/attributes", rawBytes);
    const exclude = contentOf(join(subject.commonDir, "info", "exclude"));
    if (exclude !== null) this.write("info/exclude", exclude.bytes);
    const shallow = new Set([job.home, subject.commonDir].map((folder) => textOf(join(folder, "shallow")) ?? ""));
    if ([...shallow].some((text) => text !== "")) this.write("shallow", [...shallow].join(""));
  }

  write(name: string, bytes: Buffer | string): void {
    writeFileSync(join(this.path, name), bytes);
  }

  /**
   * The index as git is to see it. Entries of the second it was written in are compared by content, as git does with the
   * original ("racy git"); a copy with a newer time of its own would hide edits that left size and second the same.
   */
  writeIndex(file: IndexFile, shared: Buffer | null): void {
    this.write("index", file.copy);
    if (file.shared !== null && shared !== null) this.write(`sharedindex.${file.shared}`, shared);
    utimesSync(join(this.path, "index"), file.seconds, file.seconds);
  }

  /** Runs git on this directory, by default with its index, in the working tree. */
  git(
    args: readonly string[],
    options: Pick<PlumbingOptions, "input" | "accept" | "receive" | "config"> & {
      readonly index?: string;
      /** Further objects to read from. */
      readonly alternate?: string | null;
    } = {},
  ): Promise<PlumbingOutput> {
    const { index = "index", alternate = this.alternate, config = [], ...rest } = options;
    const borrowed = [
      ...(alternate === null ? [] : [alternate]),
      ...(this.#job.objects === join(this.#job.home, "objects") ? [] : [join(this.#job.home, "objects")]),
    ];
    return plumb(args, {
      cwd: this.#subject.path,
      env: {
        GIT_DIR: this.path,
        GIT_WORK_TREE: this.#subject.path,
        GIT_INDEX_FILE: join(this.path, index),
        GIT_OBJECT_DIRECTORY: this.#job.objects,
        ...(borrowed.length === 0 ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: borrowed.map(quoted).join(":") }),
        GIT_NO_REPLACE_OBJECTS: "1",
        GIT_LITERAL_PATHSPECS: "1",
      },
      config: [...calm, ...config],
      signal: this.#job.signal,
      ...rest,
    });
  }

  /** Objects of a repository inside the worktree, which has them beside ours. */
  get alternate(): string | null {
    return this.#subject.commonDir === this.#job.home ? null : join(this.#subject.commonDir, "objects");
  }
}

const configOf = (subject: Subject, job: Job): string => {
  const { format } = subject.settings;
  const own = subject.commonDir === job.home;
  const lines = [
    "[core]",
    `\trepositoryformatversion = ${format === "sha1" ? 0 : 1}`,
    "\tbare = false",
    ...subject.settings.core
      // Another repository's list of ignored files may be a device that never ends.
      .filter(([key]) => own || key !== "core.excludesfile")
      .map(([key, value]) => `\t${key.slice("core.".length)} = ${quotedValue(value)}`),
    ...(format === "sha1" ? [] : ["[extensions]", "\tobjectformat = sha256"]),
  ];
  return `${lines.join("\n")}\n`;
};

const quotedValue = (value: string): string =>
  `"${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;

/** A colon parts the folders, unless they are quoted. */
const quoted = (path: string): string =>
  /["\\:\n]/.test(path) ? `"${path.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"` : path;
