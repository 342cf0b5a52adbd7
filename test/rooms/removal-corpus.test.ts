import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { workKinds } from "../../protocol/work.ts";
import type { Work } from "../../protocol/work.ts";
import { assertTrash, assertTrashOf, gitWorktrees, listed } from "../support/agreement.ts";
import { told } from "../support/imi.ts";
import { lostObjects, preciousObjects } from "../support/precious-objects.ts";
import { freshScene, groundIn, removalCorpus, skipped } from "../support/removal-corpus.ts";
import type { Ground, State } from "../support/removal-corpus.ts";
import { Caller } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";
import type { SnapshotOptions, WorktreeSnapshot } from "../support/worktree-snapshot.ts";

type Removed = ResultOf<"worktree.remove">;
type Restored = ResultOf<"worktree.restore">;

const snapshotOf = ({ scene, path }: Ground, more: Partial<SnapshotOptions> = {}): WorktreeSnapshot =>
  snapshotWorktree({ path, env: scene.env, ...more });

const branchesOf = ({ scene, trunk }: Ground): string =>
  scene.git(trunk, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags", "refs/stash");

/** The state, in a fresh repository, for as long as the test needs it. */
const inState = async (state: State, test: (ground: Ground) => Promise<void>): Promise<void> => {
  const scene = freshScene();
  try {
    const ground = await groundIn(scene);
    state.make(ground);
    await test(ground);
  } finally {
    scene.remove();
  }
};

const assertTold = (state: State, { answer, items, reason }: Work): void => {
  const holds = state.holds ?? [];
  const said = JSON.stringify({ answer, reason, items: items.map(({ kind, count }) => `${count} ${kind}`) });
  for (const kind of holds)
    assert.ok(
      items.some((item) => item.kind === kind),
      `${kind} was not told: ${said}`,
    );
  for (const { count, examples, kind } of items)
    assert.ok(count > 0 && examples.length > 0 && examples.length <= count, `examples of ${kind}: ${said}`);
  if (state.answer === "any") return;
  if (state.answer === "not clean") return assert.notEqual(answer, "clean", said);
  assert.equal(answer, holds.some((kind) => workKinds[kind].weight === "exposed") ? "work" : "clean", said);
};

const assertGone = (ground: Ground): void => {
  const { scene, path, record } = ground;
  assert.ok(!existsSync(path), "its folder is still there");
  assert.ok(!existsSync(record), "git's record is still there");
  assert.ok(!gitWorktrees(scene).some((worktree) => worktree.path === path), "git still lists it");
};

/** What time does to a repository: what no ref keeps is gone afterwards. */
const collectGarbage = ({ scene, trunk }: Ground): void => {
  scene.git(trunk, "reflog", "expire", "--expire=now", "HEAD");
  scene.git(trunk, "worktree", "prune", "--expire=now");
  scene.git(trunk, "gc", "-q", "--prune=now");
};

describe(
  "removing and restoring brings back the same bytes, index, refs, modes and operations:",
  { concurrency: 2 },
  () => {
    for (const state of removalCorpus) {
      const timeout = state.large === true ? 1_200_000 : 110_000;
      it(state.name, { skip: skipped(state) ?? false, timeout }, () =>
        inState(state, async (ground) => {
          const { place, name, scene, trunk } = ground;
          const before = snapshotOf(ground);
          const precious = preciousObjects(ground.path, scene.env);

          // Removal and restore are processes of their own, as for a user; what is only asked about them is asked here.
          await using caller = await Caller.in(scene);
          const trash = async () => assertTrashOf(scene, (await caller.call("trash.list", {})).entries);

          if (state.refused !== undefined) {
            for (const how of [{ dryRun: true }, { yes: true }])
              await assert.rejects(caller.call("worktree.remove", { name, ...how }), { code: state.refused });
            assert.deepEqual(snapshotOf(ground), before, "a refused removal changed it");
            return;
          }
          const rehearsed = await caller.call("worktree.remove", { name, dryRun: true });
          assert.equal(rehearsed.trash, null);
          assertTold(state, rehearsed.work);
          if (rehearsed.work.answer !== "clean")
            await assert.rejects(caller.call("worktree.remove", { name }), { code: "worktree/dirty" });
          assert.deepEqual(snapshotOf(ground), before, "looking at it changed it");

          const refs = branchesOf(ground);
          const removed = await told<Removed>(place, "remove", name, "--yes");
          assertGone(ground);
          assert.equal(branchesOf(ground), refs, "the branches changed");
          assert.equal((await trash()).length, 1);
          const { worktrees } = await caller.call("worktree.list", { status: false });
          assert.deepEqual(
            worktrees.map((row) => row.name),
            ["trunk-main"],
          );
          collectGarbage(ground);
          assert.deepEqual(lostObjects(trunk, scene.env, precious), [], "nothing but the trash has these");

          const restored = await told<Restored>(place, "restore", name);
          assert.equal(restored.worktree.state, "ready");
          assert.equal(restored.worktree.id, removed.worktree.id);
          assert.deepEqual(snapshotOf(ground), before, "it came back otherwise than it was");
          assert.deepEqual(restored.notes, []);
          assert.equal(scene.git(trunk, "for-each-ref", "refs/salvage"), "", "salvage that is not needed any more");
          assert.deepEqual(await trash(), []);
        }),
      );
    }
  },
);

/** Somebody else is at its old place by the time it comes back. */
const squatters: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  "a new worktree of that name": async ({ place, name }) => void (await told(place, "feat", name.replace("feat-", ""))),
  "a worktree that git made there": async ({ scene, trunk, path, branch }) => {
    const exists = scene.git(trunk, "branch", "--list", branch).trim() !== "";
    scene.git(trunk, "worktree", "add", "-q", ...(exists ? [path, branch] : ["-b", branch, path]));
  },
  "a plain folder there": async ({ write }) => write("somebody/else.txt", "somebody else's\n"),
};

const several = [
  "staged and changed again, differently in each",
  "ignored files and folders",
  "a detached HEAD with commits of its own",
  "commits of its own",
  "several stashes, one with untracked files and one kept in the index",
  "a branch that was deleted underneath it",
  "a merge in conflict",
  "half a rebase, merge backend",
  "half a bisect",
  "a submodule with commits that were not pushed",
  "a submodule in a submodule, changed",
  "configuration of its own (extensions.worktreeConfig)",
  "names with newlines, quotes, tabs, backslashes, leading dashes, blanks and patterns",
];

describe(
  "what comes back where its place has been taken meanwhile is the same but for its name:",
  { concurrency: 2 },
  () => {
    const all = process.env["IMI_TEST_LARGE"] === "1";
    const states = removalCorpus.filter(
      (state) =>
        (all ? state.large !== true : several.includes(state.name)) &&
        state.refused === undefined &&
        skipped(state) === null,
    );
    for (const state of states)
      for (const [who, squat] of Object.entries(squatters))
        it(`${state.name}; by ${who}`, () =>
          inState(state, async (ground) => {
            const { place, name, scene, path, branch } = ground;
            // A branch that is taken comes back beside it, also where only a rebase names it.
            const anonymous = { branches: [branch, `${branch}-restored`] };
            const before = snapshotOf(ground, { anonymous });
            await told(place, "remove", name, "--yes");
            await squat(ground);
            const theirs = whatIsThere(ground);

            const { worktree, notes } = await told<Restored>(place, "restore", name);
            assert.notEqual(worktree.path, path);
            assert.notEqual(worktree.name, name);
            assert.ok(
              notes.some(({ message }) => message.includes(worktree.name) || message.includes(worktree.path)),
              `the notes do not say where it is: ${JSON.stringify(notes)}`,
            );
            if (
              worktree.branch !== null &&
              worktree.branch !== branch &&
              before.git[""]?.["head"]?.includes("<branch>")
            )
              assert.ok(
                notes.some(({ message }) => message.includes(worktree.branch ?? "")),
                JSON.stringify(notes),
              );
            const after = snapshotWorktree({ path: worktree.path, env: scene.env, anonymous });
            assert.deepEqual(after.entries, before.entries);
            assert.deepEqual(after.record, before.record);
            assert.deepEqual(after.git, before.git);
            assert.equal(after.repository["objects"], before.repository["objects"]);
            assert.equal(after.repository["stash"], before.repository["stash"]);
            assert.deepEqual(whatIsThere(ground), theirs, "who took its place was touched");
            assert.deepEqual(await assertTrash(scene), []);
            const rows = await listed(scene);
            assert.equal(rows.find((row) => row.name === worktree.name)?.state, "ready");
            assert.equal(
              rows.some((row) => row.path === path && row.state === "ready"),
              who !== "a plain folder there",
            );
          }));
  },
);

const whatIsThere = (ground: Ground): unknown =>
  existsSync(join(ground.path, ".git"))
    ? snapshotOf(ground).entries
    : readFileSync(ground.at("somebody/else.txt"), "utf8");

describe("the comparison", () => {
  const notices: Readonly<Record<string, (ground: Ground) => void>> = {
    "other bytes of the same size and time": ({ write, at }) => {
      write("note.txt", "nota\n");
      utimesSync(at("note.txt"), 1_700_000_000, 1_700_000_000);
    },
    "another time": ({ at }) => utimesSync(at("note.txt"), 1_700_000_001, 1_700_000_001),
    "another mode": ({ at }) => chmodSync(at("src/b.txt"), 0o600),
    "an empty folder gone": ({ at }) => rmSync(at("empty"), { recursive: true }),
    "an index that was only refreshed": ({ git }) => void git("update-index", "--force-write-index"),
    "a flag of an entry": ({ git }) => void git("update-index", "--assume-unchanged", "src/b.txt"),
    "a merge ended": ({ record }) => rmSync(join(record, "MERGE_HEAD")),
    "a line of HEAD's log": ({ record }) => writeFileSync(join(record, "logs/HEAD"), "", { flag: "w" }),
    "a ref of its own": ({ git }) => void git("update-ref", "refs/worktree/own", "HEAD"),
    "another branch's ref": ({ git }) => void git("update-ref", "refs/heads/elsewhere", "HEAD"),
    // Made by hand, as `git stash create` makes it: that one depends on what the index says of the files' times.
    "a stash": ({ git }) =>
      void git(
        ...["stash", "store", "-m", "x"],
        git("commit-tree", "-m", "x", "-p", "HEAD", "-p", "HEAD~1", "HEAD^{tree}").trim(),
      ),
  };
  for (const [what, change] of Object.entries(notices))
    it(`notices ${what}`, () =>
      inState(removalCorpus[0] ?? assert.fail(), async (ground) => {
        ground.write("note.txt", "note\n");
        ground.write("empty/x", "");
        rmSync(ground.at("empty/x"));
        utimesSync(ground.at("note.txt"), 1_700_000_000, 1_700_000_000);
        ground.commit("mine", { "src/a.txt": "mine\n" });
        utimesSync(ground.at("note.txt"), 1_700_000_000, 1_700_000_000);
        writeFileSync(join(ground.record, "MERGE_HEAD"), ground.git("rev-parse", "HEAD~1"));
        const before = snapshotOf(ground);
        assert.deepEqual(snapshotOf(ground), before);
        change(ground);
        assert.notDeepEqual(snapshotOf(ground), before);
      }));
});
