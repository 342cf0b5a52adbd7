import assert from "node:assert/strict";
import fs, { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it, mock } from "node:test";
import { ImiError } from "../../protocol/errors.ts";
import { openWorkspace } from "../../server/src/workspace.ts";
import { Server, fromSource } from "../support/server.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

interface Watched extends AsyncDisposable {
  readonly scene: Scene;
  readonly imi: Caller;
  readonly path: string;
  /** What was logged since, git's calls among it. */
  readonly log: string[];
}

/** A worktree of which a server has just said that it is clean, and that it, or another process, watches since. */
const foundClean = async (
  prepare?: (scene: Scene, path: string) => void,
  watchedBy: "this process" | "another" = "this process",
): Promise<Watched> => {
  const scene = makeScene();
  const leader = watchedBy === "another" ? await leading(scene) : null;
  writeFileSync(join(scene.trunk, ".git/info/exclude"), "build/\n");
  const log: string[] = [];
  const imi = new Caller(
    await openWorkspace({
      ...{ role: "server", cwd: scene.trunk, env: scene.env },
      log: (_, message) => void log.push(message),
    }),
  );
  const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
  prepare?.(scene, worktree.path);
  await imi.call("repository.open", {});
  // Until its status is answered from memory: what was checked out a moment ago proves nothing yet.
  for (let seen = -1; seen !== log.length && log.length < 1_000;) {
    await delay(100);
    seen = log.length;
    await imi.call("worktree.list", {});
  }
  const { work } = await imi.call("worktree.remove", { name: "feat-x", dryRun: true });
  assert.equal(work.answer, "clean");
  log.length = 0;
  return {
    ...{ scene, imi, path: worktree.path, log },
    [Symbol.asyncDispose]: async () => {
      await imi[Symbol.asyncDispose]();
      await leader?.stop();
      scene.remove();
    },
  };
};

/** The server of another window, which watches the repository. */
const leading = async (scene: Scene): Promise<Server> => {
  const server = await Server.start(scene.env, scene.trunk, {}, fromSource); // of the same version as this process
  await server.call("repository.open", {});
  const detail = async (): Promise<string> => {
    const { checks } = await server.call("doctor.run", {});
    return checks.find(({ name }) => name === "live status")?.detail ?? "";
  };
  while (!(await detail()).startsWith(`served by server pid ${server.process.pid}`)) await delay(20);
  return server;
};

/** Processes of ours that wait for refs to write. */
const gitsWaiting = (): number[] => {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
  const pids = children
    .split(" ")
    .map(Number)
    .filter((pid) => pid > 0);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("update-ref");
    } catch {
      return false; // it has ended
    }
  });
};

const until = async (holds: () => boolean): Promise<void> => {
  for (const end = Date.now() + 60_000; !holds(); await delay(20)) assert.ok(Date.now() < end, "it never came to that");
};

/** The folders whose names are read by anybody in this process. */
const readingFolders = (): Disposable & { readonly read: string[] } => {
  const read: string[] = [];
  const original = fs.readdirSync;
  const replaced = mock.method(fs, "readdirSync", (folder: string, options: object) => {
    read.push(folder);
    return original(folder, options);
  });
  syncBuiltinESMExports();
  return {
    read,
    [Symbol.dispose]: () => {
      replaced.mock.restore();
      syncBuiltinESMExports();
    },
  };
};

const assertPinned = ({ scene }: Watched, prefix: string | null | undefined): void => {
  assert.ok(typeof prefix === "string");
  const refs = scene.git(scene.trunk, "for-each-ref", "--format=%(refname) %(objectname)", prefix);
  assert.equal(refs.trim(), `${prefix}/HEAD ${scene.git(scene.trunk, "rev-parse", "feat/x").trim()}`);
};

const refused = (error: unknown): boolean => ImiError.is(error, "worktree/dirty");

describe("a worktree that was found clean", { skip: process.platform !== "linux" }, () => {
  it("is removed without asking git again while nothing happened", async () => {
    await using watched = await foundClean();
    await watched.imi.call("worktree.remove", { name: "feat-x" });
    assert.deepEqual(
      watched.log.filter((line) => line.includes(" status ")),
      [],
    );
  });

  it("with ignored folders is removed as quickly", async () => {
    await using watched = await foundClean((_, path) => mkdirSync(join(path, "build/deep/down"), { recursive: true }));
    await watched.imi.call("worktree.remove", { name: "feat-x" });
    assert.deepEqual(
      watched.log.filter((line) => line.includes(" status ")),
      [],
    );
  });

  for (const watchedBy of ["this process", "another"] as const) {
    it(`is looked through for repositories where nobody watches alone; watched by ${watchedBy}`, async () => {
      using spy = readingFolders();
      await using watched = await foundClean((scene, path) => {
        mkdirSync(join(path, "docs/deep"), { recursive: true });
        writeFileSync(join(path, "docs/deep/page.md"), "page\n");
        scene.git(path, "add", ".");
        scene.git(path, "commit", "-q", "-m", "a page");
        mkdirSync(join(path, "build/deep"), { recursive: true });
      }, watchedBy);
      const inside = (name: string): string => join(watched.path, name);
      spy.read.length = 0;
      // Behind the answer all of them are read once; the ignored ones are the last.
      await until(() => spy.read.includes(inside("build/deep")));
      assert.ok(spy.read.includes(inside("docs/deep")));
      spy.read.length = 0;
      await watched.imi.call("worktree.remove", { name: "feat-x" });
      assert.deepEqual(
        spy.read.filter((path) => path.startsWith(watched.path)),
        [inside("build"), inside("build/deep")],
      );
    });
  }

  it("is pinned by the git that was started when it was found clean", async () => {
    await using watched = await foundClean();
    await until(() => gitsWaiting().length === 1);
    const { trash } = await watched.imi.call("worktree.remove", { name: "feat-x" });
    assert.deepEqual(gitsWaiting(), []);
    assertPinned(watched, trash?.salvaged);
  });

  it("is pinned all the same when that git was killed, or its repository is set up otherwise by now", async () => {
    for (const act of [
      () => {
        for (const pid of gitsWaiting()) process.kill(pid, "SIGKILL");
      },
      ({ scene }: Watched) => void scene.git(scene.trunk, "config", "core.logAllRefUpdates", "always"),
    ]) {
      await using watched = await foundClean();
      await until(() => gitsWaiting().length === 1);
      act(watched);
      const { trash } = await watched.imi.call("worktree.remove", { name: "feat-x" });
      assertPinned(watched, trash?.salvaged);
    }
  });

  it("leaves no git behind where nobody removes it", async () => {
    {
      await using _ = await foundClean();
      await until(() => gitsWaiting().length === 1);
    }
    await until(() => gitsWaiting().length === 0);
  });

  it("is looked at again after a commit was made in a clone that git ignores", async () => {
    const tool = (path: string): string => join(path, "build/tool");
    await using watched = await foundClean((scene, path) => scene.git(path, "clone", "-q", scene.remote, tool(path)));
    watched.scene.git(tool(watched.path), "commit", "-q", "--allow-empty", "-m", "nowhere else");
    await assert.rejects(watched.imi.call("worktree.remove", { name: "feat-x" }), refused);
  });

  for (const [what, act] of [
    ["a bisect began", ({ scene, path }: Watched) => scene.git(path, "bisect", "start")],
    ["a repository was made in it", ({ scene, path }: Watched) => scene.git(path, "init", "-q", "tool")],
    [
      "one was made that git ignores",
      ({ scene, path }: Watched) => {
        scene.git(path, "init", "-q", "build/deep/tool");
        scene.git(join(path, "build/deep/tool"), "commit", "-q", "--allow-empty", "-m", "nowhere else");
      },
    ],
    [
      "a bare one was made that git ignores",
      ({ scene, path }: Watched) => {
        scene.git(path, "clone", "-q", "--bare", scene.remote, "build/store.git");
        const tree = scene.git(path, "write-tree").trim();
        scene.git(join(path, "build/store.git"), "fetch", "-q", path, "HEAD");
        const commit = scene.git(path, "commit-tree", "-m", "nowhere else", tree).trim();
        scene.git(join(path, "build/store.git"), "fetch", "-q", path, `${commit}:refs/heads/mine`);
      },
    ],
    [
      "a ref of its own got a commit that nothing else has",
      ({ scene, path }: Watched) => {
        const tree = scene.git(path, "write-tree").trim();
        const commit = scene.git(path, "commit-tree", "-m", "nowhere else", tree).trim();
        scene.git(path, "update-ref", "refs/worktree/mine", commit);
      },
    ],
  ] as const) {
    it(`is looked at again after ${what}`, async () => {
      await using watched = await foundClean();
      act(watched);
      await assert.rejects(watched.imi.call("worktree.remove", { name: "feat-x" }), refused);
    });
  }
});
