import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  asIgnorePatterns,
  copyIncludedFiles,
  readWorktreeIncludeSetting,
} from "../../server/src/worktrees/include-files.ts";
import type { Included, IncludeOptions } from "../../server/src/worktrees/include-files.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "imi-include-files-")));
after(() => {
  rmSync(base, { recursive: true, force: true });
});
const windows = process.platform === "win32";

const environment = {
  ...process.env,
  HOME: base,
  GIT_CONFIG_GLOBAL: join(base, "no-config"),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.com",
};
const run = (cwd: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd, env: environment, encoding: "utf8" });

/** A main worktree that ignores `.env*`, `node_modules/`, `*.log`, and a new worktree beside it. */
class Pair {
  readonly from = mkdtempSync(join(base, "main-"));
  readonly to = `${this.from}-new`;
  runs = 0;

  constructor() {
    run(this.from, "init", "-q", "-b", "main");
    this.write(".gitignore", ".env*\nnode_modules/\n*.log\nbuild/*.o\n");
    this.write("tracked.txt", "tracked");
    run(this.from, "add", ".");
    run(this.from, "commit", "-q", "-m", "first");
    run(this.from, "worktree", "add", "-q", "-b", "new", this.to);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.from, path)), { recursive: true });
    writeFileSync(join(this.from, path), text);
  }

  copy(change: Partial<IncludeOptions> = {}): Promise<Included> {
    return copyIncludedFiles({
      from: this.from,
      to: this.to,
      patternsFile: ".worktreeinclude",
      extraGlobs: [],
      git: (cwd, args) => {
        this.runs += 1;
        return promisify(execFile)("git", [...args], { cwd, env: environment, maxBuffer: 2 ** 28 });
      },
      ...change,
    });
  }

  get files(): string[] {
    return readdirSync(this.to, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.to.length + 1))
      .filter((path) => ![".git", ".gitignore", "tracked.txt"].includes(path))
      .sort();
  }
}

describe(".worktreeinclude", { skip: windows }, () => {
  test("without patterns git is not run", async () => {
    const pair = new Pair();
    pair.write(".env", "1");
    assert.deepEqual(await pair.copy(), { copied: 0, bytes: 0, skipped: [] });
    pair.write(".worktreeinclude", "# only a comment\n\n");
    assert.deepEqual(await pair.copy(), { copied: 0, bytes: 0, skipped: [] });
    assert.equal(pair.runs, 0);
  });

  test("files that match and are ignored are copied; tracked and visible ones are not", async () => {
    const pair = new Pair();
    pair.write(".worktreeinclude", ".env*\n!.env.example\n*.txt\nbuild/\nconfig/*.log\n");
    for (const path of [
      ".env",
      ".env.local",
      ".env.example",
      "sub/.env",
      "visible.txt",
      "build/a.o",
      "build/a.c",
      "config/x.log",
      "y.log",
    ]) {
      pair.write(path, path);
    }
    const result = await pair.copy();
    assert.deepEqual(pair.files, [".env", ".env.local", "build/a.o", "config/x.log", "sub/.env"]);
    assert.deepEqual(result, { copied: 5, bytes: pair.files.join("").length, skipped: [] });
    assert.equal(pair.runs, 2);
    assert.equal(run(pair.to, "status", "--porcelain"), "");
  });

  test("whole folders are copied, with modes, times and links as links", async () => {
    const pair = new Pair();
    pair.write(".worktreeinclude", "node_modules\n");
    pair.write("node_modules/a/index.js", "x");
    pair.write("node_modules/a/bin.sh", "x");
    chmodSync(join(pair.from, "node_modules/a/bin.sh"), 0o751);
    utimesSync(join(pair.from, "node_modules/a/bin.sh"), 1000, 2000.5);
    mkdirSync(join(pair.from, "node_modules/.bin"));
    symlinkSync("../a/bin.sh", join(pair.from, "node_modules/.bin/a"));
    symlinkSync("a", join(pair.from, "node_modules/alias"));
    assert.equal((await pair.copy()).copied, 4);
    const found = lstatSync(join(pair.to, "node_modules/a/bin.sh"));
    assert.deepEqual([found.mode & 0o777, found.mtimeMs], [0o751, 2_000_500]);
    assert.equal(readlinkSync(join(pair.to, "node_modules/.bin/a")), "../a/bin.sh");
    assert.equal(readlinkSync(join(pair.to, "node_modules/alias")), "a");
  });

  test("nothing there is overwritten, and nothing is written through a link", async () => {
    const pair = new Pair();
    const outside = mkdtempSync(join(base, "outside-"));
    pair.write(".worktreeinclude", ".env*\nnode_modules\n*.log\n");
    for (const path of [".env", ".env.linked", "node_modules/x", "file/y.log", "ok.log"]) pair.write(path, "new");
    writeFileSync(join(pair.to, ".env"), "there");
    symlinkSync(join(outside, "made"), join(pair.to, ".env.linked"));
    symlinkSync(outside, join(pair.to, "node_modules"));
    writeFileSync(join(pair.to, "file"), "there");
    const result = await pair.copy();
    assert.equal(result.copied, 1);
    assert.deepEqual(result.skipped.map(({ path }) => path).sort(), [
      ".env",
      ".env.linked",
      "file/y.log",
      "node_modules/x",
    ]);
    assert.equal(readFileSync(join(pair.to, ".env"), "utf8"), "there");
    assert.deepEqual(readdirSync(outside), []);
  });

  test("repositories within, pipes and names of any kind", async () => {
    const pair = new Pair();
    pair.write(".worktreeinclude", "node_modules\nvendor\n*.log\n");
    for (const folder of ["node_modules/own", "vendor"]) {
      pair.write(`${folder}/x.log`, "1");
      run(join(pair.from, folder), "init", "-q");
    }
    for (const name of ["new\nline.log", "ünï[*]?.log", " .log", "-x.log", '"q".log']) pair.write(name, name);
    execFileSync("mkfifo", [join(pair.from, "pipe.log")]);
    const result = await pair.copy();
    assert.equal(result.copied, 5);
    for (const name of ["new\nline.log", "ünï[*]?.log", " .log", "-x.log", '"q".log']) {
      assert.equal(readFileSync(join(pair.to, name), "utf8"), name);
    }
    assert.deepEqual(
      result.skipped.filter(({ path }) => path !== "pipe.log"),
      [{ path: "node_modules/own/", reason: "it is a repository of its own" }],
    );
  });

  test("a .worktreeinclude that is a pipe, a folder or too large is said", async () => {
    const pair = new Pair();
    execFileSync("mkfifo", [join(pair.from, ".worktreeinclude")]);
    assert.deepEqual((await pair.copy()).skipped, [{ path: ".worktreeinclude", reason: "it is not a file" }]);
    rmSync(join(pair.from, ".worktreeinclude"));
    pair.write(".worktreeinclude", "x\n".repeat(600_000));
    assert.deepEqual((await pair.copy()).skipped, [{ path: ".worktreeinclude", reason: "it is larger than 1 MB" }]);
    assert.equal(pair.runs, 0);
  });

  test("limits are kept and said, and cancelling stops with everything at rest", async () => {
    const pair = new Pair();
    pair.write(".worktreeinclude", "*.log\n");
    for (let count = 0; count < 300; count += 1) pair.write(`many/${count}.log`, "x");
    const limited = await pair.copy({ limits: { files: 40, bytes: 1000 } });
    assert.equal(limited.copied, 40);
    assert.equal(limited.skipped.length, 101);
    assert.deepEqual(limited.skipped.at(-1), { path: "…", reason: "and 160 more" });
    rmSync(join(pair.to, "many"), { recursive: true });
    const controller = new AbortController();
    const copying = pair.copy({ signal: controller.signal });
    const watch = setInterval(() => {
      if (existsSync(join(pair.to, "many"))) controller.abort();
    }, 1);
    await copying.then(
      () => undefined,
      (error: unknown) => assert.equal(error instanceof Error && error.name, "AbortError"),
    );
    clearInterval(watch);
    const count = pair.files.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(pair.files.length, count);
    await assert.rejects(pair.copy({ signal: AbortSignal.abort() }), { name: "AbortError" });
  });
});

describe("git.worktreeIncludeFiles", { skip: windows }, () => {
  test("is read from the settings with comments, and bad settings are ignored with a note", async () => {
    const pair = new Pair();
    assert.deepEqual(await readWorktreeIncludeSetting(pair.from), { globs: [], note: null });
    pair.write(".vscode/settings.json", '{ // mine\n "git.worktreeIncludeFiles": ["**/.env{,.local}",], }');
    assert.deepEqual(await readWorktreeIncludeSetting(pair.from), { globs: ["**/.env{,.local}"], note: null });
    pair.write(".vscode/settings.json", '{ "editor.tabSize": 2 ');
    assert.deepEqual(await readWorktreeIncludeSetting(pair.from), { globs: [], note: null });
    for (const bad of [
      '{ "git.worktreeIncludeFiles": [',
      '{ "git.worktreeIncludeFiles": "x" }',
      '{ "git.worktreeIncludeFiles": [1] }',
    ]) {
      pair.write(".vscode/settings.json", bad);
      const { globs, note } = await readWorktreeIncludeSetting(pair.from);
      assert.deepEqual(globs, []);
      assert.match(note ?? "", /git\.worktreeIncludeFiles/);
    }
    rmSync(join(pair.from, ".vscode/settings.json"));
    execFileSync("mkfifo", [join(pair.from, ".vscode/settings.json")]);
    assert.match((await readWorktreeIncludeSetting(pair.from)).note ?? "", /is not a file/);
  });

  test("its globs are anchored at the top and know braces; both sources are joined", async () => {
    const pair = new Pair();
    pair.write(".worktreeinclude", "only.log\n");
    for (const path of [
      ".env",
      ".env.local",
      ".env.other",
      "sub/.env",
      "sub/deep/x.log",
      "only.log",
      "node_modules/a/b",
    ]) {
      pair.write(path, "1");
    }
    await pair.copy({ extraGlobs: [".env{,.local}", "**/*.{log,txt}", "node_modules/**", "../**", ""] });
    assert.deepEqual(pair.files, [".env", ".env.local", "node_modules/a/b", "only.log", "sub/deep/x.log"]);
  });

  test("a glob with very many choices is bounded", () => {
    const started = performance.now();
    assert.ok(asIgnorePatterns("{a,b}".repeat(40)).length <= 256);
    assert.ok(asIgnorePatterns("{".repeat(50_000)).length <= 1);
    assert.ok(asIgnorePatterns(`${"{a,".repeat(2000)}b${"}".repeat(2000)}`).length <= 256);
    assert.ok(performance.now() - started < 1000);
    assert.deepEqual(asIgnorePatterns("a{b,c{d,e}}").sort(), ["/ab", "/acd", "/ace"]);
  });
});
