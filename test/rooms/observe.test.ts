import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { WorktreeRow } from "../../server/src/store/index.ts";
import { Observed, until, write } from "../support/observe.ts";

/** Long enough for a look that should not happen to have happened. */
const aWhile = 400;

describe("what happens in a worktree is recorded", { skip: process.platform !== "linux" }, () => {
  let scene: Observed;
  let row: WorktreeRow;
  let root: string;
  let seen = 0;
  before(async () => {
    scene = await Observed.of({ files: 20 });
    row = await scene.worktree("one");
    root = row.path;
    write(root, ".gitignore", "*.log\nout/\n");
    await scene.repository.commit("ignore", {}, root);
    await scene.start();
    seen = (await scene.words("one")).length;
  });
  after(() => scene[Symbol.asyncDispose]());

  /** Waits until these are recorded, in any order, and nothing else. */
  const records = async (...expected: string[]): Promise<void> => {
    let found: string[] = [];
    try {
      await until("recorded", async () => {
        found = (await scene.words("one")).slice(seen);
        return found.length >= expected.length;
      });
    } catch {
      // Told by what is missing.
    }
    await scene.agrees();
    await delay(60);
    found = (await scene.words("one")).slice(seen);
    seen += found.length;
    assert.deepEqual(found.toSorted(), expected.toSorted());
  };
  const git = (...args: string[]): Promise<string> => scene.repository.run(args, root);
  const rests = async (): Promise<void> => {
    await delay(aWhile);
    await records();
  };

  it("nothing, as long as nothing happens: the first look only tells", async () => {
    assert.deepEqual(await scene.words(), []);
  });

  it("a file that is added, changed, changed again and deleted", async () => {
    write(root, "a.txt", "1\n");
    await records("added a.txt");
    appendFileSync(join(root, "a.txt"), "2\n");
    await records("modified a.txt");
    writeFileSync(join(root, "a.txt"), "3\n2\n");
    await records("modified a.txt");
    rmSync(join(root, "a.txt"));
    await records("deleted a.txt");
  });

  it("a tracked file that is changed, put back, deleted and checked out again", async () => {
    appendFileSync(join(root, "src/0/file-1.txt"), "more\n");
    await records("modified src/0/file-1.txt");
    await git("checkout", "-q", "--", "src/0/file-1.txt");
    await records("modified src/0/file-1.txt");
    rmSync(join(root, "src/0/file-1.txt"));
    await records("deleted src/0/file-1.txt");
    await git("checkout", "-q", "--", "src/0/file-1.txt");
    await records("added src/0/file-1.txt");
  });

  it("a file that is saved as editors do", async () => {
    writeFileSync(join(root, "src/0/file-2.txt~"), "new\n");
    renameSync(join(root, "src/0/file-2.txt~"), join(root, "src/0/file-2.txt"));
    await records("modified src/0/file-2.txt");
    await git("checkout", "-q", "--", ".");
    await records("modified src/0/file-2.txt");
  });

  it("a file that was made executable", async () => {
    chmodSync(join(root, "src/0/file-3.txt"), 0o755);
    await records("modified src/0/file-3.txt");
    chmodSync(join(root, "src/0/file-3.txt"), 0o644);
    await records("modified src/0/file-3.txt");
  });

  it("not a file that came and went before anybody looked, nor one that was only touched", async () => {
    writeFileSync(join(root, "gone.txt"), "");
    rmSync(join(root, "gone.txt"));
    utimesSync(join(root, "src/0/file-4.txt"), new Date(), new Date());
    await rests();
  });

  it("each file of an untracked folder by its name, which git lists as a whole", async () => {
    write(root, "new/deep/a.txt", "a\n");
    write(root, "new/b.txt", "b\n");
    await records("added new/b.txt", "added new/deep/a.txt");
    appendFileSync(join(root, "new/deep/a.txt"), "more\n");
    await records("modified new/deep/a.txt");
    write(root, "new/c.txt", "c\n");
    await records("added new/c.txt");
    rmSync(join(root, "new/deep"), { recursive: true });
    await records("deleted new/deep/a.txt");
    renameSync(join(root, "new"), join(root, "other"));
    await records("deleted new/b.txt", "deleted new/c.txt", "added other/b.txt", "added other/c.txt");
    rmSync(join(root, "other"), { recursive: true });
    await records("deleted other/b.txt", "deleted other/c.txt");
  });

  it("a folder that was filled elsewhere and moved here", async () => {
    write(scene.repository.root, "elsewhere/x/1.txt", "1\n");
    renameSync(join(scene.repository.root, "elsewhere"), join(root, "moved"));
    await records("added moved/x/1.txt");
    appendFileSync(join(root, "moved/x/1.txt"), "2\n");
    await records("modified moved/x/1.txt");
    rmSync(join(root, "moved"), { recursive: true });
    await records("deleted moved/x/1.txt");
  });

  it("a rename as a file gone and a file come", async () => {
    await git("mv", "src/0/file-5.txt", "src/0/renamed.txt");
    await records("deleted src/0/file-5.txt", "added src/0/renamed.txt");
    await git("mv", "src/0/renamed.txt", "src/0/file-5.txt");
    await records("added src/0/file-5.txt", "deleted src/0/renamed.txt");
  });

  it("nothing about files that git ignores", async () => {
    write(root, "debug.log", "1\n");
    write(root, "out/deep/a.txt", "1\n");
    write(root, "new/debug.log", "1\n");
    await rests();
    write(root, "new/a.txt", "1\n");
    await records("added new/a.txt");
    rmSync(join(root, "new"), { recursive: true });
    await records("deleted new/a.txt");
  });

  it("nothing about what the settings leave out, though its status counts", async () => {
    write(root, "target/a.txt", "1\n");
    write(root, "node_modules/pack/index.js", "1\n");
    await rests();
    const told = await scene.store.activities.told(scene.met.id);
    const status = told.get(row.id)?.status;
    assert.equal(status !== undefined && "untracked" in status && status.untracked, 2);
    rmSync(join(root, "target"), { recursive: true });
    rmSync(join(root, "node_modules"), { recursive: true });
    await rests();
  });

  it("staging as a new status, and no change of a file", async () => {
    write(root, "staged.txt", "1\n");
    await records("added staged.txt");
    const before = (await scene.events()).length;
    await git("add", "staged.txt");
    await scene.agrees();
    const [event, ...more] = (await scene.events()).slice(before);
    assert.deepEqual([event?.name, event?.data["files"], more], ["worktree.touched", [], []]);
    await git("rm", "-q", "--cached", "staged.txt");
    await scene.agrees();
    await git("rm", "-q", "--cached", "src/0/file-6.txt");
    await scene.agrees();
    await git("reset", "-q");
    await records();
    rmSync(join(root, "staged.txt"));
    await records("deleted staged.txt");
  });

  it("names with spaces, quotes, line ends, other alphabets, and those of objects' own properties", async () => {
    const names = [
      "a b.txt",
      'quo"te',
      "new\nline",
      "grüße/日本.txt",
      "__proto__",
      "constructor",
      "-x",
      ":(top)y",
      "[z]*",
    ];
    for (const name of names) write(root, name, "1\n");
    await records(...names.map((name) => `added ${name}`));
    for (const name of names) appendFileSync(join(root, name), "2\n");
    await records(...names.map((name) => `modified ${name}`));
    for (const name of names) rmSync(join(root, name.split("/")[0] ?? name), { recursive: true });
    await records(...names.map((name) => `deleted ${name}`));
  });

  it("a file ignored from now on is not deleted, and one ignored no more is not added", async () => {
    write(root, "kept.txt", "1\n");
    await records("added kept.txt");
    appendFileSync(join(root, ".gitignore"), "kept.txt\n");
    await records("modified .gitignore");
    await git("checkout", "-q", "--", ".gitignore");
    await records("modified .gitignore");
    rmSync(join(root, "kept.txt"));
    await records("deleted kept.txt");
  });

  it("a tracked file in whose place a folder lies, as git lists it: deleted", async () => {
    rmSync(join(root, "src/0/file-7.txt"));
    mkdirSync(join(root, "src/0/file-7.txt"));
    write(root, "src/0/file-7.txt/inner", "1\n");
    await records("deleted src/0/file-7.txt");
    rmSync(join(root, "src/0/file-7.txt"), { recursive: true });
    await git("checkout", "-q", "--", ".");
    await records("added src/0/file-7.txt");
  });

  it("a link in the place of a file", async () => {
    rmSync(join(root, "src/0/file-8.txt"));
    symlinkSync("file-9.txt", join(root, "src/0/file-8.txt"));
    await records("modified src/0/file-8.txt");
    await git("checkout", "-q", "--", ".");
    await records("modified src/0/file-8.txt");
  });
});
