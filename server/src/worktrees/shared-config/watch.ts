import { readdirSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, codeOrMessage } from "../../errno.ts";
import { lookAt } from "./files.ts";
import type { SharedConfigOptions } from "./apply.ts";
import { sourceFolders } from "./sources.ts";

export interface SharedConfigWatch {
  close(): void;
  /** Why the folders cannot be watched, so that they are looked at every two seconds instead; null when they are. */
  readonly trouble: string | null;
}

/** From the first event to the call, in milliseconds: what comes together is told together. */
const debounce = 15;
const pollEvery = 2000;
const mostFolders = 1000;

/**
 * Calls `onChange` within 30 ms after a file below sync/ was added, changed or removed, also when sync/ itself appears,
 * goes or is replaced. Watches single folders (a recursive watch costs a descriptor per file on Linux); each new folder
 * is watched before `onChange` is called, so what comes into it later is told too.
 */
export function watchSharedConfig(
  options: Pick<SharedConfigOptions, "container" | "globalPath" | "repoPath">,
  onChange: () => void,
): SharedConfigWatch {
  const watches = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  let pending: NodeJS.Timeout | null = null;
  let poll: NodeJS.Timeout | null = null;
  let trouble: string | null = null;
  let closed = false;

  const changed = (): void => {
    if (closed || pending !== null) return;
    pending = setTimeout(() => {
      pending = null;
      arm();
      onChange();
    }, debounce);
  };

  const arm = (): void => {
    const wanted = foldersToWatch(options, (folder, only) => {
      const identity = identityOf(folder);
      const known = watches.get(folder);
      if (known !== undefined && known.identity === identity) return true;
      known?.watcher.close();
      watches.delete(folder);
      if (identity === null) return false;
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          if (only === null || name === null || only.has(name)) changed();
        });
        watcher.on("error", changed);
        watches.set(folder, { watcher, identity });
        return true;
      } catch (error) {
        if (codeOf(error) !== "ENOENT") trouble = `${folder} cannot be watched (${codeOrMessage(error)})`;
        return false;
      }
    });
    for (const [folder, { watcher }] of watches) {
      if (wanted.has(folder)) continue;
      watcher.close();
      watches.delete(folder);
    }
    if (trouble !== null && poll === null) {
      poll = setInterval(changed, pollEvery);
      poll.unref();
    }
  };

  arm();
  return {
    get trouble() {
      return trouble;
    },
    close() {
      closed = true;
      if (pending !== null) clearTimeout(pending);
      if (poll !== null) clearInterval(poll);
      for (const { watcher } of watches.values()) watcher.close();
      watches.clear();
    },
  };
}

function identityOf(folder: string): string | null {
  const found = lookAt(folder);
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}` : null;
}

/**
 * Watches each folder before it reads it, so that nothing comes unseen between. The folders above are watched only for
 * the names that lead to sync/: worktrees come and go beside it.
 */
function foldersToWatch(
  options: Pick<SharedConfigOptions, "container" | "globalPath" | "repoPath">,
  watchFolder: (folder: string, only: ReadonlySet<string> | null) => boolean,
): Set<string> {
  const container = resolve(options.container);
  const roots = sourceFolders(options);
  const above = new Map<string, Set<string>>();
  for (const root of roots) {
    const last = root.startsWith(container) ? dirname(container) : dirname(root);
    for (let folder = root; folder !== last; folder = dirname(folder)) {
      const parent = dirname(folder);
      const names = above.get(parent) ?? new Set();
      names.add(basename(folder));
      above.set(parent, names);
      if (parent === folder) break;
    }
  }

  const wanted = new Set<string>();
  // The parent of the container only while there is no container.
  const containerExists = identityOf(container) !== null;
  for (const [folder, names] of above) {
    if (folder === dirname(container) && containerExists) continue;
    if (roots.includes(folder)) continue;
    if (watchFolder(folder, names)) wanted.add(folder);
  }
  const below = [...roots];
  for (const folder of below) {
    if (wanted.size >= mostFolders) break;
    if (!watchFolder(folder, null)) continue;
    wanted.add(folder);
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) below.push(join(folder, entry.name));
      }
    } catch {
      // Gone since; the folder above told of it.
    }
  }
  return wanted;
}
