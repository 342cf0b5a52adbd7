import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import type { SyncAction } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Call, Notes, Tools } from "./context.ts";
import { copyIncludedFiles, readWorktreeIncludeSetting } from "./include-files.ts";
import { applySharedConfig } from "./shared-config/index.ts";
import type { SharedConfigOptions } from "./shared-config/index.ts";

/** Shared config of one repository: where it lies, and how to ask which paths git tracks. */
export const sharedConfigOf = (tools: Tools, repository: Repository): SharedConfigOptions => {
  const { userSyncPath, localSyncPath, symlinkFiles } = tools.settings();
  return {
    container: repository.container,
    globalPath: join(repository.container, userSyncPath),
    repoPath: join(repository.container, localSyncPath),
    patterns: symlinkFiles,
    commonDir: repository.gitDir,
    trackedIn: async (worktree, paths) => {
      const { stdout } = await tools.git.run(worktree, ["--literal-pathspecs", "ls-files", "-z", "--", ...paths], {
        access: "read",
      });
      return new Set(stdout.split("\0").filter((path) => path !== ""));
    },
  };
};

/** What the user should know of the links made; the plain ones go unsaid. */
export const explain = (actions: readonly SyncAction[], notes: Notes): void => {
  for (const { action, path, detail } of actions) {
    if (action === "linked" || action === "unlinked") continue;
    notes.add(`sync/${action}`, detail === null ? `${path}: ${action}` : `${path}: ${detail}`);
  }
};

/** Shared config links, then the ignored files the repository wants carried over. A fault here is told, not fatal: the worktree is whole without. */
export const furnish = async (
  tools: Tools,
  repository: Repository,
  worktree: { readonly name: string; readonly path: string },
  call: Call,
  notes: Notes,
): Promise<void> => {
  try {
    if (tools.settings().syncEnabled) {
      const { actions } = await applySharedConfig(sharedConfigOf(tools, repository), [worktree], call.signal);
      explain(actions, notes);
    }
    await include(tools, repository, worktree.path, call, notes);
    await remark(worktree.path, notes);
  } catch (error) {
    if (call.signal.aborted) throw error;
    const { message } = ImiError.from(error);
    notes.add("worktree/unfurnished", `Shared config could not be set up: ${message} Mend it and run \`imi sync\`.`);
  }
};

const include = async (tools: Tools, repository: Repository, to: string, call: Call, notes: Notes): Promise<void> => {
  if (repository.trunk === null) return;
  const globs = tools.includeGlobs() ?? (await globsOf(repository.trunk, notes));
  const { copied, skipped } = await copyIncludedFiles({
    from: repository.trunk,
    to,
    patternsFile: ".worktreeinclude",
    extraGlobs: globs,
    git: (cwd, args, input) =>
      tools.git.run(cwd, args, {
        access: "read",
        signal: call.signal,
        accept: [0, 1],
        ...(input === undefined ? {} : { input }),
      }),
    signal: call.signal,
  });
  if (copied > 0)
    notes.add("include/copied", `${copied} ignored file${copied === 1 ? "" : "s"} copied from the trunk.`);
  for (const { path, reason } of skipped) notes.add("include/skipped", `${path}: ${reason}`);
};

/** Without an editor to ask, the checkout's own settings file says what it would. */
const globsOf = async (trunk: string, notes: Notes): Promise<readonly string[]> => {
  const { globs, note } = await readWorktreeIncludeSetting(trunk);
  if (note !== null) notes.add("include/unreadable", note);
  return globs;
};

/** What a fresh checkout does not bring by itself. */
const remark = async (path: string, notes: Notes): Promise<void> => {
  if (await exists(join(path, ".gitmodules"))) {
    notes.add("submodules/empty", "Submodules are not checked out; run `git submodule update --init` there.");
  }
  const attributes = await readFile(join(path, ".gitattributes"), "utf8").catch(() => "");
  if (attributes.includes("filter=lfs") && (await hasPointer(path, attributes))) {
    notes.add(
      "lfs/pointers",
      "Large files are pointers only, because Git LFS is not set up; install it and run `git lfs pull` there.",
    );
  }
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** True when LFS has never run here: its folder in the common git directory is made by its first use. */
const hasPointer = async (path: string, attributes: string): Promise<boolean> => {
  const pattern = /^(\S+)[^\n]*filter=lfs/m.exec(attributes)?.[1];
  if (pattern === undefined) return false;
  const { glob } = await import("node:fs/promises");
  const found = glob(pattern.includes("/") ? pattern : `**/${pattern}`, {
    cwd: path,
    exclude: (name) => String(name) === ".git",
  });
  for await (const file of found) {
    const head = await readFile(join(path, file), "utf8").catch(() => "");
    return head.startsWith("version https://git-lfs.github.com/spec/");
  }
  return false;
};
