import assert from "node:assert/strict";
import { chmodSync, existsSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ChangedFile } from "../../protocol/changes.ts";
import type { ParamsOf, ResultOf } from "../../protocol/contract.ts";
import { ImiError } from "../../protocol/errors.ts";
import { isolateGit } from "../support/git.ts";
import { commitAll, everything, put } from "../support/overlap.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const long = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`).join("");
const binary = Buffer.from([0, 1, 2, 3, 255]);

describe("what a worktree changed", () => {
  let scene: Scene;
  let made = 0;
  before(() => {
    isolateGit();
    scene = makeScene();
    put(scene.trunk, { "long.txt": long, "keep/a.txt": "a\n", "image.bin": binary, "gone.txt": "gone\n" });
    put(scene.trunk, { ".gitignore": "*.log\n", "odd name\nü.txt": "odd\n" });
    symlinkSync("keep/a.txt", join(scene.trunk, "link"));
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
  });
  after(() => scene.remove());

  const worktree = (from = "origin/main"): { readonly path: string; readonly name: string } => {
    made += 1;
    const name = `feat-w${made}`;
    const path = join(scene.container, name);
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", `feat/w${made}`, path, from);
    return { path, name };
  };
  const changes = async (params: ParamsOf<"worktree.changes">): Promise<ResultOf<"worktree.changes">> => {
    await using imi = await Caller.in(scene);
    return await imi.call("worktree.changes", params);
  };
  const read = async (id: string | null | undefined): Promise<string> => {
    await using imi = await Caller.in(scene);
    const { base64 } = await imi.call("file.read", { id: id ?? "" });
    return Buffer.from(base64 ?? "", "base64").toString("utf8");
  };
  const briefly = (files: readonly ChangedFile[]): string[] =>
    files.map(({ path, from, change }) => `${change} ${from === null ? "" : `${from} -> `}${path}`);
  const only = ({ files: [file, ...more] }: { readonly files: readonly ChangedFile[] }): ChangedFile => {
    assert.ok(file);
    assert.deepEqual(more, []);
    return file;
  };

  it("is nothing at first, whatever it is compared with", async () => {
    const { name } = worktree();
    for (const against of ["base", "trunk", "head"] as const) {
      const { files, total } = await changes({ name, against });
      assert.deepEqual([files, total], [[], 0], against);
    }
  });

  it("is what it committed, staged, changed and made since it parted, and nothing that git ignores", async () => {
    const { path, name } = worktree();
    put(path, { "file-0.txt": "committed\n" });
    commitAll({ scene }, path);
    put(path, { "file-1.txt": "staged\n" });
    scene.git(path, "add", "file-1.txt");
    put(path, { "file-2.txt": "changed\n", "new.txt": "new\n", "x.log": "ignored\n", "gone.txt": null });
    const since = await changes({ name });
    assert.deepEqual(briefly(since.files), [
      "changed file-0.txt",
      "changed file-1.txt",
      "changed file-2.txt",
      "deleted gone.txt",
      "added new.txt",
    ]);
    assert.equal(since.against.name, "origin/main");
    assert.equal(since.path, path);
    const uncommitted = await changes({ name, against: "head" });
    assert.equal(uncommitted.against.name, `feat/w${made}`);
    assert.deepEqual(briefly(uncommitted.files), briefly(since.files).slice(1));
  });

  it("has the content before in git, by an id, and sizes of both", async () => {
    const { path, name } = worktree();
    put(path, { "file-0.txt": "twelve bytes" });
    const file = only(await changes({ name }));
    assert.deepEqual([file.before?.bytes, file.after?.bytes, file.binary, file.untracked], [2, 12, false, false]);
    assert.equal(await read(file.before?.id), "0\n");
  });

  it("follows a renamed file, and one that was forgotten and still lies there", async () => {
    const { path, name } = worktree();
    scene.git(path, "mv", "long.txt", "renamed.txt");
    scene.git(path, "rm", "-q", "--cached", "keep/a.txt");
    const { files } = await changes({ name });
    assert.deepEqual(briefly(files), ["changed keep/a.txt", "renamed long.txt -> renamed.txt"]);
    assert.deepEqual(
      files.map(({ untracked }) => untracked),
      [true, false],
    );
    assert.equal(await read(files[1]?.before?.id), long);
  });

  it("says what is binary, tracked or not, and what is a link", async () => {
    const { path, name } = worktree();
    put(path, { "image.bin": Buffer.concat([binary, binary]), "new.bin": binary, link: null });
    symlinkSync("elsewhere/ü", join(path, "link"));
    scene.git(path, "mv", "keep/a.txt", "keep/b.txt");
    const { files } = await changes({ name });
    assert.deepEqual(
      files.map((each) => [each.path, each.binary, each.after?.kind, each.after?.target]),
      [
        ["image.bin", true, "file", undefined],
        ["keep/b.txt", false, "file", undefined],
        ["link", false, "link", "elsewhere/ü"],
        ["new.bin", true, "file", undefined],
      ],
    );
    assert.equal(await read(files[2]?.before?.id), "keep/a.txt");
  });

  it("takes names as they are: blanks, line breaks, stars, what is no UTF-8", async () => {
    const { path, name } = worktree();
    put(path, { "odd name\nü.txt": "changed\n", "*.txt": "star\n", "-x": "minus\n" });
    writeFileSync(Buffer.concat([Buffer.from(`${path}/latin`), Buffer.from([0xe9])]), "latin\n");
    assert.deepEqual(briefly((await changes({ name })).files), [
      "added *.txt",
      "added -x",
      "added latin\uFFFD",
      "changed odd name\nü.txt",
    ]);
    assert.deepEqual(briefly((await changes({ name, paths: ["*.txt"] })).files), ["added *.txt"]);
    assert.deepEqual(briefly((await changes({ name, paths: ["-x", "odd name\nü.txt"] })).files), [
      "added -x",
      "changed odd name\nü.txt",
    ]);
    for (const outside of ["../x", "/etc/passwd", ""])
      await assert.rejects(changes({ name, paths: [outside] }), (error) => ImiError.is(error, "usage/invalid"));
  });

  it("is told up to a limit, with how many there are", async () => {
    const { path, name } = worktree();
    put(path, Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`many/${index}.txt`, "x\n"])));
    const { files, total } = await changes({ name, limit: 5 });
    assert.deepEqual([files.length, total, files[0]?.binary], [5, 12, null]);
  });

  it("leaves out what came to the base since, and compares with the trunk where it is asked to", async () => {
    const { path, name } = worktree();
    put(scene.trunk, { "later.txt": "later\n" });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    put(path, { "mine.txt": "mine\n" });
    for (const against of ["base", "trunk"] as const)
      assert.deepEqual(briefly((await changes({ name, against })).files), ["added mine.txt"], against);
  });

  it("is compared with where it and another worktree parted", async () => {
    const first = worktree();
    put(first.path, { "shared.txt": "shared\n" });
    commitAll({ scene }, first.path);
    const second = worktree(`feat/w${made}`);
    put(second.path, { "own.txt": "own\n" });
    const since = await changes({ name: second.name, other: first.name });
    assert.equal(since.against.name, first.name);
    assert.deepEqual(briefly(since.files), ["added own.txt"]);
  });

  it("is everything where there is no commit yet", async () => {
    const { path, name } = worktree();
    scene.git(path, "checkout", "-q", "--orphan", "nothing");
    scene.git(path, "rm", "-rfq", ".");
    put(path, { "first.txt": "first\n" });
    const { against, files } = await changes({ name, against: "head" });
    assert.deepEqual([against.commit, briefly(files)], [null, ["added first.txt"]]);
  });

  it("has files in conflict among the changed ones", async () => {
    const { path, name } = worktree();
    put(path, { "file-0.txt": "ours\n" });
    commitAll({ scene }, path);
    scene.git(path, "checkout", "-q", "-b", `side${made}`, "origin/main");
    put(path, { "file-0.txt": "theirs\n" });
    commitAll({ scene }, path);
    assert.throws(() => scene.git(path, "merge", `feat/w${made}`));
    assert.deepEqual(briefly((await changes({ name, against: "head" })).files), ["changed file-0.txt"]);
  });

  it("says what is missing", async () => {
    const { path, name } = worktree();
    renameSync(path, `${path}-away`);
    await assert.rejects(changes({ name }), (error) => ImiError.is(error, "worktree/missing"));
    renameSync(`${path}-away`, path);
    await assert.rejects(changes({ name: "nobody" }), (error) => ImiError.is(error, "worktree/not-found"));
  });

  it("is read without touching anything and without running what the repository's configuration names", async () => {
    const { path, name } = worktree();
    const ran = join(scene.root, "ran");
    const program = join(scene.root, "program");
    writeFileSync(program, `#!/bin/sh\n: > '${ran}'\ncat\n`);
    chmodSync(program, 0o755);
    for (const key of [
      "diff.external",
      "diff.mine.command",
      "diff.mine.textconv",
      "filter.mine.clean",
      "core.fsmonitor",
    ])
      scene.git(path, "config", key, program);
    put(path, { ".gitattributes": "* diff=mine filter=mine\n", "file-0.txt": "1\n" });
    const before = [everything(path), everything(join(scene.trunk, ".git", "worktrees", name))];
    assert.deepEqual(briefly((await changes({ name })).files), ["added .gitattributes", "changed file-0.txt"]);
    assert.deepEqual([everything(path), everything(join(scene.trunk, ".git", "worktrees", name))], before);
    assert.equal(existsSync(ran), false);
    for (const key of ["diff.external", "core.fsmonitor"]) scene.git(path, "config", "--unset", key);
    for (const section of ["diff.mine", "filter.mine"]) scene.git(path, "config", "--remove-section", section);
  });

  it("can be given up", async () => {
    const { name } = worktree();
    await using imi = await Caller.in(scene);
    await assert.rejects(
      imi.call("worktree.changes", { name }, { signal: AbortSignal.abort(), progress: () => undefined }),
      (error) => ImiError.is(error, "operation/cancelled"),
    );
  });
});

describe("what a commit changed", () => {
  let scene: Scene;
  let commits: readonly string[];
  before(() => {
    isolateGit();
    scene = makeScene();
    put(scene.trunk, { "a.txt": "1\n" });
    commitAll({ scene }, scene.trunk);
    put(scene.trunk, { "a.txt": "2\n", "README.md": null });
    scene.git(scene.trunk, "add", "-A");
    scene.git(scene.trunk, "commit", "-q", "-m", "Take the page away ü\n\nfor good");
    commits = scene.git(scene.trunk, "rev-list", "HEAD").split("\n").filter(Boolean);
  });
  after(() => scene.remove());

  const changes = async (params: ParamsOf<"commit.changes">): Promise<ResultOf<"commit.changes">> => {
    await using imi = await Caller.in(scene);
    return await imi.call("commit.changes", params);
  };
  const names = ({ files }: ResultOf<"commit.changes">): string[] =>
    files.map(({ path, change }) => `${change} ${path}`);

  it("is compared with its parent, or with what is said", async () => {
    const [last = "", middle, first] = commits;
    const one = await changes({ commit: last });
    assert.deepEqual(
      [one.from, one.subject, names(one)],
      [middle, "Take the page away ü", ["deleted README.md", "changed a.txt"]],
    );
    assert.ok(one.files[1]?.before?.id !== one.files[1]?.after?.id && one.files[1]?.after?.bytes === 2);
    const two = await changes({ commit: last, from: first ?? "" });
    assert.deepEqual(names(two), ["deleted README.md", "added a.txt"]);
  });

  it("is everything for the first one", async () => {
    const first = await changes({ commit: commits.at(-1) ?? "" });
    assert.deepEqual([first.from, first.total], [null, 4]);
  });

  it("is not known of a commit that is not there, nor of what is no id", async () => {
    for (const commit of ["0".repeat(40), "HEAD", "--all", ""])
      await assert.rejects(changes({ commit }), (error) => ImiError.is(error, "base/unknown"), commit);
  });

  it("has versions that can be read, and no others", async () => {
    await using imi = await Caller.in(scene);
    for (const id of ["0".repeat(40), "HEAD", "--batch"])
      await assert.rejects(imi.call("file.read", { id }), (error) => ImiError.is(error, "usage/invalid"), id);
    put(scene.trunk, { "large.bin": Buffer.alloc(17 * 1024 * 1024) });
    const id = scene.git(scene.trunk, "hash-object", "-w", "large.bin").trim();
    assert.deepEqual(await imi.call("file.read", { id }), { bytes: 17 * 1024 * 1024, base64: null });
  });
});
