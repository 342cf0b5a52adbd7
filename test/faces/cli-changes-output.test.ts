import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChangedFile } from "../../protocol/changes.ts";
import type { ResultOf } from "../../protocol/contract.ts";
import { paintFor } from "../../server/src/faces/cli/colour.ts";
import { render, type Rendered } from "../../server/src/faces/cli/output.ts";

const answer = (files: readonly ChangedFile[], change: Partial<ResultOf<"worktree.changes">> = {}): Rendered => {
  const against = { name: "origin/main", commit: "0" };
  const result = { name: "feat-a", path: "/code/feat-a", against, files: [...files], total: files.length, ...change };
  const view = { paint: paintFor(false), terminal: true, now: new Date(), cwd: "/code", asked: {} };
  return render("worktree.changes", result, view);
};
const version = { kind: "file", id: null, bytes: 12_345 } as const;
const file = (path: string, more: Partial<ChangedFile> = {}): ChangedFile => ({
  ...{ path, from: null, change: "changed", untracked: false, binary: false, before: version, after: version },
  ...more,
});

describe("what people read of changes", () => {
  it("is a line for each file, with git's letters", () => {
    const { lines, notes } = answer([
      file("a\nb"),
      file("new", { from: "old", change: "renamed" }),
      file("pic", { change: "added", untracked: true, binary: true }),
      file("link", { change: "retyped", after: { kind: "link", id: null, bytes: 3 } }),
      file("gone", { change: "deleted", after: null }),
    ]);
    assert.deepEqual(lines, [
      "M  a\\nb",
      "R  old -> new",
      "A  pic         untracked, binary, 12 kB",
      "T  link        link",
      "D  gone",
    ]);
    assert.deepEqual(notes, ["5 files, compared with origin/main."]);
  });

  it("is a word where there is nothing, and how many there are where not all are shown", () => {
    assert.deepEqual(answer([]), { lines: [], notes: ["No differences, compared with origin/main."] });
    assert.deepEqual(answer([file("a")], { total: 2000 }).notes, [
      "2,000 files, compared with origin/main; the first 1 are shown, --limit says how many.",
    ]);
    const unborn = { name: "main", commit: null };
    assert.deepEqual(answer([], { against: unborn }).notes, ["No differences, it has no commit yet."]);
  });
});
