import assert from "node:assert/strict";
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { askGit, trackedFolders } from "../../server/src/git/index.ts";
import type { ListedFile, ReadStatus } from "../../server/src/git/index.ts";
import { pathsToAsk, putTogether } from "../../server/src/monitor/narrow.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { live } from "../support/live-status.ts";

const folders = new Set(["src", "src/a"]);
const pathsFor = (...names: string[]): readonly string[] | null => pathsToAsk(new Set(names), folders);

describe("what git is asked about", () => {
  it("is what changed, where something is tracked beside it", () => {
    assert.deepEqual(pathsFor("top", "src/one", "src/a/two", "src/a"), ["top", "src/one", "src/a/two", "src/a"]);
  });

  it("is the topmost folder in which nothing is tracked: git tells of that as a whole", () => {
    assert.deepEqual(pathsFor("src/b/c/one", "src/b/two", "new/one"), ["src/b", "new"]);
  });

  it("is everything where a rule for other paths may have changed, or a name is not known", () => {
    for (const name of [".gitignore", "src/.gitattributes", ".gitmodules", "src/a/.git", "src/\uFFFD", ""])
      assert.equal(pathsFor("top", name), null, name);
    assert.equal(pathsFor(...Array.from({ length: 51 }, (_, index) => `file-${index}`)), null);
  });
});

const status = (...files: ListedFile[]): ReadStatus => ({
  ...{ gitDir: "/g", head: "1", upstream: null, branch: "main", files },
  counts: {
    staged: files.filter(([, code]) => /^[^.?]/.test(code) && code !== "UU").length,
    changed: files.filter(([, code]) => /[^.?]$/.test(code) && code !== "UU").length,
    untracked: files.filter(([, code]) => code.endsWith("?")).length,
    conflicted: files.filter(([, code]) => code === "UU").length,
  },
});

describe("an answer about some paths", () => {
  const before = status(["a", ".M"], ["b", "D?"], ["m/x", "UU"], ["new/", "??"], ["z", "??"]);

  it("takes the place of what was said of them and below them, in git's order", () => {
    const part = status(["a", "M."], ["new/y", "A."], ["n", "??"]);
    const whole = status(["a", "M."], ["b", "D?"], ["new/y", "A."], ["m/x", "UU"], ["n", "??"], ["z", "??"]);
    assert.deepEqual(putTogether(before, ["a", "n", "new"], part), whole);
    assert.deepEqual(putTogether(before, ["a", "b", "m", "new", "z"], status()), status());
  });

  it("does not fit where HEAD moved, where it tells of other paths, or where the letters do not tell the counts", () => {
    assert.equal(putTogether(before, ["a"], { ...status(), head: "2" }), null);
    assert.equal(putTogether(before, ["a"], status(["c", ".M"])), null);
    assert.equal(putTogether({ ...before, counts: { ...before.counts, changed: 7 } }, ["a"], status()), null);
  });
});

const addWorktree = async (repository: TestRepository): Promise<{ path: string; gitDir: string }> => {
  const path = join(repository.root, "feat");
  await repository.run(["worktree", "add", "-q", "--no-track", "-b", "feat", path, "main"]);
  return { path, gitDir: join(repository.commonDir, "worktrees", "feat") };
};

const write = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), text);
  }
};

for (const version of ["2", "4"])
  test(`the tracked folders are those that an index of version ${version} has`, async () => {
    await using repository = await makeRepository();
    const { path, gitDir } = await addWorktree(repository);
    const files = [
      "a/b/c/one",
      "a/b/two",
      "a-b/one",
      "a/bc/one",
      "z",
      "ä/ö/file",
      "a/b/c/two",
      `${"deep/".repeat(40)}file`,
    ];
    write(path, Object.fromEntries(files.map((name) => [name, name])));
    await repository.run(["add", "-A"], path);
    await repository.run(["update-index", "--index-version", version], path);
    const { stdout } = await repository.git.run(path, ["ls-files", "-z"], { access: "read" });
    const expected = stdout
      .split("\0")
      .flatMap((name) => name.split("/").map((_, index, parts) => parts.slice(0, index).join("/")))
      .filter((name) => name !== "");
    const found = (await trackedFolders(gitDir, repository.commonDir)) ?? new Set();
    assert.deepEqual([...found].sort(), [...new Set(expected)].sort());
  });

test("the tracked folders are not told of an index that does not list every file", async () => {
  await using repository = await makeRepository();
  const { path, gitDir } = await addWorktree(repository);
  const { stdout } = await repository.git.run(path, ["rev-parse", "HEAD"], { access: "read" });
  assert.notEqual(await trackedFolders(gitDir, repository.commonDir), null);
  await repository.run(["update-index", "--add", "--cacheinfo", `160000,${stdout.trim()},module`], path);
  assert.equal(await trackedFolders(gitDir, repository.commonDir), null);
  await repository.run(["reset", "-q", "--hard"], path);
  await repository.run(["update-index", "--split-index"], path);
  assert.equal(await trackedFolders(gitDir, repository.commonDir), null);
  writeFileSync(join(gitDir, "index"), "DIRC");
  assert.equal(await trackedFolders(gitDir, repository.commonDir), null);
});

describe("a watched worktree", { skip: process.platform !== "linux" }, () => {
  /** What git was asked about for the next answer, which must be git's; null: about everything. */
  const asked = async (
    server: Awaited<ReturnType<typeof live>>,
    repository: TestRepository,
    place: { path: string; gitDir: string },
  ): Promise<readonly string[] | null> => {
    const from = repository.log.length;
    const read = (await server.watching.read([place], new AbortController().signal)).get(place.path);
    const lines = repository.log.slice(from).filter((line) => line.includes("--porcelain=v2"));
    assert.deepEqual(read, await askGit(repository.git, repository.commonDir, place, undefined));
    assert.equal(lines.length, 1, lines.join("\n"));
    const [, paths] = / -- (.*) \[/.exec(lines[0] ?? "") ?? [];
    return paths?.split(" ") ?? null;
  };

  const watched = async (repository: TestRepository) => {
    const place = await addWorktree(repository);
    const server = await live(repository);
    server.watching.hold([place]);
    await server.watching.rested();
    await server.watching.read([place], new AbortController().signal);
    return { place, server };
  };

  test("is asked about the files that changed, and about all once git changed something", async () => {
    await using repository = await makeRepository({ files: 30 });
    const { place, server } = await watched(repository);
    await using _ = server;
    const { path } = place;
    write(path, { "src/0/file-0.txt": "changed", "src/0/new": "" });
    assert.deepEqual(await asked(server, repository, place), ["src/0/file-0.txt", "src/0/new"]);
    rmSync(join(path, "src/0/new"));
    assert.deepEqual(await asked(server, repository, place), ["src/0/new"]);
    renameSync(join(path, "src/0/file-0.txt"), join(path, "-moved *?[x]"));
    assert.deepEqual((await asked(server, repository, place))?.slice(0, 1), ["src/0/file-0.txt"]);
    await repository.run(["add", "-A"], path);
    assert.equal(await asked(server, repository, place), null);
    write(path, { "src/0/file-1.txt": "changed" });
    assert.deepEqual(await asked(server, repository, place), ["src/0/file-1.txt"]);
    write(path, { "src/.gitignore": "*.tmp\n" });
    assert.equal(await asked(server, repository, place), null);
  });

  test("is asked about everything once a file is written that has a second name", async () => {
    await using repository = await makeRepository({ files: 30 });
    const { place, server } = await watched(repository);
    await using _ = server;
    linkSync(join(place.path, "src/0/file-0.txt"), join(place.path, "other"));
    assert.equal(await asked(server, repository, place), null);
    write(place.path, { other: "changed" });
    assert.equal(await asked(server, repository, place), null);
  });

  test("is asked about everything where names differ by case alone for git", async () => {
    await using repository = await makeRepository({ files: 30 });
    await repository.run(["config", "core.ignoreCase", "true"]);
    const { place, server } = await watched(repository);
    await using _ = server;
    write(place.path, { "src/0/FILE-0.txt": "changed" });
    assert.equal(await asked(server, repository, place), null);
  });
});
