import assert from "node:assert/strict";
import { cpSync, existsSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ParamsOf } from "../../protocol/contract.ts";
import type { PruneCandidate } from "../../protocol/prune.ts";
import { ImiError } from "../../protocol/errors.ts";
import { ageFolder, ageRow } from "../support/ageing.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const dayMs = 24 * 60 * 60 * 1000;

describe("prune", () => {
  let scene: Scene;
  before(() => {
    scene = makeScene();
  });
  after(() => scene.remove());

  const within = async <T>(work: (imi: Caller) => Promise<T>): Promise<T> => {
    await using imi = await Caller.in(scene);
    return await work(imi);
  };
  const make = (name: string, agentId?: string): Promise<string> =>
    within(async (imi) => {
      const given = agentId === undefined ? {} : { agentId };
      return (await imi.call("worktree.create", { type: "feat", name, ...given })).worktree.path;
    });
  const prune = (params: ParamsOf<"worktree.prune"> = {}) => within((imi) => imi.call("worktree.prune", params));
  const names = (candidates: readonly PruneCandidate[]): string[] =>
    candidates.map(({ worktree }) => worktree.name).toSorted();
  const commit = (path: string, file: string): void => {
    writeFileSync(join(path, file), `${file}\n`);
    scene.git(path, "add", "-A");
    scene.git(path, "commit", "-q", "-m", file);
  };
  const age = (name: string, days: number): void => {
    ageRow(scene, name, days * dayMs);
    ageFolder(scene, name, days * dayMs);
  };

  it("proposes what is merged, in words, and nothing else", async () => {
    await make("fresh");
    commit(await make("busy"), "busy");
    commit(await make("squashed"), "one");
    commit(await make("merged"), "merged");
    commit(join(scene.container, "feat-squashed"), "two");
    scene.git(scene.trunk, "merge", "-q", "--squash", "feat/squashed");
    scene.git(scene.trunk, "commit", "-q", "-m", "squashed");
    scene.git(scene.trunk, "merge", "-q", "--no-ff", "--no-edit", "feat/merged");
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    const { candidates, removed, failed } = await prune();
    assert.deepEqual(Object.fromEntries(candidates.map(({ worktree, reasons }) => [worktree.name, reasons])), {
      "feat-squashed": ["merged into origin/main (squashed)"],
      "feat-merged": ["merged into origin/main"],
    });
    assert.deepEqual([removed, failed], [[], []]);
    assert.ok(candidates.every(({ bytes }) => bytes !== null && bytes > 0));
    assert.ok(existsSync(join(scene.container, "feat-squashed")));
  });

  it("proposes what is idle, since its last sign of life", async () => {
    await make("old");
    age("feat-old", 23);
    const asked = await prune();
    const old = asked.candidates.find(({ worktree }) => worktree.name === "feat-old");
    assert.deepEqual(old?.reasons, ["idle for 23 days"]);
    assert.equal(Math.round((Date.now() - Date.parse(old.idleSince)) / dayMs), 23);
    assert.deepEqual(names((await prune({ idleDays: 24 })).candidates), ["feat-merged", "feat-squashed"]);

    // A commit, a file that differs, and a visit are signs of life.
    const path = join(scene.container, "feat-old");
    writeFileSync(join(path, "README.md"), "changed yesterday");
    age("feat-old", 23);
    const yesterday = (Date.now() - dayMs) / 1000;
    utimesSync(join(path, "README.md"), yesterday, yesterday);
    assert.ok(!names((await prune()).candidates).includes("feat-old"));
    const [only] = (await prune({ names: ["old"], idleDays: 1 })).candidates;
    assert.equal(only?.work.answer, "work");
    assert.deepEqual(only?.reasons, ["idle for 1 day"]);
    scene.git(path, "checkout", "-q", "README.md");
    age("feat-old", 23);
    assert.ok(names((await prune()).candidates).includes("feat-old"));
    await within((imi) => imi.call("worktree.switch", { name: "feat-old" }));
    assert.ok(!names((await prune()).candidates).includes("feat-old"));
    age("feat-old", 23);
  });

  it("never proposes the trunk, a locked one, one that is gone, or where an agent was at work just now", async () => {
    await make("locked");
    scene.git(scene.trunk, "worktree", "lock", "--reason", "on a stick", join(scene.container, "feat-locked"));
    await make("claimed", "agent-7");
    const { candidates } = await prune({ idleDays: 0 });
    assert.deepEqual(names(candidates), ["feat-busy", "feat-fresh", "feat-merged", "feat-old", "feat-squashed"]);
    const named = await prune({ idleDays: 0, names: ["trunk-main", "feat-locked", "feat-claimed"], yes: true });
    assert.deepEqual(named.removed, []);
    assert.deepEqual(
      named.failed.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
      [
        { name: "feat-claimed", reason: "agent-7 holds it" },
        { name: "feat-locked", reason: "it is locked: on a stick" },
        { name: "trunk-main", reason: "it is the main checkout" },
      ],
    );
    const { claim } = await within((imi) => imi.call("claim.take", { name: "feat-claimed", agent: "agent-7" }));
    await within((imi) => imi.call("claim.release", { name: "feat-claimed", agent: "agent-7", token: claim.token }));
    age("feat-claimed", 2);
    assert.ok(names((await prune({ idleDays: 2 })).candidates).includes("feat-claimed"));
    await assert.rejects(prune({ names: ["nothing"] }), (error: unknown) => ImiError.is(error, "worktree/not-found"));
  });

  it("removes what is proposed and holds nothing, what holds work only when named, and tells it in one event", async () => {
    const dirty = await make("dirty");
    writeFileSync(join(dirty, "new"), "work");
    age("feat-dirty", 30);
    utimesSync(join(dirty, "new"), 1, 1);
    age("feat-claimed", 0);
    const before = statSync(join(scene.container, "feat-fresh")).ino;
    const done = await prune({ yes: true });
    assert.deepEqual(names(done.candidates), ["feat-dirty", "feat-merged", "feat-old", "feat-squashed"]);
    assert.deepEqual(done.removed.map(({ name }) => name).toSorted(), ["feat-merged", "feat-old", "feat-squashed"]);
    assert.deepEqual(done.failed, []);
    assert.ok(existsSync(join(dirty, "new")));
    assert.equal(statSync(join(scene.container, "feat-fresh")).ino, before);
    assert.match(scene.git(scene.trunk, "branch", "--list", "feat/squashed"), /feat\/squashed/);
    const events = await within((imi) => imi.call("event.list", {}));
    const told = events.events.filter(({ name }) => name === "worktree.pruned");
    assert.deepEqual(
      told.map(({ data }) => data["names"]),
      [done.removed.map(({ name }) => name)],
    );

    const named = await prune({ yes: true, names: ["feat-dirty"] });
    assert.deepEqual(
      named.removed.map(({ name }) => name),
      ["feat-dirty"],
    );
    assert.ok(!existsSync(dirty));
    const back = await within((imi) => imi.call("worktree.restore", { name: "feat-dirty" }));
    assert.ok(existsSync(join(back.worktree.path, "new")));
  });

  it("goes on where one cannot be removed", async () => {
    await make("first");
    const second = await make("second");
    for (const name of ["feat-first", "feat-second"]) age(name, 20);
    // Its registered folder is another one now.
    renameSync(second, `${second}.away`);
    cpSync(`${second}.away`, second, { recursive: true });
    age("feat-second", 20);
    const { removed, failed } = await prune({ yes: true, names: ["feat-first", "feat-second"] });
    assert.deepEqual(
      removed.map(({ name }) => name),
      ["feat-first"],
    );
    assert.deepEqual(
      failed.map(({ name }) => name),
      ["feat-second"],
    );
    assert.match(failed[0]?.reason ?? "", /not the folder that was registered/);
    assert.ok(existsSync(second));
  });
});
