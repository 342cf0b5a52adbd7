import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isAbsent } from "../errno.ts";
import type { LiveFacts } from "../../../protocol/worktrees.ts";

export type Operation = NonNullable<LiveFacts["operation"]>;

/** Something git is in the middle of, and the file of its git directory that says so. */
export interface InProgress {
  readonly operation: Operation;
  readonly marker: string;
}

/**
 * What the names in a worktree's git directory say is in progress, the outermost first: a rebase stops in what looks like
 * a cherry-pick. The one place that knows git's files for this.
 */
export const operationsIn = (gitDir: string, names: ReadonlySet<string>): InProgress[] => {
  const found: InProgress[] = [];
  const add = (operation: Operation, marker: string): void => void found.push({ operation, marker });
  if (names.has("rebase-merge")) add("rebase", "rebase-merge");
  if (names.has("rebase-apply")) add(isThere(join(gitDir, "rebase-apply/applying")) ? "am" : "rebase", "rebase-apply");
  if (names.has("MERGE_HEAD")) add("merge", "MERGE_HEAD");
  if (names.has("CHERRY_PICK_HEAD") && !names.has("rebase-merge")) add("cherry-pick", "CHERRY_PICK_HEAD");
  if (names.has("REVERT_HEAD")) add("revert", "REVERT_HEAD");
  // Between two of several commits there is only what is left to do.
  if (names.has("sequencer") && !names.has("CHERRY_PICK_HEAD") && !names.has("REVERT_HEAD"))
    add(/^revert\b/m.test(firstStep(gitDir)) ? "revert" : "cherry-pick", "sequencer");
  if (names.has("BISECT_LOG") || names.has("BISECT_START")) add("bisect", "BISECT_START");
  return found;
};

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

const firstStep = (gitDir: string): string => {
  try {
    const todo = readFileSync(join(gitDir, "sequencer/todo"), "utf8");
    return todo.split("\n").find((line) => line !== "" && !line.startsWith("#")) ?? "";
  } catch (error) {
    if (isAbsent(error)) return "";
    throw error;
  }
};

/** A folder changed this shortly before it was looked at may change again within the same tick of the file system's clock, in ms. */
const tickMs = 40;
/** git directories remembered; some of worktrees that are long gone. */
const rememberedMost = 5_000;

/** What each worktree is in the middle of, the outermost alone; in a process that keeps running one `stat` where nothing changed. */
export class Operations {
  readonly #known = new Map<string, { readonly stamp: string; readonly operation: Operation | null }>();

  /** null as well where the git directory cannot be read: then its status is unknown. */
  at(gitDir: string): Operation | null {
    try {
      const facts = statSync(gitDir, { bigint: true });
      const stamp = `${facts.dev}:${facts.ino}:${facts.mtimeNs}:${facts.ctimeNs}`;
      const known = this.#known.get(gitDir);
      if (known?.stamp === stamp) return known.operation;
      const old = Date.now() - Number(facts.ctimeMs) > tickMs;
      const [outermost] = operationsIn(gitDir, new Set(readdirSync(gitDir)));
      const operation = outermost?.operation ?? null;
      if (this.#known.size >= rememberedMost) this.#known.clear();
      if (old && !toldInside.has(outermost?.marker ?? "")) this.#known.set(gitDir, { stamp, operation });
      else this.#known.delete(gitDir);
      return operation;
    } catch {
      return null;
    }
  }
}

/** Folders whose files say which operation it is; the git directory does not change with them. */
const toldInside: ReadonlySet<string> = new Set(["rebase-apply", "sequencer"]);
