import assert from "node:assert/strict";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { WorktreeRow } from "../../server/src/store/index.ts";
import { plainGit, scratch } from "../support/git.ts";
import { Observed, until, write } from "../support/observe.ts";

const linux = process.platform === "linux";

/** One worktree of a scene, and what is recorded of it from now on. */
class Worked {
  readonly scene: Observed;
  readonly row: WorktreeRow;
  #seen = 0;

  constructor(scene: Observed, row: WorktreeRow) {
    this.scene = scene;
    this.row = row;
  }

  get root(): string {
    return this.row.path;
  }

  git(...args: string[]): Promise<string> {
    return this.scene.repository.run(args, this.root);
  }

  edit(path: string, text = "more\n"): void {
    appendFileSync(join(this.root, path), text);
  }

  async commits(message: string): Promise<void> {
    await this.git("add", "-A");
    await this.git("commit", "-q", "-m", message);
  }

  /** Waits until these are recorded of it, in any order, and nothing else. */
  async records(...expected: string[]): Promise<void> {
    const found = async (): Promise<string[]> => (await this.scene.words(this.row.name)).slice(this.#seen);
    await until("recorded", async () => (await found()).length >= expected.length).catch(() => undefined);
    await this.scene.agrees();
    await delay(80);
    const words = await found();
    this.#seen += words.length;
    assert.deepEqual(words.toSorted(), expected.toSorted());
  }
}

describe("where HEAD goes is recorded", { skip: !linux }, () => {
  let scene: Observed;
  let one: Worked;
  let two: Worked;
  let trunk: Worked;
  before(async () => {
    scene = await Observed.of({ files: 60 });
    [one, two] = [new Worked(scene, await scene.worktree("one")), new Worked(scene, await scene.worktree("two"))];
    const rows = await scene.store.worktrees.of(scene.met.id);
    const main = rows.find(({ name }) => name === "trunk-main");
    assert.ok(main !== undefined);
    trunk = new Worked(scene, main);
    await scene.start();
  });
  after(() => scene[Symbol.asyncDispose]());

  it("a commit, without a change of the files it cleans", async () => {
    one.edit("src/0/file-1.txt");
    write(one.root, "new/a.txt", "1\n");
    await one.records("modified src/0/file-1.txt", "added new/a.txt");
    await one.commits("second");
    await one.records("commit second +1 -0");
    const [event] = (await scene.events()).filter(({ name }) => name === "worktree.commit");
    assert.deepEqual([event?.data["branch"], event?.data["head"]], ["feat/one", await one.git("rev-parse", "HEAD")]);
  });

  it("a file that was changed and committed before anybody looked, with its commit", async () => {
    one.edit("src/0/file-2.txt");
    write(one.root, "new/b.txt", "1\n");
    await one.commits("at once");
    await one.records("modified src/0/file-2.txt", "added new/b.txt", "commit at once +1 -0");
  });

  it("a commit of a part of what was changed", async () => {
    one.edit("src/0/file-1.txt");
    one.edit("src/0/file-2.txt");
    await one.records("modified src/0/file-1.txt", "modified src/0/file-2.txt");
    await one.git("commit", "-q", "-m", "a part", "src/0/file-1.txt");
    await one.records("commit a part +1 -0");
    await one.git("checkout", "-q", "--", ".");
    await one.records("modified src/0/file-2.txt");
  });

  it("an empty commit, an amended one, and resets of every kind", async () => {
    await one.git("commit", "-q", "--allow-empty", "-m", "empty");
    await one.records("commit empty +1 -0");
    await one.git("commit", "-q", "--amend", "--allow-empty", "-m", "amended");
    await one.records("commit amended +1 -1");
    await one.git("reset", "-q", "--soft", "HEAD~2");
    await one.records("commit at once +0 -2");
    await one.git("reset", "-q", "--mixed", "HEAD~1");
    await one.records("commit second +0 -1");
    await one.git("add", "-A");
    await scene.agrees();
    await one.git("reset", "-q", "--hard");
    await one.records("modified src/0/file-1.txt", "modified src/0/file-2.txt", "deleted new/b.txt");
  });

  it("a switch to a branch, to a new one with a commit at once, and to no branch", async () => {
    await one.git("branch", "feat/other", "main");
    await one.git("switch", "-q", "feat/other");
    await one.records("switch feat/one to feat/other");
    one.edit("src/0/file-3.txt");
    await one.git("switch", "-q", "-c", "feat/third");
    await one.commits("third");
    await one.records("switch feat/other to feat/third", "modified src/0/file-3.txt", "commit third +1 -0");
    await one.git("checkout", "-q", "--detach");
    await one.records("switch feat/third to -");
    await one.git("checkout", "-q", "main~0");
    await one.git("switch", "-q", "feat/one");
    await one.records("switch - to feat/one");
  });

  it("a switch that keeps changes, without telling of them again", async () => {
    one.edit("src/2/file-20.txt");
    await one.records("modified src/2/file-20.txt");
    await one.git("switch", "-q", "feat/other");
    await one.records("switch feat/one to feat/other");
    await one.git("checkout", "-q", "--", ".");
    await one.records("modified src/2/file-20.txt");
    await one.git("switch", "-q", "feat/one");
    await one.records("switch feat/other to feat/one");
  });

  it("a branch moved from elsewhere, packed or not", async () => {
    const [ahead, before] = [await one.git("rev-parse", "HEAD"), await two.git("rev-parse", "HEAD")];
    await trunk.git("update-ref", "refs/heads/feat/two", ahead);
    await two.records("commit second +1 -0");
    await trunk.git("pack-refs", "--all");
    await two.records();
    await trunk.git("update-ref", "refs/heads/feat/two", before);
    await two.records("commit first +0 -1");
    await trunk.git("pack-refs", "--all", "--prune");
    await two.records();
  });

  it("how far others are from a base that moved, and nothing else of them", async () => {
    const before = (await scene.events()).length;
    trunk.edit("src/1/file-10.txt");
    await trunk.records("modified src/1/file-10.txt");
    await trunk.commits("trunk goes on");
    await trunk.records("commit trunk goes on +1 -0");
    await scene.agrees();
    await two.records();
    const told = (await scene.events()).slice(before).filter(({ subject }) => subject === two.row.id);
    assert.deepEqual(
      told.map(({ name, data }) => [name, data["files"], (data["status"] as { behind: number }).behind]),
      [["worktree.touched", [], 1]],
    );
  });

  it("a merge, fast-forward or not, and what it brought by its commit alone", async () => {
    await two.git("merge", "-q", "main");
    await two.records("commit trunk goes on +1 -0");
    await one.git("merge", "-q", "-m", "merged", "main");
    await one.records("commit merged +2 -0");
  });

  it("a rebase of many commits as one commit at its end", async () => {
    for (let at = 0; at < 40; at++) await two.git("commit", "-q", "--allow-empty", "-m", `step ${at}`);
    await until("all are told", async () =>
      (await scene.words("two")).some((words) => words.startsWith("commit step 39 ")),
    );
    await scene.agrees();
    const told = (await scene.words("two")).length;
    trunk.edit("src/1/file-11.txt");
    await trunk.commits("trunk again");
    await two.git("rebase", "-q", "--keep-empty", "main");
    await until("the rebase is told", async () => (await scene.words("two")).length > told);
    await scene.agrees();
    await delay(300);
    assert.deepEqual((await scene.words("two")).slice(told), ["commit step 39 +41 -40"]);
  });

  it("a rebase that stops at a conflict and is ended, or given up", async () => {
    const three = new Worked(scene, await scene.worktree("three"));
    await until("it is looked at", async () => (await scene.store.activities.told(scene.met.id)).has(three.row.id));
    three.edit("src/3/file-30.txt", "ours\n");
    await three.records("modified src/3/file-30.txt");
    await three.commits("ours");
    await three.records("commit ours +1 -0");
    trunk.edit("src/3/file-30.txt", "theirs\n");
    await trunk.commits("theirs");
    await assert.rejects(three.git("rebase", "-q", "main"));
    await three.records("modified src/3/file-30.txt");
    await three.git("rebase", "--abort");
    await three.records("modified src/3/file-30.txt");
    await assert.rejects(three.git("rebase", "-q", "main"));
    await three.records("modified src/3/file-30.txt");
    write(three.root, "src/3/file-30.txt", "both\n");
    await three.records("modified src/3/file-30.txt");
    await three.git("add", "-A");
    await three.git("-c", "core.editor=true", "rebase", "--continue");
    await three.records("commit ours +2 -1");
  });

  it("a bisect as nothing, and a stash as changes of files", async () => {
    await two.git("bisect", "start", "HEAD", "HEAD~20");
    await two.git("bisect", "bad");
    await scene.agrees();
    await two.git("bisect", "reset");
    await scene.agrees();
    const told = (await scene.words("two")).length;
    two.edit("src/4/file-40.txt");
    await until("told", async () => (await scene.words("two")).length === told + 1);
    await two.git("stash", "-q");
    await until("told", async () => (await scene.words("two")).length === told + 2);
    await two.git("stash", "pop", "-q");
    await until("told", async () => (await scene.words("two")).length === told + 3);
    await two.git("checkout", "-q", "--", ".");
    await until("told", async () => (await scene.words("two")).length === told + 4);
    assert.deepEqual((await scene.words("two")).slice(told), Array(4).fill("modified src/4/file-40.txt"));
  });

  it("one made on a branch without a commit", async () => {
    await one.git("switch", "-q", "--orphan", "feat/orphan");
    await until("told", async () => (await scene.words("one")).includes("switch feat/one to feat/orphan"));
    await scene.agrees();
    const told = (await scene.words("one")).length;
    await one.git("commit", "-q", "--allow-empty", "-m", "root");
    await until("told", async () => (await scene.words("one")).length > told);
    assert.deepEqual((await scene.words("one")).slice(told), ["commit root +1 -0"]);
    await one.git("switch", "-q", "feat/one");
    await scene.agrees();
  });

  it("nothing when only FETCH_HEAD, ORIG_HEAD, locks or records of others change", async () => {
    await scene.agrees();
    await delay(300);
    const runs = scene.repository.log.length;
    write(scene.repository.commonDir, "FETCH_HEAD", "x\n");
    write(scene.repository.commonDir, "worktrees/one/ORIG_HEAD", "x\n");
    write(scene.repository.commonDir, "worktrees/one/FETCH_HEAD", "x\n");
    write(scene.repository.commonDir, "worktrees/one/locked", "");
    write(scene.repository.commonDir, "worktrees/one/HEAD.lock", "");
    rmSync(join(scene.repository.commonDir, "worktrees/one/HEAD.lock"));
    rmSync(join(scene.repository.commonDir, "worktrees/one/locked"));
    await trunk.git("update-ref", "refs/tags/here", "HEAD");
    await delay(400);
    assert.deepEqual(scene.repository.log.slice(runs), []);
  });
});

describe("commits in a repository with a reftable", { skip: !linux }, () => {
  it("are recorded too", async (context) => {
    await using folder = scratch();
    try {
      await plainGit(["init", "-q", "--ref-format=reftable", folder.root], folder.root);
    } catch {
      context.skip(`${await plainGit(["--version"], folder.root)} knows no reftable (2.45 does)`);
      return;
    }
    process.env["GIT_DEFAULT_REF_FORMAT"] = "reftable";
    await using scene = await Observed.of();
    delete process.env["GIT_DEFAULT_REF_FORMAT"];
    const one = new Worked(scene, await scene.worktree("one"));
    await scene.start();
    one.edit("src/0/file-0.txt");
    await one.records("modified src/0/file-0.txt");
    await one.commits("second");
    await one.records("commit second +1 -0");
    await scene.repository.run(["update-ref", "refs/heads/feat/one", "main"]);
    await one.records("commit first +0 -1");
    await one.git("switch", "-q", "-c", "feat/other");
    await one.records("switch feat/one to feat/other");
  });
});
