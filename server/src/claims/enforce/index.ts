import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Git } from "../../git/index.ts";
import type { Call } from "../index.ts";
import { areBeside, installBeside, installInstead, removeBeside, removeIfEmpty, removeInstead } from "./hooks.ts";

type Shown = ResultOf<"enforcement.show">["enforcement"];

/** How enforcement was put into a repository, so that it comes out the same way. */
interface Journal {
  readonly way: "beside" | "instead";
  /** core.hooksPath as it was in the repository's own configuration; null where it was not set there. */
  readonly ownPath: string | null;
  /** Where hooks were: relative to the worktree, as git has it. */
  readonly before: string | null;
  /** The hooks folder did not exist. */
  readonly madeFolder: boolean;
  /** The configuration's bytes before and after we changed it, so that untouched since, it comes back to the byte. */
  readonly config: { readonly before: string; readonly after: string } | null;
}

const ourFolder = ({ gitDir }: Repository): string => join(gitDir, "imi", "hooks");
const journalFile = ({ gitDir }: Repository): string => join(gitDir, "imi", "enforcement.json");
const hooksFolder = ({ gitDir }: Repository): string => join(gitDir, "hooks");

/** Whether commits and ref changes in claimed worktrees are refused to others, and what is in the way of that. */
export const enforcementOf = async (git: Git, repository: Repository, call: Call): Promise<Shown> => {
  const journal = readJournal(repository);
  const path = await effectivePath(git, repository, call);
  const problems: string[] = [];
  if (journal?.way === "instead" && path !== ourFolder(repository))
    problems.push(
      `core.hooksPath is ${path ?? "not set"} by now, so git does not run iMi's hooks. Turn it off and on again.`,
    );
  if (journal?.way === "beside" && path !== null)
    problems.push(`core.hooksPath is ${path} by now, so git does not run iMi's hooks. Turn it off and on again.`);
  if (journal?.way === "beside" && !areBeside(hooksFolder(repository)))
    problems.push("A hook was replaced by something else. Turn it on again.");
  return {
    on: journal !== null,
    hooks: journal === null ? null : journal.way === "beside" ? hooksFolder(repository) : ourFolder(repository),
    before: journal?.before ?? null,
    problems,
  };
};

/** Idempotent, and mends what was replaced since. Existing hooks and core.hooksPath keep working. */
export const enforce = async (git: Git, repository: Repository, call: Call): Promise<void> => {
  const known = readJournal(repository);
  if (known?.way === "instead" && (await effectivePath(git, repository, call)) === ourFolder(repository)) {
    installInstead(ourFolder(repository), known.before ?? hooksFolder(repository));
    return;
  }
  const path = await effectivePath(git, repository, call);
  if (path === null || path === ourFolder(repository)) {
    const madeFolder = known?.madeFolder ?? !existsSync(hooksFolder(repository));
    writeJournal(repository, { way: "beside", ownPath: null, before: null, madeFolder, config: null });
    installBeside(hooksFolder(repository));
    return;
  }
  if (known?.way === "beside") removeBeside(hooksFolder(repository));
  const file = join(repository.gitDir, "config");
  const before = readFileSync(file, "latin1");
  const ownPath = await configured(git, repository, ["--local"], call);
  const journal: Journal = { way: "instead", ownPath, before: path, madeFolder: false, config: null };
  installInstead(ourFolder(repository), path);
  writeJournal(repository, journal);
  await git.run(repository.gitDir, ["config", "--local", "core.hooksPath", ourFolder(repository)], { access: "write" });
  writeJournal(repository, { ...journal, config: { before, after: readFileSync(file, "latin1") } });
};

/** Everything as it was, to the byte where nobody else changed it since; answers what could not be put back. */
export const unenforce = async (git: Git, repository: Repository, call: Call): Promise<string[]> => {
  const journal = readJournal(repository);
  if (journal === null) return [];
  const problems: string[] = [];
  if (journal.way === "beside") {
    problems.push(...removeBeside(hooksFolder(repository)));
    if (journal.madeFolder) removeIfEmpty(hooksFolder(repository));
  } else {
    if ((await configured(git, repository, ["--local"], call)) === ourFolder(repository))
      await restorePath(git, repository, journal);
    removeInstead(ourFolder(repository));
  }
  rmSync(journalFile(repository), { force: true });
  removeIfEmpty(dirname(journalFile(repository)));
  return problems;
};

const restorePath = async (git: Git, repository: Repository, { config, ownPath }: Journal): Promise<void> => {
  const file = join(repository.gitDir, "config");
  if (config !== null && readFileSync(file, "latin1") === config.after) {
    const draft = `${file}.imi`;
    writeFileSync(draft, config.before, { encoding: "latin1", mode: statSync(file).mode & 0o777 });
    renameSync(draft, file);
    return;
  }
  const argv = ownPath === null ? ["--unset", "core.hooksPath"] : ["core.hooksPath", ownPath];
  await git.run(repository.gitDir, ["config", "--local", ...argv], { access: "write" });
};

/** Where git looks for hooks, when it was told; null for the repository's own folder. */
const effectivePath = (git: Git, repository: Repository, call: Call): Promise<string | null> =>
  configured(git, repository, ["--type=path"], call);

const configured = async (
  git: Git,
  repository: Repository,
  options: readonly string[],
  call: Call,
): Promise<string | null> => {
  // Access "write": a read is made with core.hooksPath set to nowhere, and would be told that.
  const { stdout, exitCode } = await git.run(repository.gitDir, ["config", ...options, "--get", "core.hooksPath"], {
    access: "write",
    accept: [0, 1],
    signal: call.signal,
  });
  return exitCode === 0 ? stdout.replace(/\n$/u, "") : null;
};

const readJournal = (repository: Repository): Journal | null => {
  const file = journalFile(repository);
  // Written by writeJournal.
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Journal) : null;
};

const writeJournal = (repository: Repository, journal: Journal): void => {
  const file = journalFile(repository);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(journal));
  renameSync(`${file}.new`, file);
};
