import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";

/**
 * What to do about an error where whoever raised it knew nothing better to say. Only a cancellation needs no advice.
 * docs/errors.md explains every code.
 */
export const usualHints: Readonly<Record<ErrorCode, string | null>> = {
  "usage/invalid": "`imi help COMMAND` explains what it takes.",
  "operation/unknown": "Client and server may be of different versions: reload the window, or update iMi.",
  "operation/cancelled": null,
  "operation/untrusted": "Trust the workspace to change its worktrees.",
  "name/invalid": "Use letters and digits, with - between words.",
  "branch/invalid": "Choose another name for the branch.",
  "branch/checked-out": "Work in the worktree that has it, or choose another branch.",
  "base/unknown": "Check the spelling, or fetch it first: `git fetch`.",
  "path/taken": "Move away what is there, or choose another name.",
  "path/unsafe": "Look at what stands there: iMi changes nothing at a place that is not what it should be.",
  "path/permission": "Check who owns the folder, and whether the disk may be written to.",
  "path/too-long": "Choose a shorter name, or a folder nearer to the root.",
  "worktree/not-found": "`imi list` shows those there are.",
  "worktree/ambiguous": "Give the whole name.",
  "worktree/mismatch": "`imi reconcile` makes the registry agree with git; then try again.",
  "worktree/dirty": "Commit what it holds; or remove it with --yes, which salvages that first.",
  "worktree/locked": "Whoever locked it meant it to stay; `git worktree unlock PATH` unlocks it.",
  "worktree/main": "The main checkout holds the repository itself and stays. Name another worktree.",
  "worktree/missing": "Bring its folder back (is a disk not mounted?), or remove it: `imi remove NAME --yes`.",
  "worktree/nested": "Remove or move the one inside first.",
  "claim/held": "`imi claims` shows who holds it and until when.",
  "claim/stale": "Somebody else may have it by now: `imi claims` shows who. Claim it anew before going on.",
  "agent/invalid": "Use letters and digits, with - between words.",
  "merge/unrelated": "`git merge --allow-unrelated-histories` merges them all the same.",
  "salvage/failed": "Nothing was removed. Make readable what is named, or make room, then try again.",
  "trash/not-found": "`imi trash list` shows what is there.",
  "trash/damaged": "`imi salvages` lists the refs that still hold its work.",
  "repository/not-found": "Go into a repository, or name one with --repo PATH.",
  "repository/no-commit": "Make a first commit, then try again.",
  "repository/busy": "Wait for the other process to end, then try again.",
  "repository/owner": "If you trust its owner: git config --global --add safe.directory PATH",
  "repository/damaged": "`git fsck` says what is wrong with it.",
  "review/not-found": "Check the number of the request, and which remote is asked: `git remote -v`.",
  "remote/none": "Add one: `git remote add origin URL`.",
  "remote/unreachable": "Check the network, the remote's address (`git remote -v`) and your access to it.",
  "git/missing": "Install it from https://git-scm.com/downloads, then try again.",
  "git/too-old": "Install a newer one from https://git-scm.com/downloads.",
  "git/failed": "Try again. If it stays so, `imi doctor` looks for the reason, and the log has git's own words.",
  "git/timeout":
    "Try again. A slow disk or remote may be the reason, or a hook or credential helper that waits for somebody.",
  "disk/full": "Free some space, then try again.",
  "config/invalid": "Mend it: `imi config edit`.",
  "store/corrupt": "Move the registry away; `imi reconcile` finds every worktree again from git.",
  "store/empty": "Move the registry away; `imi reconcile` finds every worktree again from git.",
  "store/newer": "Update this iMi, or reload the window.",
  "store/moved": "Put the file back, or start again what had it open.",
  "store/read-only": "Make the registry and its folder writable, or set IMI_DB_PATH.",
  "store/network": "Set IMI_DB_PATH to a file on a local disk.",
  "store/full": "Free some space, then try again.",
  "store/busy": "Another process is writing to the registry: try again.",
  "store/failed": "Try again. If it stays so, `imi doctor` looks for the reason.",
  "lease/lost": "Another process went on with it, because this one stood still. Look at what there is, then try again.",
  "runtime/unsupported": "`imi doctor` says what is missing.",
  "server/stopped": "Restart the server: in VS Code run “iMi: Restart Server”.",
  internal: "This is a fault in iMi. `imi doctor` collects what a report needs.",
};

/** Anything thrown, as an error that says what to do about it. */
export const hinted = (error: unknown): ImiError => {
  const problem = ImiError.from(error);
  const hint = problem.hint ?? usualHints[problem.code];
  if (hint === problem.hint || hint === null) return problem;
  return new ImiError(problem.code, problem.message, { hint, cause: problem.cause ?? problem });
};
