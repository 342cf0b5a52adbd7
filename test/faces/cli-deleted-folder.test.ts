import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { makeScene, type Scene } from "../support/workspace.ts";

const main = path.resolve(import.meta.dirname, "../../server/src/faces/cli/main.ts");

describe("in a folder that was deleted under the shell, imi", () => {
  let scene: Scene;
  before(() => {
    scene = makeScene();
  });
  after(() => scene.remove());

  /** Runs a line of shell in a folder made for it in the container, which that line begins with deleting. */
  const gone = (line: string, env: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; said: string } => {
    const imi = 'node=$0 main=$1; imi() { "$node" "$main" "$@"; }';
    const script = `${imi}; mkdir "$2/gone" && cd "$2/gone" && rmdir "$2/gone"; ${line}`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, main, scene.container], {
      cwd: scene.root,
      env: { ...scene.env, ...env },
      encoding: "utf8",
    });
    return { status, stdout, said: stderr };
  };

  test("says so, and where to go", () => {
    for (const line of ["imi list", "imi feat x", "imi doctor --json >/dev/null; imi sync", "unset PWD; imi list"]) {
      const { status, said } = gone(line);
      assert.equal(status, 1, line);
      assert.ok(
        said.includes(`error: The folder you are in was deleted: ${scene.container}/gone\n`),
        `${line}: ${said}`,
      );
      assert.ok(said.includes(`hint: Go where there is something: cd '${scene.trunk}'\n`), `${line}: ${said}`);
    }
  });

  test("makes nothing there", () => {
    const { status, said } = gone(`imi clone '${scene.remote}' fresh`);
    assert.equal(status, 1);
    assert.match(said, /was deleted/u);
    assert.ok(!existsSync(path.join(scene.container, "gone")));
  });

  test("works where it is told the repository, also by a path from there", () => {
    for (const line of [
      'imi list --no-status --repo "$2"',
      "imi list --no-status --repo ../trunk-main",
      "imi config show",
    ]) {
      const { status, stdout, said } = gone(line);
      assert.deepEqual([status, said], [0, ""], line);
      assert.ok(stdout.length > 0);
    }
    const { status, said } = gone("imi list --no-status", { IMI_REPO_ROOT: scene.trunk });
    assert.deepEqual([status, said], [0, ""]);
  });
});
