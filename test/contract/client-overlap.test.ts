// What VS Code's side of conflicts and comparisons works out by itself, and what it repeats of the server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SameFile } from "../../protocol/activity.ts";
import type { Event } from "../../protocol/events.ts";
import { SameFiles, shownForMs } from "../../client/src/overlap/same-files.ts";

const now = Date.parse("2026-03-01T12:00:00.000Z");
const minute = 60_000;
let seq = 0;
const told = (file: string, ms = 0, more: Partial<Event> = {}): Event => {
  seq += 1;
  const at = new Date(now + ms).toISOString();
  const agents: SameFile["agents"] = [
    { agent: "codex-1", worktree: "feat-a", at },
    { agent: "jane", worktree: "feat-b", at },
  ];
  const data = { file, agents };
  return { seq, id: String(seq), name: "conflict.detected", repository: "r1", subject: "r1", at, data, ...more };
};
const files = (all: readonly { readonly file: string }[]): string[] => all.map(({ file }) => file);

describe("files that two agents changed within a minute", () => {
  it("are shown once each, the latest first, and until they are old", () => {
    const collisions = new SameFiles();
    collisions.take([told("a"), told("b", minute), told("a", 2 * minute)]);
    assert.deepEqual(files(collisions.all(now)), ["a", "b"]);
    assert.equal(collisions.untilNextEnds(now), minute + shownForMs);
    assert.deepEqual(files(collisions.all(now + minute + shownForMs)), ["a"]);
    assert.deepEqual(files(collisions.all(now + 2 * minute + shownForMs)), []);
    assert.equal(collisions.untilNextEnds(now), null);
  });

  it("are the same whether one was there or reads of them afterwards", () => {
    const [first, second, third] = [told("a"), told("b", minute), told("a", 2 * minute)];
    const there = new SameFiles();
    for (const event of [first, second, third]) there.take([event]);
    const late = new SameFiles();
    late.take([third]);
    late.take([first, second, third]);
    assert.deepEqual(late.all(now), there.all(now));
  });

  it("are warned of once a minute each", () => {
    const collisions = new SameFiles();
    const [a, b] = collisions.take([told("a"), told("b")]);
    assert.ok(a !== undefined && b !== undefined);
    const warned = [a, a, b].map((each) => collisions.toWarn(each, now));
    assert.deepEqual(warned, [true, false, true]);
    assert.equal(collisions.toWarn(a, now + minute - 1), false);
    assert.equal(collisions.toWarn(a, now + minute), true);
    assert.equal(collisions.toWarn(a, now - minute), true, "a clock that was set back keeps nobody in the dark");
  });

  it("are taken only from what the contract says", () => {
    const collisions = new SameFiles();
    const odd = [
      told("a", 0, { name: "worktree.touched" }),
      told("a", 0, { repository: null }),
      told("a", 0, { data: { file: "a" } }),
      told("a", 0, { data: { file: "a", agents: [{ agent: "codex-1" }, null] } }),
    ];
    assert.deepEqual(collisions.take(odd), []);
    assert.deepEqual(collisions.all(now), []);
  });
});
