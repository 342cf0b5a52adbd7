import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { ImiError } from "../../protocol/errors.ts";
import { paintFor } from "../../server/src/faces/cli/colour.ts";
import { render } from "../../server/src/faces/cli/output.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

let scene: Scene;
let imi: Caller;
let path: string;
beforeEach(async () => {
  scene = makeScene();
  imi = await Caller.in(scene);
  path = (await imi.call("worktree.create", { type: "feat", name: "x" })).worktree.path;
});
afterEach(async () => {
  await imi[Symbol.asyncDispose]();
  scene.remove();
});

const remove = async (): Promise<NonNullable<ResultOf<"worktree.remove">["trash"]>> =>
  (await imi.call("worktree.remove", { name: "feat-x", yes: true })).trash ?? assert.fail("it was not removed");
const restore = (): Promise<ResultOf<"worktree.restore">> => imi.call("worktree.restore", { name: "feat-x" });
const codes = ({ notes }: ResultOf<"worktree.restore">): string[] => notes.map(({ code }) => code);

const salvageRefs = (): string[] =>
  scene
    .git(scene.trunk, "for-each-ref", "--format=%(refname)", "refs/salvage")
    .split("\n")
    .filter((ref) => ref !== "");

/** What somebody does who thinks that refs/salvage is rubbish. */
const forget = (): void => {
  for (const ref of salvageRefs()) scene.git(scene.trunk, "update-ref", "-d", ref);
  scene.git(scene.trunk, "reflog", "expire", "--expire=now", "--all");
  scene.git(scene.trunk, "gc", "-q", "--prune=now");
};

it("a restore that was killed while it wrote the entry's manifest leaves a draft, which the next look takes away", async () => {
  const { place } = await remove();
  writeFileSync(join(place, "manifest.draft"), "{");
  await imi.call("trash.list", {});
  assert.deepEqual(readdirSync(place).toSorted(), ["dot-git", "manifest.json", "tree"]);
});

describe("a restore when something was deleted in the trash", () => {
  const inner = (): string => join(path, "build/tool");
  const deletions: readonly [what: string, name: string][] = [
    ["a file that only the salvage has now", "untracked.txt"],
    ["an ignored folder with a repository in it", "build"],
    ["a file of that repository", "build/tool/own.txt"],
    ["the git directory of that repository", "build/tool/.git"],
    ["the objects of that repository", "build/tool/.git/objects"],
  ];
  for (const [what, name] of deletions)
    it(`${what}: keeps the salvage's refs, and says so`, async () => {
      writeFileSync(join(scene.trunk, ".git/info/exclude"), "build/\n");
      writeFileSync(join(path, "untracked.txt"), "mine\n");
      scene.git(path, "init", "-q", inner());
      scene.git(inner(), "commit", "-q", "--allow-empty", "-m", "inside");
      writeFileSync(join(inner(), "own.txt"), "own\n");
      const { place } = await remove();
      const before = salvageRefs();
      rmSync(join(place, "tree", name), { recursive: true });
      const back = await restore();
      assert.deepEqual(salvageRefs(), before);
      assert.deepEqual(codes(back), ["restore/less"]);
    });

  it("nothing of it: the refs go", async () => {
    writeFileSync(join(scene.trunk, ".git/info/exclude"), "build/\n");
    writeFileSync(join(path, "untracked.txt"), "");
    scene.git(path, "rm", "-q", "file-0.txt");
    scene.git(path, "init", "-q", inner());
    scene.git(inner(), "commit", "-q", "--allow-empty", "-m", "inside");
    writeFileSync(join(inner(), "own.txt"), "own\n");
    await remove();
    assert.deepEqual(codes(await restore()), []);
    assert.deepEqual(salvageRefs(), []);
  });
});

describe("a restore when the salvage's refs were deleted and git collected", () => {
  const states: readonly [what: string, make: () => void, after: () => void][] = [
    [
      "the commit of a detached HEAD",
      () => {
        scene.git(path, "checkout", "-q", "--detach");
        scene.git(path, "commit", "-q", "--allow-empty", "-m", "on no branch");
      },
      () => undefined,
    ],
    [
      "the commit of a branch that was deleted as well",
      () => scene.git(path, "commit", "-q", "--allow-empty", "-m", "mine"),
      () => scene.git(scene.trunk, "branch", "-q", "-D", "feat/x"),
    ],
    [
      "what was staged",
      () => {
        writeFileSync(join(path, "staged.txt"), "staged\n");
        scene.git(path, "add", "-A");
        writeFileSync(join(path, "staged.txt"), "changed since\n");
      },
      () => undefined,
    ],
    [
      "a ref of the worktree's own",
      () => {
        const commit = scene.git(path, "commit-tree", "-m", "apart", "HEAD^{tree}").trim();
        scene.git(path, "update-ref", "refs/worktree/mine", commit);
      },
      () => undefined,
    ],
  ];
  for (const [what, make, after] of states)
    it(`${what}: moves nothing, says so and where the files are, and git goes on working`, async () => {
      make();
      writeFileSync(join(path, "file-0.txt"), "mine\n");
      const { place, salvaged } = await remove();
      after();
      forget();
      await assert.rejects(restore(), (error: unknown) => {
        assert.ok(ImiError.is(error, "trash/damaged"), String(error));
        assert.ok(error.hint?.includes(join(place, "tree")) === true && error.hint.includes(salvaged ?? "?"));
        return true;
      });
      assert.equal(readFileSync(join(place, "tree/file-0.txt"), "utf8"), "mine\n");
      assert.ok(!existsSync(path));
      scene.git(scene.trunk, "fetch", "-q");
      scene.git(scene.trunk, "gc", "-q");
      assert.deepEqual(
        (await imi.call("trash.list", {})).entries.map(({ name, state }) => [name, state]),
        [["feat-x", "kept"]],
      );
    });

  it("nothing that it needs: brings it back the same", async () => {
    scene.git(path, "commit", "-q", "--allow-empty", "-m", "mine");
    writeFileSync(join(path, "file-0.txt"), "mine\n");
    const before = snapshotWorktree({ path, env: scene.env });
    await remove();
    forget();
    await restore();
    const { repository: _, ...now } = snapshotWorktree({ path, env: scene.env });
    const { repository: __, ...was } = before;
    assert.deepEqual(now, was);
  });
});

describe("a restore of a worktree whose folder was gone when it was removed", () => {
  it("says that there is none, and does not lead there", async () => {
    rmSync(path, { recursive: true });
    await remove();
    const result = await restore();
    assert.equal(result.worktree.state, "missing");
    assert.deepEqual(codes(result), ["restore/no-folder"]);
    const view = { paint: paintFor(false), terminal: false, now: new Date(), cwd: scene.trunk, asked: {} };
    const { lines, notes } = render("worktree.restore", result, view);
    assert.deepEqual(lines, ["Restored without a folder: feat-x"]);
    assert.match(notes?.join("\n") ?? "", /no files to bring back/u);
    // And what the note advises works.
    const again = await imi.call("worktree.create", { type: "feat", name: "x" });
    assert.deepEqual([again.worktree.branch, again.worktree.state], ["feat/x", "ready"]);
  });

  it("names the branch that is there, when it had no commit then and has by now", async () => {
    scene.git(path, "checkout", "-q", "--orphan", "empty");
    rmSync(path, { recursive: true });
    await remove();
    scene.git(scene.trunk, "branch", "-q", "empty");
    const result = await restore();
    assert.equal(result.worktree.branch, "empty");
    assert.deepEqual(codes(result), ["branch/born", "restore/no-folder"]);
  });

  it("takes the folder up where it has come back to its place, as of a disk that was not mounted", async () => {
    writeFileSync(join(path, "file-0.txt"), "mine\n");
    const before = snapshotWorktree({ path, env: scene.env });
    renameSync(path, join(scene.root, "unmounted"));
    await remove();
    renameSync(join(scene.root, "unmounted"), path);
    const result = await restore();
    assert.deepEqual([result.worktree.state, result.worktree.path, codes(result)], ["ready", path, []]);
    assert.deepEqual(snapshotWorktree({ path, env: scene.env }), before);
  });
});

it("a worktree without a commit, whose branch somebody made since, is told to be on one that does not exist yet", async () => {
  scene.git(path, "checkout", "-q", "--orphan", "empty");
  await remove();
  scene.git(scene.trunk, "branch", "-q", "empty");
  const result = await restore();
  assert.deepEqual(codes(result), ["branch/unborn"]);
  assert.match(result.notes[0]?.message ?? "", /to be empty-restored: that branch is made by its first commit/u);
  assert.equal(scene.git(scene.trunk, "for-each-ref", "refs/heads/empty-restored"), "");
});
