// How VS Code's Activity view pages through what happened, against a server that answers as the contract says.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Activity } from "../../protocol/activity.ts";
import { listActivity } from "../../protocol/activity.ts";
import { ActivityPages, type AskActivity, type Source, pageSize } from "../../client/src/activity/pages.ts";

/** What happened in some repositories, by path; `activity.list` as the contract has it. */
class Log {
  readonly #rows = new Map<string, Activity[]>();
  readonly asked: unknown[] = [];
  #id = 0;

  happen(path: string, count: number, more: Partial<Activity> = {}): void {
    const rows = this.#rows.get(path) ?? [];
    this.#rows.set(path, rows);
    for (let index = 0; index < count; index += 1) {
      this.#id += 1;
      rows.unshift({
        id: this.#id,
        at: new Date(this.#id * 1000).toISOString(),
        type: "file_change",
        worktree: { id: "w", name: "feat-x" },
        agent: null,
        file: `${this.#id}.txt`,
        details: { change: "modified" },
        ...more,
      });
    }
  }

  readonly ask: AskActivity = async (params) => {
    this.asked.push(params);
    const { repository = "", before, limit, name, agent } = listActivity.params.parse(params);
    const all = (this.#rows.get(repository) ?? []).filter(
      (each) =>
        (before === undefined || each.id < before) &&
        (name === undefined || each.worktree.name === name) &&
        (agent === undefined || each.agent === agent),
    );
    return listActivity.result.parse({ activities: all.slice(0, limit), more: all.length > limit });
  };
}

const here: readonly Source[] = [{ id: "r1", path: "/one" }];
const both: readonly Source[] = [...here, { id: "r2", path: "/two" }];
const ids = ({ entries }: ActivityPages): number[] => entries.map(({ id }) => id);
const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, index) => from - index);

describe("paging through activity", () => {
  it("begins with the newest, and goes on with older ones to the end", async () => {
    const log = new Log();
    log.happen("/one", 120);
    const pages = new ActivityPages(log.ask);
    pages.begin(here, {});
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(120, 71), true]);
    await pages.readOlder();
    await pages.readOlder();
    assert.deepEqual([ids(pages), pages.more], [down(120, 1), false]);
  });

  it("puts what is new before the rest, also after older ones were read", async () => {
    const log = new Log();
    log.happen("/one", 60);
    const pages = new ActivityPages(log.ask);
    pages.begin(here, {});
    await pages.renew();
    await pages.readOlder();
    log.happen("/one", 3);
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(63, 1), false]);
    await pages.renew();
    assert.deepEqual(ids(pages), down(63, 1), "nothing twice");
  });

  it("leaves no gap where more happened than a page holds", async () => {
    const log = new Log();
    log.happen("/one", 10);
    const pages = new ActivityPages(log.ask);
    pages.begin(here, {});
    await pages.renew();
    log.happen("/one", pageSize + 7);
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(67, 18), true]);
    await pages.readOlder();
    assert.deepEqual([ids(pages), pages.more], [down(67, 1), false]);
  });

  it("has one order for several repositories, and leaves nothing out between them", async () => {
    const log = new Log();
    for (let round = 0; round < 40; round += 1) {
      log.happen("/one", 2);
      log.happen("/two", 1);
    }
    const pages = new ActivityPages(log.ask);
    pages.begin(both, {});
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(120, 71), true]);
    assert.equal(pages.entries[0]?.repository, "r2");
    await pages.readOlder();
    await pages.readOlder();
    assert.deepEqual([ids(pages), pages.more], [down(120, 1), false]);
  });

  it("holds so many at most, but for what was asked for, and the rest can be asked for again", async () => {
    const log = new Log();
    log.happen("/one", 60);
    const pages = new ActivityPages(log.ask, 55);
    pages.begin(here, {});
    await pages.renew();
    log.happen("/one", 20);
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(80, 26), true]);
    await pages.readOlder();
    log.happen("/one", 2);
    await pages.renew();
    assert.deepEqual([ids(pages), pages.more], [down(82, 3), true]);
  });

  it("asks for what the filter says, and only the repository of its worktree", async () => {
    const log = new Log();
    log.happen("/one", 2, { agent: "codex-1" });
    log.happen("/one", 2);
    log.happen("/two", 2, { agent: "codex-1" });
    const pages = new ActivityPages(log.ask);
    pages.begin(both, { agent: "codex-1", worktree: { repository: "r1", name: "feat-x" }, since: "2h" });
    await pages.renew();
    assert.deepEqual(ids(pages), [2, 1]);
    assert.deepEqual(log.asked, [
      { repository: "/one", limit: pageSize, agent: "codex-1", since: "2h", name: "feat-x" },
    ]);
  });

  it("takes no answer to what was asked before", async () => {
    const log = new Log();
    log.happen("/one", 3, { agent: "codex-1" });
    log.happen("/one", 3, { agent: "jane" });
    const late = Promise.withResolvers<void>();
    const pages = new ActivityPages(async (params) => {
      const answer = await log.ask(params);
      if (params.agent === undefined) await late.promise;
      return answer;
    });
    pages.begin(here, {});
    const first = pages.renew();
    pages.begin(here, { agent: "jane" });
    await pages.renew();
    late.resolve();
    await first;
    assert.deepEqual(ids(pages), [6, 5, 4]);
  });

  it("is as it was when it could not be read", async () => {
    const log = new Log();
    log.happen("/one", 3);
    let broken = false;
    const pages = new ActivityPages((params) => (broken ? Promise.reject(new Error("gone")) : log.ask(params)));
    pages.begin(here, {});
    await pages.renew();
    broken = true;
    await assert.rejects(pages.renew());
    assert.deepEqual(ids(pages), [3, 2, 1]);
  });
});
