import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import type { Overlap } from "../../protocol/overlap.ts";
import { paintFor } from "../../server/src/faces/cli/colour.ts";
import { render, type Rendered, type View } from "../../server/src/faces/cli/output.ts";

type Operation = "overlap.list" | "overlap.merge-check";

const answer = <Name extends Operation>(name: Name, result: ResultOf<Name>, asked: View["asked"] = {}): Rendered =>
  render(name, result, { paint: paintFor(false), terminal: true, now: new Date(), cwd: "/code", asked });

const clean = { clean: true, reason: null, conflicts: [] };
const pair = (change: Partial<Overlap> = {}): Overlap => ({
  a: "feat-a",
  b: "feat-b",
  files: Array.from({ length: 7 }, (_, index) => ({
    path: `f${index}`,
    near: "apart" as const,
    a: { path: `f${index}`, change: "changed" as const },
    b: { path: `f${index}`, change: "changed" as const },
  })),
  merge: clean,
  ...change,
});

describe("what people read of overlaps", () => {
  it("is the first files of the first pairs", () => {
    const overlaps = Array.from({ length: 50 }, () => pair());
    const listed = { base: "main", looked: 60, overlaps, unknown: [{ name: "x\u001b", reason: "its folder is gone" }] };
    const { lines, notes } = answer("overlap.list", listed);
    assert.deepEqual(lines.slice(0, 8), [
      "feat-a and feat-b: clean",
      ...Array.from({ length: 5 }, (_, index) => `  f${index}  other lines`),
      "  and 2 more files",
      "",
    ]);
    assert.deepEqual(notes, [
      "x\\x1b is not wholly known: its folder is gone.",
      "10 more pairs not shown: `imi conflicts NAME` shows one worktree's.",
    ]);
    assert.equal(answer("overlap.list", listed, { names: ["feat-a"] }).notes?.length, 1);
  });

  it("names conflicts in files that the two do not share, and what is not known", () => {
    const conflict = { path: "new/x", kind: "file location" as const, paths: ["new/x", "old/x"], message: "" };
    const [first, ...rest] = answer("overlap.list", {
      base: "main",
      looked: 2,
      overlaps: [pair({ files: [], merge: { clean: false, reason: null, conflicts: [conflict] } })],
      unknown: [],
    }).lines;
    assert.deepEqual([first, ...rest], ["feat-a and feat-b: 1 conflict", "  new/x  file location  old/x"]);
    const side = { name: "feat-a", path: "/a", branch: null, head: "0", uncommitted: null };
    const { lines, exitCode } = answer("overlap.merge-check", {
      a: side,
      b: { ...side, name: "feat-b" },
      bases: ["0"],
      relation: "diverged",
      committed: clean,
      working: { clean: null, reason: "feat-a has files in conflict", conflicts: [] },
    });
    assert.deepEqual(lines, [
      "feat-a into feat-b: clean",
      "With what is not committed: not known: feat-a has files in conflict",
    ]);
    assert.equal(exitCode, 1);
  });
});
