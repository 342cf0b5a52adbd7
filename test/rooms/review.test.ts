import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("a review that is there already", () => {
  let scene: Scene;
  let imi: Caller;
  /** Where whoever opened request 7 works. */
  let author: string;
  beforeEach(async () => {
    scene = makeScene();
    author = join(scene.root, "author");
    scene.git(scene.root, "clone", "-q", scene.remote, author);
    scene.git(author, "switch", "-q", "-c", "topic");
    push("one");
    imi = await Caller.in(scene);
  });
  afterEach(async () => {
    await imi.workspace.close();
    scene.remove();
  });

  const commit = (cwd: string, file: string, ...how: string[]): string => {
    writeFileSync(join(cwd, file), `${file}\n`);
    scene.git(cwd, "add", "-A");
    scene.git(cwd, "commit", "-q", "-m", file, ...how);
    return headOf(cwd);
  };
  const headOf = (cwd: string): string => scene.git(cwd, "rev-parse", "HEAD").trim();
  const push = (file: string, ...how: string[]): string => {
    const made = commit(author, file, ...how);
    scene.git(author, "push", "-q", "--force", "origin", "HEAD:refs/pull/7/head");
    return made;
  };
  const review = () => imi.call("worktree.review", { number: 7 });
  const told = (notes: readonly { code: string; message: string }[], code: string): string =>
    notes.find((note) => note.code === code)?.message ?? assert.fail(`${code} is not in ${JSON.stringify(notes)}`);

  it("is brought to the request's newest commit when nothing of one's own is in it", async () => {
    const { worktree } = await review();
    assert.deepEqual((await review()).notes, [], "nothing new, nothing to say");
    push("two");
    const newest = push("three");
    const again = await review();
    assert.deepEqual([again.created, again.worktree.id, again.worktree.head], [false, worktree.id, newest]);
    assert.match(told(again.notes, "review/updated"), /pr-7 was 2 commits behind request 7/);
    assert.equal(headOf(worktree.path), newest);
    assert.equal(scene.git(worktree.path, "symbolic-ref", "--short", "HEAD").trim(), "pr/7");
    assert.equal(readFileSync(join(worktree.path, "three"), "utf8"), "three\n");
    assert.equal(scene.git(worktree.path, "status", "--porcelain"), "");
  });

  it("stays as it is while it holds changes, and says how far behind it is", async () => {
    const { worktree } = await review();
    const before = headOf(worktree.path);
    writeFileSync(join(worktree.path, "notes.txt"), "mine\n");
    push("two");
    const again = await review();
    assert.equal(again.worktree.head, before);
    const said = told(again.notes, "review/behind");
    assert.match(said, /1 commit behind request 7 and stays as it is: it holds 1 untracked file \(notes\.txt\)/);
    assert.match(said, /git merge --ff-only origin\/pr\/7/);
    assert.equal(headOf(worktree.path), before);
  });

  it("does not move another branch that somebody switched to in it", async () => {
    const { worktree } = await review();
    scene.git(worktree.path, "switch", "-q", "-c", "release", "origin/main");
    const before = headOf(worktree.path);
    push("two");
    const again = await review();
    assert.equal(scene.git(scene.trunk, "rev-parse", "release").trim(), before);
    assert.match(told(again.notes, "review/behind"), /it is on release, not on pr\/7\. .*git switch pr\/7/u);
    scene.git(worktree.path, "switch", "-q", "pr/7");
    told((await review()).notes, "review/updated");
  });

  it("keeps an ignored file that a newer commit would overwrite", async () => {
    const { worktree } = await review();
    writeFileSync(join(scene.trunk, ".git/info/exclude"), "secret\n");
    writeFileSync(join(worktree.path, "secret"), "mine\n");
    push("secret");
    const again = await review();
    told(again.notes, "review/behind");
    assert.equal(readFileSync(join(worktree.path, "secret"), "utf8"), "mine\n");
  });

  it("keeps commits of one's own, and says what the request has besides", async () => {
    const { worktree } = await review();
    const mine = commit(worktree.path, "suggestion");
    assert.deepEqual((await review()).notes, [], "ahead of the request is not behind it");
    push("two");
    const again = await review();
    const said = told(again.notes, "review/diverged");
    assert.match(said, /it has 1 commit of its own; request 7 has 1 commit that it has not/);
    assert.match(said, /git rebase origin\/pr\/7/);
    assert.equal(headOf(worktree.path), mine);
  });

  it("says that the request was rewritten, and that nothing in it is one's own", async () => {
    const { worktree } = await review();
    const before = headOf(worktree.path);
    push("two", "--amend");
    for (const time of ["first", "second"]) {
      const said = told((await review()).notes, "review/diverged");
      assert.match(said, /was rewritten\. It holds 1 commit that the request has no more, and none of your own/, time);
      assert.match(said, /git reset --keep origin\/pr\/7/, time);
    }
    assert.equal(headOf(worktree.path), before);
  });

  it("is not changed under somebody else who holds it, but for its holder", async () => {
    const { worktree } = await review();
    const before = headOf(worktree.path);
    await imi.call("claim.take", { name: "pr-7", agent: "agent-1" });
    const newest = push("two");
    assert.match(told((await review()).notes, "review/behind"), /agent-1 holds it and may be at work there/);
    assert.equal(headOf(worktree.path), before);
    const again = await imi.call("worktree.review", { number: 7, agentId: "agent-1" });
    told(again.notes, "review/updated");
    assert.equal(headOf(worktree.path), newest);
  });

  it("is left alone on a detached HEAD, and one is told", async () => {
    const { worktree } = await review();
    scene.git(worktree.path, "switch", "-q", "--detach");
    push("two");
    const again = await review();
    assert.equal(again.worktree.branch, null);
    assert.match(told(again.notes, "review/behind"), /its HEAD is detached/);
    told(again.notes, "branch/detached");
  });

  it("is opened also when the remote cannot be reached, and one is told", async () => {
    const { worktree } = await review();
    renameSync(scene.remote, `${scene.remote}.away`);
    const again = await review();
    assert.equal(again.worktree.id, worktree.id);
    told(again.notes, "review/not-fetched");
  });

  it("that was removed starts at the newest commit, also where its branch was kept", async () => {
    await review();
    await imi.call("worktree.remove", { name: "pr-7" });
    assert.ok(scene.git(scene.trunk, "branch", "--list", "pr/7"), "the branch stays");
    const newest = push("two");
    const again = await review();
    assert.equal(again.created, true);
    assert.equal(again.worktree.branch, "pr/7");
    assert.equal(again.worktree.head, newest);
    assert.match(told(again.notes, "review/updated"), /The branch pr\/7, kept from before, was 1 commit behind/);
    assert.ok(existsSync(join(again.worktree.path, "two")));
  });

  it("that was removed keeps the commits its branch has of its own", async () => {
    const { worktree } = await review();
    const mine = commit(worktree.path, "suggestion");
    await imi.call("worktree.remove", { name: "pr-7" });
    push("two");
    const again = await review();
    assert.equal(again.worktree.head, mine);
    assert.match(told(again.notes, "review/diverged"), /The branch pr\/7, kept from before, stays as it is/);
  });

  it("takes up the request's own branch where that was kept", async () => {
    scene.git(author, "push", "-q", "origin", "HEAD:refs/heads/topic");
    const first = await review();
    assert.equal(first.worktree.branch, "topic");
    await imi.call("worktree.remove", { name: "pr-7" });
    const newest = push("two");
    scene.git(author, "push", "-q", "origin", "HEAD:refs/heads/topic");
    const again = await review();
    assert.deepEqual([again.worktree.branch, again.worktree.head], ["topic", newest]);
    told(again.notes, "review/updated");
  });

  it("does not take a branch of the same name that follows something else, or that somebody is on", async () => {
    scene.git(author, "push", "-q", "origin", "HEAD:refs/heads/topic");
    scene.git(scene.trunk, "branch", "--no-track", "topic", "main");
    const { worktree, notes } = await review();
    assert.equal(worktree.branch, "pr/7");
    assert.equal(worktree.head, headOf(author));
    told(notes, "review/push");
  });
});
