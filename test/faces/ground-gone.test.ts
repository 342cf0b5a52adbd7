import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fatalExitCodes } from "../../protocol/rpc.ts";
import { startImi, told, type Started } from "../support/imi.ts";
import { Server } from "../support/server.ts";
import { until } from "../support/servers.ts";
import { noTerminal, Terminal } from "../support/terminal.ts";
import { makeScene, type Scene } from "../support/workspace.ts";

const generous = { timeout: 120_000 };
const onTerminal = noTerminal === null ? generous : { ...generous, skip: noTerminal };

let scene: Scene;
const running = new Set<Started>();

const place = () => ({ cwd: scene.trunk, env: scene.env });
const database = () => join(scene.root, "home/.local/share/imi/worktrees.db");

const scenery = async (): Promise<void> => {
  scene = makeScene();
  await told(place(), "feat", "x");
};
const tidy = async (): Promise<void> => {
  Server.endAll();
  for (const { child, ended } of running) {
    child.kill("SIGKILL");
    await ended;
  }
  running.clear();
  scene.remove();
};

const remove = (): void => {
  for (const end of ["", "-wal", "-shm"]) rmSync(database() + end, { force: true });
};
const replace = async (): Promise<void> => {
  for (const end of ["-wal", "-shm"]) rmSync(database() + end, { force: true });
  renameSync(database(), `${database()}.aside`);
  await told(place(), "list"); // makes a new one
};

const following = (...args: readonly string[]) => {
  const started = startImi(place(), ...args);
  running.add(started);
  const said = { out: "", err: "" };
  started.child.stdout?.on("data", (text: string) => (said.out += text));
  started.child.stderr?.on("data", (text: string) => (said.err += text));
  return { ...started, said };
};

describe("when the registry goes away", () => {
  beforeEach(scenery);
  afterEach(tidy);

  for (const [words, takeAway] of [
    ["is deleted", remove],
    ["is replaced", replace],
  ] as const) {
    for (const args of [
      ["events", "--follow"],
      ["monitor", "--plain"],
    ]) {
      test(`imi ${args.join(" ")} ends and says so, when it ${words}`, generous, async () => {
        const { said, ended } = following(...args);
        await until("it watches", () => said.err.includes("Watching files here"));
        await takeAway();
        const { code, stderr } = await ended;
        assert.equal(code, 1);
        assert.match(stderr, /error: The registry .*worktrees\.db was moved, deleted or replaced/u);
        assert.match(stderr, /hint: .*[Ss]tart this again/u);
      });
    }
  }

  test("a program that reads events gets the error as the last line", generous, async () => {
    const { said, ended } = following("events", "--follow", "--json");
    await until("it watches", () => said.err.includes("Watching files here"));
    remove();
    const { code, stdout } = await ended;
    assert.equal(code, 1);
    const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { error?: { code: string } };
    assert.equal(last.error?.code, "store/moved");
  });

  test("imi monitor leaves the terminal as it was, and says why", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"], { columns: 200 });
    await terminal.shows("watching files here");
    remove();
    assert.equal(await terminal.ended, 1);
    assert.ok(!terminal.screen.modes.has("1049"), "the screen is the one that was there before");
    await terminal.shows(/error: The registry .* was moved, deleted or replaced/u);
  });

  test("a window's server ends, with an exit code by which it is not started again by itself", generous, async () => {
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", {});
    const ended = once(server.process, "exit") as Promise<[number | null]>;
    remove();
    assert.equal((await ended)[0], fatalExitCodes["store/moved"]);
  });

  test("nobody is given a claim in a registry that others do not see", generous, async () => {
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", {});
    remove();
    const ended = once(server.process, "exit").then(() => Promise.reject(new Error("it ended")));
    const claimed = server.call("claim.take", { name: "feat-x", agent: "claude-1" });
    await assert.rejects(Promise.race([claimed, ended]), /was moved, deleted or replaced|it ended/u);
    await assert.rejects(ended);
    const { claim } = await told<{ claim: { agent: string } }>(place(), "claim", "feat-x", "--agent", "codex-2");
    assert.equal(claim.agent, "codex-2");
  });
});

describe("when the repository goes away", () => {
  beforeEach(scenery);
  afterEach(tidy);

  const aside = () => `${scene.container} aside`;

  for (const args of [
    ["events", "--follow"],
    ["monitor", "--plain"],
  ]) {
    test(`imi ${args.join(" ")} says so, and goes on when it is back`, generous, async () => {
      const { said } = following(...args);
      await until("it watches", () => said.err.includes("Watching files here"));
      renameSync(scene.container, aside());
      await until("it says so", () =>
        /warning: The repository app is gone: there is no .*\.git any more/u.test(said.err),
      );
      renameSync(aside(), scene.container);
      await until("it is back", () => said.err.includes("note: The repository app is back."));
      let round = 0;
      await until("what happens is told again", () => {
        writeFileSync(join(scene.container, "feat-x/new.txt"), `${(round += 1)}\n`);
        return said.out.includes("new.txt");
      });
    });
  }

  test("imi monitor shows it for as long as it is so", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"], { columns: 200 });
    await terminal.shows("watching files here");
    renameSync(scene.container, aside());
    await terminal.shows(/The repository app is gone: there is no /u);
    renameSync(aside(), scene.container);
    await until("it is right again", () => !terminal.screen.text.includes("is gone"));
    await terminal.shows(/feat-x .* clean/u);
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
  });
});
