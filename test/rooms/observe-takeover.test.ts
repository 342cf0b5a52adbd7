import assert from "node:assert/strict";
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { WorktreeRow } from "../../server/src/store/index.ts";
import { Observed, until, write } from "../support/observe.ts";
import { randomFrom, seeded } from "../support/random.ts";

const skip = process.platform !== "linux";

/** What the activities of a worktree add up to: the files that are not as in HEAD, and what was last said of each. */
const addedUp = async (scene: Observed, name: string): Promise<Map<string, string>> => {
  const files = new Map<string, string>();
  for (const { type, file, details } of await scene.activities(name))
    if (type === "file_change" && file !== null) files.set(file, String(details["change"]));
  return files;
};

/** Whether nothing is missing: of each file that differs it was last said that it is there, or is not. */
const assertNoGap = async (scene: Observed, { name, path }: WorktreeRow): Promise<void> => {
  const said = await addedUp(scene, name);
  const status = await scene.repository.run(["status", "--porcelain", "-z", "-uall", "--no-renames"], path);
  for (const entry of status.split("\0").filter((line) => line !== "")) {
    const [letters, file] = [entry.slice(0, 2), entry.slice(3)];
    const deleted = letters.includes("D") ? "deleted" : "there";
    const last = said.get(file);
    assert.equal(last === undefined ? "nothing" : last === "deleted" ? "deleted" : "there", deleted, file);
  }
};

const observing = async (scene: Observed): Promise<ChildProcess> => {
  const { root, commonDir } = scene.repository;
  const script = join(import.meta.dirname, "../support/observe-process.ts");
  const child = fork(script, [scene.store.path, commonDir, join(root, "run-of-another")], { execArgv: [] });
  await once(child, "message");
  return child;
};

const kill = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
};

describe("who watches next", { skip }, () => {
  it("tells what happened while nobody watched, and no more than that", async () => {
    await using scene = await Observed.of({ files: 30 });
    const row = await scene.worktree("one");
    const other = await scene.worktree("two");
    await scene.start();
    write(row.path, "a.txt", "1\n");
    write(row.path, "new/b.txt", "1\n");
    appendFileSync(join(row.path, "src/0/file-1.txt"), "more\n");
    await until("recorded", async () => (await scene.words("one")).length === 3);
    await scene.agrees();
    await scene.stop();

    appendFileSync(join(row.path, "a.txt"), "2\n");
    rmSync(join(row.path, "new/b.txt"));
    write(row.path, "new/c.txt", "1\n");
    write(other.path, "d.txt", "1\n");
    await scene.repository.commit("elsewhere", {}, other.path);
    await scene.repository.run(["switch", "-q", "-c", "feat/renamed"], other.path);
    await scene.start();
    await until("recorded", async () => (await scene.words()).length >= 7);
    assert.deepEqual((await scene.words("one")).slice(3).toSorted(), [
      "added new/c.txt",
      "deleted new/b.txt",
      "modified a.txt",
    ]);
    assert.deepEqual((await scene.words("two")).toSorted(), [
      "added d.txt",
      "commit elsewhere +1 -0",
      "switch feat/two to feat/renamed",
    ]);
    await scene.stop();
    const events = (await scene.events()).length;
    await scene.start();
    await delay(200);
    assert.equal((await scene.events()).length, events, "nothing happened, and nothing is told");
  });

  it("does not take what a reset lists again for changes", async () => {
    await using scene = await Observed.of({ files: 30 });
    const row = await scene.worktree("one");
    await scene.start();
    appendFileSync(join(row.path, "src/0/file-1.txt"), "more\n");
    await until("recorded", async () => (await scene.words("one")).length === 1);
    await scene.repository.commit("second", {}, row.path);
    await until("recorded", async () => (await scene.words("one")).length === 2);
    await scene.agrees();
    await scene.stop();
    await scene.repository.run(["reset", "-q", "HEAD~1"], row.path);
    await scene.start();
    assert.deepEqual((await scene.words("one")).slice(2), ["commit first +0 -1"]);
  });

  it("misses nothing where the one before was killed in the middle of a burst", async (context) => {
    const { seed, rounds } = seeded(5);
    context.diagnostic(`IMI_TEST_SEED=${seed} IMI_TEST_ROUNDS=${rounds}`);
    const random = randomFrom(seed);
    await using scene = await Observed.of({ files: 60 });
    const rows = [await scene.worktree("one"), await scene.worktree("two"), await scene.worktree("three")];
    await scene.start(); // the first look ever only tells
    await scene.stop();
    let made = 0;
    const work = async (): Promise<void> => {
      const root = rows[Math.floor(random() * rows.length)]?.path ?? "";
      const tracked = join(root, `src/0/file-${Math.floor(random() * 10)}.txt`);
      const folder = `new-${made % 3}`;
      const deeds = [
        () => appendFileSync(tracked, `${made}\n`),
        () => rmSync(tracked, { force: true }),
        () => write(root, `${folder}/f-${made % 20}.txt`, `${made}\n`),
        () => write(root, `top-${made % 7}.txt`, `${made}\n`),
        () => rmSync(join(root, folder), { recursive: true, force: true }),
        () => rmSync(join(root, `top-${made % 7}.txt`), { force: true }),
        () => {
          mkdirSync(join(root, folder), { recursive: true });
          if (!readdirSync(root).includes("moved")) renameSync(join(root, folder), join(root, "moved"));
        },
      ];
      made += 1;
      deeds[Math.floor(random() * deeds.length)]?.();
      const then = random();
      if (then < 0.04) await scene.repository.commit(`commit ${made}`, {}, root);
      else if (then < 0.08) await scene.repository.run(["checkout", "-q", "--", "."], root);
      else if (then < 0.25) await delay(random() * 60);
    };
    for (let round = 0; round < rounds; round++) {
      const child = await observing(scene);
      const killed = delay(100 + random() * 900).then(() => kill(child));
      for (let deed = 0; deed < 120; deed++) await work();
      await killed;
      for (let deed = 0; deed < 10; deed++) await work();
      if (round % 2 === 1) continue; // the next one takes over what this one left
      await scene.start();
      for (const row of rows) await assertNoGap(scene, row);
      await scene.stop();
    }
    await scene.start();
    for (const row of rows) await assertNoGap(scene, row);
  });
});
