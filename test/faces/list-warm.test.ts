import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../../protocol/contract.ts";
import { imi } from "../support/imi.ts";
import { Server } from "../support/server.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("imi list beside a server", { skip: process.platform !== "linux" }, () => {
  let scene: Scene;
  let log: string;
  before(() => {
    scene = makeScene();
    for (const name of ["a", "b", "c"])
      scene.git(
        scene.trunk,
        "worktree",
        "add",
        "-q",
        "--no-track",
        "-b",
        `feat/${name}`,
        join(scene.container, `feat-${name}`),
      );
    log = join(scene.root, "imi.log");
  });
  afterEach(() => Server.endAll());
  after(() => scene.remove());

  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...scene.env,
    IMI_LOG_FILE: log,
    IMI_LOG_LEVEL: "debug",
    ...more,
  });
  const runtimeDir = (): string => join(scene.root, "home/run/imi");
  const sockets = (): string[] => readdirSync(runtimeDir()).filter((name) => name.endsWith(".sock"));

  /** A server that has the repository open, and answers for it when it is the only one. */
  const serving = async (): Promise<Server> => {
    const server = await Server.start(env(), scene.trunk);
    await server.call("repository.open", { repository: scene.trunk });
    return server;
  };

  /** Who answered the last list, by the log. */
  const whoAnswered = (): string =>
    readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => / list: /.test(line))
      .at(-1)
      ?.replace(/^.* list: /, "") ?? "nobody";

  const list = async (more: NodeJS.ProcessEnv = {}, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await imi({ cwd: scene.trunk, env: env(more) }, "list", ...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  const until = async (answer: RegExp, withinMs: number): Promise<void> => {
    const deadline = Date.now() + withinMs;
    for (;;) {
      await list({}, "--json");
      if (answer.test(whoAnswered())) return;
      assert.ok(Date.now() < deadline, `${whoAnswered()}, not ${answer}`);
      await delay(20);
    }
  };
  const alone = { XDG_RUNTIME_DIR: "/nowhere" };

  /** The server's text, which is the one that is worked out without it; asked again where something was noted meanwhile. */
  const sameWithout = async (...args: string[]): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      const before = await list({}, ...args);
      const who = whoAnswered();
      const without = await list(alone, ...args);
      assert.match(whoAnswered(), /^worked out here/);
      const after = await list({}, ...args);
      if (before !== after && attempt < 10) continue;
      assert.match(who, /^server \d+ answered/);
      assert.equal(without, after, args.join(" "));
      return without;
    }
  };

  it("is answered by the server, with the very same text as without one", async () => {
    const server = await serving();
    await until(/^server \d+ answered/, 5_000);
    assert.equal(whoAnswered(), `server ${server.process.pid} answered`);
    for (const args of [["--json"], ["--json", "--no-status"], []]) await sameWithout(...args);
    assert.equal(await server.stop(), 0);
    assert.deepEqual(sockets(), []);
  });

  it("sees what happened before it was asked, and worktrees made a moment ago", async () => {
    await serving();
    await until(/answered/, 5_000);
    for (let round = 1; round <= 5; round++) {
      writeFileSync(join(scene.container, "feat-a", `new-${round}`), "");
      const { worktrees } = JSON.parse(await list({}, "--json")) as ResultOf<"worktree.list">;
      const status = worktrees.find(({ name }) => name === "feat-a")?.status;
      assert.deepEqual(status, { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: round, conflicted: 0 });
    }
    scene.git(scene.trunk, "worktree", "add", "-q", "--no-track", "-b", "feat/d", join(scene.container, "feat-d"));
    assert.match(await list({}, "--json"), /"name":"feat-d"/);
    scene.git(scene.trunk, "worktree", "remove", join(scene.container, "feat-d"));
    assert.doesNotMatch(await list({}, "--json"), /"name":"feat-d"/);
    assert.match(whoAnswered(), /answered/);
    await sameWithout("--json");
  });

  it("tells what a worktree is at as one without a server does, whatever happens in it", async () => {
    await serving();
    await until(/answered/, 5_000);
    const path = join(scene.container, "feat-b");
    const other = join(scene.container, "feat-c");
    const commit = (cwd: string, message: string): void => {
      writeFileSync(join(cwd, "README.md"), `${message}\n`);
      scene.git(cwd, "commit", "-q", "-a", "-m", message);
    };
    const steps: readonly (readonly [RegExp, () => void])[] = [
      [/"subject":"ours"/, () => commit(path, "ours")],
      [/"name":"origin\/feat\/b","ahead":0,"behind":0/, () => scene.git(path, "push", "-q", "-u", "origin", "feat/b")],
      [/"name":"origin\/feat\/b","ahead":1,"behind":0/, () => commit(path, "ours again")],
      [/"subject":"theirs"/, () => commit(other, "theirs")],
      [/"operation":"merge"/, () => assert.throws(() => scene.git(path, "merge", "-q", "feat/c"))],
      [/"conflicted":0/, () => scene.git(path, "merge", "--abort")],
      [/"operation":"bisect"/, () => scene.git(path, "bisect", "start")],
      [/"branch":null/, () => scene.git(path, "checkout", "-q", "--detach", "feat/c")],
    ];
    for (const [told, step] of steps) {
      step();
      assert.match(await sameWithout("--json"), told);
    }
    scene.git(path, "bisect", "reset");
    scene.git(path, "switch", "-q", "feat/b");
    await sameWithout();
  });

  it("works without the server that was killed, and another takes over", async () => {
    const first = await serving();
    await until(new RegExp(`^server ${first.process.pid} answered`), 5_000);
    const second = await serving();
    await delay(200);
    first.process.kill("SIGKILL");
    const text = await list({}, "--json");
    assert.equal(text, await list(alone, "--json"));
    await until(new RegExp(`^server ${second.process.pid} answered`), 2_000);
    second.process.kill("SIGKILL");
    await delay(50);
    assert.equal(sockets().length, 1, "a killed server leaves its socket");
    assert.equal(await list({}, "--json"), text);
    const third = await serving();
    await until(new RegExp(`^server ${third.process.pid} answered`), 5_000);
  });

  it("does not wait for a server that is stopped", async () => {
    const server = await serving();
    await until(/answered/, 5_000);
    server.process.kill("SIGSTOP");
    try {
      await list({}, "--json");
      assert.match(whoAnswered(), /^worked out here: it did not answer in time/);
    } finally {
      server.process.kill("SIGCONT");
    }
  });

  it("is not asked where git's environment or the registry is another", async () => {
    await serving();
    await until(/answered/, 5_000);
    await list(
      { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "core.excludesFile", GIT_CONFIG_VALUE_0: "/nowhere" },
      "--json",
    );
    assert.match(whoAnswered(), /^worked out here: git's environment there is another/);
    await list({ IMI_DB_PATH: join(scene.root, "other/worktrees.db") }, "--json");
    assert.match(whoAnswered(), /^worked out here: no server runs/);
  });

  it("trusts no folder and no socket that others can write", async () => {
    await serving();
    await until(/answered/, 5_000);
    const socket = join(runtimeDir(), sockets()[0] ?? "");
    for (const [path, good] of [
      [runtimeDir(), 0o700],
      [socket, 0o600],
    ] as const) {
      chmodSync(path, 0o777);
      await list({}, "--json");
      assert.match(whoAnswered(), /^worked out here: no server runs/);
      chmodSync(path, good);
      await list({}, "--json");
      assert.match(whoAnswered(), /answered/);
    }
  });

  it("refuses another version, and what it does not understand", async () => {
    await serving();
    await until(/answered/, 5_000);
    const socket = join(runtimeDir(), sockets()[0] ?? "");
    const say = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let heard = "";
        const speaking = connect(socket, () => speaking.write(text));
        speaking.setEncoding("utf8").on("data", (part: string) => {
          heard += part;
        });
        speaking.on("end", () => resolve(heard)).on("error", reject);
      });
    const common = { gitDir: "", database: "", settings: "", environment: "" };
    const params = { repository: scene.trunk, status: true };
    const other = { ...common, version: "0.0.1", operation: "worktree.list", params };
    assert.match(
      await say(`${JSON.stringify(other)}\n`),
      /^\{"outcome":"refused","pid":\d+,"reason":"it is iMi .*"\}\n$/,
    );
    const writing = { ...other, operation: "worktree.remove" };
    assert.match(await say(`${JSON.stringify(writing)}\n`), /"refused".*does not understand/);
    assert.match(await say("hello\n"), /"refused".*does not understand/);
    await list({}, "--json");
    assert.match(whoAnswered(), /answered/);
  });

  it("lets the doctor say who serves", async () => {
    const doctor = async (): Promise<string | undefined> => {
      const { stdout } = await imi({ cwd: scene.trunk, env: env() }, "doctor", "--json");
      const { checks } = JSON.parse(stdout) as ResultOf<"doctor.run">;
      return checks.find(({ name }) => name === "live status")?.detail;
    };
    assert.equal(await doctor(), "no server runs; each worktree is asked of git");
    const server = await serving();
    await until(/answered/, 5_000);
    assert.equal(await doctor(), `served by server pid ${server.process.pid}`);
  });
});
