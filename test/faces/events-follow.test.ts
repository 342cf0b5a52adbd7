import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { Event } from "../../protocol/events.ts";
import { openStore, type Store } from "../../server/src/store/index.ts";
import { namesMatching } from "../../server/src/faces/monitor/name-patterns.ts";
import { ask, imi, program, startImi, type Started } from "../support/imi.ts";
import { makeScene, type Scene } from "../support/workspace.ts";

const generous = { timeout: 120_000 };

describe("patterns of event names", () => {
  test("take * for any part, and nothing else for more than it is", () => {
    const wanted = namesMatching(["worktree.*", "*.emptied", "agent.changed"]);
    for (const name of ["worktree.created", "trash.emptied", "agent.changed"]) assert.ok(wanted(name), name);
    for (const name of ["trash.emptying", "agentXchanged", "repository.opened"]) assert.ok(!wanted(name), name);
    assert.ok(namesMatching([])("anything"), "without patterns all are wanted");
  });
});

describe("imi events --follow", () => {
  let scene: Scene;
  let store: Store;
  const running = new Set<Started>();

  before(async () => {
    scene = makeScene();
    const data = join(scene.root, "home/.local/share/imi");
    mkdirSync(data, { recursive: true });
    store = await openStore({ path: join(data, "worktrees.db"), role: "cli" });
  });
  afterEach(async () => {
    for (const { child, ended } of running) {
      child.kill("SIGKILL");
      await ended;
    }
    running.clear();
  });
  after(() => {
    store.close();
    scene.remove();
  });

  const append = (subject: string): Promise<Event> =>
    store.events.append({ name: "sync.applied", repositoryId: null, subject, data: { of: subject } });

  /** A follower, and the lines it has printed. */
  const follow = (cwd: string, ...args: string[]) => {
    const started = startImi({ cwd, env: scene.env }, "events", "--follow", ...args);
    running.add(started);
    const lines: string[] = [];
    let notes = "";
    createInterface({ input: started.child.stdout ?? assert.fail() }).on("line", (line) => lines.push(line));
    started.child.stderr?.on("data", (text: string) => (notes += text));
    let over = false;
    void started.ended.then(() => (over = true));
    /** Waits for it, but not for a program that has ended. */
    const until = async (what: string, there: () => boolean): Promise<void> => {
      for (; !there(); await new Promise((resolve) => setTimeout(resolve, 10)))
        assert.ok(!over, `${what}: it ended before: ${lines.join("\n")} ${notes}`);
    };
    return { ...started, lines, notes: () => notes, until };
  };
  const subjectsIn = (lines: readonly string[]): string[] => lines.map((line) => (JSON.parse(line) as Event).subject);

  test("prints what is in the log since then, and what other processes append, in order", generous, async () => {
    const { seq } = await append("one");
    const { lines, until, child, ended } = follow(scene.root, "--json", "--since", String(seq - 1));
    await until("what was there", () => lines.length === 1);
    await append("two");
    await append("three");
    await until("what was appended", () => lines.length === 3);
    assert.deepEqual(subjectsIn(lines), ["one", "two", "three"]);
    assert.deepEqual(JSON.parse(lines[0] ?? ""), (await store.events.list(seq - 1, 1))[0], "each is the event itself");
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
  });

  test("prints only what it was asked for, a line for people", generous, async () => {
    const last = await store.events.last();
    const { lines, until, child, ended } = follow(
      scene.root,
      "--name",
      "sync.*",
      "--name",
      "trash.emptied",
      "--since",
      `${last}`,
    );
    await store.events.append({ name: "trash.changed", repositoryId: null, subject: "no", data: {} });
    await store.events.append({ name: "trash.emptied", repositoryId: null, subject: "\u001b[2Jyes", data: {} });
    await append("also");
    await until("two lines", () => lines.length === 2);
    assert.match(lines[0] ?? "", /^\d+ {2}\S+Z {2}trash\.emptied +\\x1b\[2Jyes {2}\{\}$/u);
    assert.match(lines[1] ?? "", / sync\.applied +also /u);
    child.kill("SIGTERM");
    assert.equal((await ended).code, 143);
  });

  test("without --since begins with what comes", generous, async () => {
    const { lines, until, notes } = follow(scene.trunk, "--json", "--name", "sync.applied");
    await until("who watches", () => notes().includes("Watching files here"));
    await append("new");
    await until("the new one", () => lines.length > 0);
    assert.deepEqual(subjectsIn(lines), ["new"]);
  });

  test("says that nothing is watched where no repository is", generous, async () => {
    const { until, notes } = follow(scene.root);
    await until("the note", () => notes().includes("Not in a repository"));
  });

  test("watches the repository it stands in, until somebody else does", generous, async () => {
    const first = follow(scene.trunk, "--json");
    await first.until("it watches", () => first.notes().includes("Watching files here"));
    const second = follow(scene.trunk, "--json");
    await second.until("it knows who does", () => second.notes().includes(`Process ${first.pid} watches files`));
    first.child.kill("SIGKILL");
    await first.ended;
    await second.until("it takes over", () => second.notes().includes("Watching files here"));
  });

  test("ends without a word when its reader does", generous, async () => {
    const last = await store.events.last();
    for (const subject of ["a", "b"]) await append(subject);
    const shell = spawn(
      "sh",
      ["-c", `{ "$0" events --follow --json --since ${last}; echo "code $?" >&2; } | head -n 1`, program],
      {
        cwd: scene.root,
        env: scene.env,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let out = "";
    let err = "";
    shell.stdout.on("data", (text: Buffer) => (out += text.toString()));
    shell.stderr.on("data", (text: Buffer) => (err += text.toString()));
    let over = false;
    const ended = new Promise<void>((resolve) => shell.once("close", () => resolve(((over = true), undefined))));
    // It learns that nobody reads when it writes.
    while (!over) {
      await append("more");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await ended;
    assert.equal(out.trim().split("\n").length, 1);
    assert.match(err, /code 0\n$/u);
    assert.doesNotMatch(err, /error|EPIPE/u);
  });

  test("does not keep in memory what a slow reader has not read", generous, async () => {
    const last = await store.events.last();
    const big = "x".repeat(50_000);
    const { child, pid, ended } = startImi(
      { cwd: scene.root, env: scene.env },
      "events",
      "--follow",
      "--json",
      "--since",
      `${last}`,
    );
    running.add({ child, pid, ended });
    child.stdout?.pause();
    // 50 MB: much more than a pipe holds, and than may be gathered.
    for (let index = 0; index < 1000; index += 1)
      await store.events.append({ name: "sync.applied", repositoryId: null, subject: String(index), data: { big } });
    const { readFileSync } = await import("node:fs");
    const resident = (): number =>
      Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;
    if (process.platform === "linux") assert.ok(resident() < 250, `it takes ${Math.round(resident())} MB`);
    let text = "";
    child.stdout?.on("data", (part: string) => (text += part));
    child.stdout?.resume();
    while (text.split("\n").length < 1001) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      subjectsIn(text.trim().split("\n")),
      Array.from({ length: 1000 }, (_, index) => String(index)),
      "nothing is lost, and nothing comes twice",
    );
  });

  test("refuses what it cannot do", generous, async () => {
    for (const [args, message] of [
      [["events", "--name", "worktree.*"], /--name needs --follow/u],
      [["events", "--follow", "--limit", "3"], /--limit cannot be given with --follow/u],
      [["events", "--follow", "--newest"], /--newest cannot be given with --follow/u],
      [["events", "--follow", "--name", "worktre.*"], /No event is called "worktre\.\*"/u],
    ] as const) {
      const { code, stderr } = await imi({ cwd: scene.trunk, env: scene.env }, ...args);
      assert.equal(code, 2);
      assert.match(stderr, message);
      assert.match(stderr, /hint: /u);
    }
  });

  test("says what is wrong with the registry", generous, async () => {
    const { error } = await ask(
      { cwd: scene.trunk, env: { ...scene.env, IMI_DB_PATH: join(scene.trunk, "README.md") } },
      ...["events", "--follow"],
    );
    assert.match(error?.code ?? "", /^store\//u);
  });

  test("offers the names of events to Tab", generous, async () => {
    const { stdout } = await imi(
      { cwd: scene.trunk, env: scene.env },
      "__complete",
      "zsh",
      "events",
      "--follow",
      "--name",
      "",
    );
    assert.match(stdout, /^worktree\.claimed\t/mu);
    const options = await imi({ cwd: scene.trunk, env: scene.env }, "__complete", "zsh", "events", "--f");
    assert.match(options.stdout, /^--follow\t/u);
  });
});
