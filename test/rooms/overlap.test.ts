import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ParamsOf, ResultOf } from "../../protocol/contract.ts";
import type { Overlap } from "../../protocol/overlap.ts";
import { ImiError } from "../../protocol/errors.ts";
import { isolateGit } from "../support/git.ts";
import { commitAll, everything, put } from "../support/overlap.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`);
const withLine = (number: number, line: string): string => lines.with(number - 1, `${line}\n`).join("");

describe("overlaps between worktrees", () => {
  let scene: Scene;
  let made = 0;
  before(() => {
    isolateGit();
    scene = makeScene();
    put(scene.trunk, { "f.txt": lines.join(""), "g.txt": lines.join("").replaceAll("line", "row") });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
  });
  after(() => scene.remove());

  /** New worktrees, and nothing of earlier ones. */
  const worktrees = (count: number, from = "origin/main"): string[] => {
    for (const line of scene.git(scene.trunk, "worktree", "list", "--porcelain").split("\n"))
      if (line.startsWith("worktree ") && !line.endsWith("/trunk-main"))
        scene.git(scene.trunk, "worktree", "remove", "--force", line.slice("worktree ".length));
    return Array.from({ length: count }, () => more(from));
  };
  const more = (from: string): string => {
    made += 1;
    const path = join(scene.container, `feat-w${made}`);
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", `feat/w${made}`, path, from);
    return path;
  };
  const overlaps = async (params: ParamsOf<"overlap.list"> = {}): Promise<ResultOf<"overlap.list">> => {
    await using imi = await Caller.in(scene);
    return await imi.call("overlap.list", params);
  };
  const nears = ({ files }: Overlap): string[] => files.map(({ path, near }) => `${near} ${path}`);
  const nameOf = (path: string | undefined): string => path?.split("/").at(-1) ?? "";

  it("are none where nobody changed a file that another changed", async () => {
    const [a = "", b = ""] = worktrees(3);
    put(a, { "f.txt": withLine(1, "a") });
    put(b, { "g.txt": "b\n", "new.txt": "b\n" });
    assert.deepEqual(await overlaps(), { base: "origin/main", looked: 4, overlaps: [], unknown: [] });
  });

  it("say how near the changes are, committed or not, and whether they conflict", async () => {
    for (const [theirs, near, clean] of [
      [withLine(10, "b"), "overlap", false],
      [withLine(11, "b"), "overlap", false],
      [withLine(12, "b"), "touch", true],
      [withLine(14, "b"), "touch", true],
      [withLine(15, "b"), "apart", true],
      [withLine(10, "a"), "same", true],
    ] as const) {
      const [a = "", b = ""] = worktrees(2);
      put(a, { "f.txt": withLine(10, "a") });
      commitAll({ scene }, a);
      put(b, { "f.txt": theirs });
      const found = (await overlaps()).overlaps;
      assert.deepEqual(
        found.map((each) => [each.a, each.b, nears(each), each.merge.clean]),
        [[nameOf(a), nameOf(b), [`${near} f.txt`], clean]],
      );
    }
  });

  it("give the lines of the file as it was where both come from", async () => {
    const [a = "", b = ""] = worktrees(2);
    put(a, { "f.txt": ["first\n", ...lines.with(9, "a\n").with(10, "a\n")].join("") });
    put(b, { "f.txt": ["other\n", ...lines.with(11, "b\n")].join("") });
    const [found] = (await overlaps({ hunks: true })).overlaps;
    assert.deepEqual(found?.files[0]?.hunks, [
      { near: "overlap", a: { line: 0, count: 0 }, b: { line: 0, count: 0 } },
      { near: "overlap", a: { line: 10, count: 2 }, b: { line: 12, count: 1 } },
    ]);
    assert.equal((await overlaps()).overlaps[0]?.files[0]?.hunks, undefined);
  });

  it("follow a file that one renamed, and tell what is not of lines as a whole", async () => {
    const [a = "", b = ""] = worktrees(2);
    renameSync(join(a, "f.txt"), join(a, "renamed.txt"));
    put(a, { "renamed.txt": withLine(10, "a"), "g.txt": null, "new.txt": "a\n" });
    put(b, { "f.txt": withLine(10, "b"), "g.txt": "b\n", "new.txt": "b\n" });
    const [found] = (await overlaps()).overlaps;
    assert.deepEqual(found?.files, [
      {
        path: "g.txt",
        near: "whole",
        a: { path: "g.txt", change: "deleted" },
        b: { path: "g.txt", change: "changed" },
      },
      {
        path: "new.txt",
        near: "whole",
        a: { path: "new.txt", change: "added" },
        b: { path: "new.txt", change: "added" },
      },
      {
        path: "f.txt",
        near: "overlap",
        a: { path: "renamed.txt", change: "renamed" },
        b: { path: "f.txt", change: "changed" },
      },
    ]);
    assert.deepEqual(found.merge.conflicts.map(({ kind, path }) => `${kind} ${path}`).toSorted(), [
      "add/add new.txt",
      "content renamed.txt",
      "modify/delete g.txt",
    ]);
  });

  it("count from where the two parted: what one has from the other is not changed by both", async () => {
    const [a = ""] = worktrees(1);
    put(a, { "f.txt": withLine(10, "a") });
    commitAll({ scene }, a);
    const stacked = more(scene.git(a, "rev-parse", "HEAD").trim());
    put(stacked, { "g.txt": "on top\n" });
    commitAll({ scene }, stacked);
    assert.deepEqual((await overlaps()).overlaps, []);
    put(stacked, { "f.txt": withLine(20, "b").replace("line 10", "a") });
    put(a, { "f.txt": withLine(10, "a").replace("line 20", "more") });
    const found = (await overlaps()).overlaps;
    assert.deepEqual(
      found.map((each) => [nears(each), each.merge.clean]),
      [[["overlap f.txt"], false]],
    );
  });

  it("do not hold a worktree to what the trunk changed meanwhile", async () => {
    const [old = ""] = worktrees(1);
    const before = scene.git(scene.trunk, "rev-parse", "HEAD").trim();
    put(scene.trunk, { "g.txt": "the trunk\n" });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    const young = more("origin/main");
    put(old, { "g.txt": "old\n", "f.txt": withLine(10, "a") });
    put(young, { "f.txt": withLine(20, "b") });
    const { overlaps: found } = await overlaps();
    assert.deepEqual(found.map(nears), [["apart f.txt"]]);
    assert.deepEqual(
      found[0]?.merge.conflicts.map(({ path }) => path),
      ["g.txt"],
      "a merge of the two meets it all the same",
    );
    scene.git(scene.trunk, "reset", "-q", "--hard", before);
    scene.git(scene.trunk, "push", "-q", "-f", "origin", "HEAD");
  });

  it("go by the attributes of the worktree that is merged into", async () => {
    for (const attributes of [{}, { ".gitattributes": "f.txt merge=union\n" }]) {
      const [a = "", b = ""] = worktrees(2);
      put(a, { "f.txt": withLine(10, "a") });
      put(b, { "f.txt": withLine(10, "b"), ...attributes });
      const [found] = (await overlaps()).overlaps;
      assert.deepEqual([found?.b, found?.merge.clean], [nameOf(b), ".gitattributes" in attributes]);
    }
  });

  it("come the worst first", async () => {
    const [a = "", b = "", c = "", d = ""] = worktrees(4);
    put(a, { "f.txt": withLine(10, "a") });
    put(b, { "f.txt": withLine(10, "b") });
    put(c, { "f.txt": withLine(12, "c") });
    put(d, { "f.txt": withLine(25, "d") });
    const found = (await overlaps()).overlaps;
    assert.deepEqual(
      found.map((each) => [each.merge.clean, each.files[0]?.near]),
      [
        [false, "overlap"],
        [true, "touch"],
        [true, "touch"],
        [true, "apart"],
        [true, "apart"],
        [true, "apart"],
      ],
    );
    const ofOne = await overlaps({ names: [nameOf(d)] });
    assert.deepEqual(
      ofOne.overlaps.map((each) => [each.a, each.b].includes(nameOf(d))),
      [true, true, true],
    );
    await assert.rejects(overlaps({ names: ["nobody"] }), (error) => ImiError.is(error, "worktree/not-found"));
  });

  it("name the worktrees that could not be read, and call no merge with them clean", async () => {
    const [a = "", b = "", gone = "", empty = ""] = worktrees(4);
    put(a, { "f.txt": withLine(10, "a") });
    commitAll({ scene }, a);
    put(b, { "f.txt": withLine(10, "b") });
    commitAll({ scene }, b);
    assert.throws(() => scene.git(b, "merge", scene.git(a, "rev-parse", "HEAD").trim()));
    put(a, { "f.txt": withLine(20, "far") });
    commitAll({ scene }, a);
    renameSync(gone, `${gone}-away`);
    scene.git(empty, "checkout", "-q", "--orphan", "no-commit");
    const { looked, overlaps: found, unknown } = await overlaps();
    assert.equal(looked, 3);
    assert.deepEqual(
      unknown.map(({ name, reason }) => [name, /in conflict|is gone|no commit yet/.exec(reason)?.[0]]),
      [
        [nameOf(b), "in conflict"],
        [nameOf(gone), "is gone"],
        [nameOf(empty), "no commit yet"],
      ],
    );
    assert.deepEqual(
      found.map(({ merge }) => merge.clean),
      [null],
    );
    renameSync(`${gone}-away`, gone);
  });

  it("change nothing in the repository and its worktrees", async () => {
    const [a = "", b = ""] = worktrees(2);
    put(a, { "f.txt": withLine(10, "a"), "new.txt": "a\n" });
    scene.git(a, "add", "new.txt");
    put(b, { "f.txt": withLine(10, "b"), "new.txt": "b\n" });
    await overlaps(); // what is not registered yet is registered
    const before = everything(scene.container);
    const { overlaps: found } = await overlaps({ hunks: true });
    assert.equal(found.length, 1);
    assert.deepEqual(everything(scene.container), before);
  });
});
