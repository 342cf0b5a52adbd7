import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { usageOf } from "../../server/src/faces/cli/command.ts";
import { completionScript, offer, type Offer } from "../../server/src/faces/cli/completion.ts";
import { commandHelp } from "../../server/src/faces/cli/help.ts";
import { allCommands, type Shell } from "../../server/src/faces/cli/local-commands.ts";
import { parse } from "../../server/src/faces/cli/parse.ts";

const commands = allCommands();

const params = (...argv: string[]): Readonly<Record<string, unknown>> => {
  const asked = parse(argv, commands);
  return asked.kind === "run" ? asked.params : assert.fail(`asked for ${asked.kind}`);
};

describe("a list of names", () => {
  test("takes every word that is left, wherever the options stand", () => {
    assert.deepEqual(params("prune", "feat-a", "--yes", "feat-b")["names"], ["feat-a", "feat-b"]);
    assert.deepEqual(params("prune", "--idle-days", "3", "--", "-a", "b")["names"], ["-a", "b"]);
    assert.deepEqual(params("disk-use", "feat-a"), { fresh: false, names: ["feat-a"] });
  });

  test("is left out where there is none: then all are meant", () => {
    assert.deepEqual(params("prune"), { idleDays: 14, yes: false });
    assert.deepEqual(params("disk-use", "--fresh"), { fresh: true });
  });

  test("is explained, one of them by its singular", () => {
    const prune = commands.find(({ words }) => words[0] === "prune");
    assert.ok(prune);
    assert.equal(usageOf(prune), "imi prune [NAME...] [options]");
    assert.match(commandHelp(prune), /^ {2}NAME {2}\S/mu);
  });
});

describe("completion offers", () => {
  const kind = (...words: string[]): Offer["kind"] => offer(words, commands).kind;

  test("worktrees for what is done to worktrees, as many as there may be", () => {
    for (const command of ["salvage", "disk-use"]) assert.equal(kind(command, ""), "worktrees");
    for (const command of ["remove", "prune"]) assert.equal(kind(command, ""), "removable");
    assert.equal(kind("prune", "--yes", "feat-a", "feat-b", ""), "removable");
    assert.equal(kind("remove", "feat-a", ""), "candidates");
  });

  test("names in the trash for what is done to them", () => {
    assert.deepEqual(offer(["--repo", "/r", "restore", ""], commands), { kind: "trash", repository: "/r" });
    for (const verb of ["show", "restore", "empty"]) assert.equal(kind("trash", verb, ""), "trash");
  });

  test("remotes and files where a salvage may go", () => {
    assert.equal(kind("salvage", "--push", ""), "remotes");
    assert.equal(kind("salvage", "x", "--push=or"), "remotes");
    assert.equal(kind("salvage", "--bundle", ""), "files");
  });
});

test("what other tools call it leads to our word", () => {
  for (const [typed, meant] of Object.entries({ undo: "restore", clean: "prune", du: "disk-use", rm: "remove" })) {
    assert.throws(
      () => parse([typed], commands),
      (error) => ImiError.is(error, "usage/invalid") && error.hint?.includes(`imi ${meant}`) === true,
    );
  }
});

describe("a shell completes files where a file is meant", () => {
  const missing = (shell: Shell): string | false =>
    spawnSync(shell, ["--version"]).error === undefined ? false : `${shell} is not installed`;

  /** What a shell prints that has completion, with a program that answers as ours does for `salvage --bundle`. */
  const printed = (shell: Shell, flags: readonly string[], script: string): string => {
    const root = mkdtempSync(path.join(tmpdir(), "imi files "));
    try {
      mkdirSync(path.join(root, "bin"));
      writeFileSync(path.join(root, "bin/imi"), "#!/bin/sh\necho @files\n");
      chmodSync(path.join(root, "bin/imi"), 0o755);
      writeFileSync(path.join(root, "a file.bundle"), "");
      writeFileSync(path.join(root, "init"), completionScript(shell, "command imi"));
      const env = { HOME: root, PATH: `${root}/bin:${process.env["PATH"] ?? ""}`, TERM: "dumb" };
      const argv = [...flags, "-c", `source '${root}/init'\n${script}`];
      return execFileSync(shell, argv, { cwd: root, env, encoding: "utf8" });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  };

  test("bash", { skip: missing("bash") }, () => {
    const words = (typed: string): string =>
      `COMP_WORDS=(imi ${typed}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _imi; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const flags = ["--noprofile", "--norc"];
    assert.equal(printed("bash", flags, words("salvage --bundle a")), "a file.bundle\n");
    assert.equal(printed("bash", flags, words("salvage --bundle = a")), "a file.bundle\n");
  });

  test("fish", { skip: missing("fish") }, () => {
    const script = "complete -C 'imi salvage --bundle a'";
    assert.match(printed("fish", ["--no-config"], script), /^a\\? file\.bundle/mu);
  });
});
