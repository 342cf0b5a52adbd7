import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allCommands } from "../../server/src/faces/cli/local-commands.ts";
import { commandHelp, generalHelp } from "../../server/src/faces/cli/help.ts";
import { width } from "../../server/src/faces/cli/text.ts";
import { phrase, placeholder } from "../../server/src/faces/cli/command.ts";

const commands = allCommands();

describe("help", () => {
  test("fits 80 columns, everywhere", () => {
    for (const text of [generalHelp(commands), ...commands.map(commandHelp)]) {
      for (const line of text.split("\n")) assert.ok(width(line) <= 80, `${width(line)}: ${line}`);
    }
  });

  test("lists every command", () => {
    const text = generalHelp(commands);
    for (const command of commands) assert.match(text, new RegExp(`^  ${phrase(command)}\\b`, "mu"));
  });

  test("of a command shows its usage, options and examples", () => {
    for (const command of commands) {
      const text = commandHelp(command);
      assert.match(text, new RegExp(`^Usage: imi ${phrase(command)}\\b`, "mu"));
      for (const { flag } of command.options) assert.ok(text.includes(flag.replace(/^no-/u, "")), flag);
      for (const example of command.examples) assert.ok(text.includes(`\n  ${example}\n`), example);
      assert.ok(command.examples.length > 0, phrase(command));
      assert.equal(text.includes("--repo"), command.takesRepository);
    }
  });

  test("calls a value what it is", () => {
    const help = (name: string): string => commandHelp(commands.find((each) => phrase(each) === name) ?? assert.fail());
    assert.match(help("salvage"), /--push REMOTE .*\n.*--bundle FILE /u);
    assert.match(help("prune"), /--idle-days DAYS /u);
    assert.match(help("trash empty"), /--older-than AGE /u);
    for (const { options, words } of commands) {
      for (const option of options) {
        if (option.kind !== "boolean")
          assert.match(placeholder(option), /^[A-Z]+$/u, `imi ${words.join(" ")} --${option.flag}`);
      }
    }
  });

  test("of list explains the signs of the status", () => {
    const list = commands.find((command) => phrase(command) === "list");
    assert.ok(list);
    for (const sign of ["↑", "↓", "●", "+", "?", "unknown"]) assert.ok(commandHelp(list).includes(sign), sign);
  });
});
