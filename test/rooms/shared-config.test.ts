import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  applySharedConfig,
  sharedConfigBackups,
  watchSharedConfig,
} from "../../server/src/worktrees/shared-config/index.ts";
import type {
  SharedConfigOptions,
  SharedConfigResult,
  WorktreePlace,
} from "../../server/src/worktrees/shared-config/index.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "imi-shared-config-")));
after(() => {
  rmSync(base, { recursive: true, force: true });
});

const room = join(import.meta.dirname, "../../server/src/worktrees/shared-config/index.ts");
const isRoot = process.getuid?.() === 0;
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
const git = (cwd: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd, env: environment, encoding: "utf8" });

/** A container with trunk-main, feat-a, feat-b; the repository tracks `tracked.txt` and `dir/tracked.txt`. */
class Project {
  readonly container: string;
  readonly worktrees: WorktreePlace[] = [];
  asked = 0;
  options: SharedConfigOptions;

  constructor(container = mkdtempSync(join(base, "p-"))) {
    this.container = container;
    const trunk = join(container, "trunk-main");
    mkdirSync(join(trunk, "dir"), { recursive: true });
    git(trunk, "init", "-q", "-b", "main");
    writeFileSync(join(trunk, "tracked.txt"), "tracked\n");
    writeFileSync(join(trunk, "dir/tracked.txt"), "tracked\n");
    git(trunk, "add", ".");
    git(trunk, "commit", "-q", "-m", "first");
    this.worktrees.push({ name: "trunk-main", path: trunk });
    this.add("feat-a");
    this.add("feat-b");
    this.options = {
      container,
      globalPath: "sync/global",
      repoPath: "sync/repo",
      patterns: ["**"],
      commonDir: join(trunk, ".git"),
      trackedIn: async (worktree, paths) => {
        this.asked += 1;
        const { stdout } = await promisify(execFile)("git", ["ls-files", "-z", "--", ...paths], {
          cwd: worktree,
          env: { ...environment, GIT_LITERAL_PATHSPECS: "1" },
        });
        return new Set(stdout.split("\0").filter((path) => path !== ""));
      },
    };
  }

  add(name: string): WorktreePlace {
    const worktree = { name, path: join(this.container, name) };
    git(join(this.container, "trunk-main"), "worktree", "add", "-q", "-b", `b/${name}`, worktree.path);
    this.worktrees.push(worktree);
    return worktree;
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }

  at(path: string): string {
    return join(this.container, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  apply(change: Partial<SharedConfigOptions> = {}, worktrees = this.worktrees): Promise<SharedConfigResult> {
    return applySharedConfig({ ...this.options, ...change }, worktrees);
  }

  status(worktree = "feat-a"): string {
    return git(this.at(worktree), "status", "--porcelain");
  }

  get exclude(): string {
    return join(this.options.commonDir, "info", "exclude");
  }
}

const brief = (result: SharedConfigResult, worktree = "feat-a"): string[] =>
  result.actions
    .filter((action) => action.worktree === worktree)
    .map(({ path, action, detail }) => `${action} ${path}${detail === null ? "" : `: ${detail}`}`);

describe("linking", { skip: windows }, () => {
  test("every file of sync/global and sync/repo is linked in every worktree, relative and into sync/", async () => {
    const project = new Project();
    project.write("sync/global/coding-rules.md", "rules");
    project.write("sync/repo/.env", "A=1");
    project.write("sync/repo/.vscode/settings.json", "{}");
    const result = await project.apply();
    assert.equal(result.actions.length, 9);
    for (const { path } of project.worktrees) {
      assert.equal(readlinkSync(join(path, ".env")), "../sync/repo/.env");
      assert.equal(readlinkSync(join(path, "coding-rules.md")), "../sync/global/coding-rules.md");
      assert.equal(readlinkSync(join(path, ".vscode/settings.json")), "../../sync/repo/.vscode/settings.json");
      assert.ok(lstatSync(join(path, ".vscode")).isDirectory());
      assert.equal(readFileSync(join(path, ".env"), "utf8"), "A=1");
    }
    assert.equal(project.asked, 0);
  });

  test("a second time finds everything right and writes nothing", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "A=1");
    await project.apply();
    const before = statSync(project.exclude).mtimeMs;
    assert.deepEqual(await project.apply(), { verified: 3, actions: [] });
    assert.equal(statSync(project.exclude).mtimeMs, before);
  });

  test("without sync/ nothing is done and nothing is made", async () => {
    const project = new Project();
    const exclude = readFileSync(project.exclude);
    assert.deepEqual(await project.apply(), { verified: 0, actions: [] });
    assert.deepEqual(readFileSync(project.exclude), exclude);
    assert.ok(!existsSync(join(project.options.commonDir, "imi")));
  });

  test("sync/repo wins over sync/global, and the global file comes back when the other goes", async () => {
    const project = new Project();
    project.write("sync/global/.env", "global");
    project.write("sync/repo/.env", "repo");
    await project.apply();
    assert.equal(project.read("feat-a/.env"), "repo");
    rmSync(project.at("sync/repo/.env"));
    await project.apply();
    assert.equal(project.read("feat-a/.env"), "global");
  });

  test("a name that is a file in one folder and a folder in the other is taken from sync/repo, and said", async () => {
    const project = new Project();
    project.write("sync/global/conf", "file");
    project.write("sync/repo/conf/x", "inside");
    const result = await project.apply();
    assert.equal(project.read("feat-a/conf/x"), "inside");
    assert.match(brief(result, "sync").join(), /^skipped sync\/global\/conf: /);
  });

  test("only files that match the patterns are linked, and narrowing the patterns removes links", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    project.write("sync/repo/.vscode/settings.json", "{}");
    project.write("sync/repo/.Env", "other case");
    await project.apply();
    assert.ok(existsSync(project.at("feat-a/.vscode/settings.json")));
    const result = await project.apply({ patterns: [".env"] });
    assert.deepEqual(brief(result), ["unlinked .Env", "unlinked .vscode/settings.json"]);
    assert.ok(!existsSync(project.at("feat-a/.vscode")));
    assert.equal(project.read("feat-a/.env"), "1");
  });

  test("one new worktree gets its links and the others keep theirs", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await project.apply();
    const added = project.add("feat-c");
    const result = await project.apply({}, [added]);
    assert.deepEqual(brief(result, "feat-c"), ["linked .env"]);
    assert.equal(project.read("feat-a/.env"), "1");
  });

  test("a worktree elsewhere, reached by a symbolic link, gets links that work", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    const far = join(base, "far", "away");
    mkdirSync(far, { recursive: true });
    symlinkSync(far, project.at("near"));
    git(project.at("trunk-main"), "worktree", "add", "-q", "-b", "far", join(far, "feat-far"));
    await project.apply({}, [{ name: "feat-far", path: project.at("near/feat-far") }]);
    assert.equal(readFileSync(join(far, "feat-far/.env"), "utf8"), "1");
  });
});

describe("what is in the way", { skip: windows }, () => {
  test("a file is backed up beside, never over an older backup, and neither shows in git status", async () => {
    const project = new Project();
    project.write("feat-a/.env", "mine");
    project.write("feat-a/.env.backup", "older");
    project.write("feat-b/.env", "mine too");
    project.write("sync/repo/.env", "shared");
    const result = await project.apply();
    assert.deepEqual(brief(result), ["backed-up .env: kept as .env.backup.1", "linked .env"]);
    assert.equal(project.read("feat-a/.env"), "shared");
    assert.equal(project.read("feat-a/.env.backup"), "older");
    assert.equal(project.read("feat-a/.env.backup.1"), "mine");
    assert.equal(project.read("feat-b/.env.backup"), "mine too");
    assert.equal(project.status("feat-a"), "");
    assert.equal(project.status("feat-b"), "");
    assert.deepEqual(sharedConfigBackups(project.options.commonDir, project.at("feat-b")), [".env.backup"]);
    assert.deepEqual(sharedConfigBackups(project.options.commonDir, project.at("trunk-main")), []);
  });

  test("a file with the same bytes is replaced without a backup", async () => {
    const project = new Project();
    project.write("feat-a/.env", "same");
    project.write("sync/repo/.env", "same");
    assert.deepEqual(brief(await project.apply()), ["linked .env"]);
    assert.ok(!existsSync(project.at("feat-a/.env.backup")));
  });

  test("a tracked file is never replaced, and git is not run to know", async () => {
    const project = new Project();
    project.write("sync/repo/tracked.txt", "shared");
    project.write("sync/repo/dir/tracked.txt", "shared");
    project.write("sync/repo/acked.txt", "end of a tracked name");
    const result = await project.apply();
    assert.deepEqual(
      brief(result),
      [
        "linked acked.txt",
        "skipped dir/tracked.txt: git tracks a file of this name here",
        "skipped tracked.txt: git tracks a file of this name here",
      ].sort((a, b) => Number(b.startsWith("skipped")) - Number(a.startsWith("skipped"))),
    );
    assert.equal(project.status(), "");
    assert.equal(project.asked, 0);
  });

  test("a tracked file that the user deleted is not replaced by a link", async () => {
    const project = new Project();
    rmSync(project.at("feat-a/tracked.txt"));
    project.write("sync/repo/tracked.txt", "shared");
    await project.apply();
    assert.ok(!existsSync(project.at("feat-a/tracked.txt")));
    assert.equal(project.status(), " D tracked.txt\n");
  });

  for (const [what, prepare] of [
    ["version 4", (path: string) => git(path, "update-index", "--index-version", "4")],
    ["split", (path: string) => git(path, "update-index", "--split-index")],
    ["sparse", (path: string) => git(path, "sparse-checkout", "set", "--cone", "--sparse-index", "dir")],
    [
      "damaged",
      (path: string) => writeFileSync(join(git(path, "rev-parse", "--absolute-git-dir").trim(), "index"), "x"),
    ],
  ] as const) {
    test(`where the index is ${what}, git is asked, once`, async () => {
      const project = new Project();
      prepare(project.at("feat-a"));
      project.write("sync/repo/tracked.txt", "shared");
      project.write("sync/repo/.env", "1");
      const asked: string[][] = [];
      const trackedIn = async (_worktree: string, paths: readonly string[]): Promise<ReadonlySet<string>> => {
        asked.push([...paths]);
        return new Set(["tracked.txt"]);
      };
      const result = await project.apply({ trackedIn }, project.worktrees.slice(1, 2));
      assert.deepEqual(asked, [[".env", "tracked.txt"]]);
      assert.deepEqual(brief(result), ["skipped tracked.txt: git tracks a file of this name here", "linked .env"]);
    });
  }

  test("an index with extended entries, long names and file names of any kind is read as git reads it", async () => {
    const project = new Project();
    const names = [
      "intent",
      `${"long/".repeat(40)}name`,
      `deep/${"x".repeat(200)}/${"y".repeat(200)}`,
      "ünï\ncode",
      "a[b]",
    ];
    for (let count = 0; count < 40; count += 1) names.push(`pad/${"p".repeat(count)}q`);
    for (const name of names) project.write(`feat-a/${name}`, "1");
    git(project.at("feat-a"), "add", "-N", "intent");
    git(project.at("feat-a"), "add", "--", ...names.slice(1));
    git(project.at("feat-a"), "rm", "-q", "--cached", "--", "tracked.txt");
    for (const name of [...names, "tracked.txt", "inten", "q"]) project.write(`sync/repo/${name}`, "shared");
    const result = await project.apply({}, project.worktrees.slice(1, 2));
    assert.equal(project.asked, 0);
    const linked = result.actions.filter(({ action }) => action === "linked").map(({ path }) => path);
    assert.deepEqual(linked.sort(), ["inten", "q", "tracked.txt"]);
  });

  test("a foreign symbolic link, a folder, a pipe and a file in place of a folder are left and said", async () => {
    const project = new Project();
    for (const name of ["foreign", "folder", "pipe", "file/x", "linked/y", "loop"]) {
      project.write(`sync/repo/${name}`, "shared");
    }
    mkdirSync(join(base, "elsewhere"), { recursive: true });
    symlinkSync("/etc/hosts", project.at("feat-a/foreign"));
    symlinkSync("loop", project.at("feat-a/loop"));
    mkdirSync(project.at("feat-a/folder"));
    execFileSync("mkfifo", [project.at("feat-a/pipe")]);
    project.write("feat-a/file", "a file");
    symlinkSync(join(base, "elsewhere"), project.at("feat-a/linked"));
    const result = brief(await project.apply({}, project.worktrees.slice(1, 2)));
    assert.equal(result.length, 6);
    assert.ok(result.every((line) => line.startsWith("skipped")));
    assert.equal(readlinkSync(project.at("feat-a/foreign")), "/etc/hosts");
    assert.equal(project.read("feat-a/file"), "a file");
    assert.deepEqual(readdirSync(join(base, "elsewhere")), []);
    assert.equal((await project.apply()).actions.filter(({ worktree }) => worktree === "feat-a").length, 6);
  });

  test("a link into sync/ that leads to the wrong file is put right", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "right");
    project.write("sync/repo/other", "wrong");
    symlinkSync("../sync/repo/other", project.at("feat-a/.env"));
    symlinkSync("../sync/repo/gone", project.at("feat-b/.env"));
    await project.apply();
    assert.equal(project.read("feat-a/.env"), "right");
    assert.equal(project.read("feat-b/.env"), "right");
  });

  test("links are not made inside a repository within the worktree", async () => {
    const project = new Project();
    mkdirSync(project.at("feat-a/vendor"));
    git(project.at("feat-a/vendor"), "init", "-q");
    project.write("sync/repo/vendor/.env", "1");
    assert.match(brief(await project.apply()).join(), /skipped vendor\/\.env: .*repository of its own/);
    assert.ok(!existsSync(project.at("feat-a/vendor/.env")));
  });

  test("a read-only worktree is said, and the others are served", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    chmodSync(project.at("feat-a"), 0o555);
    chmodSync(base, 0o755);
    chmodSync(project.container, 0o777);
    if (isRoot) own(project.container, 65_534);
    const result = await applyInChild(project, isRoot ? 65_534 : null);
    chmodSync(project.at("feat-a"), 0o755);
    assert.match(brief(result).join(), /^skipped \.env: .*cannot be written \(EACCES\)/);
    assert.deepEqual(brief(result, "feat-b"), ["linked .env"]);
  });
});

describe("what goes", { skip: windows }, () => {
  test("a file removed from sync/ loses its links, and folders made for them go when empty", async () => {
    const project = new Project();
    project.write("sync/repo/a/b/c", "1");
    project.write("sync/repo/.env", "1");
    mkdirSync(project.at("feat-b/a"));
    await project.apply();
    rmSync(project.at("sync/repo/a"), { recursive: true });
    assert.deepEqual(brief(await project.apply()), ["unlinked a/b/c"]);
    assert.ok(!existsSync(project.at("feat-a/a")));
    assert.deepEqual(readdirSync(project.at("feat-b/a")), [], "the folder that the user made stays");
    assert.deepEqual(await project.apply(), { verified: 3, actions: [] });
  });

  test("removed while only one worktree is looked at, it is remembered for the others", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await project.apply();
    rmSync(project.at("sync"), { recursive: true });
    await project.apply({}, project.worktrees.slice(1, 2));
    assert.ok(lstatSync(project.at("feat-b/.env")).isSymbolicLink());
    await project.apply();
    assert.equal(lstatSync(project.at("feat-b/.env"), { throwIfNoEntry: false }), undefined);
    assert.ok(!existsSync(join(project.options.commonDir, "imi/shared")));
  });

  test("what the user put in the place of a link stays when the file goes", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await project.apply();
    rmSync(project.at("feat-a/.env"));
    project.write("feat-a/.env", "mine");
    rmSync(project.at("feat-b/.env"));
    symlinkSync("/etc/hosts", project.at("feat-b/.env"));
    rmSync(project.at("sync/repo/.env"));
    assert.deepEqual(
      (await project.apply()).actions.map(({ worktree }) => worktree),
      ["trunk-main"],
    );
    assert.equal(project.read("feat-a/.env"), "mine");
    assert.equal(readlinkSync(project.at("feat-b/.env")), "/etc/hosts");
  });

  test("a file of sync/ that became a folder, and the other way round, is settled", async () => {
    const project = new Project();
    project.write("sync/repo/conf", "1");
    project.write("sync/repo/tree/x", "1");
    await project.apply();
    rmSync(project.at("sync/repo/conf"));
    project.write("sync/repo/conf/inner", "2");
    rmSync(project.at("sync/repo/tree"), { recursive: true });
    project.write("sync/repo/tree", "2");
    await project.apply();
    assert.equal(project.read("feat-a/conf/inner"), "2");
    assert.equal(project.read("feat-a/tree"), "2");
    assert.equal(project.status(), "");
  });

  test("a file of sync/ that became a link out of it loses its links", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await project.apply();
    rmSync(project.at("sync/repo/.env"));
    symlinkSync("/etc/passwd", project.at("sync/repo/.env"));
    const result = await project.apply();
    assert.equal(lstatSync(project.at("feat-a/.env"), { throwIfNoEntry: false }), undefined);
    assert.match(brief(result, "sync").join(), /leads out of sync\//);
  });

  test("when sync/ cannot be read, no link is removed", { skip: !isRoot }, async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    project.write("sync/repo/sub/x", "1");
    chmodSync(base, 0o755);
    chmodSync(project.container, 0o777);
    own(project.container, 65_534);
    await applyInChild(project, 65_534);
    chmodSync(project.at("sync/repo/sub"), 0);
    const result = await applyInChild(project, 65_534);
    chmodSync(project.at("sync/repo/sub"), 0o755);
    assert.match(brief(result, "sync").join(), /skipped sync\/repo\/sub: it cannot be read/);
    assert.ok(lstatSync(project.at("feat-a/sub/x")).isSymbolicLink());
    own(project.container, 0);
    assert.equal(project.status(), "");
  });
});

describe("hostile sync/ folders", { skip: windows }, () => {
  test("links inside sync/ are used when they stay inside, else skipped and said", async () => {
    const project = new Project();
    project.write("sync/repo/real", "1");
    project.write("sync/shared/common", "2");
    symlinkSync("real", project.at("sync/repo/alias"));
    symlinkSync("../shared/common", project.at("sync/repo/common"));
    symlinkSync("/etc/passwd", project.at("sync/repo/out"));
    symlinkSync("../../trunk-main/tracked.txt", project.at("sync/repo/beside"));
    symlinkSync("loop", project.at("sync/repo/loop"));
    symlinkSync(".", project.at("sync/repo/self"));
    symlinkSync("nowhere", project.at("sync/repo/dangling"));
    execFileSync("mkfifo", [project.at("sync/repo/pipe")]);
    mkdirSync(project.at("sync/repo/.git"));
    project.write("sync/repo/sub/.GIT/config", "x");
    const result = await project.apply();
    assert.deepEqual(readdirSync(project.at("feat-a")).sort(), [
      ".git",
      "alias",
      "common",
      "dir",
      "real",
      "tracked.txt",
    ]);
    const skipped = result.actions.filter(({ worktree }) => worktree === "sync").map(({ path }) => path);
    assert.deepEqual(
      skipped.sort(),
      [".git", "beside", "dangling", "loop", "out", "pipe", "self", "sub/.GIT"].map((name) => `sync/repo/${name}`),
    );
  });

  test("sync/repo or sync/ itself leading elsewhere is not followed", async () => {
    const project = new Project();
    const outside = mkdtempSync(join(base, "outside-"));
    writeFileSync(join(outside, "secret"), "1");
    mkdirSync(project.at("sync"));
    symlinkSync(outside, project.at("sync/repo"));
    project.write("sync/global/ok", "1");
    assert.match(brief(await project.apply(), "sync").join(), /skipped sync\/repo: it is a symbolic link out of sync/);
    assert.deepEqual(readdirSync(project.at("feat-a")).sort(), [".git", "dir", "ok", "tracked.txt"]);
    rmSync(project.at("sync"), { recursive: true });
    mkdirSync(join(outside, "repo"));
    writeFileSync(join(outside, "repo/secret"), "1");
    symlinkSync(outside, project.at("sync"));
    await project.apply();
    assert.deepEqual(readdirSync(project.at("feat-a")).sort(), [".git", "dir", "tracked.txt"]);
  });

  test("a sync folder that holds the worktrees is refused", async () => {
    const project = new Project();
    for (const repoPath of [".", "..", "trunk-main", "../.."]) {
      const result = await project.apply({ repoPath });
      assert.equal(result.actions.filter(({ action }) => action === "linked").length, 0, repoPath);
    }
  });

  test("names with newlines, unicode, blanks and glob characters are linked and excluded, and only they", async () => {
    const project = new Project();
    const names = [
      "new\nline",
      "ünïcødé-日本",
      "star*",
      "que?",
      "[x]",
      "back\\slash",
      "#hash",
      "!bang",
      "end ",
      " ",
      "r\r",
      "-dash",
      '"q"',
    ];
    for (const name of names) project.write(`sync/repo/${name}`, "1");
    project.write("feat-a/starry", "mine");
    project.write("feat-a/x", "mine");
    await project.apply();
    for (const name of names)
      assert.equal(readFileSync(project.at(`feat-a/${name}`), "utf8"), "1", JSON.stringify(name));
    assert.equal(project.status(), "?? starry\n?? x\n");
    assert.deepEqual(await project.apply(), { verified: 3 * names.length, actions: [] });
  });

  test("a name that is not UTF-8 is skipped and said", { skip: process.platform !== "linux" }, async () => {
    const project = new Project();
    mkdirSync(project.at("sync/repo"), { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${project.at("sync/repo")}/bad`), Buffer.of(0xff)]), "1");
    assert.match(brief(await project.apply(), "sync").join(), /its name is not UTF-8/);
  });

  test("a damaged record is an empty one", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await project.apply();
    const folder = join(project.options.commonDir, "imi/shared");
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".json"))
        writeFileSync(join(folder, name), '{"placed":["../../x","/etc/passwd",3,".git/config"]');
    }
    assert.deepEqual(await project.apply(), { verified: 3, actions: [] });
    rmSync(project.at("sync/repo/.env"));
    assert.deepEqual(brief(await project.apply()), ["unlinked .env"]);
  });

  test("a worktree that is gone is said and does not stop the others", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    rmSync(project.at("feat-a"), { recursive: true });
    const result = await project.apply();
    assert.deepEqual(brief(result), ["skipped .: the worktree's folder cannot be read (ENOENT)"]);
    assert.deepEqual(brief(result, "feat-b"), ["linked .env"]);
  });

  test("cancelling stops with an AbortError and the next call finishes", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    await assert.rejects(applySharedConfig(project.options, project.worktrees, AbortSignal.abort()), {
      name: "AbortError",
    });
    assert.equal((await project.apply()).actions.length, 3);
  });
});

describe("the exclude file", { skip: windows }, () => {
  const block = "# >>> iMi shared config (managed)\n/.env\n# <<< iMi shared config\n";

  test("keeps every byte of the user, his mode and his missing last newline", async () => {
    const project = new Project();
    const his = Buffer.concat([Buffer.from("# mine\r\n\n  *.tmp\n"), Buffer.of(0xff, 0xfe), Buffer.from("\nlast")]);
    writeFileSync(project.exclude, his);
    chmodSync(project.exclude, 0o640);
    project.write("sync/repo/.env", "1");
    await project.apply();
    assert.deepEqual(readFileSync(project.exclude), Buffer.concat([his, Buffer.from(`\n${block}`)]));
    assert.equal(statSync(project.exclude).mode & 0o777, 0o640);
    assert.equal(project.status(), "");
    rmSync(project.at("sync/repo/.env"));
    await project.apply();
    assert.deepEqual(readFileSync(project.exclude), Buffer.concat([his, Buffer.from("\n")]));
  });

  for (const [what, damage] of [
    ["its end is gone", (text: string) => text.replace("# <<< iMi shared config\n", "/his-anchored\n")],
    ["its start is gone", (text: string) => text.replace("# >>> iMi shared config (managed)\n", "/his-anchored\n")],
    ["he wrote into it", (text: string) => text.replace("/.env\n", "/.env\n/his-anchored\n")],
    ["it is there twice", (text: string) => `${text}/his-anchored\n${text}`],
    ["it is there twice, once open", (text: string) => `# >>> iMi shared config (managed)\n/his-anchored\n${text}`],
  ] as const) {
    test(`is repaired when ${what}, without losing his lines`, async () => {
      const project = new Project();
      writeFileSync(project.exclude, "first\n");
      project.write("sync/repo/.env", "1");
      await project.apply();
      writeFileSync(project.exclude, `${damage(readFileSync(project.exclude, "utf8"))}last\n`);
      await project.apply();
      const repaired = readFileSync(project.exclude, "utf8");
      assert.equal(repaired.split(block).length, 2, repaired);
      assert.match(repaired, /^\/his-anchored$/m);
      assert.match(repaired, /^first$/m);
      assert.match(repaired, /^last$/m);
      const once = readFileSync(project.exclude);
      await project.apply();
      assert.deepEqual(readFileSync(project.exclude), once);
    });
  }

  test("is made when the clone has no info folder, and written where the user linked it to", async () => {
    const project = new Project();
    rmSync(dirname(project.exclude), { recursive: true });
    project.write("sync/repo/.env", "1");
    await project.apply();
    assert.equal(readFileSync(project.exclude, "utf8"), block);
    const his = join(base, "his-exclude");
    writeFileSync(his, "his\n");
    rmSync(project.exclude);
    symlinkSync(his, project.exclude);
    await project.apply();
    assert.ok(lstatSync(project.exclude).isSymbolicLink());
    assert.equal(readFileSync(his, "utf8"), `his\n${block}`);
  });
});

describe("copies", () => {
  const copying = { mode: "copy" } as const;

  test("are made instead of links, kept in step, and removed", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "one");
    project.write("sync/repo/dir2/x", "x");
    assert.deepEqual(brief(await project.apply(copying)), ["copied .env", "copied dir2/x"]);
    assert.ok(lstatSync(project.at("feat-a/.env")).isFile());
    assert.equal(project.status(), "");
    assert.deepEqual(await project.apply(copying), { verified: 6, actions: [] });
    project.write("sync/repo/.env", "two");
    assert.deepEqual(brief(await project.apply(copying)), ["copied .env"]);
    assert.equal(project.read("feat-a/.env"), "two");
    assert.ok(!existsSync(project.at("feat-a/.env.backup")));
    rmSync(project.at("sync/repo"), { recursive: true });
    assert.deepEqual(brief(await project.apply(copying)), ["unlinked .env", "unlinked dir2/x"]);
    assert.ok(!existsSync(project.at("feat-a/dir2")));
  });

  test("that the user edited are backed up before they are overwritten, and stay when the file goes", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "one");
    await project.apply(copying);
    project.write("feat-a/.env", "edited");
    assert.deepEqual(brief(await project.apply(copying)), ["backed-up .env: kept as .env.backup", "copied .env"]);
    assert.equal(project.read("feat-a/.env.backup"), "edited");
    assert.equal(project.read("feat-a/.env"), "one");
    project.write("feat-b/.env", "edited too");
    rmSync(project.at("sync/repo/.env"));
    assert.match(brief(await project.apply(copying), "feat-b").join(), /^skipped .env: .*edited/);
    assert.equal(project.read("feat-b/.env"), "edited too");
  });

  test("keep the mode, and a link of before becomes a copy", { skip: windows }, async () => {
    const project = new Project();
    project.write("sync/repo/run.sh", "x");
    chmodSync(project.at("sync/repo/run.sh"), 0o750);
    utimesSync(project.at("sync/repo/run.sh"), 1000, 2000);
    await project.apply();
    assert.deepEqual(brief(await project.apply(copying)), ["copied run.sh"]);
    const found = lstatSync(project.at("feat-a/run.sh"));
    assert.deepEqual([found.mode & 0o777, found.mtimeMs], [0o750, 2_000_000]);
    assert.deepEqual(brief(await project.apply()), [], "without insisting, a copy stays a copy");
    assert.deepEqual(brief(await project.apply({ mode: "link" })), ["linked run.sh"]);
  });

  test("are made and said where the system refuses links", { skip: windows }, async () => {
    const project = new Project();
    project.write("sync/repo/.env", "one");
    const refusing = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      fs.symlinkSync = () => { throw Object.assign(new Error('EPERM'), { code: 'EPERM' }); };
      syncBuiltinESMExports();`;
    const result = await applyInChild(project, null, refusing);
    assert.deepEqual(brief(result), [
      "copied .env: symbolic links are not permitted here (EPERM); the copy is kept in step",
    ]);
    assert.deepEqual(await applyInChild(project, null, refusing), { verified: 3, actions: [] });
    project.write("sync/repo/.env", "two!");
    await applyInChild(project, null, refusing);
    assert.equal(project.read("feat-a/.env"), "two!");
  });
});

describe("where hard links and renames across are refused", { skip: windows }, () => {
  test("files are backed up by copying", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "shared");
    project.write("feat-a/.env", "mine");
    const refusing = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const refuse = (code) => { throw Object.assign(new Error(code), { code }); };
      const rename = fs.renameSync;
      fs.linkSync = () => refuse('EPERM');
      fs.renameSync = (from, to) => (/aside/.test(to) ? refuse('EXDEV') : rename(from, to));
      syncBuiltinESMExports();`;
    const result = await applyInChild(project, null, refusing);
    assert.deepEqual(brief(result), ["backed-up .env: kept as .env.backup", "linked .env"]);
    assert.equal(project.read("feat-a/.env.backup"), "mine");
    assert.deepEqual(readdirSync(project.at("feat-a")).sort(), [".env", ".env.backup", ".git", "dir", "tracked.txt"]);
  });
});

describe("kill -9", { skip: windows }, () => {
  test("at any moment loses no byte, and the next run leaves the right state", async (context) => {
    const names = Array.from({ length: 12 }, (_, number) => `conf/file-${number}`);
    let interrupted = 0;
    const project = new Project();
    for (const name of names) project.write(`sync/repo/${name}`, `shared ${name}`);
    for (let round = 0; round < 12; round += 1) {
      const mode = round % 3 === 2 ? "copy" : "link";
      for (const { path } of project.worktrees) {
        rmSync(join(path, "conf"), { recursive: true, force: true });
        mkdirSync(join(path, "conf"));
        for (const name of names) writeFileSync(join(path, name), `${path} ${name} ${round}`);
      }
      const child = startChild(project, null, "", mode, "wait");
      await told(child, "ready");
      child.stdin?.write("go\n");
      // A cold run of a new process takes some tens of milliseconds: the kills are spread over it.
      await sleep(4 + round * 2.5);
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));

      for (const { path } of project.worktrees) {
        for (const name of names)
          assert.ok(holds(path, name, `${path} ${name} ${round}`), `${name} lost after the kill`);
      }
      const his = project.worktrees.flatMap(({ path }) => names.map((name) => isHis(join(path, name), round)));
      if (his.includes(true) && his.includes(false)) interrupted += 1;
      const { actions } = await project.apply({ mode });
      assert.ok(!actions.some(({ action }) => action === "skipped"), JSON.stringify(actions));
      for (const { path } of project.worktrees) {
        for (const name of names) {
          assert.equal(readFileSync(join(path, name), "utf8"), `shared ${name}`);
          assert.equal(readFileSync(join(path, `${name}.backup`), "utf8"), `${path} ${name} ${round}`);
          assert.ok(!existsSync(join(path, `${name}.backup.1`)), "backed up once");
        }
        assert.equal(readdirSync(join(path, "conf")).length, 2 * names.length);
        assert.equal(git(path, "status", "--porcelain"), "");
      }
    }
    const left = readdirSync(join(project.options.commonDir, "imi/shared"), { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      left.filter((name) => !name.endsWith(".json") && name !== "aside"),
      ["exclude"],
    );
    context.diagnostic(`${interrupted} of 12 were killed in the middle`);
    assert.ok(interrupted > 0, "at least one was killed in the middle");
  });

  test("two processes and this one at the same time agree", async () => {
    const project = new Project();
    for (let count = 0; count < 20; count += 1) {
      project.write(`sync/repo/f${count}`, "shared");
      for (const { path } of project.worktrees) writeFileSync(join(path, `f${count}`), `${path} ${count}`);
    }
    const children = [1, 2].map(() => startChild(project, null, "", "link", "wait"));
    await Promise.all(children.map((child) => told(child, "ready")));
    for (const child of children) child.stdin?.write("go\n");
    const [first] = await Promise.all([project.apply(), project.apply(), ...children.map(resultOf)]);
    assert.ok(first !== undefined);
    for (const { path } of project.worktrees) {
      for (let count = 0; count < 20; count += 1) {
        assert.equal(readlinkSync(join(path, `f${count}`)), `../sync/repo/f${count}`);
        assert.ok(holds(path, `f${count}`, `${path} ${count}`));
      }
      assert.equal(git(path, "status", "--porcelain"), "");
    }
    assert.equal((await project.apply()).verified, 60);
  });
});

describe("watching", { skip: windows }, () => {
  /** Milliseconds until the condition holds. */
  async function until(condition: () => boolean, what: string): Promise<number> {
    const started = performance.now();
    while (!condition()) {
      if (performance.now() - started > 2000) assert.fail(`${what} did not happen within 2 s`);
      await sleep(1);
    }
    return performance.now() - started;
  }

  async function watched(project: Project, body: () => Promise<void>): Promise<void> {
    const watch = watchSharedConfig(project.options, () => {
      void project.apply();
    });
    try {
      assert.equal(watch.trouble, null);
      await body();
    } finally {
      watch.close();
      await project.apply();
    }
  }

  const has = (project: Project, path: string): boolean =>
    project.worktrees.every(
      (worktree) => lstatSync(join(worktree.path, path), { throwIfNoEntry: false }) !== undefined,
    );

  const hasNot = (project: Project, path: string): boolean =>
    project.worktrees.every(
      (worktree) => lstatSync(join(worktree.path, path), { throwIfNoEntry: false }) === undefined,
    );

  test("a file added, changed or removed reaches every worktree", async (context) => {
    const project = new Project();
    mkdirSync(project.at("sync/repo"), { recursive: true });
    await watched(project, async () => {
      project.write("sync/repo/.env", "1");
      const times = [await until(() => has(project, ".env"), "adding")];
      project.write("sync/repo/deep/er/still", "1");
      times.push(await until(() => has(project, "deep/er/still"), "adding in new folders"));
      await sleep(40);
      project.write("sync/repo/deep/er/more", "1");
      times.push(await until(() => has(project, "deep/er/more"), "adding in folders that came later"));
      rmSync(project.at("sync/repo/.env"));
      times.push(await until(() => hasNot(project, ".env"), "removing"));
      context.diagnostic(`ms: ${times.map((time) => time.toFixed(0)).join(", ")}`);
    });
  });

  test("sync/ that appears later, is replaced, or goes and comes back is followed", async () => {
    const project = new Project();
    await watched(project, async () => {
      project.write("sync/repo/.env", "1");
      await until(() => has(project, ".env"), "sync/ appearing");
      project.write("other/repo/.other", "1");
      renameSync(project.at("sync"), project.at("old"));
      renameSync(project.at("other"), project.at("sync"));
      await until(() => has(project, ".other") && hasNot(project, ".env"), "sync/ being replaced");
      await sleep(40);
      project.write("sync/repo/later", "1");
      await until(() => has(project, "later"), "a file in the new sync/");
      rmSync(project.at("sync"), { recursive: true });
      await until(() => hasNot(project, "later"), "sync/ going");
      project.write("sync/global/back", "1");
      await until(() => has(project, "back"), "sync/ coming back");
    });
  });

  test("a container that is not there yet is followed", async () => {
    const project = new Project();
    const container = project.at("repo.worktrees");
    project.options = { ...project.options, container };
    await watched(project, async () => {
      project.write("repo.worktrees/sync/repo/.env", "1");
      await until(() => has(project, ".env"), "linking");
    });
  });

  test("worktrees that come and go beside sync/ wake nobody, and nothing comes after close", async () => {
    const project = new Project();
    project.write("sync/repo/.env", "1");
    let calls = 0;
    const watch = watchSharedConfig(project.options, () => {
      calls += 1;
    });
    mkdirSync(project.at("feat-new"));
    rmSync(project.at("feat-new"), { recursive: true });
    await sleep(60);
    assert.equal(calls, 0);
    project.write("sync/repo/.env", "2");
    await until(() => calls === 1, "the change");
    watch.close();
    project.write("sync/repo/.env", "3");
    await sleep(60);
    assert.equal(calls, 1);
  });
});

function own(path: string, id: number): void {
  chownSync(path, id, id);
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), id, id);
  }
}

/** Whether the user's text is anywhere he would look, or set aside inside the clone. */
function holds(worktree: string, name: string, text: string): boolean {
  const folder = dirname(join(worktree, name));
  return readdirSync(folder).some((entry) => {
    const file = join(folder, entry);
    return existsSync(file) && lstatSync(file).isFile() && readFileSync(file, "utf8") === text;
  });
}

function isHis(file: string, round: number): boolean {
  return existsSync(file) && lstatSync(file).isFile() && readFileSync(file, "utf8").endsWith(` ${round}`);
}

function startChild(
  project: Project,
  uid: number | null,
  before: string,
  mode: "link" | "copy" | null,
  wait: string,
): ChildProcess {
  const { trackedIn: _, ...options } = project.options;
  const script = `${before}
    const { applySharedConfig } = await import(${JSON.stringify(room)});
    const options = { ...${JSON.stringify(options)}, trackedIn: async () => new Set() };
    if (${JSON.stringify(mode)} !== null) options.mode = ${JSON.stringify(mode)};
    if (${JSON.stringify(wait)} === 'wait') {
      process.stdout.write('ready\\n');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      process.stdin.destroy();
    }
    const result = await applySharedConfig(options, ${JSON.stringify(project.worktrees)});
    process.stdout.write(JSON.stringify(result) + '\\n');`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: "/",
    env: environment,
    stdio: ["pipe", "pipe", "inherit"],
    ...(uid === null ? {} : { uid, gid: uid }),
  });
}

function told(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.stdout?.once("data", (data: Buffer) => {
      if (data.toString().startsWith(word)) resolve();
      else reject(new Error(data.toString()));
    });
  });
}

async function resultOf(child: ChildProcess): Promise<SharedConfigResult> {
  let output = "";
  child.stdout?.on("data", (data: Buffer) => {
    output += data.toString();
  });
  await new Promise((resolve) => child.once("close", resolve));
  const parsed: unknown = JSON.parse(output.trim().split("\n").at(-1) ?? "");
  assert.ok(isResult(parsed));
  return parsed;
}

function isResult(value: unknown): value is SharedConfigResult {
  return typeof value === "object" && value !== null && "verified" in value && "actions" in value;
}

function applyInChild(project: Project, uid: number | null, before = ""): Promise<SharedConfigResult> {
  return resultOf(startChild(project, uid, before, null, ""));
}
