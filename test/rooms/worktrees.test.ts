import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { openWorkspace } from "../../server/src/workspace.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const refused = (code: ErrorCode) => (error: unknown) => {
  assert.ok(ImiError.is(error), String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.length > 0);
  return true;
};

describe("a named worktree", () => {
  let scene: Scene;
  let imi: Caller;
  beforeEach(async () => {
    scene = makeScene();
    imi = await Caller.in(scene);
  });
  afterEach(async () => {
    await imi.workspace.close();
    scene.remove();
  });

  it("is created beside the trunk on a branch of its own, from the remote trunk's newest commit", async () => {
    const { worktree, created } = await imi.call("worktree.create", { type: "feat", name: "user-auth" });
    assert.equal(created, true);
    assert.equal(worktree.path, join(scene.container, "feat-user-auth"));
    assert.equal(worktree.branch, "feat/user-auth");
    assert.equal(worktree.base, "origin/main");
    assert.equal(worktree.state, "ready");
    assert.equal(scene.git(worktree.path, "branch", "--show-current").trim(), "feat/user-auth");
    assert.equal(readFileSync(join(worktree.path, "README.md"), "utf8"), "# App\n");
  });

  it("starts at what the remote has by now, not at what was known when it was cloned", async () => {
    const other = join(scene.root, "other");
    scene.git(scene.root, "clone", "-q", scene.remote, other);
    writeFileSync(join(other, "new.txt"), "new\n");
    scene.git(other, "add", "-A");
    scene.git(other, "commit", "-q", "-m", "second");
    scene.git(other, "push", "-q");
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "fresh" });
    assert.ok(existsSync(join(worktree.path, "new.txt")));
  });

  it("asks the remote also when the trunk here is ahead of what was known of it", async () => {
    const other = join(scene.root, "other");
    scene.git(scene.root, "clone", "-q", scene.remote, other);
    scene.git(other, "commit", "-q", "--allow-empty", "-m", "theirs");
    scene.git(other, "push", "-q");
    scene.git(scene.trunk, "commit", "-q", "--allow-empty", "-m", "ours");
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "theirs" });
    assert.equal(worktree.base, "origin/main");
    assert.equal(worktree.head, scene.git(other, "rev-parse", "HEAD").trim());
  });

  it("starts at the trunk here when that is ahead and the remote has nothing newer", async () => {
    scene.git(scene.trunk, "commit", "-q", "--allow-empty", "-m", "ours");
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "ours" });
    assert.equal(worktree.base, "main");
    assert.equal(worktree.head, scene.git(scene.trunk, "rev-parse", "HEAD").trim());
  });

  it("runs git for the checkout alone when the remote was asked a moment ago", async () => {
    await imi.call("worktree.create", { type: "feat", name: "first" });
    const ran: string[] = [];
    const log = (_level: string, message: string): void => {
      const command = /^git (\S+ \S+)/.exec(message)?.[1];
      if (command !== undefined) ran.push(command);
    };
    await using second = new Caller(
      await openWorkspace({ role: "cli", cwd: scene.trunk, env: { ...scene.env, IMI_LOG_LEVEL: "debug" }, log }),
    );
    await second.call("worktree.create", { type: "feat", name: "second" });
    assert.deepEqual(ran, ["worktree add"]);
  });

  it("is created from what is known when the remote cannot be reached, and says so", async () => {
    renameSync(scene.remote, `${scene.remote}.away`);
    const { worktree, notes } = await imi.call("worktree.create", { type: "fix", name: "offline" });
    assert.equal(worktree.state, "ready");
    assert.deepEqual(
      notes.map(({ code }) => code),
      ["trunk/not-fetched"],
    );
  });

  it("is opened, not made again, the second time", async () => {
    const first = await imi.call("worktree.create", { type: "feat", name: "twice" });
    const second = await imi.call("worktree.create", { type: "feat", name: "twice" });
    assert.equal(second.created, false);
    assert.equal(second.worktree.id, first.worktree.id);
    assert.ok(second.worktree.lastAccessed >= first.worktree.lastAccessed);
  });

  it("uses a branch that exists, local or remote", async () => {
    scene.git(scene.trunk, "branch", "feat/local");
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD:refs/heads/feat/remote");
    scene.git(scene.trunk, "fetch", "-q");
    const local = await imi.call("worktree.create", { type: "feat", name: "local" });
    assert.equal(local.worktree.branch, "feat/local");
    const remote = await imi.call("worktree.create", { type: "feat", name: "remote" });
    assert.deepEqual(
      remote.notes.map(({ code }) => code),
      ["branch/from-remote"],
    );
    assert.equal(scene.git(remote.worktree.path, "rev-parse", "--abbrev-ref", "@{u}").trim(), "origin/feat/remote");
  });

  it("takes --branch and --base", async () => {
    const first = scene.git(scene.trunk, "rev-parse", "HEAD").trim();
    writeFileSync(join(scene.trunk, "later.txt"), "later\n");
    scene.git(scene.trunk, "add", "-A");
    scene.git(scene.trunk, "commit", "-q", "-m", "later");
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x", branch: "jane/x", base: first });
    assert.equal(worktree.branch, "jane/x");
    assert.equal(worktree.head, first);
    await assert.rejects(
      imi.call("worktree.create", { type: "feat", name: "y", base: "no-such" }),
      refused("base/unknown"),
    );
    await assert.rejects(
      imi.call("worktree.create", { type: "feat", name: "x", branch: "else" }),
      refused("worktree/mismatch"),
    );
  });

  it("says where a branch is checked out when it is elsewhere", async () => {
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/busy", join(scene.root, "elsewhere"));
    await assert.rejects(imi.call("worktree.create", { type: "feat", name: "busy" }), (error: unknown) => {
      refused("branch/checked-out")(error);
      assert.match((error as ImiError).message + (error as ImiError).hint, /elsewhere/);
      return true;
    });
    assert.ok(!existsSync(join(scene.container, "feat-busy")));
  });

  it("refuses a path that something else has, and touches nothing there", async () => {
    mkdirSync(join(scene.container, "feat-taken"));
    writeFileSync(join(scene.container, "feat-taken/mine.txt"), "mine\n");
    await assert.rejects(imi.call("worktree.create", { type: "feat", name: "taken" }), refused("path/taken"));
    assert.equal(readFileSync(join(scene.container, "feat-taken/mine.txt"), "utf8"), "mine\n");
    assert.throws(() => scene.git(scene.trunk, "rev-parse", "--verify", "-q", "refs/heads/feat/taken"));
    symlinkSync(scene.root, join(scene.container, "feat-link"));
    await assert.rejects(imi.call("worktree.create", { type: "feat", name: "link" }), (error: unknown) =>
      ImiError.is(error, "path/unsafe", "path/taken"),
    );
  });

  it("is made again where its folder was deleted by hand", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "lost" });
    writeFileSync(join(worktree.path, "work.txt"), "w\n");
    scene.git(worktree.path, "add", "-A");
    scene.git(worktree.path, "commit", "-q", "-m", "work");
    rmSync(worktree.path, { recursive: true });
    const again = await imi.call("worktree.create", { type: "feat", name: "lost" });
    assert.equal(again.created, true);
    assert.ok(existsSync(join(again.worktree.path, "work.txt")), "the branch and its commits were kept");
  });

  it("is made once when many ask for it at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => imi.call("worktree.create", { type: "feat", name: "same" })),
    );
    assert.equal(answers.filter(({ created }) => created).length, 1);
    assert.equal(new Set(answers.map(({ worktree }) => worktree.id)).size, 1);
  });

  it("is listed with counts against its base, and unknown is not zero", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "counted" });
    writeFileSync(join(worktree.path, "a.txt"), "a\n");
    scene.git(worktree.path, "add", "a.txt");
    scene.git(worktree.path, "commit", "-q", "-m", "one");
    writeFileSync(join(worktree.path, "b.txt"), "b\n");
    scene.git(worktree.path, "add", "b.txt");
    writeFileSync(join(worktree.path, "README.md"), "changed\n");
    writeFileSync(join(worktree.path, "c.txt"), "c\n");
    const broken = await imi.call("worktree.create", { type: "feat", name: "broken" });
    writeFileSync(join(scene.git(broken.worktree.path, "rev-parse", "--absolute-git-dir").trim(), "index"), "garbage");
    const { worktrees } = await imi.call("worktree.list", {});
    const byName = new Map(worktrees.map((entry) => [entry.name, entry]));
    assert.deepEqual([...byName.keys()], ["trunk-main", "feat-broken", "feat-counted"]);
    assert.deepEqual(byName.get("feat-counted")?.status, {
      ahead: 1,
      behind: 0,
      staged: 1,
      changed: 1,
      untracked: 1,
      conflicted: 0,
    });
    assert.equal(byName.get("feat-counted")?.head, scene.git(worktree.path, "rev-parse", "HEAD").trim());
    const unknown = byName.get("feat-broken")?.status;
    assert.ok(unknown !== undefined && "unknown" in unknown && unknown.unknown.length > 0);
    const { worktrees: bare } = await imi.call("worktree.list", { status: false });
    assert.ok(bare.every((entry) => entry.status === undefined));
  });

  it("is found by its name, by the work's name, and not by nonsense", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "found" });
    assert.equal((await imi.call("worktree.path", { name: "feat-found" })).path, worktree.path);
    assert.equal((await imi.call("worktree.switch", { name: "found" })).worktree.id, worktree.id);
    await assert.rejects(imi.call("worktree.path", { name: "nothing" }), refused("worktree/not-found"));
    await imi.call("worktree.create", { type: "fix", name: "found" });
    await assert.rejects(imi.call("worktree.path", { name: "found" }), refused("worktree/ambiguous"));
  });

  it("is removed when it holds no work, and its branch stays", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "done" });
    const { notes } = await imi.call("worktree.remove", { name: "feat-done" });
    assert.ok(!existsSync(worktree.path));
    assert.deepEqual(
      notes.map(({ code }) => code),
      ["branch/kept"],
    );
    assert.ok(scene.git(scene.trunk, "rev-parse", "feat/done"));
    assert.ok(!(await imi.call("worktree.list", {})).worktrees.some(({ name }) => name === "feat-done"));
  });

  it("goes into the trash with its work when that is said, and comes back with it", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "half" });
    writeFileSync(join(worktree.path, "untracked.txt"), "u\n");
    const { work, trash } = await imi.call("worktree.remove", { name: "feat-half", yes: true });
    assert.deepEqual(
      [work.answer, ...work.items.map(({ kind, examples }) => [kind, ...examples])],
      ["work", ["untracked", "untracked.txt"]],
    );
    assert.ok(!existsSync(worktree.path));
    assert.deepEqual(
      (await imi.call("trash.list", {})).entries.map(({ id, name }) => [id, name]),
      [[trash?.id, "feat-half"]],
    );
    const back = await imi.call("worktree.restore", { name: "feat-half" });
    assert.deepEqual([back.worktree.id, back.worktree.path, back.notes], [worktree.id, worktree.path, []]);
    assert.equal(scene.git(worktree.path, "status", "--porcelain"), "?? untracked.txt\n");
    assert.deepEqual((await imi.call("trash.list", {})).entries, []);
  });

  it("is not removed unasked with work in it, and never when it is locked or the trunk", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "kept" });
    writeFileSync(join(worktree.path, "untracked.txt"), "u\n");
    await assert.rejects(imi.call("worktree.remove", { name: "feat-kept" }), refused("worktree/dirty"));
    const rehearsed = await imi.call("worktree.remove", { name: "feat-kept", dryRun: true, yes: true });
    assert.deepEqual([rehearsed.work.answer, rehearsed.trash], ["work", null]);
    assert.ok(existsSync(join(worktree.path, "untracked.txt")));
    rmSync(join(worktree.path, "untracked.txt"));
    scene.git(scene.trunk, "worktree", "lock", "--reason", "an agent works here", worktree.path);
    await assert.rejects(imi.call("worktree.remove", { name: "feat-kept", yes: true }), (error: unknown) => {
      refused("worktree/locked")(error);
      assert.match((error as ImiError).message, /an agent works here/);
      return true;
    });
    await assert.rejects(imi.call("worktree.remove", { name: "trunk-main" }), refused("worktree/main"));
    const { worktrees } = await imi.call("worktree.list", { status: false });
    assert.equal(worktrees.find(({ name }) => name === "feat-kept")?.state, "ready");
  });

  it("whose folder is gone is made anew, and what only git's record of it knew is in the trash", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "gone" });
    scene.git(worktree.path, "switch", "-q", "--detach");
    scene.git(worktree.path, "commit", "-q", "--allow-empty", "-m", "nowhere else");
    const commit = scene.git(worktree.path, "rev-parse", "HEAD").trim();
    writeFileSync(join(worktree.path, "staged.txt"), "staged\n");
    scene.git(worktree.path, "add", "staged.txt");
    const blob = scene.git(worktree.path, "rev-parse", ":staged.txt").trim();
    rmSync(worktree.path, { recursive: true });
    const { created, notes } = await imi.call("worktree.create", { type: "feat", name: "gone" });
    assert.ok(created);
    assert.ok(notes.some(({ code }) => code === "trash/has"));
    scene.git(scene.trunk, "gc", "-q", "--prune=now");
    assert.equal(scene.git(scene.trunk, "cat-file", "-t", commit).trim(), "commit");
    assert.equal(scene.git(scene.trunk, "cat-file", "-t", blob).trim(), "blob");
    assert.deepEqual(
      (await imi.call("trash.list", {})).entries.map(({ name }) => name),
      ["feat-gone"],
    );
  });

  it("is not removed when another repository stands at its path", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "swapped" });
    renameSync(worktree.path, `${worktree.path}.moved`);
    scene.git(scene.root, "init", "-q", worktree.path);
    await assert.rejects(imi.call("worktree.remove", { name: "feat-swapped" }), refused("path/unsafe"));
    assert.ok(existsSync(join(worktree.path, ".git")));
  });
});

describe("reconcile", () => {
  let scene: Scene;
  let imi: Caller;
  beforeEach(async () => {
    scene = makeScene();
    imi = await Caller.in(scene);
  });
  afterEach(async () => {
    await imi.workspace.close();
    scene.remove();
  });

  it("adopts what plain git made, and settles what it moved, locked, switched and removed", async () => {
    await imi.call("worktree.list", { status: false });
    const path = join(scene.container, "feat-foreign");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "whatever", path);
    const { adopted } = await imi.call("worktree.reconcile", {});
    assert.deepEqual(
      adopted.map(({ name, type }) => [name, type]),
      [["feat-foreign", "feat"]],
    );
    const id = adopted[0]?.id;

    scene.git(scene.trunk, "worktree", "move", path, join(scene.container, "feat-moved"));
    scene.git(scene.trunk, "worktree", "lock", "--reason", "busy", join(scene.container, "feat-moved"));
    scene.git(join(scene.container, "feat-moved"), "switch", "-q", "-c", "renamed");
    const { settled } = await imi.call("worktree.reconcile", {});
    assert.deepEqual(
      settled.map((entry) => [entry.id, entry.name, entry.branch, entry.locked?.reason]),
      [[id, "feat-moved", "renamed", "busy"]],
    );

    scene.git(scene.trunk, "worktree", "unlock", join(scene.container, "feat-moved"));
    scene.git(scene.trunk, "worktree", "remove", join(scene.container, "feat-moved"));
    const gone = await imi.call("worktree.reconcile", {});
    assert.deepEqual(
      gone.settled.map((entry) => entry.id),
      [id],
    );
    assert.deepEqual(await imi.call("worktree.reconcile", {}), { adopted: [], settled: [], finished: [] });
  });

  it("keeps a worktree whose folder is gone as missing, and takes it back when the folder returns", async () => {
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "away" });
    renameSync(worktree.path, `${worktree.path}.away`);
    const { worktrees } = await imi.call("worktree.list", {});
    assert.equal(worktrees.find(({ id }) => id === worktree.id)?.state, "missing");
    renameSync(`${worktree.path}.away`, worktree.path);
    assert.equal((await imi.call("worktree.list", {})).worktrees.find(({ id }) => id === worktree.id)?.state, "ready");
  });

  it("proves nothing by a query that failed", async () => {
    await imi.call("worktree.create", { type: "feat", name: "safe" });
    renameSync(join(scene.trunk, ".git/HEAD"), join(scene.trunk, ".git/HEAD.away"));
    await assert.rejects(imi.call("worktree.reconcile", {}));
    renameSync(join(scene.trunk, ".git/HEAD.away"), join(scene.trunk, ".git/HEAD"));
    assert.deepEqual(
      (await imi.call("worktree.list", { status: false })).worktrees.map(({ name }) => name),
      ["trunk-main", "feat-safe"],
    );
  });
});

describe("shared config", () => {
  it("is linked into a new worktree and kept out of its status", async () => {
    const scene = makeScene();
    const imi = await Caller.in(scene);
    mkdirSync(join(scene.container, "sync/repo/.vscode"), { recursive: true });
    mkdirSync(join(scene.container, "sync/global"), { recursive: true });
    writeFileSync(join(scene.container, "sync/repo/.env"), "A=1\n");
    writeFileSync(join(scene.container, "sync/repo/.vscode/settings.json"), "{}\n");
    writeFileSync(join(scene.container, "sync/global/coding-rules.md"), "rules\n");
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "linked" });
    assert.equal(readlinkSync(join(worktree.path, ".env")), "../sync/repo/.env");
    assert.equal(readFileSync(join(worktree.path, "coding-rules.md"), "utf8"), "rules\n");
    assert.ok(lstatSync(join(worktree.path, ".vscode")).isDirectory());
    assert.equal(scene.git(worktree.path, "status", "--porcelain"), "");
    const { actions, worktrees } = await imi.call("sync.apply", {});
    assert.equal(worktrees, 2);
    assert.ok(
      actions.every(({ worktree: name }) => name === "trunk-main"),
      "the new one was right already",
    );
    await imi.workspace.close();
    scene.remove();
  });
});

describe("a repository", () => {
  let scene: Scene;
  before(() => {
    scene = makeScene();
  });
  after(() => scene.remove());

  it("is cloned into a container with trunk-<branch> and sync/", async () => {
    await using imi = await Caller.in(scene, scene.root);
    const { repository, worktree } = await imi.call("repository.clone", { url: scene.remote, directory: "cloned" });
    assert.equal(repository.layout, "container");
    assert.equal(worktree.path, join(scene.root, "cloned/trunk-main"));
    assert.ok(existsSync(join(scene.root, "cloned/sync/repo")));
    await assert.rejects(
      imi.call("repository.clone", { url: scene.remote, directory: "cloned" }),
      refused("path/taken"),
    );
    await assert.rejects(imi.call("repository.clone", { url: join(scene.root, "nothing"), directory: "fails" }));
    assert.ok(!existsSync(join(scene.root, "fails")), "a clone that failed leaves nothing");
  });

  it("that is an ordinary clone gets its worktrees beside it", async () => {
    const plain = join(scene.root, "plain");
    scene.git(scene.root, "clone", "-q", scene.remote, plain);
    await using imi = await Caller.in(scene, plain);
    const { repository, worktrees } = await imi.call("repository.init", {});
    assert.equal(repository.layout, "beside");
    assert.deepEqual(
      worktrees.map(({ name, type }) => [name, type]),
      [["plain", "trunk"]],
    );
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    assert.equal(worktree.path, join(scene.root, "plain.worktrees/feat-x"));
  });

  it("that is bare works without a trunk", async () => {
    const bare = join(scene.root, "project/.bare");
    scene.git(scene.root, "clone", "-q", "--bare", scene.remote, bare);
    await using imi = await Caller.in(scene, bare);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
    assert.equal(worktree.path, join(scene.root, "project/feat-x"));
    assert.deepEqual(
      (await imi.call("worktree.list", {})).worktrees.map(({ name }) => name),
      ["feat-x"],
    );
  });

  it("without a commit says so, and nothing is made", async () => {
    const empty = join(scene.root, "empty");
    scene.git(scene.root, "init", "-q", empty);
    await using imi = await Caller.in(scene, empty);
    await assert.rejects(imi.call("worktree.create", { type: "feat", name: "x" }), refused("repository/no-commit"));
    assert.equal((await imi.call("worktree.list", {})).worktrees.length, 1);
  });

  it("that is none says what to do", async () => {
    const nowhere = join(scene.root, "nowhere");
    mkdirSync(nowhere);
    await using imi = await Caller.in(scene, nowhere);
    await assert.rejects(imi.call("worktree.list", {}), refused("repository/not-found"));
  });
});

describe("a review", () => {
  it("gets pr-<n> from the remote's own ref, with the branch to push to when it can be told", async () => {
    const scene = makeScene();
    scene.git(scene.trunk, "switch", "-q", "-c", "topic");
    writeFileSync(join(scene.trunk, "topic.txt"), "t\n");
    scene.git(scene.trunk, "add", "-A");
    scene.git(scene.trunk, "commit", "-q", "-m", "topic");
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD:refs/heads/add-auth", "HEAD:refs/pull/7/head");
    scene.git(scene.trunk, "commit", "-q", "--amend", "-m", "other");
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD:refs/merge-requests/8/head");
    scene.git(scene.trunk, "switch", "-q", "main");
    await using imi = await Caller.in(scene);
    const seven = await imi.call("worktree.review", { number: 7 });
    assert.equal(seven.worktree.name, "pr-7");
    assert.equal(seven.worktree.type, "review");
    assert.equal(seven.worktree.branch, "add-auth");
    writeFileSync(join(seven.worktree.path, "suggestion.txt"), "s\n");
    scene.git(seven.worktree.path, "add", "-A");
    scene.git(seven.worktree.path, "commit", "-q", "-m", "suggestion");
    scene.git(seven.worktree.path, "push", "-q");
    assert.equal(scene.git(scene.remote, "rev-parse", "add-auth"), scene.git(seven.worktree.path, "rev-parse", "HEAD"));
    const eight = await imi.call("worktree.review", { number: 8 });
    assert.equal(eight.worktree.branch, "pr/8");
    assert.deepEqual(
      eight.notes.map(({ code }) => code),
      ["review/read-only"],
    );
    assert.equal((await imi.call("worktree.review", { number: 8 })).created, false);
    await assert.rejects(imi.call("worktree.review", { number: 9 }), refused("review/not-found"));
    scene.remove();
  });
});
