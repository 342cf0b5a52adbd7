import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { completionScript } from "../../server/src/faces/cli/completion.ts";
import { shells, type Shell } from "../../server/src/faces/cli/local-commands.ts";
import { programFor } from "../../server/src/faces/cli/program.ts";
import { shellInit } from "../../server/src/faces/cli/shell-init.ts";

// The program is a stand-in here, because the real one cannot be made to answer with every path there may be: it writes
// $PLACE to the channel and ends with $CODE. test/faces/cli.test.ts runs the real one.
const program = `#!/bin/sh
if [ "$1" = __complete ]; then
  shift 2
  for word; do :; done
  case $word in
    --repo=* | dir*) echo @directories ;;
    *) printf 'feat-a\\tfeat/a\\nfeat-b b\\tfeat/b:c\\nfix-c\\t\\n' ;;
  esac
  exit
fi
printf 'answer %s\\n' "$*"
[ -z "$PLACE" ] || printf '%s\\0' "$PLACE" >"$IMI_CD_FILE"
exit "\${CODE:-0}"
`;

let root: string;
let bin: string;

before(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), "imi shell ")));
  bin = path.join(root, "bin 'of imi");
  mkdirSync(bin);
  mkdirSync(path.join(root, "runtime"));
  writeFileSync(path.join(bin, "imi"), program);
  chmodSync(path.join(bin, "imi"), 0o755);
});
after(() => {
  rmSync(root, { recursive: true, force: true });
});

const missing = (shell: Shell): string | false => {
  const found = spawnSync(shell, ["--version"]);
  return found.error === undefined ? false : `${shell} is not installed`;
};

const flags: Readonly<Record<Shell, string[]>> = {
  bash: ["--noprofile", "--norc"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

const environment = (more: Readonly<Record<string, string>>): Record<string, string> => ({
  HOME: root,
  XDG_RUNTIME_DIR: path.join(root, "runtime"),
  PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  TERM: "dumb",
  ...more,
});

const inShell = (
  shell: Shell,
  script: string,
  more: Readonly<Record<string, string>> = {},
): { stdout: string; status: number | null; stderr: string } => {
  const init = path.join(root, `init.${shell}`);
  writeFileSync(init, shellInit(shell, "command imi"));
  const result = spawnSync(shell, [...flags[shell], "-c", `source '${init}'\n${script}`], {
    cwd: root,
    env: environment(more),
    encoding: "utf8",
  });
  assert.equal(result.error, undefined);
  return result;
};

// The working directory, seen from outside the shell, with a mark so that a newline at its end is not lost.
const where = `'${process.execPath}' -p 'JSON.stringify(process.cwd())'`;

for (const shell of shells) {
  describe(`the function for ${shell}`, { skip: missing(shell) }, () => {
    for (const [what, name] of Object.entries({
      "an ordinary path": "plain",
      "spaces, quotes and a dollar": "a b'c\"d $HOME",
      "a newline inside and at the end": "a\nb\n",
      "a glob and a backslash": "*\\n[x]",
    })) {
      test(`changes into ${what}`, () => {
        const place = path.join(root, name);
        mkdirSync(place, { recursive: true });
        const { stdout, stderr } = inShell(shell, `imi feat x\n${where}`, { PLACE: place });
        assert.equal(stdout, `answer feat x\n${JSON.stringify(place)}\n`, stderr);
      });
    }

    test("stays, and keeps the exit code, when the program fails", () => {
      const status = shell === "fish" ? "echo $status" : "echo $?";
      const { stdout } = inShell(shell, `imi feat x\n${status}\n${where}`, { PLACE: "/", CODE: "2" });
      assert.equal(stdout, `answer feat x\n2\n${JSON.stringify(root)}\n`);
    });

    test("stays when the program names no place", () => {
      assert.equal(inShell(shell, `imi list\n${where}`).stdout, `answer list\n${JSON.stringify(root)}\n`);
    });

    test("passes every argument as it is", () => {
      const { stdout } = inShell(shell, `imi feat 'a  b' -- '*' ''`);
      assert.equal(stdout, "answer feat a  b -- * \n");
    });

    test("leaves no file behind", () => {
      inShell(shell, "imi list; imi feat x", { PLACE: root });
      assert.deepEqual(readdirSync(path.join(root, "runtime")), []);
    });

    test("works where no temporary file can be made: without changing directory", () => {
      const { stdout } = inShell(shell, `imi feat x\n${where}`, { XDG_RUNTIME_DIR: "/nowhere" });
      assert.equal(stdout, `answer feat x\n${JSON.stringify(root)}\n`);
    });

    test("can be loaded again, and over an alias", () => {
      const init = path.join(root, `init.${shell}`);
      const place = path.join(root, "plain");
      mkdirSync(place, { recursive: true });
      const script = `alias imi='echo alias'\nsource '${init}'\nimi feat x\n${where}`;
      assert.equal(inShell(shell, script, { PLACE: place }).stdout, `answer feat x\n${JSON.stringify(place)}\n`);
    });

    test("finds a program that is not on PATH", () => {
      const entry = path.join(root, "dist", "cli.cjs");
      const home = path.join(root, "bin");
      mkdirSync(home, { recursive: true });
      execFileSync("cp", [path.join(bin, "imi"), path.join(home, "imi")]);
      const word = programFor(shell, { PATH: "/nowhere" }, entry);
      const result = spawnSync(shell, [...flags[shell], "-c", `${word} list`], {
        env: environment({}),
        encoding: "utf8",
      });
      assert.equal(result.stdout, "answer list\n");
      assert.equal(programFor(shell, { PATH: `/nowhere:${bin}` }, entry), "command imi");
    });
  });
}

describe("completion in bash", { skip: missing("bash") }, () => {
  const complete = (...words: string[]): string[] => {
    const file = path.join(root, "completion.bash");
    writeFileSync(file, completionScript("bash", "command imi"));
    const array = words.map((word) => `'${word}'`).join(" ");
    const script = `source '${file}'; COMP_WORDS=(imi ${array}); COMP_CWORD=${words.length}; _imi; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["--noprofile", "--norc", "-c", script], {
      cwd: root,
      env: environment({}),
      encoding: "utf8",
    })
      .split("\n")
      .slice(0, -1);
  };

  test("offers what begins with the word, ready to be typed", () => {
    assert.deepEqual(complete("remove", "feat"), ["feat-a", "feat-b\\ b"]);
    assert.deepEqual(complete("remove", "feat-b\\ "), ["feat-b\\ b"]);
    assert.deepEqual(complete("remove", ""), ["feat-a", "feat-b\\ b", "fix-c"]);
  });

  test("offers directories where a path is meant", () => {
    mkdirSync(path.join(root, "dir one"), { recursive: true });
    assert.deepEqual(complete("init", "dir"), ["dir one"]);
  });
});

test("completion in zsh can be loaded", { skip: missing("zsh") }, () => {
  const file = path.join(root, "completion.zsh");
  writeFileSync(file, completionScript("zsh", "command imi"));
  const script = `autoload -Uz compinit && compinit -D -u; source '${file}'; print -r -- \${_comps[imi]}`;
  const stdout = execFileSync("zsh", ["-f", "-c", script], { env: environment({}), encoding: "utf8" });
  assert.equal(stdout, "_imi\n");
});

test("completion in fish offers names with what they are", { skip: missing("fish") }, () => {
  const file = path.join(root, "completion.fish");
  writeFileSync(file, completionScript("fish", "command imi"));
  const script = `source '${file}'; complete -C 'imi remove feat'`;
  const stdout = execFileSync("fish", ["--no-config", "-c", script], { env: environment({}), encoding: "utf8" });
  assert.deepEqual(stdout.trim().split("\n").sort(), ["feat-a\tfeat/a", "feat-b b\tfeat/b:c"]);
});
