import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { operations, type OperationName, type ResultOf } from "../../protocol/contract.ts";
import { shells, type Shell } from "../../server/src/faces/cli/local-commands.ts";
import { shellInit } from "../../server/src/faces/cli/shell-init.ts";
import { Caller, makeScene, type Scene } from "../support/workspace.ts";

const main = path.resolve(import.meta.dirname, "../../server/src/faces/cli/main.ts");

/** A terminal that shows letters only, and shells that can read the scene's path, which is not ASCII. */
const plain = { SHELL: "/bin/sh", TERM: "dumb", NO_COLOR: "1", LC_ALL: "C.UTF-8" };

let scene: Scene;
let caller: Caller;
let bin: string;
let env: NodeJS.ProcessEnv;

before(async () => {
  scene = makeScene();
  caller = await Caller.in(scene);
  bin = path.join(scene.root, "bin");
  mkdirSync(bin);
  writeFileSync(path.join(bin, "imi"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(path.join(bin, "imi"), 0o755);
  env = { ...scene.env, PATH: `${bin}${path.delimiter}${scene.env["PATH"] ?? ""}`, ...plain };
  writeFileSync(path.join(scene.trunk, ".git/info/exclude"), ".env\n");
});
after(async () => {
  await caller.workspace.close();
  scene.remove();
});

const imi = (args: readonly string[], cwd = scene.trunk): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [main, ...args], { cwd, env, input: "", encoding: "utf8", timeout: 60_000 });

/** The answer of a `--json` call, checked against what the contract declares. */
const answer = <Name extends OperationName>(operation: Name, ...args: string[]): ResultOf<Name> => {
  const { status, stdout, stderr } = imi([...args, "--json"]);
  assert.equal(status, 0, stderr + stdout);
  const declared = operations.find(({ name }) => name === operation);
  // The schema of this very operation.
  return declared?.result.strict().parse(JSON.parse(stdout)) as ResultOf<Name>;
};

const failure = (...args: string[]): { code: string; hint: string | null; status: number | null } => {
  const { status, stdout } = imi([...args, "--json"]);
  const { error } = JSON.parse(stdout) as { error: { code: string; hint: string | null } };
  return { ...error, status };
};

/** A worktree, with work in it where that is asked for. */
const make = async (name: string, holds: "nothing" | "work"): Promise<string> => {
  const { worktree } = await caller.call("worktree.create", { type: "feat", name });
  if (holds === "work") {
    writeFileSync(path.join(worktree.path, "README.md"), "# Changed\n");
    writeFileSync(path.join(worktree.path, "notes.md"), "notes\n");
    writeFileSync(path.join(worktree.path, ".env"), "SECRET=1\n");
  }
  return worktree.path;
};

const discard = (name: string): Promise<unknown> => caller.call("worktree.remove", { name, yes: true });

describe("remove, where nobody can be asked", () => {
  test("refuses work and names --yes; nothing has changed", async () => {
    const place = await make("held", "work");
    const { code, hint, status } = failure("remove", "feat-held");
    assert.deepEqual([code, status], ["worktree/dirty", 1]);
    assert.match(hint ?? "", /--yes/u);
    assert.match(hint ?? "", /--dry-run/u);
    assert.equal(readFileSync(path.join(place, "notes.md"), "utf8"), "notes\n");
  });

  test("--dry-run lists what it holds, and does nothing", async () => {
    const place = await make("rehearsed", "work");
    const { status, stdout, stderr } = imi(["remove", "feat-rehearsed", "--dry-run"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /1 changed file +README\.md/u);
    assert.match(stdout, /1 untracked file +notes\.md/u);
    assert.match(stdout, /1 ignored file or folder(?:, [^ ]+ k?B)? +\.env/u);
    assert.match(stderr, /Nothing was removed/u);
    assert.ok(existsSync(path.join(place, "notes.md")));
    const { work, trash } = answer("worktree.remove", "remove", "feat-rehearsed", "--dry-run");
    assert.deepEqual([work.answer, trash], ["work", null]);
  });

  test("--yes salvages and removes; restore brings everything back", async () => {
    const place = await make("comes-back", "work");
    const { status, stdout, stderr } = imi(["remove", "feat-comes-back", "--yes"]);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^Removed .*feat-comes-back\nSalvaged 1 changed file and 1 untracked file\.\nIn the trash until /u,
    );
    assert.match(stdout, /`imi restore feat-comes-back`/u);
    assert.equal(existsSync(place), false);
    assert.equal(imi(["restore", "feat-comes-back"]).stdout, `Restored ${place}\n`);
    assert.equal(readFileSync(path.join(place, "notes.md"), "utf8"), "notes\n");
    assert.equal(readFileSync(path.join(place, ".env"), "utf8"), "SECRET=1\n");
    assert.match(scene.git(place, "status", "--porcelain"), /^ M README\.md\n\?\? notes\.md\n$/u);
  });

  test("a clean one goes without --yes", async () => {
    const place = await make("clean", "nothing");
    const { status, stdout } = imi(["remove", "feat-clean"]);
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /Salvaged/u);
    assert.equal(existsSync(place), false);
  });
});

describe("the trash", () => {
  test("lists and shows what is in it; the answers are as declared", async () => {
    await make("shown", "work");
    await discard("feat-shown");
    const { stdout } = imi(["trash", "list"]);
    assert.match(stdout, /^NAME +BRANCH +REMOVED +SIZE +KEPT UNTIL\n/u);
    assert.match(stdout, /^feat-shown +feat\/shown +now +[\d.]+ [kM]?B +\d{4}-\d\d-\d\d$/mu);
    assert.ok(answer("trash.list", "trash", "list").entries.some(({ name }) => name === "feat-shown"));
    const { salvage } = answer("trash.show", "trash", "show", "feat-shown");
    assert.equal(salvage?.worktree, "feat-shown");
    assert.match(imi(["trash", "show", "feat-shown"]).stdout, /1 untracked file +notes\.md/u);
    assert.ok(answer("salvage.list", "salvages").salvages.some(({ worktree }) => worktree === "feat-shown"));
    assert.match(imi(["salvages"]).stdout, /^feat-shown +now +\d+ +yes +refs\/salvage\/feat-shown\//mu);
  });

  test("is not emptied where nobody can be asked, unless --yes; --dry-run only says", async () => {
    await make("emptied", "work");
    await discard("feat-emptied");
    const { code, hint, status } = failure("trash", "empty", "feat-emptied");
    assert.deepEqual([code, status], ["usage/invalid", 2]);
    assert.match(hint ?? "", /--yes/u);
    assert.match(imi(["trash", "empty", "feat-emptied", "--dry-run"]).stdout, /1 worktree would be deleted for good/u);
    assert.equal(
      answer("trash.empty", "trash", "empty", "feat-emptied", "--older-than", "1d", "--yes").emptied.length,
      0,
    );
    assert.match(imi(["trash", "empty", "feat-emptied", "--yes"]).stdout, /^Deleted feat-emptied/u);
    assert.equal(failure("restore", "feat-emptied").code, "trash/not-found");
    assert.ok(answer("salvage.list", "salvages").salvages.some(({ worktree }) => worktree === "feat-emptied"));
  });
});

test("salvage changes nothing, and says where everything is", async () => {
  const place = await make("salvaged", "work");
  const bundle = path.join(scene.root, "out.bundle");
  const { status, stdout, stderr } = imi(["salvage", "feat-salvaged", "--bundle", bundle, "--push", "origin"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^Salvaged feat-salvaged into refs\/salvage\/feat-salvaged\//u);
  assert.match(stdout, /objects? read back and verified\nPushed to origin\nWritten to .*out\.bundle\n$/u);
  assert.match(stderr, /Not in them.*\.env/u);
  assert.ok(existsSync(path.join(place, "notes.md")));
  assert.match(scene.git(scene.remote, "for-each-ref"), /refs\/salvage\/feat-salvaged\//u);
});

test("disk use and prune answer as declared, by name too", async () => {
  await make("measured", "nothing");
  const { worktrees } = answer("worktree.disk-use", "disk-use", "feat-measured");
  assert.deepEqual(
    worktrees.map(({ name }) => name),
    ["feat-measured"],
  );
  assert.match(imi(["disk-use"]).stdout, /^NAME +SIZE +FILES +MEASURED\n/u);
  answer("worktree.prune", "prune");
  const { stderr, status } = imi(["prune", "--idle-days", "0"]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Nothing was removed/u);
});

test("Tab offers every worktree to go to, and for removal all but the trunk", async () => {
  await make("stays", "nothing");
  const offered = (...words: string[]): string => imi(["__complete", "bash", ...words]).stdout;
  assert.match(offered("switch", ""), /^trunk-main\t/mu);
  for (const command of ["remove", "prune"]) {
    assert.match(offered(command, ""), /^feat-stays\t/mu);
    assert.doesNotMatch(offered(command, ""), /trunk-main/u);
  }
});

test("Tab offers what is in the trash, and remotes", async () => {
  await make("offered", "nothing");
  await discard("feat-offered");
  const offered = (...words: string[]): string => imi(["__complete", "bash", ...words]).stdout;
  assert.match(offered("restore", ""), /^feat-offered\tremoved now$/mu);
  assert.match(offered("trash", "empty", "feat-o"), /^feat-offered\t/mu);
  assert.equal(offered("salvage", "--push", ""), "origin\t\n");
  assert.equal(offered("salvage", "--bundle", ""), "@files\n");
});

describe("on a terminal", { skip: process.platform !== "linux" && "needs util-linux script" }, () => {
  const onTerminal = (args: string, typed: string): { status: number | null; shown: string; answered: string } => {
    const out = path.join(scene.root, "answered");
    const { status, stdout } = spawnSync(
      "script",
      ["--quiet", "--return", "--echo", "never", "--command", `imi ${args} >'${out}'`, "/dev/null"],
      { cwd: scene.trunk, env, input: typed, encoding: "utf8", timeout: 60_000 },
    );
    return { status, shown: stdout.replaceAll("\r\n", "\n"), answered: readFileSync(out, "utf8") };
  };

  test("remove shows what it holds, then asks; only yes means yes", async () => {
    const place = await make("asked", "work");
    const refused = onTerminal("remove feat-asked", "n\n");
    assert.match(refused.shown, /1 changed file .*README\.md/u);
    assert.match(
      refused.shown,
      /feat-asked holds 1 changed file and 1 untracked file\. Salvage and remove\? \[y\/N\]/u,
    );
    assert.match(refused.shown, /Nothing was removed\./u);
    assert.deepEqual([refused.status, refused.answered], [1, ""]);
    assert.ok(existsSync(place));
    const done = onTerminal("remove feat-asked", "y\n");
    assert.equal(done.status, 0, done.shown);
    assert.match(done.answered, /^Removed [^\n]*\nSalvaged 1 changed file/u);
    assert.equal(existsSync(place), false);
  });

  test("remove of a clean one only asks", async () => {
    const place = await make("asked-clean", "nothing");
    assert.match(
      onTerminal("remove feat-asked-clean", "\n").shown,
      /^Remove feat-asked-clean at [^\n]*feat-asked-clean\? \[y\/N\] error: Nothing was removed\.\n$/u,
    );
    assert.ok(existsSync(place));
  });

  test("remove asks nothing with --yes, --dry-run or --json", async () => {
    await make("unasked", "work");
    assert.doesNotMatch(onTerminal("remove feat-unasked --dry-run", "").shown, /\[y\/N\]/u);
    const json = onTerminal("remove feat-unasked --json", "y\n");
    assert.match(json.answered, /worktree\/dirty/u);
    assert.doesNotMatch(json.shown, /\[y\/N\]/u);
    const { status, shown } = onTerminal("remove feat-unasked --yes", "");
    assert.equal(status, 0, shown);
    assert.doesNotMatch(shown, /\[y\/N\]/u);
  });

  test("emptying the trash shows what goes, then asks", async () => {
    await make("for-good", "work");
    await discard("feat-for-good");
    const refused = onTerminal("trash empty feat-for-good", "n\n");
    assert.match(refused.shown, /^feat-for-good +feat\/for-good /mu);
    assert.match(refused.shown, /Delete 1 worktree for good, [\d.]+ [kM]?B\?.* \[y\/N\]/u);
    assert.match(refused.shown, /Nothing was deleted\./u);
    assert.match(imi(["trash", "list"]).stdout, /feat-for-good/u);
    const done = onTerminal("trash empty feat-for-good", "yes\n");
    assert.match(done.answered, /^Deleted feat-for-good/u);
    assert.doesNotMatch(imi(["trash", "list"]).stdout, /feat-for-good/u);
    assert.equal(onTerminal("trash empty --older-than 3w", "").status, 0, "nothing to ask about");
  });

  test("prune proposes and does not ask", async () => {
    const { status, shown } = onTerminal("prune", "y\n");
    assert.equal(status, 0, shown);
    assert.match(shown, /Nothing was removed\./u);
    assert.doesNotMatch(shown, /\[y\/N\]/u);
  });
});

const missing = (shell: Shell): string | false =>
  spawnSync(shell, ["--version"]).error === undefined ? false : `${shell} is not installed`;

const flags: Readonly<Record<Shell, string[]>> = {
  bash: ["--noprofile", "--norc"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

const where = `'${process.execPath}' -p 'JSON.stringify(process.cwd())'`;

for (const shell of shells) {
  describe(`the function for ${shell}`, { skip: missing(shell) }, () => {
    const inShell = (cwd: string, script: string): { last: string; stdout: string; stderr: string } => {
      const init = path.join(scene.root, `init.${shell}`);
      writeFileSync(init, shellInit(shell, "command imi"));
      const { stdout, stderr } = spawnSync(shell, [...flags[shell], "-c", `source '${init}'\n${script}\n${where}`], {
        cwd,
        env,
        input: "",
        encoding: "utf8",
        timeout: 60_000,
      });
      const last: unknown = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "null");
      return { last: String(last), stdout, stderr };
    };

    test("leaves a worktree that is removed for the trunk, and follows it back", async () => {
      const place = await make(`inside-${shell}`, "work");
      const inner = path.join(place, "deep");
      mkdirSync(inner);
      const away = inShell(inner, `imi remove feat-inside-${shell} --yes`);
      assert.equal(away.last, scene.trunk, away.stdout + away.stderr);
      assert.doesNotMatch(away.stderr, /still in the folder/u);
      assert.equal(existsSync(place), false);
      assert.equal(inShell(scene.trunk, `imi restore feat-inside-${shell}`).last, place);
    });

    test("stays where it is when another is removed, and when nothing is", async () => {
      const place = await make(`stays-${shell}`, "work");
      await make(`other-${shell}`, "nothing");
      assert.equal(inShell(place, `imi remove feat-other-${shell}`).last, place);
      assert.equal(inShell(place, `imi remove feat-stays-${shell}`).last, place, "refused");
      assert.equal(inShell(place, `imi remove feat-stays-${shell} --dry-run`).last, place);
    });
  });
}

test("without the shell's function one is told that one stands in the trash", async () => {
  const place = await make("told", "nothing");
  const { status, stderr } = imi(["remove", "feat-told"], place);
  assert.equal(status, 0, stderr);
  assert.ok(stderr.includes(`You are still in the folder that was removed: cd '${scene.trunk}'`), stderr);
});
