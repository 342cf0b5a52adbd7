import { stat } from "node:fs/promises";
import { ImiError } from "../../../protocol/errors.ts";
import type { ErrorCode } from "../../../protocol/errors.ts";
import { codeOf, codeOrMessage } from "../errno.ts";
import { redact } from "../process/index.ts";
import { lockNamed } from "./locks.ts";

interface Symptom {
  readonly code: ErrorCode;
  readonly sign: RegExp;
  readonly say: (match: RegExpExecArray) => { readonly message: string; readonly hint?: string };
}

/**
 * What git offers only as a sentence, read under LC_ALL=C; the one place where a sentence decides. First match wins, so
 * remotes come before permissions ("Permission denied (publickey)"). Wording checked against git 2.39 and 2.5x.
 */
const symptoms: readonly Symptom[] = [
  {
    code: "repository/owner",
    sign: /detected dubious ownership in repository at '([^\n]+)'/,
    say: ([, path = ""]) => ({
      message: `${path} belongs to another user, so git refuses to read it.`,
      hint: `If you trust its owner: git config --global --add safe.directory ${quoted(path)}`,
    }),
  },
  {
    code: "disk/full",
    sign: /No space left on device|Disk quota exceeded|There is not enough space on the disk/i,
    say: () => ({ message: "The disk is full.", hint: "Free some space, then try again." }),
  },
  {
    code: "branch/checked-out",
    sign: /(?:'([^']+)' )?is already (?:checked out|used by worktree) at '([^\n]+)'/,
    say: ([, branch = "The branch", path = ""]) => ({
      message: `${branch} is checked out already, at ${path}.`,
      hint: `Work there: cd ${quoted(path)}`,
    }),
  },
  {
    code: "repository/busy",
    sign: /Unable to create '([^\n]+\.lock)': File exists|could not lock config file ([^\n]+?): File exists/,
    say: ([, file, config]) => ({
      message: `Another git process is working in this repository${holds(file ?? (config === undefined ? undefined : `${config}.lock`))}.`,
      hint: "Wait for it to end. If no git runs there any more, one was killed and left that lock: then delete the file.",
    }),
  },
  {
    // git dies of a record that another `worktree add` is just writing, or was killed while writing (up to 2.55 at least).
    code: "repository/busy",
    sign: /failed to read (\S*worktrees\/[^\n]+\/commondir)/,
    say: ([, file = ""]) => ({
      message: `Another git process is making a worktree in this repository (${file}).`,
      hint: "Wait for it to end. If none runs, one was killed: `imi reconcile` finishes iMi's own; else delete that record's folder.",
    }),
  },
  {
    code: "branch/invalid",
    sign: /'refs\/heads\/([^\n']+)' exists; cannot create 'refs\/heads\/([^\n']+)'/,
    say: ([, there = "", wanted = ""]) => ({
      message: `A branch ${there} exists, so there cannot be a branch ${wanted} beside it.`,
      hint: `Choose another name, or rename ${there}.`,
    }),
  },
  {
    code: "branch/invalid",
    sign: /a branch named '([^\n]+)' already exists/i,
    say: ([, branch = ""]) => ({ message: `A branch named ${branch} exists already.` }),
  },
  {
    code: "worktree/main",
    sign: /is a main working tree/,
    say: () => ({ message: "That is the main checkout; it holds the repository itself." }),
  },
  {
    code: "worktree/dirty",
    sign: /contains modified or untracked files/,
    say: () => ({
      message: "The worktree holds changes that are in no commit.",
      hint: "Commit, stash or delete them, then try again.",
    }),
  },
  {
    code: "worktree/not-found",
    sign: /is not a working tree/,
    say: () => ({ message: "git knows no worktree there." }),
  },
  {
    code: "worktree/locked",
    sign: /missing but locked worktree|cannot (?:remove|move) a locked working tree(?:, lock reason: ([^\n]*))?/,
    say: ([, reason]) => ({ message: `The worktree is locked${reason === undefined ? "." : `: ${reason}`}` }),
  },
  {
    code: "path/taken",
    sign: /missing but already registered worktree|fatal: '[^\n]+' already exists|destination path '[^\n]+' already exists/,
    say: () => ({
      message: "Something is there already, or git still has a worktree recorded there.",
      hint: "`imi reconcile` brings git's records and the folders together.",
    }),
  },
  {
    code: "base/unknown",
    sign: /invalid reference: ([^\n]+)|not a valid object name:? '?([^\n']+)|couldn't find remote ref ([^\n]+)/,
    say: ([, one, two, three]) => ({
      message: `There is no branch, tag or commit "${one ?? two ?? three ?? ""}" here.`,
    }),
  },
  {
    code: "remote/unreachable",
    sign: /Could not read from remote repository|unable to access '|Could not resolve host|Authentication failed for|could not read (?:Username|Password) for|unable to connect to|The remote end hung up|early EOF|does not appear to be a git repository|repository '[^\n]+' (?:not found|does not exist)|Permission denied \(|Host key verification failed|transport '[^\n]+' not allowed|remote helper '[^\n]+' aborted session|Unable to find remote helper|unable to look up/i,
    say: () => ({
      message: "The remote could not be reached, or it refused us.",
      hint: "Check the network, the remote's address (`git remote -v`) and your access to it.",
    }),
  },
  {
    code: "path/too-long",
    sign: /File ?name too long/i,
    say: () => ({ message: "A path would become longer than the system allows.", hint: "Choose a shorter name." }),
  },
  {
    code: "path/permission",
    sign: /Permission denied|Operation not permitted|Read-only file system|insufficient permission/i,
    say: () => ({
      message: "git may not write there.",
      hint: "Check who owns the folder and whether the disk is writable.",
    }),
  },
  {
    code: "repository/damaged",
    sign: /bad config|object file [^\n]+ is empty|loose object [^\n]+ is corrupt|bad object|index file corrupt|bad tree object|unable to read tree|bad index file|missing blob/,
    say: () => ({ message: "The repository is damaged.", hint: "`git fsck` says what is wrong with it." }),
  },
  {
    code: "repository/not-found",
    sign: /not a git repository|cannot use bare repository/i,
    say: () => ({ message: "There is no git repository." }),
  },
];

const holds = (file: string | undefined): string => (file === undefined ? "" : `: it holds ${lockNamed(file)}`);

/** For a command line the user copies. */
export const quoted = (text: string): string =>
  /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** The last line that says what went wrong: `fatal:` and `error:` lines win over hints and progress that follow. */
export const lastLine = (stderr: string): string => {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== "" && !line.startsWith("hint:"));
  return redact(lines.findLast((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? "");
};

/** A git command's failure as a coded error; the sentence names what git said, without secrets. */
export const failure = (args: readonly string[], exitCode: number | null, stderr: string): ImiError => {
  const said = lastLine(stderr);
  const cause = new Error(redact(`git ${args.join(" ")}: exit ${exitCode ?? "by a signal"}\n${stderr.slice(-4096)}`));
  for (const { code, sign, say } of symptoms) {
    const match = sign.exec(stderr);
    if (match === null) continue;
    const { message, hint } = say(match);
    const full = code === "remote/unreachable" ? `${message} ${said}` : message;
    return new ImiError(code, redact(full), hint === undefined ? { cause } : { hint: redact(hint), cause });
  }
  return new ImiError("git/failed", `git ${subcommand(args)} failed: ${said || `exit code ${exitCode ?? "none"}`}`, {
    cause,
  });
};

/** A git that never ran as a coded error. `error` is what starting it in `cwd` raised. */
export const notStarted = async (error: unknown, cwd: string): Promise<ImiError> => {
  const code = codeOf(error);
  if (code === "E2BIG")
    return new ImiError("git/failed", "The command line for git became too long.", { cause: error });
  // A working directory that is gone gives the same errno as a program that is gone.
  const folder = await stat(cwd).catch(() => null);
  if (folder === null || !folder.isDirectory()) {
    return new ImiError("repository/not-found", `There is no folder ${cwd}.`, {
      hint: "It was moved or deleted. `imi reconcile` brings the registry up to date.",
      cause: error,
    });
  }
  if (code === "ENOENT") {
    return new ImiError("git/missing", "git is not installed, or not on the PATH.", {
      hint: "Install it from https://git-scm.com/downloads, then reload.",
      cause: error,
    });
  }
  if (code === "EACCES") {
    return new ImiError("path/permission", `git could not be started in ${cwd}.`, {
      hint: "Check who may enter that folder, and run the git on your PATH.",
      cause: error,
    });
  }
  return new ImiError("git/failed", `git could not be started (${codeOrMessage(error)}).`, { cause: error });
};

export const subcommand = (args: readonly string[]): string =>
  args
    .filter((argument) => !argument.startsWith("-"))
    .slice(0, args[0] === "worktree" ? 2 : 1)
    .join(" ");
