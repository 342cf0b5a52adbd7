import assert from "node:assert/strict";
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isolateGit } from "../support/git.ts";
import { assertForetold, check, commitAll, everything, put, reallyMerge, twoWorktrees } from "../support/overlap.ts";
import type { Two } from "../support/overlap.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const ten = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`);
const text = ten.join("");
const withLine = (number: number, line: string): string => ten.with(number - 1, `${line}\n`).join("");

interface Case {
  readonly name: string;
  readonly start?: Readonly<Record<string, string | Buffer>>;
  readonly a: (two: Two) => void;
  readonly b: (two: Two) => void;
  /** Conflicts as `kind path`; none where the merge is clean. */
  readonly conflicts: readonly string[];
}

const write =
  (side: "a" | "b", files: Parameters<typeof put>[1]) =>
  (two: Two): void =>
    put(two[side], files);

const cases: readonly Case[] = [
  {
    name: "the same line",
    a: write("a", { "f.txt": withLine(5, "ours") }),
    b: write("b", { "f.txt": withLine(5, "theirs") }),
    conflicts: ["content f.txt"],
  },
  {
    name: "lines next to each other",
    a: write("a", { "f.txt": withLine(5, "ours") }),
    b: write("b", { "f.txt": withLine(6, "theirs") }),
    conflicts: ["content f.txt"],
  },
  {
    name: "lines far from each other",
    a: write("a", { "f.txt": withLine(1, "ours") }),
    b: write("b", { "f.txt": withLine(10, "theirs") }),
    conflicts: [],
  },
  {
    name: "the same change",
    a: write("a", { "f.txt": withLine(5, "same") }),
    b: write("b", { "f.txt": withLine(5, "same") }),
    conflicts: [],
  },
  {
    name: "a file both add",
    a: write("a", { "new.txt": "one\n" }),
    b: write("b", { "new.txt": "two\n" }),
    conflicts: ["add/add new.txt"],
  },
  {
    name: "a file both add alike",
    a: write("a", { "new.txt": "one\n" }),
    b: write("b", { "new.txt": "one\n" }),
    conflicts: [],
  },
  {
    name: "changed and deleted",
    a: write("a", { "f.txt": null }),
    b: write("b", { "f.txt": withLine(5, "theirs") }),
    conflicts: ["modify/delete f.txt"],
  },
  {
    name: "renamed to two names",
    a: ({ a }) => renameSync(join(a, "f.txt"), join(a, "one.txt")),
    b: ({ b }) => renameSync(join(b, "f.txt"), join(b, "two.txt")),
    conflicts: ["rename/rename f.txt"],
  },
  {
    name: "renamed and deleted",
    a: ({ a }) => renameSync(join(a, "f.txt"), join(a, "one.txt")),
    b: write("b", { "f.txt": null }),
    conflicts: ["rename/delete one.txt"],
  },
  {
    name: "renamed, and changed elsewhere",
    a: ({ a }) => renameSync(join(a, "f.txt"), join(a, "one.txt")),
    b: write("b", { "f.txt": withLine(5, "theirs") }),
    conflicts: [],
  },
  {
    name: "two files renamed to one name",
    start: { "f.txt": text, "g.txt": text.replaceAll("line", "row") },
    a: ({ a }) => renameSync(join(a, "f.txt"), join(a, "one.txt")),
    b: ({ b }) => renameSync(join(b, "g.txt"), join(b, "one.txt")),
    conflicts: ["add/add one.txt"],
  },
  {
    name: "a binary file",
    start: { "f.bin": Buffer.from([0, 1, 2, 3]) },
    a: write("a", { "f.bin": Buffer.from([0, 1, 2, 4]) }),
    b: write("b", { "f.bin": Buffer.from([0, 1, 2, 5]) }),
    conflicts: ["binary f.bin"],
  },
  {
    name: "a mode, and the content",
    a: ({ a }) => chmodSync(join(a, "f.txt"), 0o755),
    b: write("b", { "f.txt": withLine(5, "theirs") }),
    conflicts: [],
  },
  {
    name: "a file and a link of one name",
    a: write("a", { new: "a file\n" }),
    b: ({ b }) => symlinkSync("elsewhere", join(b, "new")),
    conflicts: ["distinct types new"],
  },
  {
    name: "a file and a folder of one name",
    a: write("a", { new: "a file\n" }),
    b: write("b", { "new/inside": "a folder\n" }),
    conflicts: ["file/directory new"],
  },
  {
    name: "white space alone",
    a: write("a", { "f.txt": text.replace("line 5", "\tline 5") }),
    b: write("b", { "f.txt": text.replace("line 5", "  line 5") }),
    conflicts: ["content f.txt"],
  },
  {
    name: "line ends that git converts",
    start: { ".gitattributes": "*.txt text=auto\n", "f.txt": text },
    a: write("a", { "f.txt": withLine(1, "ours").replaceAll("\n", "\r\n") }),
    b: write("b", { "f.txt": withLine(10, "theirs") }),
    conflicts: [],
  },
  {
    name: "line ends that git keeps",
    a: write("a", { "f.txt": withLine(1, "ours").replaceAll("\n", "\r\n") }),
    b: write("b", { "f.txt": withLine(10, "theirs") }),
    conflicts: ["content f.txt"],
  },
  {
    name: "a file merged by union, as its attributes say",
    start: { ".gitattributes": "log merge=union\n", log: "begin\n" },
    a: write("a", { log: "begin\none\n" }),
    b: write("b", { log: "begin\ntwo\n" }),
    conflicts: [],
  },
  {
    name: "a file that is never merged, as its attributes in a folder say",
    start: { "deep/.gitattributes": "lock -merge\n", "deep/lock": text },
    a: write("a", { "deep/lock": withLine(1, "ours") }),
    b: write("b", { "deep/lock": withLine(10, "theirs") }),
    conflicts: ["binary deep/lock"],
  },
  {
    name: "names that differ in case alone",
    a: write("a", { "Read.me": "one\n" }),
    b: write("b", { "read.me": "two\n" }),
    conflicts: [],
  },
  {
    name: "a name with line ends, quotes and letters of the world",
    start: { 'a\n"b"\\ ü\t.txt': text },
    a: write("a", { 'a\n"b"\\ ü\t.txt': withLine(5, "ours") }),
    b: write("b", { 'a\n"b"\\ ü\t.txt': withLine(5, "theirs") }),
    conflicts: ['content a\n"b"\\ ü\t.txt'],
  },
  {
    name: "what is ignored",
    start: { ".gitignore": "*.log\n", "f.txt": text },
    a: write("a", { "x.log": "one\n" }),
    b: write("b", { "x.log": "two\n" }),
    conflicts: [],
  },
  {
    name: "a folder renamed, and a file added to it",
    start: { "old/one.txt": text, "old/two.txt": text.replaceAll("line", "row") },
    a: ({ a }) => renameSync(join(a, "old"), join(a, "new")),
    b: write("b", { "old/three.txt": "three\n" }),
    conflicts: ["file location new/three.txt"],
  },
];

describe("what a merge would do", () => {
  let scene: Scene;
  before(() => {
    isolateGit();
    scene = makeScene();
  });
  after(() => scene.remove());

  for (const { name, start = { "f.txt": text }, a, b, conflicts } of cases) {
    it(`is told before it is done: ${name}`, async () => {
      const two = twoWorktrees(scene, start);
      a(two);
      b(two);
      const before = everything(scene.container);
      const asked = await check(scene, two.a, two.b);
      assert.deepEqual(everything(scene.container), before, "nothing was touched");
      assert.deepEqual(asked.committed, { clean: true, reason: null, conflicts: [] }, "nothing is committed yet");
      assert.deepEqual(
        asked.working.conflicts.map(({ kind, path }) => `${kind} ${path}`),
        conflicts,
      );
      assert.equal(asked.working.clean, conflicts.length === 0);
      assert.equal(asked.relation, "up-to-date");

      commitAll(two, two.a);
      commitAll(two, two.b);
      const then = await check(scene, two.a, two.b);
      assert.deepEqual(
        then.committed.conflicts.map(({ kind, path }) => `${kind} ${path}`),
        conflicts,
      );
      assert.deepEqual(then.working, then.committed);
      assertForetold(then.committed, reallyMerge(two), name);
    });
  }

  it("tells what is staged, changed, only promised to be added, and untracked alike", async () => {
    for (const prepare of [
      (two: Two) => two.scene.git(two.a, "add", "new.txt"),
      (two: Two) => two.scene.git(two.a, "add", "-N", "new.txt"),
      () => undefined,
    ]) {
      const two = twoWorktrees(scene, { "f.txt": text });
      put(two.a, { "new.txt": "one\n" });
      prepare(two);
      put(two.b, { "new.txt": "two\n" });
      commitAll(two, two.b);
      const { committed, working, a } = await check(scene, two.a, two.b);
      assert.equal(committed.clean, true);
      assert.deepEqual(
        working.conflicts.map(({ kind, path }) => `${kind} ${path}`),
        ["add/add new.txt"],
      );
      const { staged = 0, changed = 0, untracked = 0 } = a.uncommitted ?? {};
      assert.equal(staged + changed + untracked, 1);
    }
  });

  it("takes a file that was staged and changed again as it is on disk", async () => {
    const two = twoWorktrees(scene, { "f.txt": text });
    put(two.a, { "f.txt": withLine(5, "staged") });
    scene.git(two.a, "add", "f.txt");
    put(two.a, { "f.txt": text });
    put(two.b, { "f.txt": withLine(5, "theirs") });
    assert.equal((await check(scene, two.a, two.b)).working.clean, true);
  });

  it("sees an edit that left size and time as they were", async () => {
    const two = twoWorktrees(scene, { "f.txt": text });
    put(two.a, { "f.txt": withLine(5, "LINE 5") });
    put(two.b, { "f.txt": withLine(5, "theirs") });
    commitAll(two, two.b);
    assert.equal((await check(scene, two.a, two.b)).working.clean, false);
  });

  it("knows a folder that became a link, and a file that became a folder", async () => {
    const two = twoWorktrees(scene, { "d/f.txt": text, g: text });
    put(two.a, { d: null, g: null });
    symlinkSync("elsewhere", join(two.a, "d"));
    put(two.a, { "g/inside": "new\n" });
    put(two.b, { "d/f.txt": withLine(5, "theirs") });
    const asked = await check(scene, two.a, two.b);
    commitAll(two, two.a);
    commitAll(two, two.b);
    assertForetold(asked.working, reallyMerge(two), "what it was");
  });

  it("does not take a repository that lies in a worktree for a part of it", async () => {
    const two = twoWorktrees(scene, { "f.txt": text });
    mkdirSync(join(two.a, "inner"));
    scene.git(join(two.a, "inner"), "init", "-q");
    writeFileSync(join(two.a, "inner", "x"), "x");
    put(two.b, { inner: "a file\n" });
    assert.equal((await check(scene, two.a, two.b)).working.clean, true);
  });
});
