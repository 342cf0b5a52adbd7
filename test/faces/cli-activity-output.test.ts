import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Activity } from "../../protocol/activity.ts";
import { paintFor } from "../../server/src/faces/cli/colour.ts";
import { render, type Rendered, type View } from "../../server/src/faces/cli/output.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
let id = 1000;

/** `ago` in seconds. */
const happened = (ago: number, type: Activity["type"], change: Partial<Activity> = {}): Activity => ({
  id: (id -= 1),
  at: new Date(now.getTime() - ago * 1000).toISOString(),
  type,
  worktree: { id: "one", name: "feat-x" },
  agent: null,
  file: null,
  details: {},
  ...change,
});

const file = (ago: number, path: string, change = "modified", more: Partial<Activity> = {}): Activity =>
  happened(ago, "file_change", { file: path, details: { change }, ...more });

const shown = (activities: readonly Activity[], view: Partial<View> = {}, more = false): Rendered =>
  render("activity.list", { activities, more }, { ...plain, ...view });

const plain: View = { paint: paintFor(false), terminal: false, now, cwd: "/code", asked: {} };

const what = (activities: readonly Activity[], view: Partial<View> = {}): string[] =>
  shown(activities, view).lines.map((line) => line.replace(/^.*?feat-x +/u, ""));

describe("what people read of activities", () => {
  it("is a line for each, with its age, worktree and agent", () => {
    const ada = { agent: "ada" };
    const { lines, notes } = shown([
      file(0, "a.ts"),
      file(12, "src/b.ts", "added", ada),
      happened(125, "commit", {
        ...ada,
        details: { head: "c0ffee1234", subject: "Say hello", commits: 1, dropped: 0 },
      }),
      happened(7300, "agent_claimed", {
        ...ada,
        details: { task: "T-1" },
        worktree: { id: "two", name: "fix-longer" },
      }),
    ]);
    assert.deepEqual(lines, [
      "now        feat-x           modified a.ts",
      "12 s ago   feat-x      ada  added src/b.ts",
      "2 min ago  feat-x      ada  committed c0ffee1 Say hello",
      "2 h ago    fix-longer  ada  claimed it: T-1",
    ]);
    assert.deepEqual(notes, []);
  });

  it("has no column of agents where there is none", () => {
    assert.deepEqual(shown([file(1, "a.ts")]).lines, ["1 s ago  feat-x  modified a.ts"]);
  });

  it("puts files of one look together, in their order, and says what became of each where it differs", () => {
    assert.deepEqual(what([file(5, "c"), file(5, "b"), file(5, "a"), file(9, "a")]), [
      "modified a, b, c",
      "modified a",
    ]);
    assert.deepEqual(what([file(5, "b", "deleted"), file(5, "a", "added")]), ["added a, deleted b"]);
    assert.deepEqual(
      what([file(5, "b", "added", { agent: "ada" }), file(5, "a")]),
      ["ada  modified b", "modified a"].map((line) => line.replace("modified b", "added b")),
    );
  });

  it("names as many files as there is room for, at least one, and counts the others", () => {
    const many = Array.from({ length: 30 }, (_, index) => file(5, `src/part/file-${30 - index}.ts`));
    const [line = ""] = shown(many, { columns: 84 }).lines;
    assert.match(
      line,
      /^5 s ago {2}feat-x {2}modified src\/part\/file-1\.ts, src\/part\/file-2\.ts and 28 more files$/u,
    );
    assert.ok(line.length <= 84, line);
    const [narrow = ""] = shown(many, { columns: 40 }).lines;
    assert.equal(narrow.length, 40);
    assert.match(narrow, /…$/u);
    assert.match(what(many)[0] ?? "", /and 2\d more files$/u);
    assert.deepEqual(what([happened(5, "file_change", { details: { more: 4000 } }), file(5, "a")]), [
      "modified a and 4,000 more files",
    ]);
  });

  it("tells of commits what came and went", () => {
    const commit = (details: Activity["details"]): string =>
      what([
        happened(1, "commit", { details: { head: "c0ffee1234", subject: "S", commits: 1, dropped: 0, ...details } }),
      ])[0] ?? "";
    assert.equal(commit({ commits: 3 }), "committed c0ffee1 S (3 commits)");
    assert.equal(commit({ dropped: 1 }), "committed c0ffee1 S (1 dropped)");
    assert.equal(commit({ commits: 0, dropped: 2 }), "went back to c0ffee1 S (2 dropped)");
    assert.equal(commit({ subject: null }), "committed c0ffee1");
    assert.equal(commit({ head: null }), "has no commit any more");
  });

  it("tells of switches, claims and worktrees in words", () => {
    assert.deepEqual(
      what([
        happened(1, "switch", { details: { from: "main", to: null } }),
        happened(1, "agent_claimed", { details: { from: "bob" } }),
        happened(1, "agent_released", { details: { reason: "released" } }),
        happened(1, "agent_released", { details: { reason: "taken-over", by: "cyd" } }),
        happened(1, "agent_released", { details: { reason: "something new" } }),
        happened(1, "worktree_created", { details: { branch: "feat/x" } }),
        happened(1, "worktree_created", { details: { adopted: true } }),
        happened(1, "worktree_removed", { details: { reason: "removed into the trash" } }),
        happened(1, "worktree_restored"),
      ]),
      [
        "switched from main to a commit without a branch",
        "took it over from bob",
        "released it",
        "its claim was taken over by cyd",
        "its claim ended: something new",
        "created, on feat/x",
        "registered, made by another tool",
        "removed into the trash",
        "restored from the trash",
      ],
    );
  });

  it("keeps names from reaching the terminal as they are", () => {
    const { lines } = shown([
      file(1, "a\u001b[2J.ts", "added", { agent: "a\u0007", worktree: { id: "one", name: "x\ny" } }),
    ]);
    assert.deepEqual(lines, ["1 s ago  x\\ny  a\\x07  added a\\x1b[2J.ts"]);
  });

  it("says how to get the older ones, as it was asked", () => {
    const asked = { name: "-odd", limit: 1 };
    const given = { repository: ["--repo /r"], options: ["--agent ada", "--before 99"] };
    const activity = file(1, "a");
    assert.deepEqual(shown([activity], { asked, given }, true).notes, [
      `Older ones: \`imi activity --repo /r --agent ada --before ${activity.id} -- -odd\``,
    ]);
  });

  it("says where there is nothing what there could have been", () => {
    const { lines, notes = [] } = shown([], { asked: { limit: 50 } });
    assert.deepEqual(lines, []);
    assert.match(notes[0] ?? "", /^Nothing was recorded yet\. .*`imi monitor` watches/u);
    assert.match(shown([], { asked: { agent: "x" } }).notes?.[0] ?? "", /^Nothing like that/u);
  });
});
