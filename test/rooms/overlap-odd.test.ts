import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { isolateGit } from "../support/git.ts";
import { assertForetold, check, commitAll, everything, put, reallyMerge, twoWorktrees } from "../support/overlap.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const lines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`);
const text = lines.join("");
const withLine = (number: number, line: string): string => lines.with(number - 1, `${line}\n`).join("");

describe("a merge in an odd place", () => {
  let scene: Scene;
  before(() => {
    isolateGit();
    scene = makeScene();
  });
  after(() => scene.remove());

  const isRefused = (code: ErrorCode) => (error: unknown) => {
    assert.ok(ImiError.is(error, code), String(error));
    assert.ok(error.hint !== null && error.hint !== "");
    return true;
  };
  const worktree = (name: string, ...from: string[]): string => {
    const path = join(scene.container, name);
    scene.git(scene.trunk, "worktree", "add", "-q", path, ...from);
    return path;
  };

  it("is compared with what the worktree is based on, when no other is named", async () => {
    const path = worktree("feat-based", "-b", "feat/based", "origin/main");
    put(path, { "README.md": "# Mine\n" });
    const clean = await check(scene, "feat-based");
    assert.deepEqual([clean.b.name, clean.b.path, clean.b.uncommitted], ["origin/main", null, null]);
    assert.equal(clean.working.clean, true);
    assert.deepEqual(clean.a.uncommitted, { staged: 0, changed: 1, untracked: 0, conflicted: 0 });

    put(scene.trunk, { "README.md": "# Theirs\n" });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    const { relation, bases, committed, working } = await check(scene, "feat-based");
    assert.deepEqual([relation, bases.length, committed.clean, working.clean], ["up-to-date", 1, true, false]);
    assert.deepEqual(
      working.conflicts.map(({ kind, path: where }) => `${kind} ${where}`),
      ["content README.md"],
    );
  });

  it("is refused for worktrees that are not there, not two, or without a commit", async () => {
    await assert.rejects(check(scene, "nobody"), isRefused("worktree/not-found"));
    const two = twoWorktrees(scene, { f: text });
    await assert.rejects(check(scene, two.a, "nobody"), isRefused("worktree/not-found"));
    await assert.rejects(check(scene, two.a, two.a), isRefused("usage/invalid"));
    scene.git(two.b, "checkout", "-q", "--orphan", "nothing-yet");
    await assert.rejects(check(scene, two.a, two.b), isRefused("repository/no-commit"));
    renameSync(two.a, `${two.a}-gone`);
    await assert.rejects(check(scene, two.a, two.b), isRefused("worktree/missing"));
    renameSync(`${two.a}-gone`, two.a);
    scene.git(two.b, "checkout", "-q", "-f", `feat/${two.b.split("feat-").at(-1) ?? ""}`);
  });

  it("is refused where the two have no commit in common, as git refuses it", async () => {
    const two = twoWorktrees(scene, { f: text });
    scene.git(two.b, "checkout", "-q", "--orphan", "from-nothing");
    commitAll(two, two.b);
    await assert.rejects(check(scene, two.a, two.b), isRefused("merge/unrelated"));
    await using imi = await Caller.in(scene);
    const { unknown } = await imi.call("overlap.list", {});
    assert.ok(unknown.some(({ name, reason }) => two.b.endsWith(name) && reason.includes("no commit in common")));
  });

  it("is told of detached worktrees, and of two at one commit", async () => {
    const two = twoWorktrees(scene, { f: text });
    scene.git(two.a, "checkout", "-q", "--detach");
    put(two.a, { f: withLine(5, "ours") });
    commitAll(two, two.a);
    const { a, relation, committed } = await check(scene, two.a, two.b);
    assert.deepEqual([a.branch, relation, committed.clean], [null, "fast-forward", true]);
    scene.git(two.b, "checkout", "-q", "--detach", a.head);
    const same = await check(scene, two.a, two.b);
    assert.deepEqual([same.relation, same.committed.clean, same.working.clean], ["up-to-date", true, true]);
  });

  it("is told after criss-cross merges as git does it", async () => {
    const two = twoWorktrees(scene, { f: text });
    put(two.a, { f: withLine(1, "a") });
    commitAll(two, two.a);
    put(two.b, { f: withLine(10, "b") });
    commitAll(two, two.b);
    const heads = [two.a, two.b].map((path) => scene.git(path, "rev-parse", "HEAD").trim());
    scene.git(two.a, "merge", "-q", "--no-edit", heads[1] ?? "");
    scene.git(two.b, "merge", "-q", "--no-edit", heads[0] ?? "");
    put(two.a, { f: withLine(1, "a").replace("line 10", "a was here") });
    commitAll(two, two.a);
    put(two.b, { f: withLine(10, "b").replace("line 1\n", "b was here\n") });
    commitAll(two, two.b);
    const { bases, committed } = await check(scene, two.a, two.b);
    assert.deepEqual(bases.toSorted(), heads.toSorted());
    assert.equal(committed.clean, reallyMerge(two).clean);
  });

  it("is not known while a worktree has files in conflict", async () => {
    const two = twoWorktrees(scene, { f: text });
    put(two.a, { f: withLine(5, "a") });
    commitAll(two, two.a);
    put(two.b, { f: withLine(5, "b") });
    commitAll(two, two.b);
    assert.throws(() => scene.git(two.a, "merge", scene.git(two.b, "rev-parse", "HEAD").trim()));
    const { committed, working } = await check(scene, two.a, two.b);
    assert.deepEqual([committed.clean, working.clean], [false, null]);
    assert.match(working.reason ?? "", /has files in conflict/);
    put(two.a, { f: withLine(5, "both") });
    scene.git(two.a, "add", "f");
    assert.equal((await check(scene, two.a, two.b)).working.clean, true, "the merge under way counts once resolved");
  });

  it("is not known of an index that cannot be read, and what is committed still is", async () => {
    const two = twoWorktrees(scene, { f: text });
    put(two.a, { f: withLine(5, "a") });
    commitAll(two, two.a);
    const index = scene.git(two.a, "rev-parse", "--path-format=absolute", "--git-path", "index").trim();
    writeFileSync(index, "no index");
    const { a, committed, working } = await check(scene, two.a, two.b);
    assert.deepEqual([a.uncommitted, committed.clean, working.clean], [null, true, null]);
    assert.notEqual(working.reason, null);
  });

  it("is told of a sparse worktree with all its files", async () => {
    const two = twoWorktrees(scene, { "in/f": text, "out/f": text });
    scene.git(two.a, "sparse-checkout", "set", "in");
    put(two.a, { "in/f": withLine(5, "a"), "out/new": "beyond\n" });
    put(two.b, { "out/f": withLine(5, "b"), "in/f": withLine(5, "b") });
    commitAll(two, two.b);
    const { working } = await check(scene, two.a, two.b);
    assert.deepEqual(
      working.conflicts.map(({ kind, path }) => `${kind} ${path}`),
      ["content in/f"],
    );
  });

  it("is told of submodules: one that only goes forward, and one that both moved", async () => {
    const library = join(scene.root, "library");
    mkdirSync(library);
    scene.git(library, "init", "-q");
    put(library, { x: "1\n" });
    commitAll({ scene }, library);
    const start = scene.git(library, "rev-parse", "HEAD").trim();
    put(library, { x: "2\n" });
    commitAll({ scene }, library);
    const next = scene.git(library, "rev-parse", "HEAD").trim();
    scene.git(library, "checkout", "-q", "-b", "side", start);
    put(library, { y: "1\n" });
    commitAll({ scene }, library);
    const side = scene.git(library, "rev-parse", "HEAD").trim();

    const seen: (boolean | null)[] = [];
    for (const theirs of [next, side]) {
      const two = twoWorktrees(scene, { f: text });
      scene.git(two.b, "submodule", "add", "-q", library, "lib");
      scene.git(join(two.b, "lib"), "checkout", "-q", start);
      commitAll(two, two.b);
      scene.git(two.a, "merge", "-q", "--ff-only", scene.git(two.b, "rev-parse", "HEAD").trim());
      scene.git(two.a, "submodule", "update", "-q", "--init");
      scene.git(join(two.b, "lib"), "checkout", "-q", next);
      scene.git(join(two.a, "lib"), "checkout", "-q", theirs);
      put(two.b, { f: withLine(1, "b") });
      commitAll(two, two.b);
      put(two.a, { f: withLine(10, "a") });
      const { working } = await check(scene, two.a, two.b);
      commitAll(two, two.a);
      const real = reallyMerge(two);
      assert.equal(working.clean, real.clean);
      seen.push(working.clean);
      assert.deepEqual(
        working.conflicts.map(({ kind, path }) => `${kind} ${path}`),
        real.clean ? [] : ["submodule lib"],
      );
    }
    assert.deepEqual(seen, [true, false]);
  });

  it("runs nothing that the repository's own configuration names", async () => {
    const two = twoWorktrees(scene, {
      ".gitattributes": "*.x merge=evil filter=evil diff=evil\n*.k merge=keep\n",
      "f.x": text,
      "g.k": text,
    });
    const ran = join(scene.root, "ran");
    const evil = `touch '${ran}'`;
    for (const key of ["merge.evil.driver", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor"])
      scene.git(scene.trunk, "config", key, evil);
    scene.git(scene.trunk, "config", "merge.keep.driver", "true");
    const hooks = join(scene.trunk, ".git", "hooks");
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "post-index-change"), `#!/bin/sh\n${evil}\n`, { mode: 0o755 });
    put(two.a, { "f.x": withLine(1, "a"), "g.k": withLine(5, "a") });
    put(two.b, { "f.x": withLine(10, "b"), "g.k": withLine(5, "b") });
    const before = everything(scene.container);
    const { working } = await check(scene, two.a, two.b);
    await using imi = await Caller.in(scene);
    await imi.call("overlap.list", { names: [two.a] });
    assert.ok(!existsSync(ran));
    assert.deepEqual(everything(scene.container), before);
    assert.deepEqual(
      working.conflicts.map(({ kind, path }) => `${kind} ${path}`),
      ["content f.x"],
      "what it would have merged counts as a conflict; keeping ours is nothing that has to be run",
    );
    for (const key of ["merge.evil.driver", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor"])
      scene.git(scene.trunk, "config", "--unset", key);
    rmSync(join(hooks, "post-index-change"));
  });

  it("runs the user's own merge drivers on copies", async () => {
    const two = twoWorktrees(scene, { ".gitattributes": "*.gen merge=mine\n", "f.gen": text });
    const driver = join(scene.root, "home/driver");
    writeFileSync(driver, `#!/bin/sh\npwd > '${join(scene.root, "where")}'\ncp "$1" "$2"\n`, { mode: 0o755 });
    scene.git(scene.root, "config", "--global", "merge.mine.driver", `'${driver}' %B %A`);
    put(two.a, { "f.gen": withLine(5, "a") });
    put(two.b, { "f.gen": withLine(5, "b") });
    commitAll(two, two.b);
    const outer = process.env["GIT_CONFIG_GLOBAL"];
    process.env["GIT_CONFIG_GLOBAL"] = join(scene.root, "home/gitconfig");
    try {
      assert.equal((await check(scene, two.a, two.b)).working.clean, true);
    } finally {
      process.env["GIT_CONFIG_GLOBAL"] = outer;
      scene.git(scene.root, "config", "--global", "--unset", "merge.mine.driver");
    }
    assert.match(readFileSync(join(scene.root, "where"), "utf8"), /imi-overlap-/);
  });

  for (const [about, folder, ...format] of [
    ["a bare repository", "bare"],
    ["a folder with quotes and line ends in its name", '"quo\nted: \\'],
    ["a repository with SHA-256", "sha256", "--object-format=sha256"],
  ] as const) {
    it(`is told in ${about}`, async () => {
      const root = join(scene.root, folder);
      mkdirSync(root);
      scene.git(root, "init", "-q", "-b", "main", ...format, "first");
      put(join(root, "first"), { f: text });
      commitAll({ scene }, join(root, "first"));
      scene.git(root, "clone", "-q", "--bare", "first", "repository.git");
      for (const name of ["a", "b"]) {
        const path = join(root, `feat-${name}`);
        scene.git(join(root, "repository.git"), "worktree", "add", "-q", "-b", `feat/${name}`, path, "main");
        put(path, { f: withLine(5, name) });
      }
      commitAll({ scene }, join(root, "feat-a"));
      await using imi = await Caller.in(scene, join(root, "feat-a"));
      const { committed, working } = await imi.call("overlap.merge-check", { a: "feat-a", b: "feat-b" });
      assert.deepEqual([committed.clean, working.clean], [true, false]);
      assert.equal((await imi.call("overlap.merge-check", { a: "feat-a" })).b.name, "main");
      const { overlaps } = await imi.call("overlap.list", {});
      assert.deepEqual(
        overlaps.map(({ files, merge }) => [files[0]?.near, merge.clean]),
        [["overlap", false]],
      );
    });
  }

  it("is told with core.autocrlf as git does it", async () => {
    const two = twoWorktrees(scene, { f: text });
    scene.git(scene.trunk, "config", "core.autocrlf", "true");
    scene.git(scene.trunk, "config", "core.safecrlf", "true");
    put(two.a, { f: withLine(1, "a").replaceAll("\n", "\r\n"), mixed: "one\r\ntwo\n" });
    put(two.b, { f: withLine(10, "b").replaceAll("\n", "\r\n") });
    const { working } = await check(scene, two.a, two.b);
    scene.git(scene.trunk, "config", "--unset", "core.safecrlf");
    commitAll(two, two.a);
    commitAll(two, two.b);
    assertForetold(working, reallyMerge(two), "with converted line ends");
    assert.equal(working.clean, true);
    scene.git(scene.trunk, "config", "--unset", "core.autocrlf");
  });

  it("is not known where objects are missing that only a remote has, which is not asked", async () => {
    const source = twoWorktrees(scene, { f: text, g: text });
    put(source.a, { f: withLine(5, "a") });
    commitAll(source, source.a);
    put(source.b, { f: withLine(5, "b") });
    commitAll(source, source.b);
    scene.git(scene.remote, "config", "uploadpack.allowFilter", "true");
    const [a = "", b = ""] = [source.a, source.b].map((path) => scene.git(path, "rev-parse", "HEAD").trim());
    scene.git(scene.trunk, "push", "-q", "origin", `${a}:refs/heads/pa`, `${b}:refs/heads/pb`);
    const clone = join(scene.root, "partial", "trunk-main");
    scene.git(scene.root, "clone", "-q", "--filter=blob:none", `file://${scene.remote}`, clone);
    for (const name of ["pa", "pb"]) {
      const path = join(scene.root, "partial", name);
      scene.git(clone, "worktree", "add", "-q", "--no-checkout", path, name);
      scene.git(path, "sparse-checkout", "set", "--no-cone", "/nothing");
      scene.git(path, "read-tree", "-m", "HEAD");
    }
    const ran = join(scene.root, "fetched");
    scene.git(clone, "config", "remote.origin.uploadpack", `touch '${ran}'; git-upload-pack`);
    await using imi = await Caller.in(scene, clone);
    const { committed } = await imi.call("overlap.merge-check", { a: "pa", b: "pb" });
    assert.deepEqual([committed.clean, existsSync(ran)], [null, false]);
  });

  it("ends when it is cancelled, and leaves no folder behind", async () => {
    const two = twoWorktrees(scene, { f: text });
    put(two.a, { f: withLine(5, "a") });
    const temporary = mkdtempSync(join(scene.root, "tmp-"));
    const outer = process.env["TMPDIR"];
    process.env["TMPDIR"] = temporary;
    try {
      const controller = new AbortController();
      await using imi = await Caller.in(scene);
      const asked = imi.call(
        "overlap.merge-check",
        { a: two.a, b: two.b },
        { signal: controller.signal, progress: () => controller.abort() },
      );
      await assert.rejects(asked, (error) => ImiError.is(error, "operation/cancelled"));
      const listing = new AbortController();
      const listed = imi.call(
        "overlap.list",
        {},
        { signal: listing.signal, progress: (message) => message.startsWith("Looking") && listing.abort() },
      );
      await assert.rejects(listed, (error) => ImiError.is(error, "operation/cancelled"));
      assert.deepEqual(readdirSync(temporary), []);

      // What a killed process left is taken away once it is old enough to be nobody's.
      for (const [name, ageMs] of [
        ["imi-overlap-999999999-old", 3_600_000],
        ["imi-overlap-999999999-new", 0],
        [`imi-overlap-${process.pid}-mine`, 3_600_000],
        ["somebody-else", 3_600_000],
      ] as const) {
        mkdirSync(join(temporary, name));
        const seconds = (Date.now() - ageMs) / 1000;
        utimesSync(join(temporary, name), seconds, seconds);
      }
      await check(scene, two.a, two.b);
      const kept = ["imi-overlap-999999999-new", `imi-overlap-${process.pid}-mine`, "somebody-else"];
      assert.deepEqual(readdirSync(temporary).toSorted(), kept.toSorted());
    } finally {
      if (outer === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = outer;
    }
  });

  it("is refused by a git that cannot predict merges", async () => {
    const bin = join(scene.root, "old-bin");
    mkdirSync(bin);
    const script =
      '#!/bin/sh\ncase "$*" in *--version*) echo git version 2.37.1;; *) PATH="$OLD_PATH" exec git "$@";; esac\n';
    writeFileSync(join(bin, "git"), script, { mode: 0o755 });
    const two = twoWorktrees(scene, { f: text });
    put(two.a, { f: withLine(5, "a") });
    put(two.b, { f: withLine(5, "b") });
    const path = process.env["PATH"] ?? "";
    process.env["OLD_PATH"] = path;
    process.env["PATH"] = `${bin}:${path}`;
    try {
      await assert.rejects(check(scene, two.a, two.b), isRefused("git/too-old"));
      await using imi = await Caller.in(scene);
      const { overlaps } = await imi.call("overlap.list", { names: [two.a] });
      assert.deepEqual(
        overlaps
          .filter(({ a, b }) => [a, b].every((name) => [two.a, two.b].some((at) => basename(at) === name)))
          .map(({ files, merge }) => [files[0]?.near, merge.clean]),
        [["overlap", null]],
      );
    } finally {
      process.env["PATH"] = path;
      delete process.env["OLD_PATH"];
    }
  });
});
