import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import {
  decodeName,
  encodeName,
  parsePrefix,
  prefixOf,
  timeOf,
  timeStamp,
} from "../../server/src/worktrees/salvage/names.ts";
import { hostileNames } from "../support/hostile-names.ts";

const names = [
  "feat-user-auth",
  ...[
    "-rf",
    "--exec=x",
    ".hidden",
    "a..b",
    "a.lock",
    "A.LOCK",
    "a.",
    ".",
    "..",
    "@",
    "@{-1}",
    "a@{u}",
    "x~1",
    "x^",
    "a:b",
  ],
  ...["a b", "a\nb", "a\tb", "a*b?[c]", "a\\b", "a%2Fb", "%", "a/b", "größe", "日本", "😀", "-", "a.b.c", "a.locker"],
  ...Object.values(hostileNames)
    .flat()
    .filter((name) => name.isWellFormed() && name !== "" && Buffer.byteLength(name) < 80),
];

describe("a worktree's name in a ref", () => {
  it(`is allowed by git and read back as it was (${names.length} names)`, () => {
    for (const name of names) {
      const prefix = prefixOf(name, new Date(0));
      execFileSync("git", ["check-ref-format", `${prefix}/HEAD`]);
      assert.match(prefix, /^refs\/salvage\/[A-Za-z0-9%_+=,@.-]+\/\d{8}T\d{9}Z$/);
      assert.equal(decodeName(encodeName(name)), name);
      assert.deepEqual(parsePrefix(`${prefix}/stash/1`), { worktree: name, at: "1970-01-01T00:00:00.000Z", prefix });
    }
    assert.equal(new Set(names.map(encodeName)).size, new Set(names).size, "two names never share a ref");
    assert.equal(encodeName("feat-user-auth"), "feat-user-auth", "an ordinary name is as it is");
  });

  it("is refused where it is too long for a file", () => {
    assert.throws(() => encodeName("ü".repeat(200)), { code: "salvage/failed" });
    assert.throws(() => encodeName(""), { code: "salvage/failed" });
  });
});

it("the time in a ref sorts, and is read back", () => {
  const at = new Date("2026-11-21T05:01:02.345Z");
  assert.equal(timeStamp(at), "20261121T050102345Z");
  assert.equal(timeOf("20261121T050102345Z"), at.toISOString());
  assert.equal(timeOf("20261341T050102345Z"), null);
  assert.equal(timeOf("HEAD"), null);
});
