import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LiveStatuses } from "../../server/src/monitor/index.ts";
import type { WatchedStatuses } from "../../server/src/monitor/index.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";

const signal = new AbortController().signal;

interface Place {
  readonly path: string;
  readonly gitDir: string;
  readonly base?: string;
}

const worktrees = async (repository: TestRepository, count: number): Promise<Place[]> => {
  const places: Place[] = [];
  for (let at = 0; at < count; at++) {
    const path = join(repository.root, `feat-${at}`);
    await repository.run(["worktree", "add", "-q", "--no-track", "-b", `feat/${at}`, path, "main"]);
    places.push({ path, gitDir: join(repository.commonDir, "worktrees", `feat-${at}`), base: "main" });
  }
  await delay(60); // until git's configuration is old enough to prove something
  return places;
};

const at = (places: readonly Place[], index: number): Place => {
  const found = places[index];
  if (found === undefined) throw new Error(`no worktree ${index}`);
  return found;
};

/** What is told, by worktree; `heard` waits until something is, then until nothing more comes. */
interface Listener extends AsyncDisposable {
  readonly room: LiveStatuses;
  readonly watching: WatchedStatuses;
  readonly said: string[];
  clear(): void;
  heard(): Promise<Map<string, ReadonlySet<string> | null>>;
  /** What was told so far, once all that was done before has been. */
  now(): Promise<Map<string, ReadonlySet<string> | null>>;
}

const listen = async (
  repository: TestRepository,
  options: {
    readonly budget?: number;
    readonly excludePatterns?: readonly string[];
    readonly looks?: { readonly gateMs: number; readonly shortest: number };
  } = {},
): Promise<Listener> => {
  const { excludePatterns = [], ...rest } = options;
  const said: string[] = [];
  const room = new LiveStatuses({
    git: repository.git,
    runtimeDir: join(repository.root, "run"),
    log: (_, message) => said.push(message),
    excludePatterns: () => excludePatterns,
    ...rest,
  });
  const watching = await room.follow(repository.commonDir);
  if (watching === undefined) throw new Error("it is closed");
  let told = new Map<string, ReadonlySet<string> | null>();
  watching.onHappened((path, names) => {
    const known = told.get(path);
    if (known === null || names === null) told.set(path, null);
    else told.set(path, new Set([...(known ?? []), ...names]));
  });
  const now = async (): Promise<Map<string, ReadonlySet<string> | null>> => {
    await watching.recall([]); // waits for what is on the way
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return told;
  };
  return {
    room,
    watching,
    said,
    clear: () => {
      told = new Map();
    },
    heard: async () => {
      while ((await now()).size === 0) await delay(10);
      return told;
    },
    now,
    [Symbol.asyncDispose]: () => room.close(),
  };
};

/** git processes that were run by `work`. */
const gitRuns = async (repository: TestRepository, work: () => Promise<unknown>): Promise<string[]> => {
  const before = repository.log.length;
  await work();
  return repository.log.slice(before);
};

const calm = async (listener: Listener, places: readonly Place[]): Promise<void> => {
  listener.watching.hold(places);
  await listener.watching.read(places, signal);
  await listener.now();
  listener.clear();
};

describe("watching", { skip: process.platform !== "linux", timeout: 120_000 }, () => {
  test("holds worktrees nobody asked about, and asks git about each of them once", async () => {
    await using repository = await makeRepository({ files: 20 });
    const places = await worktrees(repository, 3);
    await using listener = await listen(repository);
    const { watching, room } = listener;
    const runs = await gitRuns(repository, async () => {
      watching.hold(places);
      const read = await watching.read(places, signal);
      assert.deepEqual(
        [...read.values()].map(({ counts }) => counts.untracked),
        [0, 0, 0],
      );
      await room.rested();
    });
    assert.equal(runs.filter((line) => line.includes("--porcelain=v2")).length, 3, runs.join("\n"));
    assert.equal(room.report().watched, 3);
    assert.deepEqual(await gitRuns(repository, () => watching.read(places, signal)), []);

    watching.hold(places.slice(1));
    assert.equal(room.report().watched, 2);
    writeFileSync(join(at(places, 0).path, "unseen"), "");
    assert.deepEqual(await listener.now(), new Map());
  });

  test("tells which files changed, and that it does not know where a folder came", async () => {
    await using repository = await makeRepository({ files: 20 });
    const places = await worktrees(repository, 2);
    await using listener = await listen(repository);
    await calm(listener, places);
    const { path } = at(places, 1);
    appendFileSync(join(path, "src/1/file-11.txt"), "more");
    writeFileSync(join(path, "new"), "");
    assert.deepEqual(await listener.heard(), new Map([[path, new Set(["src/1/file-11.txt", "new"])]]));

    listener.clear();
    mkdirSync(join(path, "deep/er"), { recursive: true });
    assert.deepEqual(await listener.heard(), new Map([[path, null]]));
    await listener.watching.read(places, signal);
    await listener.now();
    listener.clear();
    writeFileSync(join(path, "deep/er/file"), "");
    assert.deepEqual(await listener.heard(), new Map([[path, new Set(["deep/er/file"])]]));
  });

  test("tells of one that could not be watched wholly for the moment as soon as it is", async () => {
    await using repository = await makeRepository();
    const places = await worktrees(repository, 1);
    await using listener = await listen(repository);
    await calm(listener, places);
    const { path } = at(places, 0);
    // Folders keep coming while it is being walked.
    for (let round = 0; round < 60; round++) {
      mkdirSync(join(path, `burst-${round}`, "a/b"), { recursive: true });
      await listener.watching.read(places, signal);
    }
    for (;;) {
      listener.clear();
      writeFileSync(join(path, "burst-59/a/b/file"), `${Date.now()}`);
      if ((await listener.heard()).get(path)?.has("burst-59/a/b/file") === true) break;
    }
  });

  test("tells of commits, switches and staged files of the one worktree, and of nothing its siblings do", async () => {
    await using repository = await makeRepository();
    const places = await worktrees(repository, 3);
    await using listener = await listen(repository);
    await calm(listener, places);
    const { path, gitDir } = at(places, 1);
    const only = new Map([[path, new Set()]]);
    for (const args of [
      ["commit", "-q", "--allow-empty", "-m", "empty"],
      ["switch", "-q", "-c", "feat/other"],
      ["update-ref", "refs/heads/feat/other", "main"],
    ]) {
      await repository.run(args, path);
      assert.deepEqual(await listener.heard(), only, args.join(" "));
      await listener.now();
      listener.clear();
    }
    await repository.run(["pack-refs", "--all"]);
    assert.equal((await listener.heard()).size, 3, "all branches may have moved with the packed refs");
    await listener.now();
    listener.clear();

    for (const name of ["FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "index.lock", "HEAD.lock"]) {
      writeFileSync(join(gitDir, name), "x");
      writeFileSync(join(repository.commonDir, name), "x");
      rmSync(join(gitDir, name));
      rmSync(join(repository.commonDir, name));
    }
    mkdirSync(join(repository.commonDir, "worktrees/another"));
    writeFileSync(join(repository.commonDir, "worktrees/another/HEAD"), "ref: refs/heads/x\n");
    writeFileSync(join(repository.commonDir, "refs/heads/nobody.lock"), "x");
    rmSync(join(repository.commonDir, "refs/heads/nobody.lock"));
    assert.deepEqual(await listener.now(), new Map());
    rmSync(join(repository.commonDir, "worktrees/another"), { recursive: true });

    await repository.commit("trunk goes on", { more: "x" });
    await listener.heard();
    const told = await listener.now();
    for (const each of places) assert.ok(told.has(each.path), `${each.path} is compared with main`);
  });

  test("sees branches in a reftable", async (t) => {
    await using repository = await makeRepository();
    try {
      await repository.run(["refs", "migrate", "--ref-format=reftable"]);
    } catch {
      return t.skip("this git has none, or cannot make one of a repository");
    }
    const places = await worktrees(repository, 1);
    await using listener = await listen(repository);
    await calm(listener, places);
    const { path } = at(places, 0);
    await repository.run(["commit", "-q", "--allow-empty", "-m", "empty"], path);
    assert.ok((await listener.heard()).has(path));
  });

  test("believes git's answer given a moment after a commit", async () => {
    await using repository = await makeRepository();
    const places = await worktrees(repository, 1);
    await using listener = await listen(repository);
    await calm(listener, places);
    const { path } = at(places, 0);
    for (let round = 0; round < 10; round++) {
      await repository.commit(`round ${round}`, { [`file-${round}`]: "x" }, path);
      const first = await gitRuns(repository, () => listener.watching.read(places, signal));
      assert.ok(first.length > 0);
      assert.deepEqual(await gitRuns(repository, () => listener.watching.read(places, signal)), [], `round ${round}`);
    }
  });

  test("asks git once for many who ask at the same time", async () => {
    await using repository = await makeRepository({ files: 100 });
    const places = await worktrees(repository, 1);
    await using listener = await listen(repository);
    await calm(listener, places);
    writeFileSync(join(at(places, 0).path, "new"), "");
    const runs = await gitRuns(repository, async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => listener.watching.read(places, signal)));
      for (const read of all) assert.equal(read.get(at(places, 0).path)?.counts.untracked, 1);
    });
    assert.equal(runs.length, 1, runs.join("\n"));
  });

  test("watches an excluded folder that git does not know, but not what is below it; and is right about it", async () => {
    await using repository = await makeRepository();
    const places = await worktrees(repository, 1);
    const { path } = at(places, 0);
    const modules = join(path, "node_modules");
    for (let each = 0; each < 30; each++) mkdirSync(join(modules, `package-${each}`, "lib"), { recursive: true });
    writeFileSync(join(modules, ".package-lock.json"), "{}");
    writeFileSync(join(modules, "package-3/lib/index.js"), "");
    mkdirSync(join(path, "target/tracked"), { recursive: true });
    await repository.commit("tracked in an excluded folder", { "target/tracked/file": "x" }, path);
    await using listener = await listen(repository, { excludePatterns: ["node_modules/", "target/"] });
    const { watching } = listener;
    await calm(listener, places);
    const untracked = async (): Promise<number | undefined> =>
      (await watching.read(places, signal)).get(path)?.counts.untracked;
    assert.equal(await untracked(), 0, "committed with the rest");
    await repository.run(["rm", "-rq", "--cached", "node_modules"], path);
    await repository.run(["commit", "-q", "-m", "not tracked any more"], path);
    assert.equal(await untracked(), 1);
    mkdirSync(join(path, "another")); // what is watched is decided anew
    assert.equal(await untracked(), 1);
    assert.ok(listener.room.report().folders <= 7, JSON.stringify(listener.room.report()));
    await listener.now();
    listener.clear();

    const quiet = await gitRuns(repository, async () => {
      writeFileSync(join(modules, "package-4/lib/index.js"), "");
      assert.equal(await untracked(), 1);
    });
    assert.deepEqual(quiet, []);
    assert.deepEqual(await listener.now(), new Map());
    writeFileSync(join(path, "target/tracked/file"), "y");
    assert.equal((await watching.read(places, signal)).get(path)?.counts.changed, 1, "what is tracked is watched");

    rmSync(join(modules, ".package-lock.json"));
    assert.equal(await untracked(), 1);
    for (let each = 0; each < 30; each++) rmSync(join(modules, `package-${each}/lib`), { recursive: true });
    assert.equal(await untracked(), 0, "nothing is left in it but empty folders");
    mkdirSync(join(modules, "package-3/lib"));
    writeFileSync(join(modules, "package-3/lib/index.js"), "");
    assert.equal(await untracked(), 1);
    renameSync(modules, join(path, "modules"));
    assert.equal(await untracked(), 1);
  });

  test("watches a worktree whose status git alone can tell, each time", async () => {
    await using repository = await makeRepository();
    const places = await worktrees(repository, 1);
    const { path } = at(places, 0);
    await repository.run(["config", "filter.shout.clean", "tr a-z A-Z"]);
    await delay(60);
    await using listener = await listen(repository);
    const { watching, room } = listener;
    await calm(listener, places);
    assert.match(room.report().refused.join(), /a filter of git's configuration/);
    writeFileSync(join(path, "src/0/new"), "");
    assert.deepEqual(await listener.heard(), new Map([[path, new Set(["src/0/new"])]]));
    for (let round = 0; round < 2; round++) {
      const runs = await gitRuns(repository, () => watching.read(places, signal));
      assert.ok(
        runs.some((line) => line.includes("--porcelain=v2")),
        "it is asked again",
      );
    }
  });

  test("looks at what it cannot watch: soon when git's own files change, else at a pause that grows", async () => {
    await using repository = await makeRepository({ files: 20 });
    const places = await worktrees(repository, 2);
    await using listener = await listen(repository, { budget: 0, looks: { gateMs: 20, shortest: 200 } });
    const { watching, room, said } = listener;
    watching.onHappened((path) => {
      // As the recorder does.
      void watching.read(
        places.filter((place) => place.path === path),
        signal,
      );
    });
    watching.hold(places);
    await room.rested();
    assert.equal(room.report().refused.length, 2);
    assert.equal(said.filter((line) => line.includes("max_user_watches")).length, 1);
    listener.clear();
    writeFileSync(join(at(places, 0).path, "src/0/file-0.txt"), "changed");
    assert.equal((await listener.heard()).get(at(places, 0).path) ?? null, null);

    await delay(1_000);
    listener.clear();
    const started = performance.now();
    await repository.run(["commit", "-q", "--allow-empty", "-m", "empty"], at(places, 1).path);
    while (!(await listener.now()).has(at(places, 1).path)) await delay(10);
    const took = performance.now() - started;
    assert.ok(took < 5_000, `${took} ms`);

    // Pauses of 200, 400, 800, 1 600 ms: at most three looks at each in two seconds, once nothing is new.
    await delay(1_500);
    const runs = await gitRuns(repository, () => delay(2_000));
    assert.ok(runs.filter((line) => line.includes("--porcelain=v2")).length <= 6, runs.join("\n"));
  });
});
