import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LiveFacts, StatusCounts, Worktree } from "../../protocol/worktrees.ts";
import { paintFor, wantsColour } from "../../server/src/faces/cli/colour.ts";
import { render, type Rendered, type View } from "../../server/src/faces/cli/output.ts";
import { progressLine } from "../../server/src/faces/cli/progress.ts";
import { printable, safeJson, table, width } from "../../server/src/faces/cli/text.ts";

const view: View = {
  paint: paintFor(false),
  terminal: false,
  now: new Date("2026-01-02T00:00:00.000Z"),
  cwd: "/code/app/feat-a/src",
  asked: {},
};

const worktree = (change: Partial<Worktree>): Worktree => ({
  id: "0190",
  repository: "0191",
  name: "feat-a",
  type: "feat",
  path: "/code/app/feat-a",
  branch: "feat/a",
  base: "origin/main",
  head: "0123456789abcdef0123456789abcdef01234567",
  state: "ready",
  locked: null,
  agentId: null,
  claim: null,
  pullRequest: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  lastAccessed: "2026-01-01T21:00:00.000Z",
  metadata: {},
  ...change,
});

const clean = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };

const list = (...worktrees: Worktree[]): readonly string[] => render("worktree.list", { worktrees }, view).lines;

describe("a list for people", () => {
  test("shows name, type, branch, status and age", () => {
    const lines = list(
      worktree({ status: { ahead: 2, behind: 1, staged: 1, changed: 3, untracked: 2, conflicted: 0 } }),
      worktree({ name: "trunk-main", type: "trunk", path: "/code/app/trunk-main", branch: "main", status: clean }),
    );
    assert.deepEqual(lines, [
      "  NAME        TYPE   BRANCH  STATUS          USED",
      "* feat-a      feat   feat/a  ↑2 ↓1 ●3 +1 ?2  3 h ago",
      "  trunk-main  trunk  main    clean           3 h ago",
    ]);
  });

  test("leaves the status out where nobody asked for it", () => {
    assert.equal(list(worktree({}))[0], "  NAME    TYPE  BRANCH  USED");
  });

  test("never shows an unknown status as clean", () => {
    const line = list(worktree({ status: { unknown: "git timed out" } }))[1] ?? "";
    assert.match(line, /unknown: git timed out/u);
    assert.doesNotMatch(line, /clean/u);
  });

  test("marks what is missing, locked, detached or half made", () => {
    assert.match(list(worktree({ state: "missing" }))[1] ?? "", /missing/u);
    assert.match(list(worktree({ locked: { reason: "usb" }, status: clean }))[1] ?? "", /clean, locked: usb/u);
    assert.match(list(worktree({ locked: { reason: "" }, status: clean }))[1] ?? "", /clean, locked /u);
    assert.match(list(worktree({ branch: null }))[1] ?? "", /detached at 01234567/u);
    assert.match(list(worktree({ state: "creating" }))[1] ?? "", /creating/u);
  });

  const facts: LiveFacts = { subject: null, upstream: null, operation: null, lastChange: null, recentAgents: [] };

  test("shows what git is in the middle of, and is not clean then", () => {
    const of = (operation: LiveFacts["operation"], status: StatusCounts): string =>
      list(worktree({ status, live: { ...facts, operation } }))[1] ?? "";
    assert.match(of("merge", { ...clean, conflicted: 2, changed: 1 }), / {2}merging !2 ●1 {2}/u);
    assert.match(of("bisect", clean), / {2}bisecting {2}/u);
    for (const operation of ["rebase", "cherry-pick", "revert", "am"] as const)
      assert.doesNotMatch(of(operation, clean), /clean/u, operation);
  });

  test("shows how far a branch is from where it is pushed to, where that is not its base", () => {
    const upstream = (name: string, ahead: number, behind: number): LiveFacts => ({
      ...facts,
      upstream: { name, ahead, behind },
    });
    const trunk = worktree({ name: "trunk-main", path: "/t", status: clean, live: upstream("origin/main", 0, 3) });
    assert.doesNotMatch(list(trunk)[0] ?? "", /UPSTREAM/u, "the status says that already");
    const apart = worktree({ status: clean, live: upstream("origin/feat/a", 2, 1) });
    const even = worktree({ name: "feat-b", path: "/b", status: clean, live: upstream("origin/feat/b", 0, 0) });
    assert.deepEqual(list(trunk, apart, even), [
      "  NAME        TYPE  BRANCH  STATUS  UPSTREAM  USED",
      "  trunk-main  feat  feat/a  clean             3 h ago",
      "* feat-a      feat  feat/a  clean   ↑2 ↓1     3 h ago",
      "  feat-b      feat  feat/a  clean   =         3 h ago",
    ]);
  });

  test("shows the last commit's subject in what is left of a line, and when a file last changed", () => {
    const live = { ...facts, subject: "Add a login page for everybody\u001b", lastChange: "2026-01-01T23:58:00.000Z" };
    const rows = [worktree({ status: clean, live })];
    const wide = render("worktree.list", { worktrees: rows }, view).lines;
    assert.deepEqual(wide, [
      "  NAME    TYPE  BRANCH  STATUS  USED       LAST COMMIT",
      "* feat-a  feat  feat/a  clean   2 min ago  Add a login page for everybody\\x1b",
    ]);
    const narrow = render("worktree.list", { worktrees: rows }, { ...view, columns: 68 }).lines;
    assert.equal(narrow[1], "* feat-a  feat  feat/a  clean   2 min ago  Add a login page for eve…");
    for (const line of narrow) assert.ok(width(line) <= 68, line);
    const tiny = render("worktree.list", { worktrees: rows }, { ...view, columns: 60 }).lines;
    assert.doesNotMatch(tiny.join("\n"), /login|COMMIT/u);
  });

  test("says what to do when there is nothing", () => {
    const { lines, notes } = render("worktree.list", { worktrees: [] }, view);
    assert.deepEqual(lines, []);
    assert.match(notes?.[0] ?? "", /imi feat/u);
  });

  test("cannot be forged by a folder's name", () => {
    const lines = list(worktree({ name: "a\u001b[2Jb\nfeat-z", path: "/elsewhere" }));
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? "", /a\\x1b\[2Jb\\nfeat-z/u);
  });
});

describe("other answers for people", () => {
  const one = (operation: string, result: unknown, change: Partial<View> = {}): Rendered =>
    render(operation, result, { ...view, ...change });

  test("feat, fix and review print one line; notes are apart", () => {
    const notes = [{ code: "fetch/skipped", message: "Not fetched." }];
    assert.deepEqual(one("worktree.create", { worktree: worktree({}), created: true, notes }), {
      lines: ["Created /code/app/feat-a"],
      notes: ["Not fetched."],
    });
    assert.deepEqual(one("worktree.review", { worktree: worktree({}), created: false, notes: [] }).lines, [
      "Opened /code/app/feat-a",
    ]);
    const expiresAt = new Date(view.now.getTime() + 30 * 60_000).toISOString();
    const claim = { worktree: "feat-a", agent: "codex-1", token: 7, since: view.now.toISOString(), expiresAt };
    assert.deepEqual(one("worktree.create", { worktree: worktree({}), created: true, notes: [], claim }).notes, [
      "codex-1 holds it for 30 min: export IMI_AGENT_ID=codex-1 IMI_CLAIM_TOKEN=7",
    ]);
  });

  test("path prints the path as it is, except to a terminal", () => {
    const result = { path: "/code/a\nb" };
    assert.deepEqual(one("worktree.path", result).lines, ["/code/a\nb"]);
    assert.deepEqual(one("worktree.path", result, { terminal: true }).lines, ["/code/a\\nb"]);
  });

  test("doctor marks each check, hints where something is wrong, and fails with a failure", () => {
    const checks = [
      { name: "git", result: "ok", detail: "2.50.0", hint: null },
      { name: "registry", result: "warning", detail: "on NFS", hint: "Move it." },
    ];
    assert.deepEqual(one("doctor.run", { checks }), {
      lines: ["✓ git       2.50.0", "! registry  on NFS", "            Move it."],
      exitCode: 0,
    });
    const failed = [{ name: "git", result: "failure", detail: "missing", hint: "Install git." }];
    assert.equal(one("doctor.run", { checks: failed }).exitCode, 1);
  });

  test("reconcile names what was done and why", () => {
    const adopted = [{ ...worktree({ name: "other" }), reason: "made by git worktree add" }];
    assert.deepEqual(one("worktree.reconcile", { adopted, settled: [], finished: [] }).lines, [
      "adopted  other  made by git worktree add",
    ]);
    assert.match(one("worktree.reconcile", { adopted: [], settled: [], finished: [] }).lines[0] ?? "", /agrees/u);
  });

  test("events are one line each", () => {
    const event = {
      seq: 7,
      id: "x",
      name: "worktree.created",
      repository: null,
      subject: "s",
      at: "t",
      data: { a: "\n" },
    };
    assert.deepEqual(one("event.list", { events: [event] }).lines, ['7  t  worktree.created  s  {"a":"\\n"}']);
  });

  test("config show says where each value came from", () => {
    const settings = [{ key: "log_level", value: "debug", origin: "environment", summary: "" }];
    const { lines } = one("config.show", { file: "/home/u/.config/iMi/config.toml", settings });
    assert.match(lines[1] ?? "", /^log_level {2}"debug" {2}environment$/u);
    assert.match(lines.at(-1) ?? "", /config\.toml is \/home/u);
  });

  test("an operation that has no form yet is shown as JSON", () => {
    assert.deepEqual(one("some.new", { a: 1 }).lines, ['{\n  "a": 1\n}']);
  });
});

describe("text on a terminal", () => {
  test("control and direction characters become visible", () => {
    assert.equal(
      printable("a\u0000\u001b\u007f\u009b\u202e\ufeffb\u{1f600}"),
      "a\\x00\\x1b\\x7f\\x9b\\u202e\\ufeffb\u{1f600}",
    );
    assert.equal(safeJson({ a: "\u009b\u001b" }), '{"a":"\\u009b\\u001b"}');
    assert.deepEqual(JSON.parse(safeJson("\u007f\u0080")), "\u007f\u0080");
  });

  test("columns line up under wide characters", () => {
    assert.equal(width("日本"), 4);
    assert.equal(width("e\u0301"), 1);
    assert.equal(width("👩‍💻"), 2);
    assert.deepEqual(
      table([
        [{ text: "日本" }, { text: "x" }],
        [{ text: "a" }, { text: "y" }],
      ]),
      ["日本  x", "a     y"],
    );
  });

  test("colours do not move columns", () => {
    const { good } = paintFor(true);
    assert.deepEqual(table([[{ text: "a", paint: good }, { text: "b" }]]), ["\u001b[32ma\u001b[39m  b"]);
  });

  test("colours follow NO_COLOR, FORCE_COLOR and TERM", () => {
    assert.equal(wantsColour(true, {}), true);
    assert.equal(wantsColour(false, {}), false);
    assert.equal(wantsColour(true, { NO_COLOR: "1" }), false);
    assert.equal(wantsColour(true, { NO_COLOR: "" }), true);
    assert.equal(wantsColour(true, { TERM: "dumb" }), false);
    assert.equal(wantsColour(false, { FORCE_COLOR: "1" }), true);
    assert.equal(wantsColour(true, { FORCE_COLOR: "0" }), false);
    assert.equal(wantsColour(true, { FORCE_COLOR: "1", NO_COLOR: "1" }), false);
  });

  test("progress is one line that goes away, and nothing where there is no terminal", () => {
    const written: string[] = [];
    const write = (text: string): number => written.push(text);
    const line = progressLine({ isTTY: true, columns: 12, write }, {}, -1000);
    line.show("Fetching origin/main", 0.5);
    line.clear();
    line.clear();
    assert.deepEqual(written, ["\r\u001b[KFetching o…", "\r\u001b[K"]);
    progressLine({ isTTY: false, write }, {}, -1000).show("x", null);
    progressLine({ isTTY: true, write }, { TERM: "dumb" }, -1000).show("x", null);
    assert.equal(written.length, 2);
  });
});
