import assert from "node:assert/strict";
import { realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gitDirsOf } from "../../server/src/git/index.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";

/** Many are looked up in the records of all, a few one by one. */
const both = async (repository: TestRepository, path: string): Promise<string | null> => {
  const [many, few] = await Promise.all(
    [undefined, 1].map(async (wanted) => (await gitDirsOf(repository.commonDir, wanted))(path)),
  );
  assert.equal(few, many);
  return few ?? null;
};

const add = async (repository: TestRepository, name: string): Promise<{ path: string; gitDir: string }> => {
  const path = join(repository.root, name);
  await repository.run(["worktree", "add", "-q", "--no-track", "-b", name, path, "main"]);
  return { path, gitDir: join(repository.commonDir, "worktrees", name) };
};

describe("the git directory of a worktree", () => {
  it("is the one whose record names its folder, also by a link, and that of the main checkout", async () => {
    await using repository = await makeRepository();
    const one = await add(repository, "one");
    symlinkSync(one.path, join(repository.root, "link"));
    assert.equal(await both(repository, one.path), one.gitDir);
    assert.equal(await both(repository, join(repository.root, "link")), one.gitDir);
    assert.equal(await both(repository, realpathSync(repository.trunk)), repository.commonDir);
    assert.equal(await both(repository, repository.root), null);
  });

  it("is the same whatever the .git in it says, or where it is gone", async () => {
    await using repository = await makeRepository();
    const [one, two] = [await add(repository, "one"), await add(repository, "two")];
    for (const target of [two.gitDir, repository.commonDir, "/nowhere"]) {
      writeFileSync(join(one.path, ".git"), `gitdir: ${target}\n`);
      assert.equal(await both(repository, one.path), one.gitDir, target);
    }
    rmSync(join(one.path, ".git"));
    assert.equal(await both(repository, one.path), one.gitDir);
  });

  it("is that of the place, where two have exchanged places", async () => {
    await using repository = await makeRepository();
    const [one, two] = [await add(repository, "one"), await add(repository, "two")];
    renameSync(one.path, `${one.path}-away`);
    renameSync(two.path, one.path);
    renameSync(`${one.path}-away`, two.path);
    assert.equal(await both(repository, one.path), one.gitDir);
  });
});
