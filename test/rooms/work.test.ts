import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import { addRemote, makeRepository, plainGit } from "../support/git.ts";
import { sizeOf } from "../../server/src/worktrees/work/size-of.ts";
import { addExamined, examined } from "../support/examine.ts";

const quietly = (running: Promise<unknown>): Promise<unknown> => running.catch(() => undefined);

describe("a worktree", () => {
  test("just made is clean, also when it lies in the trash", async () => {
    await using repository = await makeRepository({ files: 30 });
    const a = await addExamined(repository);
    assert.deepEqual(await a.work(), { answer: "clean", reason: null, items: [], merged: null });
    assert.deepEqual(await a.work({ depth: "full" }), { answer: "clean", reason: null, items: [], merged: null });

    const gitDir = join(repository.commonDir, "imi-trash/1");
    const path = join(repository.root, "trash/1/tree");
    await mkdir(join(repository.commonDir, "imi-trash"));
    await mkdir(join(repository.root, "trash/1"), { recursive: true });
    await rename(a.record, gitDir);
    await rename(a.path, path);
    assert.deepEqual(await a.holds({ path, gitDir }), {});
    await writeFile(join(path, "src/0/file-0.txt"), "changed");
    await writeFile(join(path, "new"), "");
    assert.deepEqual(await a.holds({ path, gitDir }), { changed: 1, untracked: 1 });
    // The old place is taken since, by another worktree of the same name.
    await addWorktreeAgain(repository.commonDir, a.path);
    assert.deepEqual(await a.holds({ path, gitDir }), { changed: 1, untracked: 1 });
  });

  test("with staged, changed, untracked and conflicted files tells each", async () => {
    await using repository = await makeRepository({ files: 30 });
    const a = await addExamined(repository);
    await repository.commit("theirs", { "src/0/file-0.txt": "theirs\n" });
    await repository.commit("ours", { "src/0/file-0.txt": "ours\n" }, a.path);
    await quietly(a.run("merge", "-q", "main"));
    await writeFile(join(a.path, "src/0/file-1.txt"), "changed\n");
    await rm(join(a.path, "src/0/file-2.txt"));
    await chmod(join(a.path, "src/0/file-3.txt"), 0o755);
    await writeFile(join(a.path, "staged"), "x");
    await a.run("add", "staged");
    await mkdir(join(a.path, "new"));
    for (const name of ["one", "two", "line\nbreak", "ü \u{1f600}"]) await writeFile(join(a.path, "new", name), "");
    const { answer, items } = await a.work();
    assert.equal(answer, "work");
    assert.deepEqual(
      items.map(({ kind, count, examples }) => [kind, count, examples.toSorted()]),
      [
        ["staged", 1, ["staged"]],
        ["changed", 3, ["src/0/file-1.txt", "src/0/file-2.txt", "src/0/file-3.txt"]],
        ["untracked", 4, ["new/line\nbreak", "new/one", "new/two", "new/ü \u{1f600}"]],
        ["conflicted", 1, ["src/0/file-0.txt"]],
        ["operation", 1, [`merge of ${(await repository.run(["rev-parse", "main"])).slice(0, 7)}`]],
      ],
    );
  });

  test("tells a file that was only announced to git, and a link that became a file", async () => {
    await using repository = await makeRepository();
    await symlink("nowhere", join(repository.trunk, "link"));
    await repository.commit("link");
    const a = await addExamined(repository);
    await writeFile(join(a.path, "soon"), "content");
    await a.run("add", "--intent-to-add", "soon");
    await rm(join(a.path, "link"));
    await writeFile(join(a.path, "link"), "nowhere");
    assert.deepEqual(await a.holds(), { changed: 2 });
  });

  test("tells at most a hundred examples, and counts all", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    for (let at = 0; at < 250; at++) await writeFile(join(a.path, `f${at}`), "");
    const [item] = (await a.work()).items;
    assert.deepEqual([item?.kind, item?.count, item?.examples.length], ["untracked", 250, 100]);
  });

  test("before its first commit tells what is staged", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await a.run("checkout", "-q", "--orphan", "fresh");
    assert.deepEqual(await a.holds({ branch: "fresh" }), { staged: 1 });
    await a.run("rm", "-q", "-r", "--cached", ".");
    assert.deepEqual(await a.holds({ branch: "fresh", depth: "full" }), { untracked: 1 });
  });
});

const addWorktreeAgain = (commonDir: string, path: string): Promise<string> =>
  plainGit(["worktree", "add", "-q", "--detach", path, "main"], commonDir);

describe("an operation in progress", () => {
  test("rebase, with its step", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    for (const text of ["one", "two", "three"]) await repository.commit(text, { [text]: text, same: text }, a.path);
    await repository.commit("theirs", { same: "theirs" });
    await quietly(a.run("rebase", "main"));
    const onto = (await repository.run(["rev-parse", "--short=7", "main"])).trim();
    assert.deepEqual(await a.examples("operation"), [`rebase 1/3 of feat/a onto ${onto}`]);
    // Resolved and gone on: what was rewritten is on no branch yet.
    await writeFile(join(a.path, "same"), "one of theirs");
    await a.run("add", ".");
    await quietly(a.run("-c", "core.editor=true", "rebase", "--continue"));
    assert.deepEqual(await a.examples("operation"), [`rebase 2/3 of feat/a onto ${onto}`]);
    assert.match((await a.examples("detached")).join(), /^[0-9a-f]+ one$/);
  });

  test("rebase by mails, cherry-pick, revert, several of them, bisect and a series of mails", async () => {
    await using repository = await makeRepository();
    const first = await repository.commit("first edit", { same: "first\n" });
    const a = await addExamined(repository);
    const state = async (): Promise<string> => (await a.examples("operation")).join("; ");
    const mine = await repository.commit("mine", { same: "mine\n" }, a.path);
    await repository.commit("more", { more: "x" }, a.path);
    await repository.commit("theirs", { same: "theirs\n" });
    const other = await repository.commit("theirs again", { same: "theirs again\n" });

    await quietly(a.run("rebase", "--apply", "main"));
    assert.equal(await state(), "rebase 1/2 of feat/a");
    await a.run("rebase", "--abort");

    await quietly(a.run("cherry-pick", other));
    assert.equal(await state(), `cherry-pick of ${other.slice(0, 7)}`);
    await a.run("cherry-pick", "--abort");

    await quietly(a.run("revert", "--no-edit", first));
    assert.equal(await state(), `revert of ${first.slice(0, 7)}`);
    await a.run("revert", "--abort");

    await quietly(a.run("cherry-pick", "main~1", "main"));
    await a.run("reset", "-q", "--hard");
    assert.equal(await state(), "cherry-pick of several commits, 2 to go");
    await a.run("cherry-pick", "--quit");

    await a.run("bisect", "start", "HEAD", "HEAD~2");
    assert.equal(await state(), "bisect begun on feat/a");
    await a.run("bisect", "reset");

    const mail = await a.run("format-patch", "--stdout", "-1", mine);
    await writeFile(join(repository.root, "mail"), mail);
    await a.run("reset", "-q", "--hard", "main");
    await quietly(a.run("am", join(repository.root, "mail")));
    assert.equal(await state(), "series of mails 1/1");
    await a.run("am", "--abort");
    assert.equal(await state(), "");
  });

  test("changes that a rebase set aside are commits that nothing else has", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await repository.commit("mine", { same: "mine" }, a.path);
    await repository.commit("theirs", { same: "theirs" });
    await writeFile(join(a.path, "src/0/file-0.txt"), "not committed");
    await quietly(a.run("rebase", "--autostash", "main"));
    assert.match((await a.examples("detached")).join("\n"), /On feat\/a: autostash/);
  });
});

describe("commits", () => {
  test("on a detached HEAD that no branch, tag or remote has are exposed, one that a tag has is not", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await a.run("checkout", "-q", "--detach");
    assert.deepEqual(await a.holds({ branch: null }), {});
    await repository.commit("alone", {}, a.path);
    await repository.commit("alone too", {}, a.path);
    assert.deepEqual(await a.holds({ branch: null }), { detached: 2 });
    assert.match((await a.examples("detached")).join(), /^[0-9a-f]+ alone too,[0-9a-f]+ alone$/);
    await a.run("tag", "kept");
    assert.deepEqual(await a.holds({ branch: null }), {});
  });

  test("that only refs of this worktree hold are exposed", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    const lost = await repository.commit("held", {}, a.path);
    await a.run("update-ref", "refs/worktree/mine", lost);
    await a.run("reset", "-q", "--hard", "main");
    assert.deepEqual(await a.holds(), { detached: 1 });
  });

  test("on no other branch, on no remote, amended and reset away are told, and do not stand in the way", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const a = await addExamined(repository, "a", "origin/main");
    await repository.commit("pushed", { one: "1" }, a.path);
    await a.run("push", "-q", "origin", "feat/a");
    await repository.commit("mine", { two: "2" }, a.path);
    await repository.commit("typo", { two: "22" }, a.path);
    await a.run("commit", "-q", "--amend", "-m", "right");
    const { answer, items } = await a.work({ depth: "full" });
    assert.equal(answer, "clean");
    assert.deepEqual(
      items.map(({ kind, count }) => [kind, count]),
      [
        ["branch", 2],
        ["unpushed", 2],
        ["dropped", 1],
      ],
    );
    assert.match((await a.examples("dropped")).join(), /^[0-9a-f]+ typo$/);
    assert.deepEqual(await a.holds(), {});
    await repository.run(["branch", "another", "feat/a"]);
    assert.deepEqual(await a.holds({ depth: "full" }), { unpushed: 2, dropped: 1 });
  });

  test("in the stash are told where they were made on its branch", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    const b = await addExamined(repository, "b");
    for (const worktree of [a, b, a]) {
      await writeFile(join(worktree.path, "src/0/file-0.txt"), String(Math.random()));
      await worktree.run("stash", "push", "-q", ...(worktree === b ? [] : ["-m", "later"]));
    }
    assert.deepEqual(await a.holds(), { stash: 2 });
    assert.deepEqual(await a.examples("stash"), ["stash@{0} On feat/a: later", "stash@{2} On feat/a: later"]);
    assert.match((await b.examples("stash")).join(), /^stash@\{1\} WIP on feat\/b: /);
    assert.equal((await a.work()).answer, "clean");
  });
});

describe("what git does not show", () => {
  test("changes of files it was told to assume unchanged or to skip", async () => {
    await using repository = await makeRepository({ files: 30 });
    await symlink("somewhere", join(repository.trunk, "link"));
    await writeFile(join(repository.trunk, 'ü\n"x'), "1\n");
    await repository.commit("more");
    const a = await addExamined(repository);
    const hidden = ["src/0/file-0.txt", "src/0/file-1.txt", "src/0/file-2.txt", "link", 'ü\n"x'];
    await a.run("update-index", "--assume-unchanged", ...hidden);
    await a.run("update-index", "--skip-worktree", "src/1/file-10.txt", "src/1/file-11.txt");
    assert.deepEqual(await a.holds(), {});
    await writeFile(join(a.path, "src/0/file-0.txt"), "line X\n");
    await rm(join(a.path, "src/0/file-1.txt"));
    await chmod(join(a.path, "src/0/file-2.txt"), 0o755);
    await rm(join(a.path, "link"));
    await symlink("elsewhere", join(a.path, "link"));
    await writeFile(join(a.path, 'ü\n"x'), "2\n");
    await writeFile(join(a.path, "src/1/file-10.txt"), "local settings");
    await rm(join(a.path, "src/1/file-11.txt")); // left out, as a sparse checkout does
    const expected = [...hidden, "src/1/file-10.txt"].toSorted();
    assert.deepEqual((await a.examples("changed")).toSorted(), expected);
    for (const version of ["2", "3", "4"]) {
      await a.run("update-index", "--index-version", version);
      assert.deepEqual((await a.examples("changed")).toSorted(), expected, `index version ${version}`);
    }
    await a.run("update-index", "--split-index");
    assert.deepEqual((await a.examples("changed")).toSorted(), expected, "split index");
  });

  test("files a sparse checkout left out are no change, one that is there after all is", async () => {
    await using repository = await makeRepository({ files: 30 });
    const a = await addExamined(repository);
    await a.run("sparse-checkout", "set", "src/1");
    assert.deepEqual(await a.holds(), {});
    await mkdir(join(a.path, "src/0"), { recursive: true });
    await writeFile(join(a.path, "src/0/file-0.txt"), "back");
    assert.deepEqual(await a.holds(), { changed: 1 });
  });

  test("untracked files where a configuration hides them", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await repository.run(["config", "status.showUntrackedFiles", "no"]);
    await repository.run(["config", "core.checkStat", "minimal"]);
    await writeFile(join(a.path, "new"), "");
    assert.deepEqual(await a.holds(), { untracked: 1 });
  });

  test("an edit of the same size with the time put back", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    const file = join(a.path, "src/0/file-0.txt");
    const old = new Date(Date.now() - 60_000);
    await utimes(file, old, old);
    await a.run("update-index", "--refresh");
    await repository.run(["config", "core.trustctime", "false"]);
    await delay(1_100); // git compares whole seconds
    await writeFile(file, "LINE 0\n");
    await utimes(file, old, old);
    assert.deepEqual(await a.holds(), { changed: 1 });
  });

  test("ignored files are counted, folders once, and do not stand in the way", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "node_modules/\n*.log\n.env\n" });
    const a = await addExamined(repository);
    await mkdir(join(a.path, "node_modules/x/y"), { recursive: true });
    for (const file of ["node_modules/x/y/z", "a.log", "src/b.log", ".env"]) await writeFile(join(a.path, file), "");
    assert.deepEqual(await a.holds(), { ignored: 4 });
    assert.deepEqual((await a.examples("ignored")).toSorted(), [".env", "a.log", "node_modules/", "src/b.log"]);
    assert.equal((await a.work()).answer, "clean");
  });

  test("ignored files are measured where a person asks, as far as that is quick", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "node_modules/\n*.log\n" });
    const a = await addExamined(repository);
    const paths = ["node_modules/", "a.log"];
    await mkdir(join(a.path, "node_modules/x"), { recursive: true });
    await writeFile(join(a.path, "node_modules/x/y"), Buffer.alloc(100_000, 1));
    await writeFile(join(a.path, "a.log"), Buffer.alloc(50_000, 1));
    const bytes = async (depth: "full" | "summary") =>
      (await a.work({ depth })).items.find(({ kind }) => kind === "ignored")?.bytes;
    const measured = (await bytes("full")) ?? 0;
    assert.ok(measured >= 150_000 && measured < 250_000, String(measured));
    assert.equal(await bytes("summary"), undefined);
    assert.equal(await sizeOf(a.path, paths), measured);
    assert.equal(await sizeOf(a.path, paths, undefined, AbortSignal.abort()), null, "cut off");
  });
});

describe("repositories inside a worktree", () => {
  test("are work, wherever they are and whatever is in them", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "vendor/\n.worktrees/\n..dots/\n" });
    const a = await addExamined(repository);
    for (const place of ["empty", "deep/down", "vendor"]) {
      await mkdir(join(a.path, place), { recursive: true });
      await plainGit(["init", "-q"], join(a.path, place));
    }
    await plainGit(["commit", "-q", "--allow-empty", "-m", "x"], join(a.path, "deep/down"));
    await writeFile(join(a.path, "vendor/draft"), "");
    await plainGit(["worktree", "add", "-q", "-b", "other", join(a.path, ".worktrees/inner")], repository.trunk);
    await plainGit(["worktree", "add", "-q", "-b", "dots", join(a.path, "..dots/inner")], repository.trunk);
    const expected = ["..dots/inner/", ".worktrees/inner/", "deep/down/", "empty/", "vendor/"];
    assert.deepEqual((await a.examples("nested")).toSorted(), expected);
    assert.equal((await a.work()).answer, "work");
  });

  test("in ignored folders are work by what they hold, however deep they lie, and bare ones too", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "build/\n" });
    const a = await addExamined(repository);
    await plainGit(["clone", "-q", repository.trunk, join(a.path, "build/_deps/tool-src")], repository.root);
    await mkdir(join(a.path, "build/package/.git"), { recursive: true });
    await writeFile(join(a.path, "build/package/.git/stray"), "no repository\n");
    assert.deepEqual(await a.holds(), { ignored: 1 }, "its remote has all of it");
    const deep = join(a.path, "build/package/a/b/c/d");
    await mkdir(deep, { recursive: true });
    await plainGit(["init", "-q"], deep);
    assert.deepEqual(await a.holds(), { ignored: 1 }, "nothing is in it");
    await plainGit(["commit", "-q", "--allow-empty", "-m", "x"], deep);
    await plainGit(["clone", "-q", "--bare", deep, join(a.path, "build/mirror.git")], repository.root);
    await plainGit(["checkout", "-q", "-b", "mine"], join(a.path, "build/_deps/tool-src"));
    assert.deepEqual((await a.examples("nested")).toSorted(), ["build/mirror.git/", "build/package/a/b/c/d/"]);
    await plainGit(["commit", "-q", "--allow-empty", "-m", "x"], join(a.path, "build/_deps/tool-src"));
    assert.deepEqual(await a.holds(), { nested: 3, ignored: 1 });
    assert.equal((await a.work()).answer, "work");
  });

  test("in ignored folders that cannot be looked through are not taken for absent", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "build/\n" });
    const a = await addExamined(repository);
    await mkdir(join(a.path, "build"));
    assert.equal((await a.work()).answer, "clean");
    const { answer, reason } = await a.work({ patienceMs: 0 });
    assert.equal(answer, "unknown");
    assert.match(reason ?? "", /too large to be looked through/);
    // Longer than a path may be, so that not even root gets to its end.
    const deep = `${"n".repeat(200)}/`.repeat(15);
    await mkdir(join(a.path, "other", deep), { recursive: true });
    await mkdir(join(a.path, "build", deep), { recursive: true });
    await rename(join(a.path, "other"), join(a.path, "build", deep, "other"));
    assert.match((await a.work()).reason ?? "", /could not be read \(ENAMETOOLONG\)/);
    execFileSync("rm", ["-r", "build"], { cwd: a.path });
  });

  test("whose other checkouts lie elsewhere name these, for they stop working", async () => {
    await using repository = await makeRepository();
    await repository.commit("ignore", { ".gitignore": "build/\n" });
    const a = await addExamined(repository);
    const elsewhere = (name: string): string => join(repository.root, name);
    for (const place of ["tool", "build/tool"]) {
      await plainGit(["clone", "-q", repository.trunk, join(a.path, place)], repository.root);
      const other = elsewhere(`of ${place.replace("/", " ")}`);
      await plainGit(["worktree", "add", "-q", "--detach", other], join(a.path, place));
      await plainGit(["worktree", "add", "-q", "--detach", join(a.path, place, "within")], join(a.path, place));
    }
    const found = await a.work();
    assert.deepEqual(found.dependents?.toSorted(), [elsewhere("of build tool"), elsewhere("of tool")]);
    assert.deepEqual((await a.examples("nested")).toSorted(), ["build/tool/", "tool/"]);
    await rm(elsewhere("of tool"), { recursive: true });
    assert.deepEqual((await a.work()).dependents, [elsewhere("of build tool")], "one that is gone needs nothing");
  });

  test("are work in the place of a tracked file", async () => {
    await using repository = await makeRepository();
    await repository.commit("file", { file: "x" });
    const a = await addExamined(repository);
    await rm(join(a.path, "file"));
    await mkdir(join(a.path, "file"));
    await plainGit(["init", "-q"], join(a.path, "file"));
    await writeFile(join(a.path, "file/inner"), "work");
    assert.equal((await a.work()).answer, "work");
    await plainGit(["add", "."], join(a.path, "file"));
    await plainGit(["commit", "-q", "-m", "x"], join(a.path, "file"));
    assert.deepEqual(await a.holds(), { nested: 1 });
  });

  test("are work where the index has them without their being submodules", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await mkdir(join(a.path, "inner"));
    await plainGit(["init", "-q"], join(a.path, "inner"));
    await plainGit(["commit", "-q", "--allow-empty", "-m", "x"], join(a.path, "inner"));
    await quietly(a.run("add", "inner"));
    await a.run("commit", "-q", "-m", "a link without .gitmodules");
    assert.deepEqual(await a.holds(), { nested: 1 });
    await rm(join(a.path, "inner"), { recursive: true });
    await mkdir(join(a.path, "inner"));
    assert.deepEqual(await a.holds(), {});
    // git does not look into that folder at all.
    await writeFile(join(a.path, "inner/unseen"), "work");
    assert.deepEqual(await a.holds(), { nested: 1 });
  });
});

describe("submodules", () => {
  const withSubmodule = async (repository: Awaited<ReturnType<typeof makeRepository>>) => {
    const library = join(repository.root, "library");
    await mkdir(library);
    await plainGit(["init", "-q"], library);
    await writeFile(join(library, "code"), "1\n");
    await plainGit(["add", "."], library);
    await plainGit(["commit", "-q", "-m", "library"], library);
    await repository.run(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "lib/sub"]);
    await repository.commit("submodule");
    const a = await addExamined(repository);
    await a.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init");
    return { ...a, sub: join(a.path, "lib/sub") };
  };

  test("as they were checked out are clean; with files changed or new they are work", async () => {
    await using repository = await makeRepository();
    const a = await withSubmodule(repository);
    assert.deepEqual(await a.holds(), {});
    await writeFile(join(a.sub, "code"), "2\n");
    assert.deepEqual(await a.holds(), { submodule: 1 });
    assert.deepEqual(await a.examples("submodule"), ["lib/sub"]);
    await plainGit(["checkout", "-q", "code"], a.sub);
    await rename(a.sub, join(repository.root, "away"));
    assert.deepEqual(await a.holds(), { submodule: 1 }, "its folder is gone");
    await rename(join(repository.root, "away"), a.sub);
    await repository.run(["config", "submodule.lib/sub.ignore", "all"]);
    await writeFile(join(a.sub, "new"), "");
    assert.deepEqual(await a.holds(), { submodule: 1 });
  });

  test("with commits or stashes that no remote of theirs has are work, though git shows nothing", async () => {
    await using repository = await makeRepository();
    const a = await withSubmodule(repository);
    await plainGit(["checkout", "-q", "-b", "mine"], a.sub);
    await plainGit(["commit", "-q", "--allow-empty", "-m", "mine"], a.sub);
    assert.deepEqual(await a.holds(), { submodule: 1 });
    await a.run("add", "lib/sub");
    await a.run("commit", "-q", "-m", "use it");
    assert.equal(await a.run("status", "--porcelain"), "");
    assert.deepEqual(await a.holds(), { submodule: 1 });
    await plainGit(["push", "-q", "origin", "mine"], a.sub);
    assert.deepEqual(await a.holds(), {});
    await writeFile(join(a.sub, "code"), "stashed\n");
    await plainGit(["stash", "-q"], a.sub);
    assert.deepEqual(await a.holds(), { submodule: 1 });
    await a.run("submodule", "--quiet", "deinit", "-f", "lib/sub");
    assert.deepEqual(await a.examples("submodule"), ["lib/sub"]);
  });

  test("are looked into where the worktree lies in the trash", async () => {
    await using repository = await makeRepository();
    const a = await withSubmodule(repository);
    const gitDir = join(repository.commonDir, "imi-trash/1");
    const path = join(repository.root, "trash/here/1/tree");
    await mkdir(join(repository.commonDir, "imi-trash"));
    await mkdir(join(repository.root, "trash/here/1"), { recursive: true });
    await rename(a.record, gitDir);
    await rename(a.path, path);
    assert.deepEqual(await a.holds({ path, gitDir }), {});
    await writeFile(join(path, "lib/sub/new"), "");
    assert.deepEqual(await a.holds({ path, gitDir }), { submodule: 1 });
  });
});

describe("a worktree is unknown, never clean,", () => {
  test("when its folder is gone or something else is there", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    const away = join(repository.root, "away");
    const reason = async (): Promise<unknown> => {
      const { answer, reason: why } = await a.work();
      assert.equal(answer, "unknown");
      return why;
    };
    await rename(a.path, away);
    assert.equal(await reason(), "its folder is gone");
    await symlink(away, a.path);
    assert.equal(await reason(), "a symbolic link stands where its folder was");
    await rm(a.path);
    await writeFile(a.path, "");
    assert.equal(await reason(), "something else stands where its folder was");
    await rm(a.path);
    await mkdir(a.path);
    await plainGit(["init", "-q"], a.path);
    assert.equal(await reason(), "another repository is in its folder");
    await rm(a.path, { recursive: true });
    await using other = await makeRepository();
    await plainGit(["worktree", "add", "-q", a.path], other.trunk);
    assert.equal(await reason(), "another repository's checkout is in its folder");
    await rm(a.path, { recursive: true });
    await repository.run(["worktree", "add", "-q", "-b", "b", join(repository.root, "b")]);
    await repository.run(["worktree", "move", "-f", "-f", join(repository.root, "b"), a.path]);
    assert.equal(await reason(), "another worktree is in its folder");
  });

  test("when its record or HEAD is gone", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await writeFile(join(a.record, "HEAD"), `${"1".repeat(40)}\n`);
    assert.equal((await a.work()).answer, "unknown");
    await rm(a.record, { recursive: true });
    assert.equal((await a.work()).answer, "unknown");
  });

  test("when git's index of it is damaged in any way", async () => {
    await using repository = await makeRepository({ files: 30 });
    const a = await addExamined(repository);
    const index = join(a.record, "index");
    const whole = await readFile(index);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8((whole[200] ?? 0) ^ 1, 200);
    for (const bytes of [0, 1, 12, 100, 600, 2000].map((length) => whole.subarray(0, length)).concat(flipped)) {
      await writeFile(index, bytes);
      assert.deepEqual(await a.holds(), { unknown: "git's index of it is damaged" }, `${bytes.length} bytes`);
    }
    await writeFile(index, whole);
    assert.deepEqual(await a.holds(), {});
  });

  test("when the part of a split index that others share is damaged or gone", async () => {
    await using repository = await makeRepository({ files: 30 });
    const a = await addExamined(repository);
    await a.run("update-index", "--split-index");
    assert.deepEqual(await a.holds(), {});
    const shared = (await readdir(a.record)).find((name) => name.startsWith("sharedindex."));
    assert.ok(shared !== undefined);
    const whole = await readFile(join(a.record, shared));
    const flipped = Buffer.from(whole);
    flipped.writeUInt8((whole[200] ?? 0) ^ 1, 200);
    for (const bytes of [whole.subarray(0, 600), flipped, null]) {
      await rm(join(a.record, shared));
      if (bytes !== null) await writeFile(join(a.record, shared), bytes);
      assert.equal((await a.work()).answer, "unknown", bytes === null ? "gone" : `${bytes.length} bytes`);
      await writeFile(join(a.record, shared), whole);
    }
  });

  test("when somebody is at work in it", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await writeFile(join(a.record, "index.lock"), "");
    await writeFile(join(a.path, "new"), "");
    assert.deepEqual(await a.holds(), {
      untracked: 1,
      unknown: "git is at work in it, or was killed there (index.lock)",
    });
  });

  test("when a folder in it cannot be read", async (context) => {
    if (process.platform === "win32") return context.skip("permissions are another thing there");
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    const closed = join(a.path, "closed");
    await mkdir(closed);
    await writeFile(join(closed, "work"), "");
    await chmod(closed, 0);
    try {
      if (process.geteuid?.() === 0) {
        const child = asNobody(repository.root, a.path, a.record, repository.commonDir);
        assert.match(child, /^unknown git could not read all of it: .*closed/);
      } else {
        assert.match(String((await a.holds()).unknown), /could not read all of it: .*closed/);
      }
    } finally {
      await chmod(closed, 0o755);
    }
  });

  test("when git takes too long or is not there, and only cancelling raises", async () => {
    await using repository = await makeRepository();
    const a = await addExamined(repository);
    await assert.rejects(a.work({ signal: AbortSignal.abort() }), (error: unknown) =>
      ImiError.is(error, "operation/cancelled"),
    );
    const { Git } = await import("../../server/src/git/index.ts");
    const without = examined(
      { ...repository, git: new Git({ binary: "/nowhere/git" }) },
      { name: "a", path: a.path, gitDir: a.record, branch: "feat/a", base: null },
    );
    assert.match(String((await without.holds()).unknown), /git is not installed/);
  });
});

/** Root may read anything, so the question is asked as another user. */
const asNobody = (root: string, path: string, record: string, commonDir: string): string => {
  execFileSync("chown", ["-R", "65534:65534", "--", root]);
  const script = `
    const { Git } = await import(${JSON.stringify(join(import.meta.dirname, "../../server/src/git/index.ts"))});
    const { examine } = await import(${JSON.stringify(join(import.meta.dirname, "../../server/src/worktrees/work/index.ts"))});
    const [path, gitDir, commonDir] = process.argv.slice(1);
    const checkout = { name: "a", path, gitDir, branch: "feat/a", base: null };
    const work = await examine({ git: new Git() }, { gitDir: commonDir }, checkout, { depth: "removal" });
    process.stdout.write(work.answer + " " + work.reason);
  `;
  return execFileSync(process.execPath, ["--input-type=module", "-e", script, path, record, commonDir], {
    ...{ uid: 65_534, gid: 65_534, encoding: "utf8", cwd: root },
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", HOME: root },
  });
};

describe("a hostile worktree", () => {
  test("does not get its programs run", async () => {
    await using repository = await makeRepository();
    const proof = join(repository.root, "pwned");
    const evil = join(repository.root, "evil.sh");
    await writeFile(evil, `#!/bin/sh\ntouch '${proof}'\ncat\n`);
    await chmod(evil, 0o755);
    const a = await addExamined(repository);
    for (const key of ["core.fsmonitor", "filter.evil.clean", "filter.evil.process"])
      await repository.run(["config", key, evil]);
    await writeFile(join(a.path, ".gitattributes"), "* filter=evil\n");
    await writeFile(join(a.path, "src/0/file-0.txt"), "changed");
    await rm(proof, { force: true });
    assert.deepEqual(await a.holds({ depth: "full" }), { changed: 1, untracked: 1 });
    await assert.rejects(readFile(proof));
  });
});
