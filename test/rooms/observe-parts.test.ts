import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as breathe } from "node:timers/promises";
import { parseStatus } from "../../server/src/git/status.ts";
import { absent, changedFiles, sameListing } from "../../server/src/monitor/observe/compare.ts";
import type { ListedNow } from "../../server/src/monitor/observe/compare.ts";
import { isNamed, joined, touch, touchRules } from "../../server/src/monitor/observe/names.ts";
import { Pace } from "../../server/src/monitor/observe/pace.ts";
import { Turns } from "../../server/src/monitor/observe/turns.ts";

const file = (code: string, print: string, changed = 0): ListedNow => ({ code, print, changed });

/** What became of one file. */
const became = (
  before: ListedNow | null,
  now: ListedNow | null,
  { gone, movedSince = null }: { gone?: string; movedSince?: number | null } = {},
): string | undefined => {
  const listings = {
    before: new Map(before === null ? [] : [["f", before]]),
    now: new Map(now === null ? [] : [["f", now]]),
    gone: new Map(gone === undefined ? [] : [["f", gone]]),
    touched: movedSince === null ? null : (_: string, { changed }: ListedNow) => changed >= movedSince,
  };
  return changedFiles(listings)[0]?.change;
};

describe("what became of a file between two looks", () => {
  it("that is newly listed goes by how git lists it, and whether it is there", () => {
    assert.equal(became(null, file("??", "p")), "added");
    assert.equal(became(null, file("A.", "p")), "added");
    assert.equal(became(null, file(".A", "p")), "added");
    assert.equal(became(null, file(".M", "p")), "modified");
    assert.equal(became(null, file("UU", "p")), "modified");
    assert.equal(became(null, file(".D", absent)), "deleted");
    assert.equal(became(null, file("D.", absent)), "deleted");
  });

  it("that is listed as before goes by its print, never by its letters", () => {
    assert.equal(became(file("??", "p"), file("A.", "p")), undefined);
    assert.equal(became(file(".M", "p"), file("M.", "q")), "modified");
    assert.equal(became(file(".M", "p"), file(".D", absent)), "deleted");
    assert.equal(became(file(".D", absent), file(".M", "p")), "added");
    assert.equal(became(file(".D", absent), file("D.", absent)), undefined);
  });

  it("that is listed no more goes by its print too: it was committed, put back, or deleted", () => {
    assert.equal(became(file(".M", "p"), null, { gone: "p" }), undefined);
    assert.equal(became(file(".M", "p"), null, { gone: "q" }), "modified");
    assert.equal(became(file("??", "p"), null, { gone: absent }), "deleted");
    assert.equal(became(file(".D", absent), null, { gone: "q" }), "added");
    assert.equal(became(file("D.", absent), null, { gone: absent }), undefined);
  });

  it("is not told where HEAD or the index moved, and the file had changed before", () => {
    assert.equal(became(null, file(".M", "p", 99), { movedSince: 100 }), undefined);
    assert.equal(became(null, file(".M", "p", 100), { movedSince: 100 }), "modified");
    assert.equal(became(file(".M", "p", 1), file(".M", "q", 1), { movedSince: 100 }), "modified");
  });

  it("is compared by letters and prints as well", () => {
    const listing = (...entries: [string, ListedNow][]): Map<string, ListedNow> => new Map(entries);
    assert.ok(sameListing(listing(["f", file(".M", "p", 1)]), listing(["f", file(".M", "p", 2)])));
    assert.ok(!sameListing(listing(["f", file(".M", "p")]), listing(["f", file("M.", "p")])));
    assert.ok(!sameListing(listing(["f", file(".M", "p")]), listing(["g", file(".M", "p")])));
    assert.ok(!sameListing(listing(["f", file(".M", "p")]), listing()));
  });
});

describe("what git's status lists", () => {
  it("is kept by path, whatever is in it, and a file listed twice once", () => {
    const id = "0123456789012345678901234567890123456789";
    const read = parseStatus(
      [
        ...[`# branch.oid ${id}`, "# branch.head feat/x"],
        `1 .M N... 100644 100644 100644 ${id} ${id} a b`,
        `2 R. N... 100644 100644 100644 ${id} ${id} R100 to`,
        "from",
        `u UU N... 100644 100644 100644 100644 ${id} ${id} ${id} both of us`,
        `1 D. N... 100644 000000 000000 ${id} ${id} kept`,
        ...["? kept", "? new folder/", ""],
      ].join("\0"),
    );
    assert.equal(read?.branch, "feat/x");
    assert.deepEqual(read?.files, [
      ["a b", ".M"],
      ["to", "R."],
      ["both of us", "UU"],
      ["kept", "D?"],
      ["new folder/", "??"],
    ]);
    assert.deepEqual(read?.counts, { staged: 2, changed: 1, untracked: 2, conflicted: 1 });
  });

  it("names no branch where HEAD is detached", () => {
    assert.equal(parseStatus("# branch.oid abc\0# branch.head (detached)\0")?.branch, null);
  });
});

describe("the pace of looks", () => {
  const longest = 1_000;

  it("is 10 ms after a first change, and waits a little for those that follow at once", () => {
    const pace = new Pace();
    assert.equal(pace.due(1_000, 1_000, longest), 1_010);
    assert.equal(pace.due(1_000, 1_018, longest), 1_028);
    assert.equal(pace.due(1_000, 1_500, longest), 1_060);
  });

  it("slows down while changes go on, to the longest pause, and is quick again after quiet", () => {
    const pace = new Pace();
    let now = 1_000;
    const pauses: number[] = [];
    for (let look = 0; look < 9; look++) {
      const due = pace.due(now, now, longest);
      pauses.push(due - now);
      pace.looked(now, due, longest);
      now = due; // the next change comes at once
    }
    assert.deepEqual(pauses, [10, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
    assert.equal(pace.due(now + 400, now + 400, longest), now + 410);
  });

  it("is never slower than the setting says, nor quicker than the first look", () => {
    const pace = new Pace();
    pace.looked(0, 20, 10);
    assert.equal(pace.due(20, 20, 10), 30);
  });
});

describe("turns", () => {
  it("are as many at once as there may be, the urgent first, and of these those longest waiting", async () => {
    const turns = new Turns(2);
    const order: string[] = [];
    const ends: (() => void)[] = [];
    let running = 0;
    const take = (name: string, urgent: boolean, since: number): Promise<void> =>
      turns.take({ urgent, since }, async () => {
        running += 1;
        assert.ok(running <= 2);
        order.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        running -= 1;
      });
    const all = [
      ...[take("first", false, 1), take("second", false, 2), take("late", true, 9)],
      ...[take("calm", false, 3), take("early", true, 4)],
    ];
    while (order.length < all.length) {
      ends.shift()?.();
      await breathe();
    }
    for (const end of ends) end();
    await Promise.all(all);
    assert.deepEqual(order, ["first", "second", "early", "late", "calm"]);
  });
});

describe("names of what changed", () => {
  it("are joined until they are too many, or one is not known", () => {
    assert.deepEqual(joined(new Set(["a"]), new Set(["b"])), new Set(["a", "b"]));
    assert.equal(joined(new Set(["a"]), null), null);
    const many = new Set(Array.from({ length: 1_500 }, (_, at) => `${at}`));
    assert.equal(joined(many, many), null);
  });

  it("touch a folder also by the name of one above it", () => {
    assert.ok(touch(new Set(["a/b/c"]), "a/b/"));
    assert.ok(touch(new Set(["a"]), "a/b/"));
    assert.ok(touch(null, "a/b/"));
    assert.ok(!touch(new Set(["a/bc", "b"]), "a/b/"));
    assert.ok(touchRules(new Set(["x/.gitignore"])));
    assert.ok(!touchRules(new Set(["x.gitignore"])));
    assert.ok(isNamed(new Set(["a/b"]), "a/b"));
    assert.ok(isNamed(new Set(["a"]), "a/b/c"));
    assert.ok(!isNamed(new Set(["a/b"]), "a/bc"));
    assert.ok(!isNamed(null, "a"));
  });
});
