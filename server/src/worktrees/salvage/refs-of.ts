import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { RefFiles } from "../../git/index.ts";
import { textOf } from "./files.ts";
import type { Named } from "./record.ts";
import type { Job, Subject } from "./subject.ts";

export interface Head {
  /** null: no commit yet. */
  readonly oid: string | null;
  readonly branch: string | null;
}

const oidPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const heads = "refs/heads/";

/** git told where a repository is, and not to go where its configuration says that its working tree is (or was). */
export const at = (gitDir: string): string[] => [`--git-dir=${gitDir}`, `--work-tree=${gitDir}`];

/** The commit a working tree is at, from git's files where they say it plainly, else from git. */
export const readHead = async (job: Job, subject: Subject): Promise<Head> => {
  if (subject.gitDir === null) return { oid: null, branch: null };
  const { gitDir, commonDir } = subject;
  const text = textOf(join(gitDir, "HEAD"))?.trim() ?? "";
  if (subject.settings.refsInFiles && oidPattern.test(text)) return { oid: text, branch: null };
  const ask = async (args: readonly string[]): Promise<string | null> => {
    const { stdout, exitCode } = await job.git.run(commonDir, [...at(gitDir), ...args], {
      access: "read",
      accept: [0, 1],
      signal: job.signal,
    });
    return exitCode === 0 ? stdout.trim() : null;
  };
  const target = subject.settings.refsInFiles
    ? /^ref: (.+)$/.exec(text)?.[1]
    : await ask(["symbolic-ref", "-q", "HEAD"]);
  if (target === undefined) throw new ImiError("salvage/failed", `HEAD of ${subject.name} cannot be read.`);
  const branch = target?.startsWith(heads) === true ? target.slice(heads.length) : null;
  const plain = target === null ? null : new RefFiles(commonDir).commitOf(target);
  return { oid: plain ?? (await ask(["rev-parse", "--verify", "-q", "HEAD"])), branch };
};

/** refs of a repository, by full name. Where they are kept and how is git's business. */
export const listRefs = async (job: Job, commonDir: string, pattern = "refs/"): Promise<Named[]> => {
  const { stdout } = await job.git.run(
    commonDir,
    [...at(commonDir), "for-each-ref", "--format=%(objectname) %(refname)", pattern],
    { access: "read", signal: job.signal },
  );
  return stdout.split("\n").flatMap((line) => {
    const space = line.indexOf(" ");
    return space < 0 ? [] : [{ oid: line.slice(0, space), name: line.slice(space + 1) }];
  });
};

/** The log of refs/stash, as git writes it into a file. */
export const stashLog = async (job: Job, subject: Subject): Promise<string> => {
  const { commonDir, settings } = subject;
  if (settings.refsInFiles) return textOf(join(commonDir, "logs", "refs", "stash")) ?? "";
  const { stdout } = await job.git.run(
    commonDir,
    [...at(commonDir), "log", "-g", "--format=%H %H %ct%x09%gs", "--end-of-options", "refs/stash", "--"],
    { access: "read", signal: job.signal, accept: [0, 128] },
  );
  return stdout.split("\n").toReversed().join("\n");
};
