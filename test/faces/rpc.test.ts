import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { CancellationTokenSource } from "vscode-languageserver-protocol/node";
import { operations } from "../../protocol/contract.ts";
import type { ErrorShape } from "../../protocol/errors.ts";
import { diagnostics, fatalExitCodes, optionsChanged } from "../../protocol/rpc.ts";
import type { Diagnostics } from "../../protocol/rpc.ts";
import { Server } from "../support/server.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const codeOf = async (failing: Promise<unknown>): Promise<string> => {
  try {
    await failing;
  } catch (error) {
    return (error as { data?: ErrorShape }).data?.code ?? String(error);
  }
  return "no error";
};

describe("the server of a window", () => {
  let scene: Scene;
  before(() => {
    scene = makeScene();
  });
  afterEach(() => Server.endAll());
  after(() => scene.remove());

  it("answers every operation of the contract by its name", async () => {
    const server = await Server.start(scene.env, scene.trunk);
    const { repository } = await server.call("repository.open", { repository: scene.trunk });
    assert.equal(repository.container, scene.container);
    const { worktree } = await server.call("worktree.create", { repository: scene.trunk, type: "feat", name: "rpc" });
    const { worktrees } = await server.call("worktree.list", { repository: scene.trunk });
    assert.deepEqual(
      worktrees.map(({ name }) => name),
      ["trunk-main", "feat-rpc"],
    );
    const declared = operations.find(({ name }) => name === "worktree.list");
    assert.ok(declared?.result.strict().safeParse({ worktrees }).success);
    const { statuses } = await server.call("worktree.status", { repository: scene.trunk, ids: [worktree.id] });
    assert.deepEqual(Object.keys(statuses), [worktree.id]);
    await server.call("worktree.remove", { repository: scene.trunk, name: "feat-rpc" });
    assert.deepEqual(
      server.events.map(({ name }) => name).filter((name) => /creat|remov/.test(name)),
      ["worktree.creating", "worktree.created", "worktree.removing", "worktree.removed"],
    );
    const about: Diagnostics = await server.connection.sendRequest(diagnostics);
    assert.deepEqual(about.repositories, [repository.gitDir]);
    assert.equal(await server.stop(), 0);
  });

  it("tells what other processes do", async () => {
    const server = await Server.start(scene.env, scene.trunk);
    execFileSync(join(import.meta.dirname, "../../bin/imi"), ["feat", "elsewhere"], {
      cwd: scene.trunk,
      env: scene.env,
      stdio: "pipe",
    });
    assert.equal((await server.seen("worktree.created")).data["name"], "feat-elsewhere");
    await server.stop();
  });

  it("adopts what plain git makes, without being asked", async () => {
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", { repository: scene.trunk });
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "by-git", join(scene.container, "fix-by-git"));
    assert.equal((await server.seen("worktree.adopted")).data["name"], "fix-by-git");
    await server.stop();
  });

  it("gives errors by code, and refuses what is not declared", async () => {
    const server = await Server.start(scene.env, scene.trunk);
    assert.equal(
      await codeOf(server.call("worktree.path", { repository: scene.trunk, name: "nothing" })),
      "worktree/not-found",
    );
    assert.equal(
      await codeOf(server.call("worktree.create", { repository: scene.trunk, type: "feat", name: "../x" })),
      "name/invalid",
    );
    assert.equal(await codeOf(server.connection.sendRequest("worktree.path", { name: 1 })), "usage/invalid");
    assert.equal(
      await codeOf(server.connection.sendRequest("worktree.path", { name: "x", more: true })),
      "usage/invalid",
    );
    await server.stop();
  });

  it("only reads until the workspace is trusted, and then needs no restart", async () => {
    const server = await Server.start(scene.env, scene.trunk, { trusted: false });
    await server.call("repository.open", { repository: scene.trunk });
    await server.call("worktree.list", { repository: scene.trunk });
    assert.equal(
      await codeOf(server.call("worktree.create", { repository: scene.trunk, type: "feat", name: "no" })),
      "operation/untrusted",
    );
    await server.connection.sendNotification(optionsChanged, { trusted: true, settings: {}, worktreeIncludeFiles: [] });
    const { created } = await server.call("worktree.create", { repository: scene.trunk, type: "feat", name: "yes" });
    assert.equal(created, true);
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "trusted", join(scene.container, "fix-trusted"));
    assert.equal((await server.seen("worktree.adopted")).data["name"], "fix-trusted", "and follows git from then on");
    await server.stop();
  });

  it("can be cancelled, and leaves nothing half made", async () => {
    const server = await Server.start(scene.env, scene.trunk);
    const source = new CancellationTokenSource();
    const creating = server.call(
      "worktree.create",
      { repository: scene.trunk, type: "feat", name: "cancelled" },
      source,
    );
    source.cancel();
    const code = await codeOf(creating);
    const { worktrees } = await server.call("worktree.list", { repository: scene.trunk, status: false });
    if (code === "no error") assert.ok(worktrees.some(({ name }) => name === "feat-cancelled"));
    else assert.ok(!worktrees.some(({ name }) => name === "feat-cancelled"), code);
    await server.stop();
  });

  it("ends with its own exit code when the registry cannot serve, so that it is not restarted in vain", async () => {
    const database = join(scene.root, "broken.db");
    writeFileSync(database, "this is no database, and long enough to have a header of its own\n".repeat(20));
    const server = Server.fork({ ...scene.env, IMI_DB_PATH: database }, scene.trunk);
    const ended = once(server.process, "exit") as Promise<[number | null]>;
    assert.equal(await codeOf(server.initialize()), "store/corrupt");
    assert.equal((await ended)[0], fatalExitCodes["store/corrupt"]);
  });

  it("is missed by nobody when it is killed: the next one goes on", async () => {
    const first = await Server.start(scene.env, scene.trunk);
    await first.call("repository.open", { repository: scene.trunk });
    const creating = first.call("worktree.create", { repository: scene.trunk, type: "feat", name: "survivor" });
    first.process.kill("SIGKILL");
    creating.catch(() => undefined); // nobody answers it any more
    const second = await Server.start(scene.env, scene.trunk);
    const { worktree } = await second.call("worktree.create", {
      repository: scene.trunk,
      type: "feat",
      name: "survivor",
    });
    assert.equal(worktree.state, "ready");
    assert.equal(scene.git(worktree.path, "status", "--porcelain"), "");
    await second.stop();
  });
});
