import assert from "node:assert/strict";
import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Work } from "../../protocol/work.ts";
import { addRemote, makeRepository, plainGit, scratch } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { addExamined } from "../support/examine.ts";
import type { Examined } from "../support/examine.ts";

const numbered = (changes: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: 40 }, (_, at) => `${changes[at] ?? `line ${at}`}\n`).join("");

/** A repository whose main has a file of forty lines, and a worktree of it. */
const scene = async (): Promise<{ repository: TestRepository; a: Examined }> => {
  const repository = await makeRepository();
  await repository.commit("forty lines", { shared: numbered() });
  return { repository, a: await addExamined(repository) };
};
const merged = async (a: Examined): Promise<Work["merged"]> => (await a.work({ depth: "full" })).merged;
const into = (how: string): unknown => ({ into: "main", how });
const squash = async (repository: TestRepository, branch = "feat/a"): Promise<void> => {
  await repository.run(["merge", "-q", "--squash", branch]);
  await repository.run(["commit", "-q", "-m", `squashed ${branch}`]);
};

describe("a branch is merged", () => {
  test("when a merge brought it in, or its commits were what main went on to", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { one: "1" }, a.path);
    assert.equal(await merged(a), null);
    await repository.run(["merge", "-q", "--ff-only", "feat/a"]);
    assert.deepEqual(await merged(a), into("ancestor"));
    await repository.commit("mine again", { one: "2" }, a.path);
    assert.equal(await merged(a), null);
    await repository.run(["merge", "-q", "--no-ff", "--no-edit", "feat/a"]);
    await repository.commit("main goes on", { other: "x" });
    assert.deepEqual(await merged(a), into("ancestor"));
    // Where the logs are gone the merge itself tells.
    await rm(join(repository.commonDir, "logs"), { recursive: true });
    await rm(join(a.record, "logs"), { recursive: true });
    assert.deepEqual(await merged(a), into("ancestor"));
  });

  test("when each of its commits was picked or rebased, also among later ones", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("main goes on", { shared: numbered({ 0: "theirs" }) });
    await repository.commit("one", { one: "1" }, a.path);
    await repository.commit("empty", {}, a.path);
    await repository.commit("two", { shared: numbered({ 30: "mine" }) }, a.path);
    await repository.run(["cherry-pick", "main..feat/a~2"]);
    assert.equal(await merged(a), null);
    await repository.run(["cherry-pick", "feat/a"]);
    assert.deepEqual(await merged(a), into("rebased"));
    await repository.commit("later, in the same file", { shared: numbered({ 0: "theirs", 30: "mine", 31: "later" }) });
    assert.deepEqual(await merged(a), into("rebased"));
  });

  test("when it was rebased with its conflicts resolved, and that was taken over", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { shared: numbered({ 5: "mine" }) }, a.path);
    await repository.commit("more", { more: "x" }, a.path);
    await repository.commit("theirs", { shared: numbered({ 5: "theirs" }) });
    await a.run("rebase", "main").catch(() => undefined);
    await writeFile(join(a.path, "shared"), numbered({ 5: "both" }));
    await a.run("add", ".");
    await a.run("-c", "core.editor=true", "rebase", "--continue");
    assert.equal(await merged(a), null);
    await repository.commit("meanwhile", { meanwhile: "x" });
    await repository.run(["cherry-pick", "main..feat/a"]);
    assert.deepEqual(await merged(a), into("rebased"));
  });

  test("when it was squashed, with later changes on top and earlier ones below", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("one", { shared: numbered({ 20: "mine" }), new: "n" }, a.path);
    await repository.commit("two", { shared: numbered({ 20: "mine, better" }), new: "nn" }, a.path);
    await repository.commit("earlier, same file", { shared: numbered({ 0: "theirs" }) });
    assert.equal(await merged(a), null);
    await squash(repository);
    assert.deepEqual(await merged(a), into("squashed"));
    await repository.commit("later, same lines", { shared: numbered({ 0: "theirs", 20: "changed since" }), new: "0" });
    assert.deepEqual(await merged(a), into("squashed"));
    await repository.commit("and on", { new: "1" }, a.path);
    assert.equal(await merged(a), null);
  });

  test("when main was merged into it before it was squashed", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("one", { shared: numbered({ 20: "mine" }) }, a.path);
    await repository.commit("theirs", { shared: numbered({ 20: "theirs" }), other: "x" });
    await a.run("merge", "-q", "main").catch(() => undefined);
    await writeFile(join(a.path, "shared"), numbered({ 20: "both" }));
    await repository.commit("merged main", {}, a.path);
    await repository.commit("two", { two: "2" }, a.path);
    await repository.commit("unrelated", { unrelated: "x" });
    assert.equal(await merged(a), null);
    await squash(repository);
    await repository.commit("on top", { shared: numbered({ 20: "on top" }) });
    assert.deepEqual(await merged(a), into("squashed"));
  });

  test("when what it changes, deletes, renames and marks executable came in by other commits", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await a.run("mv", "src/0/file-0.txt", "renamed");
    await repository.commit("binary", { binary: "\0\u0001\0\u0002".repeat(100), script: "x" }, a.path);
    await a.run("update-index", "--chmod=+x", "script");
    await a.run("commit", "-q", "-m", "executable");
    const bring = async (path: string): Promise<unknown> => repository.run(["checkout", "feat/a", "--", path]);
    await bring("renamed");
    await repository.run(["rm", "-q", "src/0/file-0.txt"]);
    await repository.commit("a part");
    await bring("binary");
    await repository.commit("another part");
    assert.equal(await merged(a), null);
    await bring("script");
    await repository.run(["commit", "-q", "-m", "the rest"]);
    assert.deepEqual(await merged(a), into("contained"));
    await repository.commit("later", { binary: "replaced" });
    assert.deepEqual(await merged(a), into("contained"));
  });

  test("when merging it would add nothing, and nothing is written to find that out", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { shared: numbered({ 3: "a", 30: "b" }) }, a.path);
    await repository.commit("half, with others", { shared: numbered({ 3: "a", 10: "theirs" }), x: "1" });
    const objects = await repository.run(["count-objects"]);
    assert.equal(await merged(a), null);
    assert.equal(await repository.run(["count-objects"]), objects);
    await repository.commit("the other half", { shared: numbered({ 3: "a", 10: "theirs", 30: "b" }), x: "2" });
    assert.deepEqual(await merged(a), into("contained"));
  });

  test("into the local trunk when the remote's does not have it yet", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const a = await addExamined(repository, "a", "origin/main");
    await repository.commit("mine", { one: "1" }, a.path);
    await a.run("push", "-q", "-u", "origin", "feat/a");
    assert.equal(await merged(a), null);
    await squash(repository);
    await repository.commit("more", { more: "" });
    assert.deepEqual(await merged(a), { into: "main", how: "rebased" });
    await repository.run(["push", "-q", "origin", "main"]);
    assert.deepEqual(await merged(a), { into: "origin/main", how: "rebased" });
    // Compared with the local one, which is behind.
    await repository.run(["reset", "-q", "--hard", "HEAD~2"]);
    assert.deepEqual((await a.work({ depth: "full", base: "main" })).merged, { into: "origin/main", how: "rebased" });
  });
});

describe("a repository of SHA-256 ids", () => {
  test("is read like any other", async () => {
    await using folder = scratch();
    const trunk = join(folder.root, "trunk-main");
    await mkdir(trunk);
    await plainGit(["init", "-q", "-b", "main", "--object-format=sha256"], trunk);
    await using repository = await makeRepository({ root: folder.root });
    await repository.commit("forty lines", { shared: numbered(), skipped: "x" });
    const a = await addExamined(repository);
    await a.run("update-index", "--skip-worktree", "skipped");
    assert.deepEqual(await a.holds({ depth: "full" }), {});
    await repository.commit("mine", { shared: numbered({ 3: "a", 30: "b" }) }, a.path);
    await repository.commit("half", { shared: numbered({ 3: "a", 10: "theirs" }) });
    await repository.commit("the rest", { shared: numbered({ 3: "a", 10: "theirs", 30: "b" }) });
    assert.deepEqual(await merged(a), into("contained"));
    await a.run("checkout", "-q", "--detach");
    await repository.commit("alone", {}, a.path);
    await writeFile(join(a.path, "skipped"), "local");
    assert.deepEqual(await a.holds({ branch: null }), { changed: 1, detached: 1 });
    const index = join(a.record, "index");
    await truncate(index, 400);
    assert.match(String((await a.holds({ branch: null })).unknown), /index of it is damaged/);
  });
});

describe("a branch is not merged", () => {
  test("when it never had anything of its own, or only empty commits, or took it back", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    assert.equal(await merged(a), null);
    await repository.commit("main goes on", { other: "x" });
    assert.equal(await merged(a), null);
    await a.run("merge", "-q", "--ff-only", "main");
    await repository.commit("main goes on", { other: "y" });
    await a.run("rebase", "-q", "main");
    await repository.commit("main goes on", { other: "z" });
    assert.equal(await merged(a), null);
    await repository.commit("begin", {}, a.path);
    assert.equal(await merged(a), null);
    await repository.commit("try", { one: "1" }, a.path);
    await a.run("revert", "--no-edit", "HEAD");
    assert.equal(await merged(a), null);
  });

  test("when its commits were reset away", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { one: "1" }, a.path);
    await a.run("reset", "-q", "--hard", "main");
    await repository.commit("main goes on", { other: "x" });
    assert.equal(await merged(a), null);
  });

  test("when only some of it came in, or the same lines in another way", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("one", { shared: numbered({ 5: "mine" }), new: "n" }, a.path);
    await repository.commit("same file", { shared: numbered({ 5: "mine" }) });
    assert.equal(await merged(a), null);
    await repository.commit("same paths", { shared: numbered({ 5: "other" }), new: "n" });
    assert.equal(await merged(a), null);
  });

  test("when a merge in it holds changes of its own", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("main goes on", { other: "x" });
    await a.run("merge", "-q", "--no-ff", "--no-commit", "main");
    await writeFile(join(a.path, "smuggled"), "work");
    await repository.commit("merge with more", {}, a.path);
    assert.equal(await merged(a), null);
  });

  test("into itself, also where it was pushed to", async () => {
    await using repository = await makeRepository();
    await addRemote(repository);
    const a = await addExamined(repository, "a", "origin/feat/a");
    await repository.commit("mine", { one: "1" }, a.path);
    await a.run("push", "-q", "origin", "feat/a");
    assert.equal(await merged(a), null);
  });

  test("when its base is gone, unrelated or no name at all", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { one: "1" }, a.path);
    for (const base of ["gone", "--all", ""]) assert.equal((await a.work({ depth: "full", base })).merged, null);
    await a.run("checkout", "-q", "--orphan", "unrelated");
    await repository.commit("unrelated", { one: "1" }, a.path);
    assert.equal((await a.work({ depth: "full", branch: "unrelated" })).merged, null);
  });
});

describe("asking whether a branch is merged", () => {
  test("takes no longer the further main went on, and is remembered", async () => {
    const { repository, a } = await scene();
    await using _ = repository;
    await repository.commit("mine", { shared: numbered({ 5: "mine" }), mine: "x" }, a.path);
    const stream = Array.from(
      { length: 2_500 },
      (_each, at) =>
        `commit refs/heads/main\ncommitter T <t@example.invalid> ${1_900_000_000 + at} +0000\ndata 1\nx\n${at === 0 ? "from refs/heads/main^0\n" : ""}M 100644 inline f/${at % 50}\ndata <<E\n${at}\nE\n`,
    ).join("\n");
    await writeFile(join(repository.root, "stream"), stream);
    const { execFileSync } = await import("node:child_process");
    execFileSync("git", ["fast-import", "--quiet"], { cwd: repository.trunk, input: stream });
    await repository.run(["reset", "-q", "--hard"]);
    await squash(repository);
    const started = performance.now();
    assert.deepEqual(await merged(a), into("squashed"));
    const took = performance.now() - started;
    assert.ok(took < 5_000, `${Math.round(took)} ms`);
    repository.log.length = 0;
    assert.deepEqual(await merged(a), into("squashed"));
    assert.ok(!repository.log.some((line) => line.includes("diff-tree")), repository.log.join("\n"));
  });
});
