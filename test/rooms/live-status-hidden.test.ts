import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gitDirsOf } from "../../server/src/git/index.ts";
import type { StatusWanted } from "../../server/src/git/index.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { fresh, live } from "../support/live-status.ts";
import type { Live } from "../support/live-status.ts";

const skip = process.platform !== "linux";

const worktree = async (repository: TestRepository, folder: string): Promise<StatusWanted> => {
  const path = join(repository.root, folder);
  await repository.run(["worktree", "add", "-q", "--no-track", "-b", "feat/x", path, "main"]);
  return { id: "x", path, branch: "feat/x", head: null, base: "main" };
};

/** As whoever records what happens has it held, at the place where it is now. */
const hold = async (repository: TestRepository, server: Live, { path, base }: StatusWanted): Promise<void> => {
  const gitDir = (await (await gitDirsOf(repository.commonDir))(path)) ?? "";
  server.watching.hold([{ path, gitDir, base }]);
};

/** Until answers come from memory: git's files are old enough, and everything is under watch. */
const warmed = async (server: Live, wanted: StatusWanted): Promise<void> => {
  await server.warm([wanted]);
  await delay(60);
  await server.warm([wanted]);
};

test("a worktree whose folder was moved from above has no status of long ago", { skip }, async () => {
  await using repository = await makeRepository({ files: 5 });
  const before = await worktree(repository, "old/x");
  await using server = await live(repository);
  await hold(repository, server, before);
  await warmed(server, before);
  // What is counted of git's record of it goes up.
  for (const file of ["one", "two", "three"]) {
    await repository.commit(file, { [file]: "" }, before.path);
    await server.answers([before]);
  }
  // Neither the worktree's folder nor anything in it is told of this.
  renameSync(join(repository.root, "old"), join(repository.root, "new"));
  const now = { ...before, path: join(repository.root, "new/x") };
  await repository.run(["worktree", "repair", now.path]);
  await warmed(server, now);
  await hold(repository, server, now);
  for (let count = 0; count < 12; count++) {
    writeFileSync(join(now.path, `untracked-${count}`), "");
    assert.deepEqual(await server.answers([now]), await fresh(repository, [now]), `after ${count + 1} files`);
  }
});

test("what is in a folder whose name is not UTF-8 is seen, also when it is made later", { skip }, async () => {
  await using repository = await makeRepository();
  const wanted = await worktree(repository, "x");
  await using server = await live(repository);
  await hold(repository, server, wanted);
  await warmed(server, wanted);
  const folder = Buffer.concat([Buffer.from(join(wanted.path, "f")), Buffer.from([0xff, 0xfe])]);
  mkdirSync(folder);
  await warmed(server, wanted);
  for (const name of ["one", "two"]) {
    writeFileSync(Buffer.concat([folder, Buffer.from(`/${name}`)]), "");
    assert.deepEqual(await server.answers([wanted]), await fresh(repository, [wanted]), name);
    await warmed(server, wanted);
  }
});
