import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { operations } from "../../protocol/contract.ts";
import { ImiError } from "../../protocol/errors.ts";
import { phrase } from "../../server/src/faces/cli/command.ts";
import { allCommands } from "../../server/src/faces/cli/local-commands.ts";
import { hasRenderer } from "../../server/src/faces/cli/output.ts";
import { parse, wantsJson, type Run } from "../../server/src/faces/cli/parse.ts";
import { commandTable } from "../../server/src/faces/cli/table.ts";

const commands = allCommands();

const run = (...argv: string[]): Run => {
  const invocation = parse(argv, commands);
  if (invocation.kind !== "run") assert.fail(`asked for ${invocation.kind}`);
  return invocation;
};

const refusal = (...argv: string[]): ImiError => {
  try {
    parse(argv, commands);
  } catch (error) {
    assert.ok(ImiError.is(error, "usage/invalid"), String(error));
    return error;
  }
  return assert.fail(`accepted: imi ${argv.join(" ")}`);
};

describe("the command table", () => {
  test("is plain JSON", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(commandTable())), commandTable());
  });

  test("has every command word of the contract, once", () => {
    const words = commandTable().map(phrase);
    assert.deepEqual(
      words,
      operations.flatMap((operation) => operation.cli.map((line) => line.command)),
    );
    assert.equal(new Set(allCommands().map(phrase)).size, allCommands().length);
  });

  test("knows what is fixed, what is taken by position and what is an option", () => {
    const feat = commandTable().find(({ words }) => words[0] === "feat");
    assert.deepEqual(feat?.fixed, { type: "feat" });
    assert.deepEqual(
      feat?.positionals.map(({ param }) => param),
      ["name"],
    );
    assert.deepEqual(
      feat?.options.map(({ flag }) => flag),
      ["branch", "base", "agent-id", "open"],
    );
    assert.equal(feat?.changesDirectory, true);
  });

  test("keeps what a next command has to say again, as it would be typed", () => {
    const given = (...argv: string[]): string[] => {
      const { repository, options } = run(...argv).given;
      return [...repository, ...options];
    };
    assert.deepEqual(given("prune", "--idle-days", "30", "x", "--yes"), ["--idle-days 30"]);
    assert.deepEqual(given("--repo", "my app", "remove", "x", "--dry-run", "--json"), ["--repo 'my app'"]);
    assert.deepEqual(given("list", "--no-status"), ["--no-status"]);
    assert.deepEqual(given("feat", "x", "--base=-x", "--open"), ["--base=-x"]);
  });

  test("gives every operation on the command line a form for people", () => {
    for (const { operation } of commandTable())
      assert.ok(operation !== null && hasRenderer(operation), String(operation));
  });

  test("gives parameters that the contract accepts, defaults filled in", () => {
    for (const command of commandTable()) {
      const words = command.positionals.filter(({ required }) => required);
      const { params } = run(...command.words, ...words.map(({ kind }) => (kind === "integer" ? "7" : "word")));
      const operation = operations.find(({ name }) => name === command.operation);
      assert.deepEqual(operation?.params.parse(params), params, phrase(command));
    }
  });
});

describe("parsing", () => {
  test("options stand before, between and after, with a space or =", () => {
    const expected = { type: "feat", name: "x", base: "main", agentId: "a-1" };
    assert.deepEqual(run("feat", "x", "--base", "main", "--agent-id=a-1").params, expected);
    assert.deepEqual(run("--json", "feat", "--base=main", "x", "--agent-id", "a-1").params, expected);
  });

  test("an option's value may be empty or hold = and spaces", () => {
    assert.equal(run("feat", "x", "--base=").params["base"], "");
    assert.equal(run("feat", "x", "--base=a=b c").params["base"], "a=b c");
  });

  test("-- ends the options everywhere", () => {
    assert.equal(run("feat", "--", "--weird").params["name"], "--weird");
    assert.equal(run("--", "feat", "-x").params["name"], "-x");
    assert.equal(run("remove", "--yes", "--", "--json").format, "human");
    assert.equal(wantsJson(["remove", "--", "--json"]), false);
    assert.equal(run("feat", "--", "--help").params["name"], "--help");
  });

  test("two words make one command", () => {
    assert.equal(run("config", "show").command.operation, "config.show");
    assert.equal(run("config", "--json", "show").format, "json");
    assert.match(refusal("config").hint ?? "", /imi config show.*imi config edit/u);
    assert.match(refusal("config", "shwo").hint ?? "", /imi config show/u);
  });

  test("a switch that is on by default has a --no- form, and its plain form", () => {
    assert.equal(run("list").params["status"], true);
    assert.equal(run("list", "--no-status").params["status"], false);
    assert.equal(run("list", "--status").params["status"], true);
    assert.match(refusal("list", "--status", "--no-status").message, /contradicts/u);
  });

  test("numbers are checked, and negative ones are values", () => {
    assert.equal(run("review", "123").params["number"], 123);
    assert.equal(run("events", "--since", "0").params["since"], 0);
    assert.match(refusal("review", "-1").message, /NUMBER must be 1 or more, not -1/u);
    assert.match(refusal("review", "0").message, /1 or more/u);
    for (const text of ["1.5", "1e3", "0x10", "", "9007199254740993"]) {
      assert.match(refusal("review", text).message, /whole number/u, text);
    }
    assert.match(refusal("events", "--limit", "10001").message, /--limit must be 10000 or less/u);
    assert.match(refusal("events", "--since=-3").message, /--since must be 0 or more/u);
  });

  test("the repository is a path for every command that has one", () => {
    assert.equal(run("--repo", "/r", "list").repository, "/r");
    assert.equal(run("list", "--repo=/r").repository, "/r");
    assert.match(refusal("events", "--repo", "/r").message, /does not take --repo/u);
  });

  test("what is missing, too much or given twice is refused with the usage", () => {
    assert.match(refusal("feat").message, /NAME is missing/u);
    assert.match(refusal("feat").hint ?? "", /imi feat NAME/u);
    assert.match(refusal("feat", "a", "b").message, /"b" is one word too many/u);
    assert.match(refusal("feat", "a", "--base", "x", "--base=y").message, /twice/u);
    assert.match(refusal("feat", "a", "--base").message, /needs a value/u);
    assert.match(refusal("feat", "a", "--base", "--json").message, /needs a value/u);
    assert.match(refusal("feat", "a", "--open=yes").message, /takes no value/u);
    assert.match(refusal("list", "--json=1").message, /takes no value/u);
    assert.match(refusal().message, /No command/u);
  });

  test("the same switch twice is no mistake", () => {
    assert.equal(run("--json", "list", "--json").format, "json");
    assert.equal(run("remove", "x", "--yes", "--yes").params["yes"], true);
  });

  test("what is unknown is refused with what was probably meant", () => {
    assert.match(refusal("faet", "x").hint ?? "", /imi feat/u);
    assert.match(refusal("ls").hint ?? "", /imi list/u);
    assert.match(refusal("rm", "x").hint ?? "", /imi remove/u);
    assert.match(refusal("feat", "x", "--bsae", "y").hint ?? "", /--base/u);
    assert.match(refusal("list", "--jsno").hint ?? "", /--json/u);
    assert.match(refusal("list", "-x").message, /-x/u);
    assert.match(refusal("qqqqqq").hint ?? "", /--help/u);
    assert.match(refusal("list", "--base", "x").hint ?? "", /imi list/u);
    assert.match(refusal("--base", "x", "feat", "y").hint ?? "", /after the command: imi feat/u);
  });

  test("help wins over every other mistake", () => {
    assert.deepEqual(parse(["feat", "--bogus", "--help"], commands), { kind: "help", about: ["feat"] });
    assert.deepEqual(parse(["config", "show", "-h"], commands), { kind: "help", about: ["config", "show"] });
    assert.deepEqual(parse(["--repo", "list", "remove", "-h"], commands), { kind: "help", about: ["remove"] });
    assert.deepEqual(parse(["help", "config", "show"], commands), { kind: "help", about: ["config", "show"] });
    assert.deepEqual(parse(["-h"], commands), { kind: "help", about: [] });
    assert.deepEqual(parse(["--version"], commands), { kind: "version" });
    assert.deepEqual(parse(["-V"], commands), { kind: "version" });
  });
});
