import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OperationName, ResultOf } from "../../protocol/contract.ts";
import type { TrashEntry } from "../../protocol/trash.ts";
import type { Work } from "../../protocol/work.ts";
import type { Worktree } from "../../protocol/worktrees.ts";
import { paintFor } from "../../server/src/faces/cli/colour.ts";
import { render, type Rendered, type View } from "../../server/src/faces/cli/output.ts";
import { dayOf, grouped, listed, size } from "../../server/src/faces/cli/render/amounts.ts";
import { shellWord } from "../../server/src/faces/cli/render/shell-word.ts";

const answer = <Name extends OperationName>(
  operation: Name,
  result: ResultOf<Name>,
  asked: View["asked"] = {},
  given?: View["given"],
): Rendered =>
  render(operation, result, {
    paint: paintFor(false),
    terminal: true,
    now: new Date("2026-01-02T12:00:00.000Z"),
    cwd: "/code/app/trunk-main",
    asked,
    ...(given === undefined ? {} : { given }),
  });

const worktree = (change: Partial<Worktree> = {}): Worktree => ({
  id: "0190",
  repository: "0191",
  name: "feat-x",
  type: "feat",
  path: "/code/app/feat-x",
  branch: "feat/x",
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

const entry = (change: Partial<TrashEntry> = {}): TrashEntry => ({
  id: "0192",
  worktree: "0190",
  name: "feat-x",
  type: "feat",
  path: "/code/app/feat-x",
  branch: "feat/x",
  head: "0123456789abcdef0123456789abcdef01234567",
  place: "/data/imi/trash/0192",
  removedAt: "2026-01-02T10:00:00.000Z",
  emptiedAfter: "2026-02-01T12:00:00.000Z",
  bytes: 1_234_000_000,
  state: "kept",
  salvaged: "refs/salvage/feat-x/20260102T100000Z",
  ...change,
});

const clean: Work = { answer: "clean", reason: null, items: [], merged: null };
const some: Work = {
  answer: "work",
  reason: null,
  items: [
    { kind: "ignored", count: 1204, examples: ["node_modules/", ".env"] },
    { kind: "changed", count: 3, examples: ["a.ts", "b.ts", "c.ts"] },
    { kind: "untracked", count: 1, examples: ["notes.md"] },
  ],
  merged: { into: "origin/main", how: "squashed" },
};
const unknown: Work = { answer: "unknown", reason: "the index is damaged", items: [], merged: null };
const note = { code: "branch/kept", message: "Branch feat/x is kept." };

describe("a removal", () => {
  test("says what was salvaged, where it is, until when, and how it comes back", () => {
    assert.deepEqual(answer("worktree.remove", { worktree: worktree(), work: some, trash: entry(), notes: [note] }), {
      lines: [
        "Removed /code/app/feat-x",
        "Salvaged 3 changed files and 1 untracked file.",
        "In the trash until 2026-02-01 (1.2 GB); `imi restore feat-x` brings it back.",
      ],
      notes: ["Branch feat/x is kept."],
    });
  });

  test("of a clean one says nothing of salvage; without retention and size it says only what is known", () => {
    const trash = entry({ emptiedAfter: null, bytes: null });
    assert.deepEqual(answer("worktree.remove", { worktree: worktree(), work: clean, trash, notes: [] }).lines, [
      "Removed /code/app/feat-x",
      "In the trash; `imi restore feat-x` brings it back.",
    ]);
  });

  test("of one without a folder does not promise that it comes back", () => {
    const { lines } = answer("worktree.remove", { worktree: worktree(), work: clean, trash: null, notes: [] });
    assert.deepEqual(lines, ["Removed /code/app/feat-x"]);
  });

  test("never calls clean what could not be examined", () => {
    const removed = answer("worktree.remove", { worktree: worktree(), work: unknown, trash: entry(), notes: [] });
    assert.match(removed.lines.join("\n"), /Salvaged what it holds; what that is could not be told/u);
    const asked = { dryRun: true };
    const { lines } = answer("worktree.remove", { worktree: worktree(), work: unknown, trash: null, notes: [] }, asked);
    assert.deepEqual(lines, [
      "What feat-x at /code/app/feat-x holds could not be told (the index is damaged); that counts as work.",
    ]);
  });

  test("in a dry run lists what would be salvaged first, then what is kept anyway", () => {
    const result = { worktree: worktree(), work: some, trash: null, notes: [note] };
    assert.deepEqual(answer("worktree.remove", result, { dryRun: true }), {
      lines: [
        "feat-x at /code/app/feat-x holds work, which is salvaged before it is removed:",
        "      3 changed files              a.ts, b.ts, c.ts",
        "      1 untracked file             notes.md",
        "Kept on its branch, in the stash or in the trash:",
        "  1,204 ignored files and folders  node_modules/, .env, …",
        "Merged into origin/main: squashed into one commit.",
      ],
      notes: ["Branch feat/x is kept.", "Nothing was removed. `imi remove feat-x` removes it."],
    });
  });

  test("in a dry run names all that is known to be in the way", () => {
    const many = Array.from({ length: 12 }, (_, index) => `file-${index}`);
    const work: Work = {
      ...some,
      items: [
        { kind: "untracked", count: 1200, examples: many },
        { kind: "ignored", count: 12, examples: many },
      ],
      merged: null,
    };
    const result = { worktree: worktree(), work, trash: null, notes: [] };
    assert.deepEqual(answer("worktree.remove", result, { dryRun: true }).lines.slice(1), [
      "  1,200 untracked files",
      ...many.map((name) => `        ${name}`),
      "        and 1,188 more",
      "Kept on its branch, in the stash or in the trash:",
      "     12 ignored files and folders  file-0, file-1, file-2, …",
    ]);
  });

  test("in a dry run says how large ignored files are, and what elsewhere stops working", () => {
    const dependents = ["/code/tool-worktree", "/code/\u009bA"];
    const about = (bytes: number | null): string[] => {
      const items: Work["items"] = [{ kind: "ignored", count: 2, examples: [".env"], bytes }];
      const result = { worktree: worktree(), work: { ...clean, items, dependents }, trash: null, notes: [] };
      return answer("worktree.remove", result, { dryRun: true }).lines.slice(2);
    };
    const elsewhere = [
      "/code/tool-worktree does not work while this is in the trash: its repository is inside.",
      "/code/\\x9bA does not work while this is in the trash: its repository is inside.",
    ];
    assert.deepEqual(about(1_234_000_000), ["  2 ignored files and folders, 1.2 GB  .env, …", ...elsewhere]);
    assert.match(about(null)[0] ?? "", /^ {2}2 ignored files and folders, too many to measure/u);
    const removed = { worktree: worktree(), work: { ...some, dependents }, trash: entry(), notes: [note] };
    assert.deepEqual(answer("worktree.remove", removed).notes, ["Branch feat/x is kept.", ...elsewhere]);
  });

  test("in a dry run of a clean one says so", () => {
    const result = { worktree: worktree(), work: clean, trash: null, notes: [] };
    assert.deepEqual(answer("worktree.remove", result, { dryRun: true }).lines, [
      "feat-x at /code/app/feat-x holds nothing that would be lost.",
    ]);
  });

  test("cannot be forged by names inside", () => {
    const items: Work["items"] = [{ kind: "untracked", count: 1, examples: ["a\nRemoved /etc\u001b[2J"] }];
    const work: Work = { ...some, items, merged: null };
    const result = { worktree: worktree({ name: "x\u202ey", path: "/code/\u009bA" }), work, trash: null, notes: [] };
    const { lines, notes } = answer("worktree.remove", result, { dryRun: true });
    assert.equal(lines.length, 2);
    assert.doesNotMatch([...lines, ...(notes ?? [])].join(""), /[\p{Cc}\u202e]/u);
  });
});

describe("a restored worktree", () => {
  test("is named by its place; what differs is a note", () => {
    const notes = [{ code: "name/taken", message: "feat-x is taken; it came back as feat-x-2." }];
    const result = { worktree: worktree({ path: "/code/app/feat-x-2" }), notes };
    assert.deepEqual(answer("worktree.restore", result), {
      lines: ["Restored /code/app/feat-x-2"],
      notes: ["feat-x is taken; it came back as feat-x-2."],
    });
  });
});

describe("a salvage", () => {
  const salvage = {
    worktree: "feat-x",
    at: "2026-01-02T10:00:00.000Z",
    prefix: "refs/salvage/feat-x/20260102T100000Z",
    refs: [
      { ref: "refs/salvage/feat-x/20260102T100000Z/HEAD", commit: "0123456789abcdef0123456789abcdef01234567" },
      { ref: "refs/salvage/feat-x/20260102T100000Z/worktree", commit: "fedcba9876543210fedcba9876543210fedcba98" },
    ],
    objects: 1234,
    ignored: { count: 2, examples: [".env"] },
  };

  test("lists its refs, that they were verified, where they went, and what is not in them", () => {
    const result = { salvage, pushed: "origin", bundle: "/tmp/x.bundle" };
    assert.deepEqual(answer("worktree.salvage", result), {
      lines: [
        "Salvaged feat-x into refs/salvage/feat-x/20260102T100000Z",
        "  HEAD      0123456789ab",
        "  worktree  fedcba987654",
        "1,234 objects read back and verified",
        "Pushed to origin",
        "Written to /tmp/x.bundle",
      ],
      notes: ["Not in them, as secrets may be among them: 2 ignored files and folders (.env, …)."],
    });
  });

  test("is listed with its age and whether the worktree is in the trash too", () => {
    const { prefix, at } = salvage;
    const salvages = [
      { worktree: "feat-x", at, prefix, refs: 2, trashed: true },
      { worktree: "fix-y", at: "2025-12-30T12:00:00.000Z", prefix: "refs/salvage/fix-y/1", refs: 12, trashed: false },
    ];
    assert.deepEqual(answer("salvage.list", { salvages }).lines, [
      "WORKTREE  SALVAGED  REFS  IN TRASH  PREFIX",
      "feat-x    2 h ago   2     yes       refs/salvage/feat-x/20260102T100000Z",
      "fix-y     3 d ago   12    no        refs/salvage/fix-y/1",
    ]);
    assert.deepEqual(answer("salvage.list", { salvages: [] }), { lines: [], notes: ["Nothing has been salvaged."] });
  });

  test("is shown with the trash entry it belongs to", () => {
    const { lines, notes } = answer("trash.show", { entry: entry(), work: some, salvage });
    assert.deepEqual(lines, [
      "name        feat-x",
      "id          0192",
      "removed     2 h ago, from /code/app/feat-x",
      "branch      feat/x",
      "kept until  2026-02-01",
      "kept in     /data/imi/trash/0192",
      "size        1.2 GB",
      "salvaged    refs/salvage/feat-x/20260102T100000Z (2 refs, 1,234 objects verified)",
      "ignored     2 ignored files and folders (.env, …); in no ref, only in the trash",
      "",
      "      3 changed files              a.ts, b.ts, c.ts",
      "      1 untracked file             notes.md",
      "Kept on its branch, in the stash or in the trash:",
      "  1,204 ignored files and folders  node_modules/, .env, …",
      "Merged into origin/main: squashed into one commit.",
    ]);
    assert.deepEqual(notes, ["`imi restore feat-x` brings it back."]);
  });
});

describe("the trash", () => {
  test("is a table with age, size and how long each is kept, and the sum", () => {
    const entries = [
      entry(),
      entry({ id: "2", name: "pr-7", branch: null, bytes: null, emptiedAfter: null, salvaged: null }),
      entry({ id: "3", name: "fix-y", branch: "fix/y", state: "emptying", bytes: 999 }),
    ];
    const warnings = [{ code: "trash/large", message: "The trash holds more than 20 GB." }];
    assert.deepEqual(answer("trash.list", { entries, bytes: 1_234_000_999, warnings }), {
      lines: [
        "NAME    BRANCH                REMOVED  SIZE          KEPT UNTIL",
        "feat-x  feat/x                2 h ago  1.2 GB        2026-02-01",
        "pr-7    detached at 01234567  2 h ago  not measured  emptied by hand",
        "fix-y   fix/y                 2 h ago  999 B         emptying",
        "3 worktrees, 1.2 GB",
      ],
      notes: ["The trash holds more than 20 GB."],
    });
  });

  test("shows the id of those that their name does not reach", () => {
    const entries = [entry(), entry({ id: "older", removedAt: "2025-12-30T12:00:00.000Z" })];
    const { lines } = answer("trash.list", { entries, bytes: 0, warnings: [] });
    assert.deepEqual(lines.slice(0, 3), [
      "NAME    BRANCH  REMOVED  SIZE    KEPT UNTIL  ID",
      "feat-x  feat/x  2 h ago  1.2 GB  2026-02-01",
      "feat-x  feat/x  3 d ago  1.2 GB  2026-02-01  older",
    ]);
  });

  test("that is empty says so, not on stdout", () => {
    assert.deepEqual(answer("trash.list", { entries: [], bytes: 0, warnings: [] }), {
      lines: [],
      notes: ["The trash is empty."],
    });
  });

  test("when emptied names what went and what stays, with the reason", () => {
    const kept = [{ entry: entry({ name: "fix-y" }), reason: "its tree has changed and could not be salvaged" }];
    const result = { emptied: [entry()], kept, bytes: 1_234_000_000 };
    const salvaged = "What was salvaged of feat-x stays in refs/salvage/feat-x/20260102T100000Z/";
    const stays = "fix-y stays: its tree has changed and could not be salvaged";
    assert.deepEqual(answer("trash.empty", result), {
      lines: ["Deleted feat-x (1.2 GB)", "1 worktree deleted for good, 1.2 GB freed"],
      notes: [salvaged, stays],
    });
    const dry = answer("trash.empty", result, { dryRun: true });
    assert.match(dry.lines.at(-1) ?? "", /1 worktree would be deleted for good, 1\.2 GB/u);
    assert.deepEqual(dry.notes, [salvaged, stays, "Nothing was deleted."]);
    assert.deepEqual(answer("trash.empty", { emptied: [], kept: [], bytes: 0 }), {
      lines: [],
      notes: ["Nothing was deleted."],
    });
  });
});

describe("a proposal to prune", () => {
  const candidates = [
    {
      worktree: worktree(),
      reasons: ["merged into origin/main (squashed)", "idle for 20 days"],
      idleSince: "2025-12-13T12:00:00.000Z",
      bytes: 1_200_000_000,
      work: clean,
    },
    {
      worktree: worktree({ id: "0193", name: "fix-y" }),
      reasons: ["idle"],
      idleSince: "2025-12-01T12:00:00.000Z",
      bytes: null,
      work: some,
    },
    {
      worktree: worktree({ id: "0194", name: "z" }),
      reasons: ["idle"],
      idleSince: "2025-12-01T12:00:00.000Z",
      bytes: 5,
      work: unknown,
    },
  ];

  test("gives reasons and sizes, and says that nothing was removed", () => {
    const { lines, notes, exitCode } = answer(
      "worktree.prune",
      { candidates, removed: [], failed: [] },
      { yes: false },
    );
    assert.deepEqual(lines, [
      "NAME    WHY                                                   IDLE SINCE  SIZE          HOLDS",
      "feat-x  merged into origin/main (squashed); idle for 20 days  20 d ago    1.2 GB        no work",
      "fix-y   idle                                                  1 mo ago    not measured  3 changed files and 1 untracked file",
      "z       idle                                                  1 mo ago    5 B           unknown: the index is damaged",
      "3 worktrees, 1.2 GB and 1 not measured",
    ]);
    assert.match(notes?.[0] ?? "", /^Nothing was removed\. `imi prune --yes` .*no work.*`imi prune --yes fix-y`/u);
    assert.equal(exitCode ?? 0, 0);
  });

  test("says again what was typed in the command that does it", () => {
    const given = { repository: ["--repo ~/app"], options: ["--idle-days 30"] };
    const proposal = { candidates, removed: [], failed: [] };
    const asking = (asked: View["asked"]): string => answer("worktree.prune", proposal, asked, given).notes?.[0] ?? "";
    assert.match(asking({ yes: false }), /`imi prune --repo ~\/app --idle-days 30 --yes` .*--yes fix-y`/u);
    assert.match(
      asking({ yes: false, names: ["feat-x", "y", "z"] }),
      /`imi prune --repo ~\/app --idle-days 30 --yes feat-x fix-y z` moves these to the trash, work salvaged first\./u,
    );
    const { notes } = answer("worktree.prune", proposal, { yes: true }, given);
    assert.match(notes?.[2] ?? "", /`imi prune --repo ~\/app --idle-days 30 --yes z` salvages and removes it/u);
  });

  test("with --yes says what went into the trash, and fails when one could not", () => {
    const failed = [{ name: "fix-y", reason: "it is locked" }];
    assert.deepEqual(
      answer("worktree.prune", { candidates, removed: [entry({ bytes: null })], failed }, { yes: true }),
      {
        lines: ["Removed feat-x  1.2 GB  in the trash until 2026-02-01", "1 worktree, 1.2 GB"],
        notes: [
          "fix-y was not removed: it is locked",
          "z stays, because it may hold work: `imi prune --yes z` salvages and removes it.",
          "`imi restore NAME` brings one back.",
        ],
        exitCode: 1,
      },
    );
  });

  test("says why one that was named is not proposed", () => {
    const failed = [{ name: "fix-y", reason: "it is neither merged nor idle" }];
    const { notes } = answer("worktree.prune", { candidates: [], removed: [], failed }, { yes: false });
    assert.equal(notes?.[0], "fix-y is not proposed: it is neither merged nor idle.");
  });

  test("of nothing is a note", () => {
    for (const yes of [false, true]) {
      const { lines, notes } = answer("worktree.prune", { candidates: [], removed: [], failed: [] }, { yes });
      assert.deepEqual([lines, notes], [[], ["No worktree is merged or idle. Nothing was removed."]]);
    }
  });
});

describe("disk use", () => {
  const measuredAt = "2026-01-02T11:55:00.000Z";
  const path = "/code/app/x";

  test("is shown the largest first, with the trash beside it", () => {
    const worktrees = [
      { id: "1", name: "small", path, use: { bytes: 4096, files: 1, measuredAt } },
      { id: "2", name: "unread", path, use: null },
      { id: "3", name: "large", path, use: { bytes: 2_500_000_000, files: 123_456, measuredAt } },
    ];
    assert.deepEqual(answer("worktree.disk-use", { worktrees, trash: 12_000_000 }).lines, [
      "NAME    SIZE          FILES    MEASURED",
      "large   2.5 GB        123,456  5 min ago",
      "small   4.1 kB        1        5 min ago",
      "unread  not measured",
      "3 worktrees, 2.5 GB; 12 MB in the trash",
    ]);
  });
});

describe("amounts", () => {
  test("of bytes count by thousands, with a decimal only where it matters", () => {
    const shown = [0, 1, 999, 1000, 1500, 9949, 9951, 999_499, 999_500, 1e6, 12_345_678, 1.2e9, 2e12, 5e18].map(size);
    assert.deepEqual(shown, [
      ...["0 B", "1 B", "999 B", "1.0 kB", "1.5 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.0 MB", "12 MB"],
      ...["1.2 GB", "2.0 TB", "5,000 PB"],
    ]);
  });

  test("are grouped by thousands", () => {
    assert.deepEqual([0, 999, 1000, 100_000, 1_234_567].map(grouped), ["0", "999", "1,000", "100,000", "1,234,567"]);
  });

  test("are joined as one says them", () => {
    assert.deepEqual(
      [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])],
      ["", "a", "a and b", "a, b and c"],
    );
  });

  test("of time that make no sense are empty", () => {
    assert.equal(dayOf("soon"), "");
  });
});

test("a name in a command that one is told to type is one word for a shell", () => {
  assert.equal(shellWord("feat-ü/x_1.2"), "feat-ü/x_1.2");
  assert.equal(shellWord("my work"), "'my work'");
  assert.equal(shellWord("it's"), "'it'\\''s'");
  assert.equal(shellWord("-rf"), "-- -rf");
  assert.equal(shellWord("$(x)"), "'$(x)'");
  assert.doesNotMatch(shellWord("a\u001b"), /\p{Cc}/u);
});
