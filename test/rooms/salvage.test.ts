import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { giveAway, isRoot, mountSmall, nobody } from "../support/odd-scenes.ts";
import { blobAt, commitOf, filesIn, moment, salvageable, treeOf, untouched } from "../support/salvage.ts";
import type { Salvageable } from "../support/salvage.ts";

interface Scene extends AsyncDisposable {
  readonly repository: TestRepository;
  readonly path: string;
  readonly record: string;
  readonly worktree: Salvageable;
  run(...args: string[]): Promise<string>;
  write(name: string, content: string | Buffer): void;
  /** Files of the salvaged working tree equal those on the disk: bytes, modes and links. */
  sameFiles(commit: string, except?: (path: string) => boolean): void;
}

const scene = async (options: Parameters<typeof makeRepository>[0] = {}): Promise<Scene> => {
  const repository = await makeRepository(options);
  const path = join(repository.root, "feat-x");
  await repository.run(["worktree", "add", "-q", "-b", "feat/x", path]);
  const record = join(repository.commonDir, "worktrees", "feat-x");
  const checkout = { name: "feat-x", path, gitDir: record, branch: "feat/x", base: "main" };
  return {
    repository,
    path,
    record,
    worktree: salvageable(checkout, repository.commonDir, repository.trunk),
    run: (...args) => repository.run(args, path),
    write: (name, content) => {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
    },
    sameFiles: (commit, except = () => false) => {
      const kept = new Map([...treeOf(repository.commonDir, commit)].filter(([name]) => !except(name)));
      const there = new Map([...filesIn(path)].filter(([name]) => !except(name)));
      assert.deepEqual(kept, there);
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  };
};

const names = (refs: readonly { readonly ref: string }[]): string[] => refs.map(({ ref }) => ref).toSorted();

describe("a clean worktree", () => {
  it("has its HEAD pinned, and nothing of it is touched", async () => {
    await using it = await scene({ files: 30 });
    const before = [...untouched(it.path), ...untouched(it.record)];
    const kept = await it.worktree.salvage();
    assert.deepEqual(names(kept.refs), ["HEAD"]);
    assert.equal(kept.prefix, "refs/salvage/feat-x/20261121T050102345Z");
    assert.equal(await it.run("rev-parse", `${kept.prefix}/HEAD`), await it.run("rev-parse", "HEAD"));
    assert.deepEqual([...untouched(it.path), ...untouched(it.record)], before);
    assert.deepEqual(readdirSync(join(it.repository.commonDir, "imi-salvage")), [], "no drafts are left");
    assert.equal(existsSync(join(it.record, "FETCH_HEAD")), false);
  });

  it("has commits that were amended away pinned, and those behind HEAD not", async () => {
    await using it = await scene();
    await it.repository.commit("kept", {}, it.path);
    const gone = await it.repository.commit("to be amended", { "a.txt": "1\n" }, it.path);
    await it.run("commit", "-q", "--amend", "-m", "amended");
    const kept = await it.worktree.salvage();
    assert.deepEqual(names(kept.refs), ["HEAD", "reflog/0"]);
    assert.equal(commitOf(kept, "reflog/0"), gone);
  });

  it("costs two processes beside `git status`, and a third where it has commits", async () => {
    await using it = await scene();
    const trace = join(it.repository.root, "trace");
    const processes = async (at: string): Promise<string[]> => {
      process.env["GIT_TRACE2_EVENT"] = trace;
      await it.worktree.salvage(new Date(at));
      delete process.env["GIT_TRACE2_EVENT"];
      const lines = readFileSync(trace, "utf8").split("\n");
      rmSync(trace);
      return lines.flatMap((line) => /"event":"cmd_name".*"name":"([^"]+)"/.exec(line)?.[1] ?? []);
    };
    assert.deepEqual(await processes("2026-01-01"), ["status", "update-ref", "for-each-ref"]);
    await it.repository.commit("one", { "a.txt": "1\n" }, it.path);
    await it.repository.commit("two", { "a.txt": "2\n" }, it.path);
    assert.deepEqual(await processes("2026-01-02"), ["status", "rev-list", "update-ref", "for-each-ref"]);
  });

  it("survives `git gc --prune=now` after its record is gone", async () => {
    await using it = await scene();
    await it.run("checkout", "-q", "--detach");
    const head = await it.repository.commit("on no branch", { "a.txt": "1\n" }, it.path);
    const kept = await it.worktree.salvage();
    const retired = it.worktree.retire(join(it.repository.root, "trash"));
    await it.repository.run(["reflog", "expire", "--expire=all", "--all"]);
    await it.repository.run(["gc", "-q", "--prune=now"]);
    assert.equal(await it.repository.run(["cat-file", "-t", head]), "commit");
    assert.equal(await retired.isSalvaged(kept), true);
  });
});

describe("the working tree that is salvaged", () => {
  it("has every byte, mode and link, whatever the names are", async () => {
    await using it = await scene({ files: 5 });
    it.write("-rf", "dash\n");
    it.write("new\nline", "newline\n");
    it.write(":(top)*.txt", "magic\n");
    it.write('quo"te\\and\ttab', "quote\n");
    it.write("ünïcödé/日本", "utf-8\n");
    writeFileSync(Buffer.concat([Buffer.from(`${it.path}/`), Buffer.from([0x66, 0xff, 0xfe])]), "bytes\n");
    it.write("empty", "");
    it.write("run.sh", "#!/bin/sh\n");
    chmodSync(join(it.path, "run.sh"), 0o755);
    symlinkSync("nowhere", join(it.path, "dangling"));
    symlinkSync("src", join(it.path, "to-folder"));
    rmSync(join(it.path, "src/0/file-1.txt"));
    rmSync(join(it.path, "src/0/file-2.txt"));
    symlinkSync("file-3.txt", join(it.path, "src/0/file-2.txt"));
    const kept = await it.worktree.salvage();
    assert.deepEqual(names(kept.refs), ["HEAD", "index", "state", "worktree"]);
    it.sameFiles(commitOf(kept, "worktree"));
    assert.ok(kept.objects > 10);
  });

  it("has the raw bytes, and runs no filter", async () => {
    await using it = await scene();
    await it.repository.commit(
      "text",
      { ".gitattributes": "*.txt text eol=lf\n*.bin filter=evil\n*.utf working-tree-encoding=UTF-16LE\n$Id$ ident\n" },
      it.path,
    );
    const ran = join(it.repository.root, "ran");
    await it.repository.run(["config", "filter.evil.clean", `touch '${ran}'; cat`]);
    await it.repository.run(["config", "core.fsmonitor", `touch '${ran}'; false`]);
    await it.repository.run(["config", "core.autocrlf", "true"]);
    it.write("crlf.txt", "one\r\ntwo\r\n");
    it.write("mixed.txt", "one\r\ntwo\n");
    it.write("a.bin", "secret $Id$\r\n");
    it.write("b.utf", Buffer.from("\ufeffhello\n", "utf16le"));
    const kept = await it.worktree.salvage();
    it.sameFiles(commitOf(kept, "worktree"));
    assert.equal(existsSync(ran), false, "a program of the repository's configuration was run");
  });

  it("sees edits of the same size in the second of the index", async () => {
    for (let round = 0; round < 20; round++) {
      await using it = await scene();
      it.write("same.txt", "aaaa\n");
      await it.run("add", "-A");
      it.write("same.txt", "bbbb\n");
      const kept = await it.worktree.salvage();
      assert.equal(blobAt(it.repository.commonDir, commitOf(kept, "worktree"), "same.txt").toString(), "bbbb\n");
      assert.equal(blobAt(it.repository.commonDir, commitOf(kept, "index"), "same.txt").toString(), "aaaa\n");
    }
  });

  it("has files that git was told to look away from", async () => {
    await using it = await scene({ files: 12 });
    await it.run("update-index", "--assume-unchanged", "src/0/file-1.txt");
    await it.run("update-index", "--skip-worktree", "src/0/file-2.txt", "src/0/file-3.txt");
    it.write("src/0/file-1.txt", "assumed\n");
    it.write("src/0/file-2.txt", "skipped\n");
    rmSync(join(it.path, "src/0/file-3.txt"));
    const kept = await it.worktree.salvage();
    const tree = treeOf(it.repository.commonDir, commitOf(kept, "worktree"));
    assert.equal(
      blobAt(it.repository.commonDir, commitOf(kept, "worktree"), "src/0/file-1.txt").toString(),
      "assumed\n",
    );
    assert.equal(
      blobAt(it.repository.commonDir, commitOf(kept, "worktree"), "src/0/file-2.txt").toString(),
      "skipped\n",
    );
    assert.ok(tree.has("src/0/file-3.txt"), "what a sparse checkout leaves out is no deletion");
  });

  it("lists sockets and FIFOs, which hold nothing, and waits for nobody at their other end", async () => {
    await using it = await scene();
    execFileSync("mkfifo", [join(it.path, "pipe"), join(it.path, "src/pipe")]);
    it.write("note.txt", "note\n");
    const kept = await it.worktree.salvage();
    const manifest: unknown = JSON.parse(
      blobAt(it.repository.commonDir, commitOf(kept, "state"), "manifest.json").toString(),
    );
    assert.ok(typeof manifest === "object" && manifest !== null && "special" in manifest);
    assert.deepEqual(manifest.special, ["pipe", "src/pipe"]);
  });

  it("leaves out what is ignored, and says so", async () => {
    await using it = await scene();
    it.write(".gitignore", "node_modules/\n*.log\n");
    it.write("node_modules/a/index.js", "1\n");
    it.write("x.log", "1\n");
    const kept = await it.worktree.salvage();
    assert.deepEqual(kept.ignored, { count: 2, examples: ["node_modules/", "x.log"] });
    assert.deepEqual(
      [...treeOf(it.repository.commonDir, commitOf(kept, "worktree")).keys()].filter(
        (name) => !name.startsWith("src/"),
      ),
      [".gitignore"],
    );
  });

  it("is the same where the index is damaged at any length, or gone", async () => {
    await using it = await scene({ files: 40 });
    it.write("src/0/file-1.txt", "changed\n");
    it.write("untracked.txt", "new\n");
    const index = join(it.record, "index");
    const whole = readFileSync(index);
    for (const size of [0, 1, 12, 100, 600, 2000, whole.length - 1]) {
      writeFileSync(index, whole);
      truncateSync(index, size);
      const kept = await it.worktree.salvage();
      it.sameFiles(commitOf(kept, "worktree"));
      assert.deepEqual(blobAt(it.repository.commonDir, commitOf(kept, "state"), "git/index"), whole.subarray(0, size));
    }
    for (const at of [40, 200, whole.length - 5]) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(index, flipped);
      it.sameFiles(commitOf(await it.worktree.salvage(), "worktree"));
    }
    it.write("staged.txt", "only staged\n");
    await it.run("update-index", "--refresh", "-q").catch(() => "");
    writeFileSync(index, whole);
    await it.run("add", "staged.txt");
    const staged = await it.run("rev-parse", ":staged.txt");
    rmSync(join(it.path, "staged.txt"));
    truncateSync(index, statSync(index).size - 3);
    const kept = await it.worktree.salvage();
    assert.ok(treeOf(it.repository.commonDir, commitOf(kept, "state")).has(`index/resolved/${staged}`));
    rmSync(index);
    it.sameFiles(commitOf(await it.worktree.salvage(), "worktree"));
  });
});

describe("a repository", () => {
  it("of SHA-256 is salvaged", async () => {
    await using own = await makeRepository();
    const trunk = join(own.root, "wide");
    mkdirSync(trunk);
    await own.run(["init", "-q", "-b", "main", "--object-format=sha256"], trunk);
    await own.commit("first", { "a.txt": "a\n" }, trunk);
    const path = join(own.root, "wide-x");
    await own.run(["worktree", "add", "-q", "-b", "x", path], trunk);
    writeFileSync(join(path, "a.txt"), "changed\n");
    writeFileSync(join(path, "b.txt"), "new\n");
    await own.run(["add", "b.txt"], path);
    const commonDir = join(trunk, ".git");
    const checkout = { name: "x", path, gitDir: join(commonDir, "worktrees/wide-x"), branch: "x", base: null };
    const worktree = salvageable(checkout, commonDir, trunk);
    const kept = await worktree.salvage();
    assert.deepEqual(treeOf(commonDir, commitOf(kept, "worktree")), filesIn(path, "sha256"));
    assert.equal(await worktree.isSalvaged(kept), true);
  });

  it("that is shallow, borrows its objects, or lacks promised ones is salvaged without fetching", async () => {
    await using origin = await makeRepository({ files: 20 });
    await origin.commit("second", { "src/0/file-0.txt": "two\n" });
    await origin.run(["config", "uploadpack.allowFilter", "true"]);
    const url = `file://${origin.trunk}`;
    for (const [name, ...flags] of [
      ["shallow", "--depth=1", url],
      ["partial", "--filter=blob:none", "--no-checkout", url],
      ["shared", "--shared", origin.trunk],
    ] as const) {
      const trunk = join(origin.root, name);
      await origin.run(["clone", "-q", ...flags, trunk], origin.root);
      const path = join(origin.root, `${name}-x`);
      await origin.run(["worktree", "add", "-q", "-b", "x", path], trunk);
      const commonDir = join(trunk, ".git");
      await origin.run(["remote", "set-url", "origin", "/nowhere"], trunk);
      writeFileSync(join(path, "src/0/file-1.txt"), "changed\n");
      writeFileSync(join(path, "new.txt"), "new\n");
      await origin.run(["add", "new.txt"], path);
      const checkout = { name: "x", path, gitDir: join(commonDir, `worktrees/${name}-x`), branch: "x", base: null };
      const worktree = salvageable(checkout, commonDir, trunk);
      const kept = await worktree.salvage();
      assert.deepEqual(treeOf(commonDir, commitOf(kept, "worktree")), filesIn(path), name);
      assert.equal(await worktree.isSalvaged(kept), true, name);
    }
  });

  it("needs no name of a user, and runs no hook", async () => {
    await using it = await scene();
    const ran = join(it.repository.root, "ran");
    const hooks = join(it.repository.root, "hooks");
    mkdirSync(hooks);
    for (const hook of ["reference-transaction", "pre-commit", "post-checkout", "post-index-change", "pre-auto-gc"]) {
      writeFileSync(join(hooks, hook), `#!/bin/sh\ntouch '${ran}'\nexit 1\n`, { mode: 0o755 });
    }
    await it.repository.run(["config", "core.hooksPath", hooks]);
    await it.repository.run(["config", "commit.gpgSign", "true"]);
    await it.repository.run(["config", "user.name", ""]);
    await it.repository.run(["config", "user.email", ""]);
    it.write("a.txt", "a\n");
    const kept = await it.worktree.salvage();
    assert.match(
      await it.run("log", "-1", "--format=%an <%ae> %cn %ct", commitOf(kept, "worktree")),
      /^iMi <imi@localhost> iMi 1795237262$/,
    );
    assert.equal(existsSync(ran), false);
  });

  it("inside, with configuration that would run programs, runs none of them", async () => {
    await using it = await scene();
    const ran = join(it.repository.root, "ran");
    const inner = join(it.path, "vendor/tool");
    mkdirSync(inner, { recursive: true });
    await it.repository.run(["init", "-q", "-b", "main"], inner);
    await it.repository.commit("inner", { "a.txt": "a\n", ".gitattributes": "* filter=evil diff=evil\n" }, inner);
    const set = (key: string, value: string): Promise<string> => it.repository.run(["config", key, value], inner);
    for (const key of [
      "filter.evil.clean",
      "filter.evil.smudge",
      "core.fsmonitor",
      "core.sshCommand",
      "uploadpack.packObjectsHook",
      "core.alternateRefsCommand",
      "diff.evil.textconv",
      "gpg.program",
    ])
      await set(key, `touch '${ran}'; cat`);
    writeFileSync(join(inner, ".git/hooks/reference-transaction"), `#!/bin/sh\ntouch '${ran}'\n`, { mode: 0o755 });
    writeFileSync(join(inner, "a.txt"), "changed\n");
    const kept = await it.worktree.salvage();
    assert.equal(existsSync(ran), false);
    assert.deepEqual(
      names(kept.refs).filter((name) => name.startsWith("inside/")),
      ["inside/1/HEAD", "inside/1/heads/main", "inside/1/index", "inside/1/state", "inside/1/worktree"],
    );
    assert.equal(blobAt(it.repository.commonDir, commitOf(kept, "inside/1/worktree"), "a.txt").toString(), "changed\n");
  });

  it("inside that is shallow, or damaged, is kept as files, its git directory too", async () => {
    await using it = await scene();
    await it.repository.commit("second", { "b.txt": "b\n" });
    await it.repository.run(["clone", "-q", "--depth=1", `file://${it.repository.trunk}`, join(it.path, "shallow")]);
    writeFileSync(join(it.path, "shallow/note.txt"), "note\n");
    await it.repository.run(["init", "-q", join(it.path, "broken")]);
    await it.repository.commit("lost?", { "c.txt": "c\n" }, join(it.path, "broken"));
    rmSync(join(it.path, "broken/.git/HEAD"));
    const kept = await it.worktree.salvage();
    const { commonDir } = it.repository;
    assert.equal(blobAt(commonDir, commitOf(kept, "inside/1/worktree"), "note.txt").toString(), "note\n");
    assert.ok(treeOf(commonDir, commitOf(kept, "inside/1/git")).has("shallow"));
    assert.equal(blobAt(commonDir, commitOf(kept, "worktree"), "broken/c.txt").toString(), "c\n");
    assert.ok(treeOf(commonDir, commitOf(kept, "state")).has("strays/broken/git/config"));
    await it.repository.run(["fsck", "--connectivity-only"]);
    assert.equal(await it.worktree.isSalvaged(kept), true);
  });
});

describe("a salvage that cannot be complete", () => {
  const refused = async (worktree: Salvageable, code: ImiError["code"], says: RegExp): Promise<void> => {
    await assert.rejects(worktree.salvage(), (error: unknown) => {
      assert.ok(ImiError.is(error, code), String(error));
      assert.match(error.message, says);
      return true;
    });
  };

  it("is refused while somebody writes there, and no ref is left", async () => {
    await using it = await scene();
    const file = join(it.path, "busy.log");
    writeFileSync(file, "");
    const writer = spawn(process.execPath, [
      "-e",
      `const { appendFileSync } = require("fs"); for (;;) appendFileSync(${JSON.stringify(file)}, "x".repeat(1000) + "\\n")`,
    ]);
    try {
      for (let wait = 0; statSync(file).size === 0 && wait < 500; wait++)
        await new Promise((done) => setTimeout(done, 10));
      await refused(it.worktree, "salvage/failed", /busy\.log|feat-x is being worked in/);
    } finally {
      writer.kill("SIGKILL");
      await new Promise((done) => writer.once("close", done));
    }
    assert.equal(await it.repository.run(["for-each-ref", "refs/salvage"]), "");
    const kept = await it.worktree.salvage();
    it.sameFiles(commitOf(kept, "worktree"));
  });

  it("is refused when it is cancelled, at once", async () => {
    await using it = await scene();
    it.write("a.txt", "a\n");
    const abort = new AbortController();
    const salvaging = it.worktree.salvage(moment, abort.signal);
    abort.abort();
    await assert.rejects(salvaging, { code: "operation/cancelled" });
    assert.equal(await it.repository.run(["for-each-ref", "refs/salvage"]), "");
  });

  it("is refused when the disk is full, and no ref is left", async (context) => {
    await using outer = await makeRepository();
    const small = join(outer.root, "small");
    mkdirSync(small);
    const mounted = mountSmall(small, 2_000);
    if (mounted === null) return context.skip("a small disk cannot be mounted here");
    try {
      await using own = await makeRepository({ root: small });
      const path = join(outer.root, "x");
      await own.run(["worktree", "add", "-q", "-b", "x", path]);
      writeFileSync(
        join(path, "large.bin"),
        Buffer.from(Array.from({ length: 4_000_000 }, () => Math.floor(Math.random() * 256))),
      );
      const checkout = { name: "x", path, gitDir: join(own.commonDir, "worktrees/x"), branch: "x", base: null };
      await refused(salvageable(checkout, own.commonDir, own.trunk), "disk/full", /full/);
      assert.equal(await own.run(["for-each-ref", "refs/salvage"]), "");
    } finally {
      mounted.unmount();
    }
  });

  it("names the file or folder that may not be read", async (context) => {
    if (!isRoot) return context.skip("needs root to become somebody else");
    await using it = await scene();
    const attempt = (): Promise<string> => asNobody(it);
    it.write("secret.txt", "secret\n");
    giveAway(it.repository.root, nobody);
    chmodSync(join(it.path, "secret.txt"), 0);
    assert.match(await attempt(), /salvage\/failed .*secret\.txt/);
    rmSync(join(it.path, "secret.txt"));
    mkdirSync(join(it.path, "closed"));
    chmodSync(join(it.path, "closed"), 0);
    assert.match(await attempt(), /salvage\/failed .*closed/);
    rmSync(join(it.path, "closed"), { recursive: true });
    assert.match(await attempt(), /^kept HEAD/);
    writeFileSync(join(it.path, "a.txt"), "a\n");
    for (const folder of execFileSync("find", [join(it.repository.commonDir, "objects"), "-type", "d"], {
      encoding: "utf8",
    })
      .trim()
      .split("\n"))
      chmodSync(folder, 0o500);
    assert.match(await attempt(), /salvage\/failed/);
    assert.equal(
      await it.repository.run(["-c", "safe.directory=*", "for-each-ref", "--format=%(refname)", "refs/salvage"]),
      "refs/salvage/feat-x/20261121T050102345Z/HEAD",
    );
  });
});

/** The salvage in a process of a user who may not do everything. */
const asNobody = async (it: Scene): Promise<string> => {
  const support = new URL("../support/salvage.ts", import.meta.url).href;
  const { checkout } = it.worktree;
  const script = `
    const { salvageable, moment } = await import(${JSON.stringify(support)});
    const worktree = salvageable(${JSON.stringify(checkout)}, ${JSON.stringify(it.repository.commonDir)}, ${JSON.stringify(it.repository.trunk)});
    console.log(await worktree.salvage(moment).then((kept) => "kept " + kept.refs.map(({ ref }) => ref).join(" "), (error) => error.code + " " + error.message));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    uid: nobody,
    gid: nobody,
    env: { ...process.env, HOME: it.repository.root },
    cwd: it.repository.root,
  });
  let said = "";
  for await (const chunk of child.stdout) said += String(chunk);
  return said.trim();
};

describe("whether a worktree is salvaged", () => {
  it("is no longer so after anything was changed, and so again when that is taken back", async () => {
    await using it = await scene({ files: 12 });
    it.write("note.txt", "note\n");
    it.write("staged.txt", "staged\n");
    await it.run("add", "staged.txt");
    const kept = await it.worktree.salvage();
    assert.equal(await it.worktree.isSalvaged(kept), true);
    const changes: [string, () => Promise<unknown> | void, () => Promise<unknown> | void][] = [
      ["a file", () => it.write("note.txt", "more\n"), () => it.write("note.txt", "note\n")],
      ["a mode", () => chmodSync(join(it.path, "note.txt"), 0o755), () => chmodSync(join(it.path, "note.txt"), 0o644)],
      ["another file", () => it.write("b.txt", "b\n"), () => rmSync(join(it.path, "b.txt"))],
      [
        "a deletion",
        () => rmSync(join(it.path, "src/0/file-1.txt")),
        () => it.run("checkout", "--", "src/0/file-1.txt"),
      ],
      ["the index", () => it.run("rm", "-q", "--cached", "staged.txt"), () => it.run("add", "staged.txt")],
      [
        "a pseudo ref",
        () => writeFileSync(join(it.record, "MERGE_MSG"), "half\n"),
        () => rmSync(join(it.record, "MERGE_MSG")),
      ],
    ];
    for (const [what, change, back] of changes) {
      await change();
      assert.equal(await it.worktree.isSalvaged(kept), false, `${what} was changed`);
      await back();
      assert.equal(await it.worktree.isSalvaged(kept), true, `${what} was changed back`);
    }
    await it.run("commit", "-q", "-m", "on");
    assert.equal(await it.worktree.isSalvaged(kept), false, "HEAD moved");
  });

  it("is told by content, whatever the times are", async () => {
    await using it = await scene({ files: 12 });
    it.write("note.txt", "note\n");
    const kept = await it.worktree.salvage();
    for (const name of ["note.txt", "src/0/file-1.txt"]) utimesSync(join(it.path, name), 1_000_000, 1_000_000);
    assert.equal(await it.worktree.isSalvaged(kept), true);
  });

  it("is not so when its refs are gone, or are others", async () => {
    await using it = await scene();
    it.write("note.txt", "note\n");
    const kept = await it.worktree.salvage();
    await it.repository.run(["update-ref", `${kept.prefix}/worktree`, "HEAD"]);
    assert.equal(await it.worktree.isSalvaged(kept), false);
    await assert.rejects(it.worktree.drop(kept), { code: "salvage/failed" });
    assert.equal((await it.repository.run(["for-each-ref", kept.prefix])).split("\n").length, 4, "none was deleted");
    const again = await it.worktree.salvage();
    assert.deepEqual(again, kept, "the same salvage, repeated");
    await it.worktree.drop(kept);
    await it.worktree.drop(kept);
    assert.equal(await it.repository.run(["for-each-ref", kept.prefix]), "");
    assert.equal(await it.worktree.isSalvaged(kept), false);
  });
});

describe("a salvage that is killed", () => {
  for (const point of ["salvage.indexed", "salvage.committed", "salvage.refs", "salvage.verified"]) {
    it(`at ${point} leaves all of its refs or none, and can be repeated`, async () => {
      await using it = await scene();
      it.write("note.txt", "note\n");
      const support = new URL("../support/salvage.ts", import.meta.url).href;
      const script = `
        const { salvageable, moment } = await import(${JSON.stringify(support)});
        await salvageable(${JSON.stringify(it.worktree.checkout)}, ${JSON.stringify(it.repository.commonDir)}, ${JSON.stringify(it.repository.trunk)}).salvage(moment);`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        env: { ...process.env, IMI_TEST_FAULT: point },
        stdio: "ignore",
      });
      const signal = await new Promise((done) => child.once("exit", (_, by) => done(by)));
      assert.equal(signal, "SIGKILL");
      const left = await it.repository.run(["for-each-ref", "--format=%(refname)", "refs/salvage"]);
      assert.equal(
        left === "" ? 0 : left.split("\n").length,
        point === "salvage.indexed" || point === "salvage.committed" ? 0 : 4,
      );
      const kept = await it.worktree.salvage();
      it.sameFiles(commitOf(kept, "worktree"));
      assert.equal(await it.worktree.isSalvaged(kept), true);
      assert.deepEqual(
        readdirSync(join(it.repository.commonDir, "imi-salvage")),
        [],
        "the drafts of the dead are swept away",
      );
    });
  }

  it("while git held its locks can be repeated", async () => {
    await using it = await scene();
    it.write("note.txt", "note\n");
    const folder = join(it.repository.commonDir, "refs/salvage/feat-x/20261121T050102345Z");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "worktree.lock"), "");
    const kept = await it.worktree.salvage();
    assert.deepEqual(names(kept.refs), ["HEAD", "index", "state", "worktree"]);
    appendFileSync(join(it.path, "note.txt"), "more\n");
    assert.equal(await it.worktree.isSalvaged(kept), false);
  });
});
