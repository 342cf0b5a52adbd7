import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { optionsChanged } from "../../protocol/rpc.ts";
import { Server, fromSource } from "../support/server.ts";
import { Servers, listed, until, watchesOf } from "../support/servers.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const zeros = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };
const statusRuns = (lines: readonly string[]): string[] => lines.filter((line) => line.includes("--porcelain=v2"));

/** A scene with worktrees feat-0 … of many folders. */
const withWorktrees = (count: number): Scene => {
  const scene = makeScene({ files: 3 });
  for (let folder = 0; folder < 20; folder++) {
    mkdirSync(join(scene.trunk, `src/${folder}`), { recursive: true });
    writeFileSync(join(scene.trunk, `src/${folder}/file`), `${folder}\n`);
  }
  scene.git(scene.trunk, "add", "-A");
  scene.git(scene.trunk, "commit", "-q", "-m", "folders");
  scene.git(scene.trunk, "push", "-q");
  for (let at = 0; at < count; at++)
    scene.git(
      scene.trunk,
      "worktree",
      "add",
      "-q",
      "--no-track",
      "-b",
      `feat/${at}`,
      join(scene.container, `feat-${at}`),
    );
  return scene;
};

const folderOf = (scene: Scene, at: number): string => join(scene.container, `feat-${at}`);

/** Asked until every server has it from memory, and nobody runs git any more. */
const warm = async (servers: Servers): Promise<void> => {
  await servers.led();
  for (const server of servers.all) await listed(server);
  await servers.rest();
};

describe("one process watches a repository", { skip: process.platform !== "linux", timeout: 300_000 }, () => {
  after(() => Server.endAll());

  test("of three servers one has the watches, git is asked once for all of them, and not at all at rest", async () => {
    const scene = withWorktrees(4);
    await using servers = new Servers(scene);
    for (let at = 0; at < 3; at++) await servers.start();
    await warm(servers);
    const leader = await servers.led();
    const others = servers.all.filter((server) => server !== leader);
    // 5 worktrees of 22 folders each, against git's records and what lies around.
    assert.ok(watchesOf(leader) > 110, `${watchesOf(leader)}`);
    for (const other of others) assert.ok(watchesOf(other) < 40, `${watchesOf(other)}`);

    for (let round = 0; round < 3; round++) {
      const from = servers.logged;
      writeFileSync(join(folderOf(scene, 1), `new-${round}`), "");
      const all = await Promise.all(servers.all.map(listed));
      for (const answer of all) assert.deepEqual(answer.get("feat-1"), { ...zeros, untracked: round + 1 });
      await servers.rest();
      const runs = statusRuns(servers.gitRuns(from));
      // On a machine so busy that the leader greets late, one asks itself, and says so.
      const late = servers.log(from).filter((line) => line.includes("git is asked here")).length;
      assert.ok(runs.length >= 1 && runs.length <= 1 + late, runs.join("\n"));
    }

    const from = servers.logged;
    for (const server of servers.all) await listed(server);
    await delay(3_000);
    assert.deepEqual(servers.gitRuns(from), []);
  });

  test("sees through the leader what was done before it was asked, every time", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    await servers.start();
    await servers.led();
    const other = await servers.start();
    await warm(servers);
    const name = join(folderOf(scene, 0), "src/3/new");
    for (let round = 0; round < 60; round++) {
      writeFileSync(name, "");
      assert.deepEqual((await listed(other)).get("feat-0"), { ...zeros, untracked: 1 }, `round ${round}`);
      rmSync(name);
      assert.deepEqual((await listed(other)).get("feat-0"), zeros, `round ${round}, taken away`);
    }
  });

  test("another takes over when the leader is killed, while files are written, and misses nothing", async (t) => {
    const scene = withWorktrees(2);
    await using servers = new Servers(scene);
    for (let at = 0; at < 4; at++) await servers.start();
    await warm(servers);
    let written = 0;
    for (let round = 0; round < 3; round++) {
      const leader = await servers.led();
      const writing = (async () => {
        for (let at = 0; at < 40; at++, await delay(10))
          writeFileSync(join(folderOf(scene, at % 2), `new-${written++}`), "");
      })();
      await delay(50);
      leader.process.kill("SIGKILL");
      const killed = performance.now();
      servers.all.splice(servers.all.indexOf(leader), 1);
      await servers.led((next) => next !== leader);
      const took = performance.now() - killed;
      t.diagnostic(`another watched after ${Math.round(took)} ms`);
      assert.ok(took < 10_000);
      await writing;
      for (const server of servers.all) {
        const answer = await listed(server);
        for (const at of [0, 1]) assert.deepEqual(answer.get(`feat-${at}`), { ...zeros, untracked: written / 2 });
      }
    }
  });

  test("another takes over from one that was stopped; continued, that one follows, and all are right", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    for (let at = 0; at < 3; at++) await servers.start();
    await warm(servers);
    const stopped = await servers.led();
    stopped.process.kill("SIGSTOP");
    const next = await servers.led((leader) => leader !== stopped);
    writeFileSync(join(folderOf(scene, 0), "meanwhile"), "");
    for (const server of servers.all.filter((each) => each !== stopped))
      assert.deepEqual((await listed(server)).get("feat-0"), { ...zeros, untracked: 1 });
    stopped.process.kill("SIGCONT");
    assert.deepEqual((await listed(stopped)).get("feat-0"), { ...zeros, untracked: 1 });
    await until("it has let go of its watches", () => watchesOf(stopped) < 30);
    writeFileSync(join(folderOf(scene, 0), "afterwards"), "");
    for (const server of servers.all)
      assert.deepEqual((await listed(server)).get("feat-0"), { ...zeros, untracked: 2 });
    assert.equal(servers.leader(), next, "nobody took over again");
  });

  test("one that starts while the leader is stopped takes over too", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    const stopped = await servers.start();
    await warm(servers);
    stopped.process.kill("SIGSTOP");
    const late = await servers.start();
    assert.equal(await servers.led((leader) => leader !== stopped), late);
    writeFileSync(join(folderOf(scene, 0), "new"), "");
    assert.deepEqual((await listed(late)).get("feat-0"), { ...zeros, untracked: 1 });
  });

  test("servers of other settings or another environment do not fight, and answer by their own", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    const first = await servers.start();
    await servers.led();
    const settings = await servers.start({}, { settings: { remoteName: "upstream" } });
    const excludes = join(scene.root, "excludes");
    writeFileSync(excludes, "*.tmp\n");
    const environment = await servers.start({
      ...{ GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "core.excludesFile", GIT_CONFIG_VALUE_0: excludes },
    });
    await warm(servers);
    writeFileSync(join(folderOf(scene, 0), "note.tmp"), "");
    const from = servers.logged;
    assert.deepEqual((await listed(first)).get("feat-0"), { ...zeros, untracked: 1 });
    assert.deepEqual((await listed(settings)).get("feat-0"), { ...zeros, untracked: 1 });
    assert.deepEqual(statusRuns(servers.log(from, settings)), [], "what git says depends on none of iMi's settings");
    assert.deepEqual((await listed(environment)).get("feat-0"), zeros, "ignored, as its own git has it");
    assert.equal(servers.log().filter((line) => line.includes("Watching the worktrees of")).length, 1);

    first.process.kill("SIGKILL");
    servers.all.shift();
    await servers.led((leader) => leader !== first);
    await delay(1_500);
    assert.equal(servers.log().filter((line) => line.includes("Watching the worktrees of")).length, 2);
    for (const server of servers.all) assert.notEqual((await listed(server)).get("feat-0"), undefined);
  });

  test("a server of another version waits, asks git itself, and takes over in its turn", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    const first = await servers.start();
    await servers.led();
    const other = await servers.start({}, {}, fromSource);
    await warm(servers);
    writeFileSync(join(folderOf(scene, 0), "new"), "");
    const from = servers.logged;
    for (const server of servers.all)
      assert.deepEqual((await listed(server)).get("feat-0"), { ...zeros, untracked: 1 });
    await until("it asks git itself", () => statusRuns(servers.log(from, other)).length > 0);
    await until("it says why", () => /git is asked here.*it is iMi/.test(servers.log(0, other).join("\n")));
    assert.equal(servers.log().filter((line) => line.includes("Watching the worktrees of")).length, 1);
    first.process.kill("SIGKILL");
    servers.all.shift();
    assert.equal(await servers.led((leader) => leader === other), other);
  });

  test("looks at a worktree that it cannot watch, and the doctor says why", async () => {
    const scene = withWorktrees(2);
    const inner = join(folderOf(scene, 0), "inner");
    scene.git(scene.root, "init", "-q", inner);
    await using servers = new Servers(scene);
    const server = await servers.start();
    await warm(servers);
    const { checks } = await server.call("doctor.run", {});
    const found = checks.find(({ name }) => name === "live status");
    assert.equal(
      found?.detail,
      `served by server pid ${server.process.pid}; 1 of 3 worktrees cannot be watched: 1 because another repository lies in it`,
    );
    assert.equal(found.result, "ok", "there is nothing to do about it");
    const follower = await servers.start();
    const theirs = await follower.call("doctor.run", {});
    assert.deepEqual(
      theirs.checks.find(({ name }) => name === "live status"),
      found,
      "whoever is asked",
    );
    writeFileSync(join(folderOf(scene, 0), "src/3/new"), "");
    await until("it is told all the same", () =>
      server.events.some(({ name, data }) => name === "worktree.touched" && JSON.stringify(data).includes("src/3/new")),
    );
  });

  test("refuses another version, and a question it does not know", async () => {
    const scene = withWorktrees(1);
    await using servers = new Servers(scene);
    await servers.start();
    await servers.led();
    const folder = join(scene.env["XDG_RUNTIME_DIR"] ?? "", "imi");
    await until("there is a socket", () => readdirSync(folder).some((name) => name.endsWith(".sock")));
    const place = join(folder, readdirSync(folder).find((name) => name.endsWith(".sock")) ?? "");
    const asked = (request: unknown): Promise<string> =>
      new Promise((resolve, reject) => {
        let text = "";
        const socket = connect(place, () => socket.write(`${JSON.stringify(request)}\n`));
        socket.setEncoding("utf8").on("data", (part: string) => (text += part));
        socket.on("error", reject).on("close", () => resolve(text));
      });
    const gitDir = join(scene.trunk, ".git");
    const common = { version: "0.0.1", gitDir, database: "", settings: "", environment: "" };
    assert.match(await asked({ ...common, operation: "status.read", params: { worktrees: [] } }), /refused.*it is iMi/);
    assert.match(await asked({ ...common, operation: "status.write", params: {} }), /does not understand/);
    assert.match(await asked("{"), /does not understand/);
  });

  test("leads where no socket can be made, and is followed soon", async (t) => {
    const scene = withWorktrees(1);
    const deep = join(scene.root, "a-folder-whose-name-is-long".repeat(4));
    mkdirSync(deep, { mode: 0o700 });
    await using servers = new Servers(scene);
    const env = { XDG_RUNTIME_DIR: deep };
    const first = await servers.start(env);
    await servers.led();
    const second = await servers.start(env);
    await warm(servers);
    writeFileSync(join(folderOf(scene, 0), "new"), "");
    for (const server of servers.all)
      assert.deepEqual((await listed(server)).get("feat-0"), { ...zeros, untracked: 1 });
    first.process.kill("SIGKILL");
    const killed = performance.now();
    servers.all.shift();
    assert.equal(await servers.led((leader) => leader === second), second);
    const took = performance.now() - killed;
    t.diagnostic(`another watched after ${Math.round(took)} ms`);
    assert.ok(took < 10_000);
  });

  test("lets go at once when monitoring is switched off, and takes part again when it is on", async () => {
    const scene = withWorktrees(3);
    await using servers = new Servers(scene);
    const first = await servers.start();
    await servers.led();
    const second = await servers.start();
    await warm(servers);
    const change = (server: Server, watchFileChanges: boolean): Promise<void> =>
      server.connection.sendNotification(optionsChanged, {
        ...{ trusted: true, settings: { watchFileChanges }, worktreeIncludeFiles: [] },
      });
    await change(first, false);
    assert.equal(await servers.led((leader) => leader === second), second);
    await until("the watches are gone", () => watchesOf(first) < 40);
    await change(second, false);
    await until("the watches are gone", () => watchesOf(second) < 40);
    writeFileSync(join(folderOf(scene, 0), "new"), "");
    for (const server of servers.all)
      assert.deepEqual((await listed(server)).get("feat-0"), { ...zeros, untracked: 1 });
    const from = servers.logged;
    await change(first, true);
    await until("it watches again", () =>
      servers.log(from, first).some((line) => line.includes("Watching the worktrees of")),
    );
    await warm(servers);
    assert.ok(watchesOf(first) > 80, `${watchesOf(first)}`);
  });
});
