import { createHash } from "node:crypto";
import type { LineRange, Nearness } from "../../../protocol/overlap.ts";
import type { Apart } from "./apart.ts";
import type { Change } from "./changes.ts";

/** Lines that were replaced, of the file as it was before. */
export interface Hunk extends LineRange {
  /** Stands for what they were replaced with. */
  readonly text: string;
}

/** How two changes of a text are told apart from all others. */
const keyOf = ({ before, after }: Change): string => `${before.oid} ${after.oid}`;

const isText = ({ mode }: Change["before"]): boolean => mode === "100644" || mode === "100755";

/** Whether a change can be told by lines: a file that was one before and is one now. */
export const isByLines = ({ before, after }: Change): boolean => isText(before) && isText(after);

/** The lines of many changes. */
export class Hunks {
  readonly #known: ReadonlyMap<string, readonly Hunk[]>;

  private constructor(known: ReadonlyMap<string, readonly Hunk[]>) {
    this.#known = known;
  }

  /** null where it has no lines: a binary file, or one that was not asked about. */
  of(change: Change): readonly Hunk[] | null {
    return change.before.oid === change.after.oid ? [] : (this.#known.get(keyOf(change)) ?? null);
  }

  /**
   * All of them in one comparison of two trees made for it, in which each change has a number for its name: no path has
   * to be read back, and a change that several worktrees have is compared once. Those in `known` need not be read; what is
   * read is added to it.
   */
  static async read(
    apart: Apart,
    changes: Iterable<Change>,
    known: Map<string, readonly Hunk[]> = new Map(),
  ): Promise<Hunks> {
    const wanted = new Map<string, Change>();
    for (const change of changes) {
      const key = keyOf(change);
      if (isByLines(change) && change.before.oid !== change.after.oid && !known.has(key)) wanted.set(key, change);
    }
    if (wanted.size === 0) return new Hunks(known);
    const keys = [...wanted.keys()];
    const treeOf = async (side: "before" | "after"): Promise<string> => {
      const input = [...wanted.values()].map((change, at) => `100644 blob ${change[side].oid}\t${at}\0`).join("");
      return (await apart.ask(["mktree", "-z", "--missing"], { input })).stdout.toString("latin1").trim();
    };
    const reader = new PatchReader();
    await apart.ask(
      // As git's merges compare.
      ["diff-tree", "-p", "-U0", "--diff-algorithm=histogram", "--no-ext-diff", "--no-textconv", "--no-renames"].concat(
        [await treeOf("before"), await treeOf("after")],
      ),
      { receive: (chunk) => reader.take(chunk) },
    );
    for (const [number, hunks] of reader.end()) known.set(keys[number] ?? "", hunks);
    return new Hunks(known);
  }
}

/** Reads a patch of files whose names are numbers. Lines of content begin with `+`, `-` or `\`, all others are git's own. */
class PatchReader {
  readonly #files = new Map<number, Hunk[]>();
  #rest = "";
  #file = -1;
  #hunk: LineRange | null = null;
  #text = createHash("sha1");

  take(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  end(): ReadonlyMap<number, readonly Hunk[]> {
    this.#endHunk();
    return this.#files;
  }

  #line(line: string): void {
    if (line.startsWith("+") && this.#hunk !== null) this.#text.update(`${line}\n`, "latin1");
    else if (line.startsWith("\\")) this.#text.update(line);
    else if (line.startsWith("diff --git ")) {
      this.#endHunk();
      this.#file = Number(/ b\/(\d+)$/.exec(line)?.[1]);
    } else if (line.startsWith("@@ ")) {
      this.#endHunk();
      const [, first, count = "1"] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? [];
      this.#hunk = { line: Number(first), count: Number(count) };
    }
  }

  #endHunk(): void {
    if (this.#hunk !== null) {
      const hunks = this.#files.get(this.#file) ?? [];
      hunks.push({ ...this.#hunk, text: this.#text.digest("hex") });
      this.#files.set(this.#file, hunks);
    }
    this.#hunk = null;
    this.#text = createHash("sha1");
  }
}

/** Unchanged lines around a change that git shows with it. */
const context = 3;

export interface NearHunks {
  readonly near: "overlap" | "touch";
  readonly a: LineRange;
  readonly b: LineRange;
}

/** Pairs of changes that overlap or touch; what both did the same is none. Hunks come in the order of the file. */
export const nearHunks = (ours: readonly Hunk[], theirs: readonly Hunk[]): NearHunks[] => {
  const found: NearHunks[] = [];
  let first = 0;
  for (const a of ours) {
    // What lies wholly before this one lies before all that follow.
    while (first < theirs.length && gap(theirs[first], a) > context && startOf(theirs[first]) < startOf(a)) first++;
    for (let at = first; at < theirs.length; at++) {
      const b = theirs[at];
      if (b === undefined || (gap(a, b) > context && startOf(b) > startOf(a))) break;
      if (a.line === b.line && a.count === b.count && a.text === b.text) continue;
      const lines = gap(a, b);
      if (lines > context) continue;
      // git wants at least one unchanged line between two changes.
      found.push({ near: lines === 0 ? "overlap" : "touch", a: rangeOf(a), b: rangeOf(b) });
    }
  }
  return found;
};

const rangeOf = ({ line, count }: Hunk): LineRange => ({ line, count });

/** Lines before the change; one that only puts something in names the line it comes after. */
const startOf = (hunk: LineRange | undefined): number =>
  hunk === undefined ? 0 : hunk.count === 0 ? hunk.line : hunk.line - 1;

const endOf = (hunk: LineRange | undefined): number => startOf(hunk) + (hunk?.count ?? 0);

/** Unchanged lines between two changes; 0 where they overlap or adjoin. */
const gap = (one: LineRange | undefined, other: LineRange | undefined): number =>
  Math.max(0, startOf(one) - endOf(other), startOf(other) - endOf(one));

export const nearestOf = (hunks: readonly NearHunks[]): Nearness => {
  if (hunks.length === 0) return "apart";
  return hunks.some(({ near }) => near === "overlap") ? "overlap" : "touch";
};
