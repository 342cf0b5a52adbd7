import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../../protocol/contract.ts";
import { ask, imi, startImi } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { commitAll, put } from "../support/overlap.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const lines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`);
const withLine = (number: number, line: string): string => lines.with(number - 1, `${line}\n`).join("");

describe("imi conflicts and imi merge-check", () => {
  let scene: Scene;
  let place: Place;
  const paths: Record<string, string> = {};
  before(() => {
    scene = makeScene();
    place = { cwd: scene.trunk, env: scene.env };
    put(scene.trunk, { "src/f.txt": lines.join(""), "g.slow": "slow\n" });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    for (const name of ["one", "two", "far"]) {
      const path = join(scene.container, `feat-${name}`);
      scene.git(scene.trunk, "worktree", "add", "-q", "-b", `feat/${name}`, path, "origin/main");
      paths[name] = path;
    }
    put(paths["one"] ?? "", { "src/f.txt": withLine(2, "one") });
    commitAll({ scene }, paths["one"] ?? "");
    put(paths["two"] ?? "", { "src/f.txt": withLine(2, "two"), "new\n.txt": "new\n" });
    put(paths["far"] ?? "", { "src/f.txt": withLine(10, "far") });
  });
  after(() => scene.remove());

  it("show people what is near, the worst first", async () => {
    const { code, stdout, stderr } = await imi(place, "conflicts");
    assert.deepEqual(
      [code, stderr, stdout],
      [
        0,
        "",
        `feat-one and feat-two: 1 conflict
  src/f.txt  same lines  content

feat-far and feat-one: clean
  src/f.txt  other lines

feat-far and feat-two: clean
  src/f.txt  other lines
`,
      ],
    );
    const { stdout: withLines } = await imi(place, "conflicts", "two", "--hunks");
    assert.match(withLines, /^ {4}line 2 and line 2$/m);
    assert.doesNotMatch(withLines, /feat-far and feat-one/);
    const none = await imi(place, "conflicts", "trunk-main");
    assert.deepEqual([none.code, none.stdout], [0, ""]);
    assert.match(none.stderr, /changed the same file/);
  });

  it("tell by their exit code whether a merge is clean", async () => {
    const { code, stdout, stderr } = await imi(place, "merge-check", "one", "two");
    assert.deepEqual(
      [code, stderr, stdout],
      [
        1,
        "",
        `feat-one into feat-two, a fast-forward: clean
With what is not committed (feat-two: 1 changed, 1 untracked): 1 conflict
  src/f.txt  content
`,
      ],
    );
    const into = await imi(place, "merge-check", "far");
    assert.deepEqual(
      [into.code, into.stdout],
      [
        0,
        "feat-far into origin/main, which has all its commits: clean\nWith what is not committed (feat-far: 1 changed): clean\n",
      ],
    );
    const { value } = await ask<ResultOf<"overlap.merge-check">>(place, "merge-check", "feat-one", "feat-two");
    assert.deepEqual([value?.committed.clean, value?.working.clean, value?.bases.length], [true, false, 1]);
    const unknown = await ask(place, "merge-check", "nobody");
    assert.equal(unknown.error?.code, "worktree/not-found");
  });

  it("are killed without leaving anything for ever", async () => {
    const temporary = mkdtempSync(join(scene.root, "tmp-"));
    const inside = { cwd: scene.trunk, env: { ...scene.env, TMPDIR: temporary } };
    appendFileSync(join(scene.root, "home/gitconfig"), '[filter "slow"]\n\tclean = sleep 2 && cat\n');
    put(paths["far"] ?? "", { ".gitattributes": "*.slow filter=slow\n", "g.slow": "changed\n" });
    const started = startImi(inside, "merge-check", "far");
    const folder = (): string | undefined => readdirSync(temporary).find((name) => name.startsWith("imi-overlap-"));
    for (let waited = 0; folder() === undefined && waited < 60_000; waited += 20) await delay(20);
    const left = folder();
    assert.ok(left !== undefined);
    process.kill(started.pid, "SIGKILL");
    await started.ended;
    assert.equal(folder(), left);
    // The git it had started ends by itself, and may renew the folder's time until then.
    for (let tries = 0; folder() !== undefined && tries < 20; tries++) {
      const anHourAgo = Date.now() / 1000 - 3600;
      utimesSync(join(temporary, left), anHourAgo, anHourAgo);
      assert.equal((await imi(inside, "merge-check", "one")).code, 0);
    }
    assert.equal(folder(), undefined);
    assert.doesNotMatch(scene.git(paths["far"] ?? "", "status", "--porcelain"), /^[^ ?]/m);
  });
});
