import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Activity } from "../../protocol/activity.ts";
import { eventNames, type EventName } from "../../protocol/events.ts";
import { worktreeTypes } from "../../protocol/worktrees.ts";
import { width } from "../../server/src/faces/cli/text.ts";
import { age, left, steadyFor } from "../../server/src/faces/monitor/ages.ts";
import {
  emptyBoard,
  mostHappenings,
  recentConflicts,
  withEvents,
  withHistory,
  withProblem,
  withStatuses,
  withWorktrees,
  type Board,
} from "../../server/src/faces/monitor/board.ts";
import type { Asked } from "../../server/src/faces/monitor/details.ts";
import { happeningOf, happeningsOf } from "../../server/src/faces/monitor/happenings.ts";
import { firstUi, pressed, type Press, type Ui, type Wish } from "../../server/src/faces/monitor/keys.ts";
import { clipped } from "../../server/src/faces/monitor/lines.ts";
import { typesInOrder } from "../../server/src/faces/monitor/rows.ts";
import { frameOf, type Frame } from "../../server/src/faces/monitor/view.ts";
import { ago, agentRow, boardOf, clean, eventOf, facts, now, worktreeRow } from "../support/board.ts";

const unread: Asked = {
  details: { files: { state: "reading" }, happenings: { state: "reading" } },
  overlaps: { state: "reading" },
};

const drawn = (
  board: Board,
  more: { ui?: Partial<Ui>; asked?: Partial<Asked>; columns?: number; rows?: number } = {},
): Frame =>
  frameOf(
    board,
    { ...firstUi, ...more.ui },
    { ...unread, ...more.asked },
    { columns: more.columns ?? 80, rows: more.rows ?? 24 },
    now,
  );
const linesOf = ({ lines }: Frame): string[] =>
  lines.map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
const textOf = (frame: Frame): string => linesOf(frame).join("\n");

describe("what the monitor repeats of the contract", () => {
  test("is the same there", () => {
    assert.deepEqual(typesInOrder, worktreeTypes);
  });
});

describe("ages", () => {
  test("are as short as can be", () => {
    const of = (seconds: number): string => age(now - seconds * 1000, now);
    assert.deepEqual([-5, 0, 2, 59, 60, 3599, 3600, 86_400].map(of), [
      "0s",
      "0s",
      "2s",
      "59s",
      "1m",
      "59m",
      "1h",
      "1d",
    ]);
    assert.deepEqual([left(now + 1_500_000, now), left(now - 1, now)], ["25m", "over"]);
  });

  test("say until when they stay as they are", () => {
    assert.equal(steadyFor([], now), null, "nothing is shown");
    assert.equal(steadyFor([now - 3 * 86_400_000], now), null, "nothing of it is recent");
    assert.equal(steadyFor([now - 2000], now + 250), 750, "at the clock's next second");
    assert.equal(steadyFor([now - 2250, now - 1800], now + 250), 750, "all of them at once");
    assert.equal(steadyFor([now - 90_000], now), 30_000);
    for (const passed of [0, 700, 59_999, 61_234, 3_599_000, 4_000_000, -900, -60_000, -61_001, -4_000_000]) {
      const later = now + 123;
      const wait = steadyFor([later - passed], later) ?? assert.fail();
      const shown = (time: number): string => age(later - passed, time) + left(later - passed, time);
      assert.equal(shown(later + wait - 1), shown(later), `${passed}: it changed before`);
      assert.notEqual(shown(later + wait), shown(later), `${passed}: it did not change then`);
    }
  });
});

describe("what happened", () => {
  const said = (name: EventName, data: Record<string, unknown>): string | null =>
    happeningOf(eventOf(name, "w", { name: "feat-x", ...data }))?.text ?? null;

  test("is told in a few words", () => {
    const files = [
      { path: "src/a.ts", change: "modified" },
      { path: "src/b.ts", change: "modified" },
    ];
    assert.equal(said("worktree.touched", { files, more: 3, agent: null, status: clean }), "src/a.ts and 4 more");
    assert.equal(said("worktree.touched", { files: [], more: 0 }), null, "only the status is another");
    const commit = { branch: "feat/x", from: "a", head: "1234567890", subject: "Add it", commits: 1, dropped: 0 };
    assert.equal(said("worktree.commit", commit), "1234567 Add it");
    assert.equal(
      said("worktree.commit", { ...commit, commits: 3, dropped: 2 }),
      "1234567 Add it and 2 more (2 dropped)",
    );
    assert.equal(said("worktree.commit", { ...commit, commits: 0 }), "at 1234567 Add it on feat/x");
    assert.equal(said("worktree.changed", { branch: "fix/y", changed: ["branch"] }), "on fix/y");
    assert.equal(said("worktree.changed", { branch: "fix/y", changed: ["lockReason"] }), null);
    assert.equal(said("worktree.claimed", { agent: "claude-1", task: "the login" }), "claimed by claude-1 (the login)");
    assert.equal(said("worktree.released", { agent: "claude-1", reason: "expired" }), "released by claude-1 (expired)");
    const agents = [
      { agent: "a", worktree: "feat-x", at: ago(1) },
      { agent: "b", worktree: "feat-y", at: ago(2) },
    ];
    assert.equal(said("conflict.detected", { file: "src/a.ts", agents }), "src/a.ts: a in feat-x, b in feat-y");
  });

  test("is asked of every event there is, and of those a newer iMi may know", () => {
    for (const name of Object.keys(eventNames)) said(name as EventName, { files: [], agents: [] });
    assert.equal(said("something.newer" as EventName, {}), null);
  });

  test("is read from the activity log as the log of events tells it", () => {
    const row = (id: number, more: Partial<Activity>): Activity => ({
      ...{
        id,
        at: ago(2),
        type: "file_change",
        worktree: { id: "w", name: "feat-x" },
        agent: "a",
        file: null,
        details: {},
      },
      ...more,
    });
    const told = happeningsOf([
      row(6, { details: { more: 7 } }),
      row(5, { file: "b.ts", details: { change: "added" } }),
      row(4, { file: "a.ts", details: { change: "added" } }),
      row(3, { file: "a.ts", agent: "b", details: { change: "deleted" } }),
      row(2, { type: "switch", details: { from: "x", to: "feat/x" } }),
      row(1, { type: "commit", details: { head: "1234567", subject: "One", commits: 1, dropped: 0, branch: "x" } }),
    ]);
    assert.deepEqual(
      told.map(({ sign, text }) => `${sign}: ${text}`),
      ["added: a.ts and 8 more", "deleted: a.ts", "worktree: on feat/x", "commit: 1234567 One"],
    );
  });
});

describe("the board", () => {
  const touched = (name: string, more: Record<string, unknown> = {}) =>
    eventOf("worktree.touched", name, {
      ...{ name, agent: "a", files: [{ path: "x", change: "modified" }], more: 0, status: { ...clean, changed: 1 } },
      ...more,
    });

  test("takes the status from the event, and asks again only for what that does not say", () => {
    const board = boardOf({ worktrees: [worktreeRow("feat-x"), worktreeRow("feat-y")] });
    const { board: next, stale } = withEvents(board, [touched("feat-x")]);
    assert.deepEqual(next.worktrees?.[0]?.status, { ...clean, changed: 1 });
    assert.equal(next.worktrees?.[0]?.live?.lastChange, ago(2));
    assert.equal(next.worktrees?.[1], board.worktrees?.[1], "the others are not touched");
    assert.deepEqual([stale.worktrees, [...stale.ids]], [false, ["feat-x"]]);
    const staged = withEvents(board, [touched("feat-x", { files: [], more: 0 })]).board;
    assert.equal(staged.worktrees?.[0]?.live?.lastChange, null, "staging changes no file");
    const claimed = withEvents(next, [eventOf("worktree.claimed", "feat-x", { name: "feat-x", agent: "a" })]).stale;
    assert.deepEqual([claimed.worktrees, claimed.agents], [true, true]);
  });

  test("knows a commit at once", () => {
    const data = {
      name: "feat-x",
      agent: null,
      branch: "feat/x",
      from: null,
      head: "abc",
      subject: "New",
      commits: 1,
      dropped: 0,
    };
    const board = boardOf({ worktrees: [worktreeRow("feat-x")] });
    const [row] =
      withEvents(board, [eventOf("worktree.commit", "feat-x", { ...data, status: clean })]).board.worktrees ?? [];
    assert.deepEqual([row?.head, row?.live?.subject], ["abc", "New"]);
  });

  test("keeps no more than it can show, however much happens", () => {
    let board = boardOf({ worktrees: [worktreeRow("feat-x")] });
    for (let round = 0; round < 20; round += 1)
      board = withEvents(
        board,
        Array.from({ length: 500 }, () => touched("feat-x")),
      ).board;
    assert.equal(board.happenings.length, mostHappenings);
    for (let file = 0; file < 100; file += 1)
      board = withEvents(board, [eventOf("conflict.detected", "w", { file: `f${file}`, agents: [] })]).board;
    assert.ok(board.conflicts.length <= 50);
    for (let about = 0; about < 100; about += 1) board = withProblem(board, `p${about}`, "wrong");
    assert.ok(board.problems.size <= 8);
    assert.equal(withProblem(board, "p99", null).problems.has("p99"), false);
  });

  test("shows a conflict for a minute, each file once", () => {
    const conflict = (file: string, seconds: number) =>
      eventOf("conflict.detected", "w", { name: "feat-x", file, agents: [] }, seconds);
    const { board } = withEvents(emptyBoard, [conflict("a", 70), conflict("b", 50), conflict("b", 10)]);
    assert.deepEqual(
      recentConflicts(board, now).map(({ file, at }) => [file, now - at]),
      [["b", 10_000]],
    );
  });

  test("keeps what events told while the log of activities was read, and nothing twice", () => {
    const { board } = withEvents(emptyBoard, [
      touched("feat-x"),
      eventOf("worktree.removed", "w", { name: "feat-y" }, 0),
    ]);
    const read = [{ ...(board.happenings[1] ?? assert.fail()), at: now - 2010 }];
    assert.deepEqual(
      withHistory(board, read).happenings.map(({ text }) => text),
      ["removed", "x"],
    );
  });

  test("does not forget a status when the rows are read without", () => {
    const board = boardOf({ worktrees: [worktreeRow("feat-x", { status: { ...clean, ahead: 3 } })] });
    const { status: _status, live: _live, ...bare } = worktreeRow("feat-x", { branch: "other" });
    const [row] = withWorktrees(board, [bare]).worktrees ?? [];
    assert.deepEqual([row?.branch, row?.status], ["other", { ...clean, ahead: 3 }]);
    const live = { "feat-x": { ...facts, subject: "S" } };
    assert.equal(withStatuses(board, {}, live).worktrees?.[0]?.live?.subject, "S");
  });
});

describe("the screen", () => {
  const held = { agent: "claude-1", since: ago(300), expiresAt: new Date(now + 1_500_000).toISOString(), task: null };
  const full = boardOf({
    worktrees: [
      worktreeRow("feat-api", {
        ...{ claim: held, status: { ...clean, ahead: 2, behind: 1, changed: 3, untracked: 1 } },
        live: {
          ...facts,
          subject: "Answer in JSON",
          lastChange: ago(2),
          upstream: { name: "origin/x", ahead: 1, behind: 0 },
        },
      }),
      worktreeRow("feat-ui", {
        live: { ...facts, operation: "rebase" },
        status: { ...clean, conflicted: 1, staged: 2 },
      }),
      worktreeRow("fix-crash", { type: "fix", branch: "hotfix/crash" }),
      worktreeRow("gone", { type: "other", state: "missing" }),
      worktreeRow("odd", { type: "other", status: { unknown: "git died" }, branch: null }),
      worktreeRow("trunk-main", { type: "trunk", branch: "main" }),
    ],
    happenings: [
      { at: now - 2000, worktree: "feat-api", agent: "claude-1", sign: "modified", text: "src/api.ts" },
      { at: now - 90_000, worktree: "feat-ui", agent: null, sign: "commit", text: "1234567 Draw it" },
    ],
    agents: [
      agentRow("claude-1", { worktree: { id: "feat-api", name: "feat-api", path: "/x" } }),
      agentRow("bob", { lastSeen: ago(4000) }),
    ],
    watcher: { who: "here", pid: 1, reason: null },
  });

  test("shows the worktrees by type, with all that is known of them", () => {
    const text = textOf(drawn(full, { columns: 100 }));
    assert.match(text, /trunk 1\n.*trunk-main[^]*feat 2\n.*feat-api .*\n.*feat-ui[^]*fix 1\n.*fix-crash[^]*other 2/u);
    assert.match(text, /feat-api +↑2 ↓1 ⇡1 ●3 \?1 +claude-1 25m 2s +Answer in JSON/u);
    assert.match(text, /feat-ui +rebase !1 \+2/u);
    assert.match(text, /fix-crash +hotfix\/crash +clean/u);
    assert.match(text, /gone .*missing/u);
    assert.match(text, /odd +at 0123456 +unknown: git died/u);
    assert.match(text, /2s ago ● feat-api src\/api\.ts {2}claude-1/u);
    assert.match(text, /1m ago ◆ feat-ui 1234567 Draw it/u);
    assert.match(text, /● claude-1 feat-api 2s ago/u, "it changed a file then");
    assert.match(text, /○ bob 1h ago/u);
    assert.match(text, /^iMi app {2}6 worktrees, 1 held +watching files here\n/u);
  });

  test("fits whatever size there is", () => {
    const long = boardOf({
      ...full,
      worktrees: [
        ...(full.worktrees ?? []),
        worktreeRow("feat-語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語", {
          ...{ branch: "b".repeat(300), status: { unknown: "because ".repeat(40) } },
          ...{ claim: { ...held, agent: "a".repeat(100) }, live: { ...facts, subject: "👍".repeat(200) } },
        }),
      ],
      conflicts: [{ at: now - 1000, file: "f".repeat(200), agents: [{ agent: "a", worktree: "w", at: ago(1) }] }],
      problems: new Map([["a", { text: "no ".repeat(100), until: null }]]),
    });
    const overlays: Ui["overlay"][] = [
      null,
      { kind: "help" },
      { kind: "conflicts" },
      { kind: "details", id: "feat-api" },
    ];
    for (const board of [boardOf({ worktrees: null }), full, long]) {
      for (const overlay of overlays) {
        for (const columns of [1, 10, 24, 40, 59, 60, 80, 200]) {
          for (const rows of [1, 4, 5, 10, 17, 18, 24, 60]) {
            const { lines } = drawn(board, { ui: { overlay }, columns, rows });
            assert.equal(lines.length, rows, `${columns}x${rows}`);
            for (const line of linesOf({ lines } as Frame))
              assert.ok(width(line) <= columns, `${columns}x${rows}: ${width(line)}: ${line}`);
          }
        }
      }
    }
  });

  test("lets no name move the cursor", () => {
    const odd = boardOf({
      worktrees: [worktreeRow("a\u001b[2Jb", { live: { ...facts, subject: "x\ny\u202e" } })],
      happenings: [{ at: now, worktree: "w\u0007", agent: "\u009b1A", sign: "added", text: "f\r\n" }],
      repository: "\u001b]0;title\u0007",
      problems: new Map([["x", { text: "\u001b[31m", until: null }]]),
    });
    for (const columns of [80, 200])
      assert.doesNotMatch(textOf(drawn(odd, { columns })).replaceAll("\n", ""), /\p{Cc}|\u202e/u);
  });

  test("shows a part of a thousand worktrees, around the marked one, quickly enough", () => {
    const many = boardOf({
      worktrees: Array.from({ length: 1000 }, (_, index) => worktreeRow(`feat-${String(index).padStart(4, "0")}`)),
    });
    const at = (selected: string): string[] => linesOf(drawn(many, { ui: { selected } }));
    for (const id of ["feat-0000", "feat-0500", "feat-0999"])
      assert.ok(
        at(id).some((line) => line.startsWith(`▸ ${id}`)),
        id,
      );
    assert.match(at("feat-0500").join("\n"), /lines \d+ to \d+ of 1001/u);
  });

  test("says what is wrong, and which file two agents changed", () => {
    const agents = [
      { agent: "a", worktree: "feat-x", at: ago(1) },
      { agent: "b", worktree: "feat-y", at: ago(2) },
    ];
    const text = textOf(
      drawn(
        boardOf({
          conflicts: [{ at: now - 1000, file: "src/a.ts", agents }],
          problems: new Map([
            ["worktrees", { text: "git could not be run.", until: null }],
            ["status", { text: "git could not be run.", until: null }],
            ["past", { text: "That was a minute ago.", until: now }],
          ]),
          watcher: { who: "nobody", pid: null, reason: "switched off" },
        }),
      ),
    );
    assert.match(text, /^! src\/a\.ts was changed by a in feat-x and b in feat-y$/mu);
    assert.equal(text.match(/^git could not be run\.$/gmu)?.length, 1, "each reason once");
    assert.doesNotMatch(text, /a minute ago/u);
    assert.match(text, /files are not watched: switched off/u);
  });

  test("wakes up for what is recent, and for nothing else", () => {
    assert.equal(drawn(full).steadyMs, 1000);
    assert.equal(drawn(boardOf({ worktrees: [worktreeRow("feat-x")] })).steadyMs, null);
    const warned = new Map([["x", { text: "Oh.", until: now + 4000 }]]);
    assert.equal(drawn(boardOf({ problems: warned })).steadyMs, 4000, "to take the warning away");
    const hidden = boardOf({ happenings: [{ at: now - 1000, worktree: "w", agent: null, sign: "added", text: "f" }] });
    assert.equal(drawn(hidden, { ui: { overlay: { kind: "help" } } }).steadyMs, null, "no age is seen");
    assert.equal(drawn(hidden, { columns: 40, ui: { pane: "agents" } }).steadyMs, null, "in another pane");
  });

  test("tells more about one worktree", () => {
    const asked: Partial<Asked> = {
      details: {
        files: {
          state: "read",
          value: {
            worktree: "feat-api",
            total: 3,
            files: [
              {
                path: "src/new.ts",
                from: "src/old.ts",
                change: "renamed",
                untracked: false,
                binary: false,
                before: null,
                after: null,
              },
            ],
          } as never,
        },
        happenings: { state: "failed", reason: "The registry is gone." },
      },
    };
    const text = textOf(drawn(full, { ui: { overlay: { kind: "details", id: "feat-api" } }, asked, rows: 40 }));
    for (const part of [
      /^folder +\/code\/app\/feat-api$/mu,
      /^commit +0123456789 {2}Answer in JSON$/mu,
      /^pushed to +origin\/x, 1 ahead, 0 behind$/mu,
      /^held by +claude-1 {2}for 5m, 25m left$/mu,
      /^ {2}renamed +src\/old\.ts → src\/new\.ts$/mu,
      /and 2 more/u,
      /The registry is gone\./u,
    ])
      assert.match(text, part);
    assert.match(textOf(drawn(full, { ui: { overlay: { kind: "details", id: "lost" } } })), /This worktree is gone/u);
  });

  test("shows which worktrees would conflict", () => {
    const merge = {
      clean: false,
      reason: null,
      conflicts: [{ path: "a.ts", kind: "content" as const, paths: ["a.ts"], message: "" }],
    };
    const file = { path: "a.ts", change: "changed" as const };
    const overlaps = [
      { a: "feat-x", b: "feat-y", files: [{ path: "a.ts", near: "overlap" as const, a: file, b: file }], merge },
    ];
    const value = { base: "origin/main", looked: 3, overlaps, unknown: [{ name: "odd", reason: "locked" }] };
    const text = textOf(
      drawn(full, { ui: { overlay: { kind: "conflicts" } }, asked: { overlaps: { state: "read", value } } }),
    );
    assert.match(text, /3 worktrees compared with origin\/main/u);
    assert.match(text, /feat-x and feat-y {2}would conflict\n +overlap +a\.ts/u);
    assert.match(text, /odd could not be read: locked/u);
  });

  test("cuts text between characters", () => {
    assert.equal(clipped("語語語", 5), "語語…");
    assert.equal(clipped("語語語", 4), "語…");
    assert.equal(clipped("e\u0301e\u0301e\u0301", 2), "e\u0301…");
    assert.equal(clipped("abc", 3), "abc");
    assert.equal(clipped("abc", 0), "");
  });
});

describe("keys", () => {
  const ids = Array.from({ length: 30 }, (_, index) => `w${index}`);
  const place = { ids, lengths: { recent: 40, agents: 3, overlay: 50 }, page: 10 };
  const go = (ui: Ui, ...presses: (Press["key"] | `text:${string}`)[]): { ui: Ui; wishes: Wish[] } => {
    const wishes: Wish[] = [];
    let at = ui;
    for (const each of presses) {
      const press = each.startsWith("text:") ? { key: "text", text: each.slice(5) } : { key: each };
      const next = pressed(at, press as Press, place);
      at = next.ui;
      if (next.wish !== null) wishes.push(next.wish);
    }
    return { ui: at, wishes };
  };

  test("move the marker, and stop at the ends", () => {
    assert.equal(go(firstUi, "down", "text:j", "up").ui.selected, "w1");
    assert.equal(go(firstUi, "up").ui.selected, "w0");
    assert.equal(go(firstUi, "end", "down").ui.selected, "w29");
    assert.equal(go(firstUi, "page-down", "text:k").ui.selected, "w9");
    assert.equal(go(firstUi, "text:G", "text:g").ui.selected, "w0");
    assert.equal(go({ ...firstUi, selected: "gone" }, "down").ui.selected, "w1", "from the first, where it is gone");
  });

  test("go from pane to pane, and scroll those without a marker", () => {
    assert.equal(go(firstUi, "tab").ui.pane, "recent");
    assert.equal(go(firstUi, "tab", "tab", "tab").ui.pane, "worktrees");
    assert.equal(go(firstUi, "back-tab").ui.pane, "agents");
    assert.equal(go(firstUi, "tab", "down", "down").ui.scroll.recent, 2);
    assert.equal(go(firstUi, "tab", "end").ui.scroll.recent, 30);
    assert.equal(go(firstUi, "back-tab", "end").ui.scroll.agents, 0, "all of it is seen");
  });

  test("open and close what lies over", () => {
    const opened = go(firstUi, "down", "enter");
    assert.deepEqual(opened.ui.overlay, { kind: "details", id: "w1" });
    assert.deepEqual(opened.wishes, [{ kind: "details", id: "w1" }]);
    assert.equal(go(opened.ui, "down", "down").ui.scroll.overlay, 2);
    for (const key of ["escape", "text:q", "backspace"] as const) {
      const { ui, wishes } = go(opened.ui, "down", key);
      assert.deepEqual([ui.overlay, ui.scroll.overlay, wishes], [null, 0, []], key);
    }
    assert.deepEqual(go(firstUi, "text:c").wishes, [{ kind: "conflicts" }]);
    assert.equal(go(firstUi, "text:c", "text:c").ui.overlay, null);
    assert.equal(go(firstUi, "text:?", "text:?").ui.overlay, null);
  });

  test("type a filter, in which letters are letters", () => {
    const typed = go(firstUi, "text:/", "text:q", "text:c", "text:語\u001b");
    assert.deepEqual([typed.ui.filter, typed.ui.mode, typed.wishes], ["qc語", "typing", []]);
    assert.deepEqual([go(typed.ui, "backspace").ui.filter, go(typed.ui, "enter").ui.mode], ["qc", "moving"]);
    assert.equal(go(typed.ui, "escape").ui.filter, "");
    assert.equal(go(typed.ui, "enter", "escape").ui.filter, "", "Esc ends one that was kept");
    assert.deepEqual(go(typed.ui, "interrupt").wishes, [{ kind: "interrupt" }], "but one can always leave");
  });

  test("leave, suspend and read again", () => {
    const wishes = go(firstUi, "text:q", "interrupt", "suspend", "redraw", "text:r").wishes.map(({ kind }) => kind);
    assert.deepEqual(wishes, ["leave", "interrupt", "suspend", "redraw", "refresh"]);
    assert.deepEqual(go(firstUi, "text:x", "text:Z").wishes, []);
  });

  test("find what the filter lets through", () => {
    const board = boardOf({
      worktrees: [
        worktreeRow("feat-x"),
        worktreeRow("fix-y", { type: "fix", live: { ...facts, subject: "Mend the Login" } }),
      ],
      happenings: [{ at: now, worktree: "fix-y", agent: null, sign: "added", text: "f" }],
    });
    const text = textOf(drawn(board, { ui: { filter: "login FIX" } }));
    assert.match(text, /▸ fix-y/u);
    assert.doesNotMatch(text, /feat-x/u);
    assert.match(textOf(drawn(board, { ui: { filter: "nothing" } })), /No worktree matches the filter/u);
  });
});
