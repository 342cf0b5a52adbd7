import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { completionLines, joinEquals, offer } from "../../server/src/faces/cli/completion.ts";
import { allCommands } from "../../server/src/faces/cli/local-commands.ts";

const commands = allCommands();

const offered = (...words: string[]): string[] | string => {
  const answer = offer(words, commands);
  return answer.kind === "candidates" ? answer.candidates.map(({ value }) => value) : answer.kind;
};

describe("completion offers", () => {
  test("commands, each first word once", () => {
    const all = offered("");
    assert.ok(Array.isArray(all) && all.includes("feat") && all.includes("shell-init"));
    assert.equal(all.filter((word) => word === "config").length, 1);
    assert.deepEqual(offered("f"), ["feat", "fix"]);
    assert.deepEqual(offered("config", ""), ["show", "edit"]);
    assert.deepEqual(offered("help", "config", "s"), ["show"]);
  });

  test("the options of the command and those of all", () => {
    const options = offered("feat", "x", "--");
    assert.ok(Array.isArray(options) && options.includes("--base") && options.includes("--json"));
    assert.deepEqual(offered("list", "--no-s"), ["--no-status"]);
    assert.deepEqual(offered("--js"), ["--json"]);
    assert.deepEqual(offered("events", "--re"), []);
  });

  test("worktrees where a worktree is meant, of the repository that was named", () => {
    assert.equal(offered("path", ""), "worktrees");
    assert.equal(offered("switch", "--json", "fe"), "worktrees");
    assert.equal(offered("switch", "--", "-"), "worktrees");
    assert.deepEqual(offer(["--repo", "/r", "path", ""], commands), { kind: "worktrees", repository: "/r" });
    assert.deepEqual(offer(["path", "--repo=/r", ""], commands), { kind: "worktrees", repository: "/r" });
  });

  test("directories for paths", () => {
    assert.equal(offered("--repo", ""), "directories");
    assert.equal(offered("list", "--repo=/c"), "directories");
    assert.equal(offered("init", ""), "directories");
    assert.equal(offered("clone", "url", ""), "directories");
  });

  test("shells for shell-init", () => {
    assert.deepEqual(offered("shell-init", ""), ["bash", "zsh", "fish"]);
  });

  test("nothing where it knows nothing", () => {
    assert.deepEqual(offered("feat", ""), []);
    assert.deepEqual(offered("feat", "x", "--base", "m"), []);
    assert.deepEqual(offered("list", ""), []);
    assert.deepEqual(offered("nonsense", ""), []);
    assert.deepEqual(offered(), offered(""));
  });
});

test("what bash split at = is put together again", () => {
  assert.deepEqual(joinEquals(["list", "--repo", "=", "/c"]), ["list", "--repo=/c"]);
  assert.deepEqual(joinEquals(["list", "--repo", "="]), ["list", "--repo="]);
  assert.deepEqual(joinEquals(["a", "=", "b"]), ["a", "=", "b"]);
});

test("a name with control characters is not offered", () => {
  assert.deepEqual(
    completionLines([
      { value: "a\nb", summary: "" },
      { value: "a b", summary: "feat/a" },
    ]),
    ["a b\tfeat/a"],
  );
});
