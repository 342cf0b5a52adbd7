import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import {
  addWorktree,
  branchFor,
  checkBase,
  checkBranch,
  checkName,
  folderFor,
  listWorktrees,
} from "../../server/src/git/index.ts";
import { ruleBrokenBy } from "../../server/src/git/names.ts";
import { makeRepository } from "../support/git.ts";
import { goodNames, hostileNames } from "../support/hostile-names.ts";

const refused = (code: ImiError["code"]) => (error: unknown) => {
  assert.ok(ImiError.is(error, code), String(error));
  return true;
};
const raised = (act: () => unknown): ImiError => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ImiError);
    return error;
  }
  return assert.fail("nothing was raised");
};
const visible = (name: string): string => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);

describe("a work's name", () => {
  const hostile = Object.entries(hostileNames).flatMap(([rule, names]) => names.map((name) => ({ rule, name })));

  test("the corpus is large and holds no name twice", () => {
    assert.ok(hostile.length >= 160, `${hostile.length}`);
    assert.equal(new Set(hostile.map(({ name }) => name)).size, hostile.length);
  });

  for (const [rule, names] of Object.entries(hostileNames)) {
    test(`is refused by the rule "${rule}" (${names.length} names)`, () => {
      for (const name of names) {
        assert.equal(ruleBrokenBy(name), rule, visible(name));
        assert.throws(() => checkName(name), refused("name/invalid"), visible(name));
      }
    });
  }

  test("is refused in a sentence that is safe to print and no longer than a line or two", () => {
    for (const { name } of hostile) {
      const error = raised(() => checkName(name));
      for (const text of [error.message, error.hint ?? ""]) {
        assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u, visible(name));
        assert.ok(text.length < 400, visible(name));
      }
    }
  });

  test("is refused with a name that would do, where there is one", () => {
    assert.equal(raised(() => checkName("user auth!")).hint, "Try user-auth.");
    assert.equal(raised(() => checkName("cafe\u0301")).hint, "Try caf\u00e9.");
    assert.equal(raised(() => checkName("--force")).hint, "Try force.");
    assert.equal(raised(() => checkName("../../etc/passwd")).hint, "Try etc/passwd.");
    assert.equal(raised(() => checkName("login\u{1f680}")).hint, "Try login.");
    assert.equal(raised(() => checkName("CON")).hint, null);
    assert.equal(raised(() => checkName("..")).hint, null);
    for (const { name } of hostile) {
      const hint = raised(() => checkName(name)).hint;
      if (hint !== null) assert.equal(ruleBrokenBy(hint.slice("Try ".length, -1)), null, visible(name));
    }
  });

  test("shows what cannot be seen by its number", () => {
    assert.match(raised(() => checkName("a\u202eb")).message, /U\+202E/);
    assert.match(raised(() => checkName("a\nb")).message, /U\+000A/);
  });

  test("passes as it is in any language", () => {
    for (const name of goodNames) assert.equal(checkName(name), name);
  });

  test("that passes is one git itself takes for a branch and a folder", async () => {
    await using repository = await makeRepository();
    for (const [index, name] of goodNames.entries()) {
      // Case and prefixes may clash among these names; each has a type of its own.
      const type = `t${index}`;
      const path = join(repository.root, folderFor("{type}-{name}", type, name));
      const branch = branchFor("{type}/{name}", type, name);
      assert.equal(checkBranch(branch), branch);
      await addWorktree(repository.git, repository.commonDir, { path, branch, startPoint: "main", createBranch: true });
    }
    const listed = await listWorktrees(repository.git, repository.commonDir);
    assert.deepEqual(
      new Set(listed.slice(1).map((entry) => entry.branch)),
      new Set(goodNames.map((name, index) => `t${index}/${name}`)),
    );
  });
});

describe("a branch to work on", () => {
  test("may be what other tools call theirs", () => {
    for (const branch of [
      "main",
      "release/2.1",
      "jane/auth",
      "dependabot/npm_and_yarn/@types/node-24.1.0",
      "renovate/all-minor-patch",
      "feature/JIRA-1#part2",
      "c++",
      "50%",
      "a=b",
      "claude/fix-login",
    ]) {
      assert.equal(checkBranch(branch), branch);
    }
  });

  test("is refused where it is an option, a reference, or would be run by a shell", () => {
    for (const branch of [
      ...[
        "",
        "-D",
        "--force",
        "HEAD",
        "@",
        "@{-1}",
        "a@{1}",
        "refs/heads/x",
        "a..b",
        "a.lock",
        "a b",
        "a~1",
        "a^",
        "a:b",
      ],
      ...[
        "$(id)",
        "`id`",
        "a;b",
        "a|b",
        "a&b",
        "a'b",
        'a"b',
        "a\\b",
        "a*",
        "a?",
        "[a]",
        "a\n",
        "a\0",
        "a\u202e",
        "e\u0301",
      ],
      ...["/a", "a/", "a//b", ".a", "a/.b", "a.", "con", "x".repeat(201), "\ud800"],
    ]) {
      assert.throws(() => checkBranch(branch), refused("branch/invalid"), visible(branch));
    }
  });
});

describe("a base to start from", () => {
  test("may be a branch, a tag, a commit, or one before them", () => {
    for (const base of [
      "main",
      "origin/main",
      "v1.0.0",
      "HEAD",
      "HEAD~3",
      "main^",
      "main^2~1",
      "1f2e3d4c5b6a",
      "release/2.1",
    ]) {
      assert.equal(checkBase(base), base);
    }
  });

  test("is refused where it is an option, a range, or reads the reflog", () => {
    for (const base of [
      ...[
        "",
        "-",
        "--all",
        "-x",
        "@",
        "@{-1}",
        "@{u}",
        "main@{1}",
        "a..b",
        "a...b",
        "^main",
        "main:file",
        ":/text",
        "main^{tree}",
      ],
      ...["main^@", "main^!", "a b", "$(id)", "a\n", "a\0", "~1", "\u202e"],
    ]) {
      assert.throws(() => checkBase(base), refused("base/unknown"), visible(base));
    }
  });
});

describe("templates", () => {
  test("make the folder and the branch; a slash in the name stays in the branch only", () => {
    assert.equal(folderFor("{type}-{name}", "feat", "user-auth"), "feat-user-auth");
    assert.equal(folderFor("{type}-{name}", "feat", "auth/login"), "feat-auth-login");
    assert.equal(branchFor("{type}/{name}", "feat", "auth/login"), "feat/auth/login");
    assert.equal(branchFor("jane/{name}-{type}", "fix", "x"), "jane/x-fix");
  });

  test("take nothing in a name for a placeholder", () => {
    assert.equal(folderFor("{name}-{type}", "feat", "type"), "type-feat");
  });

  test("that lead out of the container or make a bad branch are the configuration's fault", () => {
    for (const template of ["../{name}", "{type}/{name}", ".{name}", "-{name}", "{nam}", "{name}.lock", ""]) {
      assert.throws(() => folderFor(template, "feat", "x"), refused("config/invalid"), template);
    }
    for (const template of [
      "../{name}",
      "-{name}",
      "{name}..{type}",
      "{name} {type}",
      "refs/heads/{name}",
      "{name}@{type}{",
    ]) {
      assert.throws(() => branchFor(template, "feat", "x"), refused("config/invalid"), template);
    }
  });
});
