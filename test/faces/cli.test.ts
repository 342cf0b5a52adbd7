import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { z } from "zod";
import { operations, type OperationName } from "../../protocol/contract.ts";
import { shellInit } from "../../server/src/faces/cli/shell-init.ts";

const main = path.resolve(import.meta.dirname, "../../server/src/faces/cli/main.ts");

let root: string;
let container: string;
let trunk: string;
let bin: string;

/** Nothing of the machine's own configuration, and nothing of a user's registry. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  HOME: path.join(root, "home"),
  XDG_RUNTIME_DIR: path.join(root, "run"),
  PATH: `${bin}${path.delimiter}${process.env["PATH"] ?? ""}`,
  GIT_CONFIG_NOSYSTEM: "1",
  TERM: "xterm",
  ...more,
});

interface Place {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

const imi = (args: readonly string[], { cwd = trunk, env = {}, input = "" }: Place = {}): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [main, ...args], {
    cwd,
    env: environment(env),
    input,
    encoding: "utf8",
    timeout: 60_000,
  });

const git = (cwd: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd, env: environment(), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** The answer of a `--json` call, checked against what the contract declares. */
const answer = (operation: OperationName, args: readonly string[], place?: Place): Record<string, unknown> => {
  const { status, stdout, stderr } = imi(args, place);
  assert.equal(status, 0, stderr + stdout);
  assert.equal(stdout.trimEnd().split("\n").length, 1, "one line of JSON");
  const parsed: unknown = JSON.parse(stdout);
  const declared: z.ZodObject | undefined = operations.find(({ name }) => name === operation)?.result;
  assert.deepEqual(declared?.strict().parse(parsed), parsed);
  return parsed as Record<string, unknown>;
};

const failure = (
  args: readonly string[],
  place?: Place,
): { code: string; message: string; hint: unknown; status: number | null } => {
  const { status, stdout, stderr } = imi([...args, "--json"], place);
  assert.equal(stderr, "");
  const { error, ...rest } = JSON.parse(stdout) as { error: { code: string; message: string; hint: unknown } };
  assert.deepEqual(rest, {});
  assert.deepEqual(Object.keys(error).sort(), ["code", "hint", "message"]);
  return { ...error, status };
};

const placeIn = (answered: Record<string, unknown>): string => {
  const { worktree } = answered as { worktree: { path: string } };
  return worktree.path;
};

const executable = (name: string, script: string): void => {
  writeFileSync(path.join(bin, name), script);
  chmodSync(path.join(bin, name), 0o755);
};

before(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), "imi-cli-")));
  bin = path.join(root, "bin");
  container = path.join(root, "app");
  trunk = path.join(container, "trunk-main");
  for (const folder of ["home", "run", "bin"]) mkdirSync(path.join(root, folder), { mode: 0o700 });
  executable("imi", `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  writeFileSync(
    path.join(root, "home", ".gitconfig"),
    '[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n',
  );
  const origin = path.join(root, "origin");
  mkdirSync(origin);
  git(origin, "init", "--quiet");
  writeFileSync(path.join(origin, "readme"), "hello\n");
  git(origin, "add", ".");
  git(origin, "commit", "--quiet", "--message", "first");
  git(origin, "checkout", "--quiet", "-b", "proposal");
  git(origin, "commit", "--quiet", "--allow-empty", "--message", "proposed");
  git(origin, "update-ref", "refs/pull/7/head", "HEAD");
  git(origin, "checkout", "--quiet", "main");
  mkdirSync(container);
  git(root, "clone", "--quiet", origin, trunk);
});
after(() => {
  rmSync(root, { recursive: true, force: true });
});

describe("what scripts rely on", () => {
  test("feat creates, and the second time opens, the same worktree", () => {
    const first = answer("worktree.create", ["feat", "user-auth", "--json"]);
    assert.equal(first["created"], true);
    assert.equal(placeIn(first), path.join(container, "feat-user-auth"));
    const second = answer("worktree.create", ["feat", "user-auth", "--json"]);
    assert.equal(second["created"], false);
    assert.equal(placeIn(second), placeIn(first));
  });

  test("fix, aiops and devops make their kinds, with what the options say", () => {
    const fix = answer("worktree.create", ["--json", "fix", "crash", "--branch", "jane/crash", "--agent-id=agent-1"]);
    const { worktree } = fix as { worktree: { type: string; branch: string; agentId: string } };
    assert.deepEqual([worktree.type, worktree.branch, worktree.agentId], ["fix", "jane/crash", "agent-1"]);
    for (const type of ["aiops", "devops"]) {
      const made = answer("worktree.create", [type, "x", "--base", "main", "--json"]) as { worktree: { type: string } };
      assert.equal(made.worktree.type, type);
    }
  });

  test("review makes a worktree on a pull request", () => {
    const made = answer("worktree.review", ["review", "7", "--json"]);
    assert.equal(made["created"], true);
    assert.equal(placeIn(made), path.join(container, "pr-7"));
    assert.equal(answer("worktree.review", ["review", "7", "--json"])["created"], false);
  });

  test("list has the status, unless --no-status", () => {
    const { worktrees } = answer("worktree.list", ["list", "--json"]) as { worktrees: Record<string, unknown>[] };
    assert.ok(worktrees.length >= 2);
    for (const worktree of worktrees) assert.ok("status" in worktree, String(worktree["name"]));
    const bare = answer("worktree.list", ["list", "--json", "--no-status"]) as { worktrees: Record<string, unknown>[] };
    assert.equal(bare.worktrees.length, worktrees.length);
    for (const worktree of bare.worktrees) assert.ok(!("status" in worktree));
  });

  test("path prints the path and nothing else", () => {
    const { status, stdout, stderr } = imi(["path", "feat-user-auth"]);
    assert.deepEqual([status, stdout, stderr], [0, `${container}/feat-user-auth\n`, ""]);
  });

  test("switch answers the worktree", () => {
    assert.equal(placeIn(answer("worktree.switch", ["switch", "trunk-main", "--json"])), trunk);
  });

  test("remove takes away what holds no work, with or without --yes, and never asks", () => {
    answer("worktree.create", ["feat", "gone", "--json"]);
    const removed = answer("worktree.remove", ["remove", "feat-gone", "--json"]);
    assert.equal(placeIn(removed), path.join(container, "feat-gone"));
    assert.equal(existsSync(path.join(container, "feat-gone")), false);
    imi(["feat", "gone"]);
    const { status, stderr } = imi(["remove", "feat-gone"], { input: "n\n" });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /\[y\/N\]/u);
    imi(["feat", "gone"]);
    answer("worktree.remove", ["remove", "--yes", "--json", "feat-gone"]);
  });

  test("reconcile adopts what another tool made", () => {
    git(trunk, "worktree", "add", "--quiet", "-b", "by-hand", path.join(container, "by-hand"));
    const { adopted, ...others } = answer("worktree.reconcile", ["reconcile", "--json"]) as {
      adopted: { name: string }[];
    };
    assert.deepEqual(
      adopted.map(({ name }) => name),
      ["by-hand"],
    );
    assert.deepEqual(others, { settled: [], finished: [] });
    assert.deepEqual(answer("worktree.reconcile", ["reconcile", "--json"]), { adopted: [], settled: [], finished: [] });
  });

  test("sync, init, clone, events, config show and doctor answer as declared", () => {
    answer("sync.apply", ["sync", "--json"]);
    answer("repository.init", ["init", "--json"]);
    answer("repository.clone", ["clone", path.join(root, "origin"), path.join(root, "copy"), "--json"], { cwd: root });
    answer("event.list", ["events", "--since", "0", "--limit", "3", "--json"]);
    answer("config.show", ["config", "show", "--json"]);
    const { status, stdout } = imi(["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { result: string }[] };
    assert.equal(status, checks.some(({ result }) => result === "failure") ? 1 : 0);
  });

  test("--repo and IMI_REPO_ROOT say which repository, --repo first", () => {
    const names = (args: string[], place: Place): number =>
      (answer("worktree.list", ["list", "--no-status", "--json", ...args], place) as { worktrees: unknown[] }).worktrees
        .length;
    const here = names([], {});
    assert.equal(names(["--repo", "app/trunk-main"], { cwd: root }), here);
    assert.equal(names([], { cwd: root, env: { IMI_REPO_ROOT: trunk } }), here);
    assert.equal(names(["--repo", trunk], { cwd: root, env: { IMI_REPO_ROOT: "/nowhere" } }), here);
  });
});

describe("errors", () => {
  test("are JSON on stdout with --json, and exit 1", () => {
    const { code, hint, status } = failure(["path", "no-such-worktree"]);
    assert.equal(code, "worktree/not-found");
    assert.equal(status, 1);
    assert.equal(typeof hint, "string");
    assert.equal(failure(["list"], { cwd: root }).code, "repository/not-found");
  });

  test("say what happened and what to do on stderr otherwise, with nothing on stdout", () => {
    const { status, stdout, stderr } = imi(["path", "no-such-worktree"]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^error: .+\nhint: .+\n$/u);
  });

  test("of usage exit 2", () => {
    assert.deepEqual([failure(["review", "x"]).code, failure(["review", "x"]).status], ["usage/invalid", 2]);
    assert.equal(failure(["nonsense"]).status, 2);
    assert.equal(imi(["list", "--bogus"]).status, 2);
    const bare = imi([]);
    assert.deepEqual([bare.status, bare.stdout], [2, ""]);
    assert.match(bare.stderr, /Usage: imi COMMAND/u);
  });

  test("in config.toml are refused with the line, but config show still answers", () => {
    const config = path.join(root, "broken");
    mkdirSync(path.join(config, "iMi"), { recursive: true });
    writeFileSync(path.join(config, "iMi", "config.toml"), '\nlog_level = "loud"\n');
    const env = { XDG_CONFIG_HOME: config };
    const { code, message } = failure(["list"], { env });
    assert.equal(code, "config/invalid");
    assert.match(message, /config\.toml:2: log_level/u);
    const shown = imi(["config", "show"], { env });
    assert.equal(shown.status, 0);
    assert.match(shown.stderr, /^error: .*config\.toml:2/u);
  });
});

describe("-- ends the options", () => {
  test("for names that begin with a dash", () => {
    assert.equal(failure(["path", "--yes"]).code, "usage/invalid");
    const { status, stdout, stderr } = imi(["path", "--", "--json"]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /--json/u);
  });
});

describe("help and version", () => {
  test("go to stdout and exit 0, outside a repository too", () => {
    for (const args of [
      ["--help"],
      ["help"],
      ["feat", "-h"],
      ["help", "config", "show"],
      ["config", "--help"],
      ["--version"],
    ]) {
      const { status, stdout, stderr } = imi(args, { cwd: "/" });
      assert.deepEqual([status, stderr], [0, ""], args.join(" "));
      assert.notEqual(stdout, "");
    }
  });
});

describe("people", () => {
  test("read one line, without colours where there is no terminal", () => {
    const { stdout } = imi(["feat", "user-auth"]);
    assert.equal(stdout, `Opened ${container}/feat-user-auth\n`);
    assert.ok(!imi(["list"]).stdout.includes("\u001b"));
    assert.ok(imi(["list"], { env: { FORCE_COLOR: "1" } }).stdout.includes("\u001b["));
  });

  test("may stop reading", () => {
    const script = "{ sleep 0.2; imi list; echo $? >&2; } | true";
    const { stderr } = spawnSync("bash", ["-c", script], { cwd: trunk, env: environment(), encoding: "utf8" });
    assert.equal(stderr, "0\n");
  });

  test("who press Ctrl+C get 130, and are told that it was cancelled", { timeout: 30_000 }, async () => {
    // A git that never ends, so that there is something to interrupt.
    const slow = path.join(root, "slow");
    mkdirSync(slow);
    const started = path.join(slow, "started");
    writeFileSync(path.join(slow, "git"), `#!/bin/sh\n: >'${started}'\nexec sleep 60\n`);
    chmodSync(path.join(slow, "git"), 0o755);
    const child = spawn(process.execPath, [main, "list"], {
      cwd: trunk,
      env: environment({ PATH: `${slow}${path.delimiter}${process.env["PATH"] ?? ""}` }),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    assert.equal(complaint, "note: Cancelled.\n");
  });
});

describe("--open", () => {
  test("opens the worktree with `code`, whose own words do not disturb the answer", () => {
    executable("code", `#!/bin/sh\necho "hello from code"\nprintf '%s' "$1" >'${root}/opened'\n`);
    const made = answer("worktree.create", ["feat", "user-auth", "--open", "--json"]);
    assert.equal(readFileSync(path.join(root, "opened"), "utf8"), placeIn(made));
    rmSync(path.join(bin, "code"));
  });

  test("says what to do where there is no `code`", () => {
    const bare = path.join(root, "bare");
    mkdirSync(bare);
    // A PATH with git and nothing else.
    execFileSync("ln", [
      "-s",
      execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim(),
      path.join(bare, "git"),
    ]);
    const { status, stdout, stderr } = imi(["feat", "user-auth", "--open"], { env: { PATH: bare } });
    assert.equal(status, 1);
    assert.match(stdout, /^Opened /u);
    assert.match(stderr, /error: .*`code`.*\nhint: .*PATH/u);
    assert.match(failure(["feat", "user-auth", "--open"], { env: { PATH: bare } }).message, /feat-user-auth.*`code`/u);
  });
});

describe("config edit", () => {
  const file = (): string => path.join(root, "home", ".config", "iMi", "config.toml");

  test("makes the file, runs the editor with its arguments, and checks what was written", () => {
    executable("my editor", `#!/bin/sh\n[ "$1" = --wait ] || exit 3\nprintf 'log_level = "warn"\\n' >"$2"\n`);
    const { status, stdout, stderr } = imi(["config", "edit"], {
      env: { VISUAL: "'my editor' --wait", EDITOR: "false" },
    });
    assert.deepEqual([status, stdout], [0, `${file()} is valid\n`], stderr);
    assert.equal(readFileSync(file(), "utf8"), 'log_level = "warn"\n');
    rmSync(file());
  });

  test("a new file names every setting; an old one is left as it is", () => {
    imi(["config", "edit"], { env: { EDITOR: "true" } });
    assert.match(readFileSync(file(), "utf8"), /^# auto_fetch_timeout_ms = 1500$/mu);
    writeFileSync(file(), "# mine\n");
    imi(["config", "edit"], { env: { EDITOR: "true" } });
    assert.equal(readFileSync(file(), "utf8"), "# mine\n");
    rmSync(file());
  });

  test("tells the line of a mistake", () => {
    executable("spoil", `#!/bin/sh\nprintf '[git_settings]\\nauto_fetch = 1\\n' >"$1"\n`);
    const { status, stderr } = imi(["config", "edit"], { env: { EDITOR: "spoil" } });
    assert.equal(status, 1);
    assert.match(stderr, /config\.toml:2: git_settings\.auto_fetch must be true or false, not 1/u);
    rmSync(file());
  });

  test("without an editor, or with one that is not there, says so and changes nothing", () => {
    assert.match(
      imi(["config", "edit"], { env: { VISUAL: "" } }).stderr,
      /No editor is set[\s\S]*hint: Set VISUAL or EDITOR/u,
    );
    assert.match(imi(["config", "edit"], { env: { EDITOR: "no-such-editor" } }).stderr, /no-such-editor[\s\S]*hint: /u);
    assert.match(imi(["config", "edit"], { env: { EDITOR: "'unclosed" } }).stderr, /without its partner/u);
    rmSync(file(), { force: true });
  });
});

describe("in a shell", () => {
  const inBash = (script: string): string => {
    writeFileSync(path.join(root, "init.bash"), shellInit("bash", "command imi"));
    return execFileSync("bash", ["--noprofile", "--norc", "-c", `source '${root}/init.bash'\n${script}`], {
      cwd: trunk,
      env: environment(),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  };

  test("feat and switch change directory; --json, list and failures do not", () => {
    assert.equal(inBash("imi feat user-auth >/dev/null; pwd"), `${container}/feat-user-auth\n`);
    assert.equal(inBash("imi switch feat-user-auth >/dev/null; pwd"), `${container}/feat-user-auth\n`);
    assert.equal(inBash("imi feat user-auth --json >/dev/null; pwd"), `${trunk}\n`);
    assert.equal(inBash("imi list >/dev/null; pwd"), `${trunk}\n`);
    assert.equal(inBash("imi switch nowhere; echo $?; pwd"), `1\n${trunk}\n`);
  });

  test("imi shell-init prints what the shell evaluates", () => {
    const script = 'eval "$(command imi shell-init bash)"; imi feat user-auth >/dev/null; pwd';
    assert.equal(
      execFileSync("bash", ["--noprofile", "--norc", "-c", script], {
        cwd: trunk,
        env: environment(),
        encoding: "utf8",
      }),
      `${container}/feat-user-auth\n`,
    );
  });

  test("Tab offers the worktrees of the repository", () => {
    const script = 'COMP_WORDS=(imi switch feat-u); COMP_CWORD=2; _imi; echo "${COMPREPLY[*]}"';
    assert.equal(inBash(script), "feat-user-auth\n");
    assert.equal(imi(["__complete", "fish", "path", ""], { cwd: "/" }).stdout, "");
  });
});
