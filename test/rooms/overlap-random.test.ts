import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, it } from "node:test";
import { isolateGit } from "../support/git.ts";
import { assertForetold, check, commitAll, everything, put, reallyMerge, twoWorktrees } from "../support/overlap.ts";
import { randomFrom, seeded } from "../support/random.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

/** IMI_TEST_ROUNDS=200 for many more; IMI_TEST_SEED repeats one that failed. */
const { seed, rounds } = seeded(12);

let scene: Scene;
before(() => {
  isolateGit();
  scene = makeScene();
});
after(() => scene.remove());

const names = ["a.txt", "b.txt", "d/c.txt", "d/e/f.txt", "g"];
const begin = (name: string): string => Array.from({ length: 20 }, (_, index) => `${name} ${index + 1}\n`).join("");

/** A few things somebody may do in a worktree; some of it committed, some staged, some only on disk. */
const workIn = (path: string, random: () => number, who: string): void => {
  const pick = <T>(values: readonly [T, ...T[]]): T => values[Math.floor(random() * values.length)] ?? values[0];
  const some = (): string => pick(["a.txt", "b.txt", "d/c.txt", "d/e/f.txt", "g"]);
  for (let step = 0; step < 4; step++) {
    const name = some();
    const file = join(path, name);
    const there = existsSync(file);
    switch (pick(["line", "line", "line", "delete", "rename", "add", "mode", "binary", "commit", "stage"])) {
      case "line": {
        if (!there) break;
        const lines = readFileSync(file, "utf8").split("\n");
        lines[Math.floor(random() * lines.length)] = random() < 0.3 ? "alike" : who;
        writeFileSync(file, lines.join("\n"));
        break;
      }
      case "delete":
        if (there) put(path, { [name]: null });
        break;
      case "rename": {
        const to = join(path, pick(["moved.txt", "d/moved.txt", "n/new.txt"]));
        if (!there || existsSync(to)) break;
        mkdirSync(dirname(to), { recursive: true });
        renameSync(file, to);
        break;
      }
      case "add":
        put(path, { [pick(["new.txt", "d/new.txt", "moved.txt"])]: random() < 0.3 ? "alike\n" : `${who} adds\n` });
        break;
      case "mode":
        if (there) chmodSync(file, 0o755);
        break;
      case "binary":
        if (there) writeFileSync(file, Buffer.from([0, Math.floor(random() * 4)]));
        break;
      case "commit":
        commitAll({ scene }, path);
        break;
      case "stage":
        scene.git(path, "add", "-A");
        break;
    }
  }
};

it(
  `what is told of ${rounds} merges at random is what git then does (seed ${seed})`,
  { timeout: 600_000 },
  async () => {
    let conflicts = 0;
    for (let round = 0; round < rounds; round++) {
      const random = randomFrom(seed + round);
      const two = twoWorktrees(scene, Object.fromEntries(names.map((name) => [name, begin(name)])));
      workIn(two.a, random, "a");
      workIn(two.b, random, "b");
      const before = everything(scene.container);
      const { committed, working } = await check(scene, two.a, two.b);
      assert.deepEqual(everything(scene.container), before);

      const about = `seed ${seed + round}: IMI_TEST_SEED=${seed + round} IMI_TEST_ROUNDS=1`;
      const compare = (prediction: typeof working, what: string): void => {
        assertForetold(prediction, reallyMerge(two), `${what}, ${about}`);
        if (prediction.clean === false) conflicts++;
      };
      const whole = [two.a, two.b].map((path) => {
        const committedHead = scene.git(path, "rev-parse", "HEAD").trim();
        commitAll(two, path);
        const tip = scene.git(path, "rev-parse", "HEAD").trim();
        scene.git(path, "reset", "-q", "--hard", committedHead);
        return tip;
      });
      compare(committed, "committed");
      for (const [index, path] of [two.a, two.b].entries())
        scene.git(path, "reset", "-q", "--hard", whole[index] ?? "");
      compare(working, "working");
    }
    assert.ok(rounds < 10 || conflicts > 0, "some of them conflict");
  },
);
