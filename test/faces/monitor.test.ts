import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openStore, type Store } from "../../server/src/store/index.ts";
import { imi, program, startImi, told, type Started } from "../support/imi.ts";
import { eventually } from "../support/mcp.ts";
import { Server } from "../support/server.ts";
import { noTerminal, Terminal } from "../support/terminal.ts";
import { makeScene, type Scene } from "../support/workspace.ts";

const generous = { timeout: 120_000 };
const onTerminal = noTerminal === null ? generous : { ...generous, skip: noTerminal };

let scene: Scene;
let store: Store;
let repository: string;

const opened = async (): Promise<void> => {
  scene = makeScene();
  const data = join(scene.root, "home/.local/share/imi");
  mkdirSync(data, { recursive: true });
  const place = { cwd: scene.trunk, env: scene.env };
  for (const name of ["api", "ui"]) await told(place, "feat", name);
  await told(place, "claim", "feat-api", "--agent", "claude-1");
  writeFileSync(join(scene.container, "feat-ui/there before.txt"), "x\n");
  store = await openStore({ path: join(data, "worktrees.db"), role: "cli" });
  repository = (await store.repositories.all())[0]?.id ?? assert.fail();
};
const running = new Set<Started>();
/** As a process that is gone with the suite, also where a test failed. */
const start = (...args: Parameters<typeof startImi>): Started => {
  const started = startImi(...args);
  running.add(started);
  return started;
};
const closed = async (): Promise<void> => {
  Server.endAll();
  for (const { child, ended } of running) {
    child.kill("SIGKILL");
    await ended;
  }
  running.clear();
  store.close();
  scene.remove();
};

const place = (more: NodeJS.ProcessEnv = {}) => ({ cwd: scene.trunk, env: { ...scene.env, ...more } });

const idOf = async (name: string): Promise<string> =>
  (await store.worktrees.of(repository)).find((each) => each.name === name)?.id ?? assert.fail(name);

const clean = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };

/** What the recorder of another process would have written. */
const touch = async (name: string, file: string): Promise<void> => {
  const files = [{ path: file, change: "modified" }];
  const data = { name, agent: null, files, more: 0, status: { ...clean, changed: 7 } };
  await store.events.append({ name: "worktree.touched", repositoryId: repository, subject: await idOf(name), data });
};

const stateOf = (pid: number): string =>
  /^State:\s+(\S)/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "?";

// eslint-disable-next-line no-control-regex -- that is what colours are made of
const anyColour = /\u001b\[3[0-6]m/u;

/** Nothing of ours is left on: no raw mode, no other screen, no hidden cursor. */
const assertRestored = ({ screen, output }: Terminal): void => {
  assert.ok(!screen.modes.has("1049"), "the screen is the one that was there before");
  assert.ok(screen.modes.has("25"), "the cursor is seen");
  assert.ok(output.includes("\u001b[?1049h"), "there was another screen");
};

describe("imi monitor on a terminal", () => {
  before(opened);
  after(closed);

  test("shows the worktrees, their holder, who watches, and what happens", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"], { columns: 100 });
    await terminal.shows(/feat 2\n.*feat-api .*clean.*claude-1 \d+m.*\n.*feat-ui .*\?1/u);
    await terminal.shows("watching files here");
    await terminal.shows(/trunk 1\n▸ trunk-main/u);
    await touch("feat-ui", "src/told.ts");
    await terminal.shows(/\ds ago ● feat-ui src\/told\.ts/u);
    await eventually("all were looked at", async () => (await store.activities.told(repository)).size === 3);
    writeFileSync(join(scene.container, "feat-ui/new file.txt"), "really\n");
    await terminal.shows(/\ds ago \+ feat-ui new file\.txt/u);
    await terminal.shows(/feat-ui .*\?2/u);
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
    assertRestored(terminal);
    assert.ok(terminal.output.includes("\u001b[?1049l"));
  });

  test("is moved about by keys", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"], { columns: 100 });
    await terminal.shows(/feat-ui .*\?\d/u);
    terminal.press("j");
    await terminal.shows("▸ feat-api");
    terminal.press("\u001b[B");
    await terminal.shows("▸ feat-ui");
    terminal.press("\r");
    await terminal.shows(/folder +\/.*feat-ui/u);
    await terminal.shows(/added +there before\.txt/u);
    terminal.press("q");
    await terminal.shows("▸ feat-ui");
    terminal.press("c");
    await terminal.shows(/worktrees compared with origin\/main/u);
    terminal.press("c");
    terminal.press("/api");
    await terminal.shows(/▸ feat-api(?![^]*feat-ui +)/u);
    terminal.press("\r");
    terminal.press("?");
    await terminal.shows("commits ahead of and behind the base");
    terminal.press("?");
    await terminal.shows("▸ feat-api");
    terminal.press("\u0003");
    assert.equal(await terminal.ended, 130, "as every command that Ctrl+C ends");
    assertRestored(terminal);
  });

  test("follows the terminal's size, down to the smallest", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"]);
    await terminal.shows("── Recent ");
    terminal.resize(50, 10);
    await terminal.shows(/^iMi app.*\n── \[Worktrees\] Recent Agents ─+$/mu);
    assert.doesNotMatch(terminal.screen.text, /── Agents/u);
    terminal.resize(12, 2);
    await terminal.shows(/^3 worktrees$/mu);
    terminal.resize(140, 40);
    await terminal.shows(/^── Worktrees ─{100}/mu);
    await terminal.shows("── Recent ");
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
  });

  test("has no colours where none are wanted", onTerminal, async () => {
    for (const [args, env] of [
      [["monitor"], { NO_COLOR: "1" }],
      [["monitor", "--no-color"], {}],
    ] as const) {
      await using terminal = Terminal.start(place(env), args);
      await terminal.shows("feat-ui");
      await terminal.shows("watching files here");
      assert.doesNotMatch(terminal.output, anyColour);
      terminal.press("q");
      assert.equal(await terminal.ended, 0);
    }
    await using coloured = Terminal.start(place(), ["monitor"]);
    await coloured.shows("feat-ui");
    assert.match(coloured.output, anyColour);
  });

  test("puts the terminal back when it is ended", onTerminal, async () => {
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGHUP", 129],
      ["SIGINT", 130],
    ] as const) {
      await using terminal = Terminal.start(place(), ["monitor"]);
      await terminal.shows("feat-ui");
      process.kill(terminal.pid, signal);
      assert.equal(await terminal.ended, code);
      assertRestored(terminal);
    }
  });

  test("puts the terminal back before it says why it crashed", onTerminal, async () => {
    const fault = join(scene.root, "fault.cjs");
    const now = join(scene.root, "now");
    const look = `require("node:fs").existsSync(${JSON.stringify(now)})`;
    writeFileSync(
      fault,
      `setInterval(() => { if (${look}) throw new Error("a fault in the monitor"); }, 50).unref();\n`,
    );
    const env = { NODE_OPTIONS: `--require ${JSON.stringify(fault)}` };
    await using terminal = Terminal.start(place(env), ["monitor"]);
    await terminal.shows("feat-ui");
    writeFileSync(now, "");
    assert.equal(await terminal.ended, 1);
    assertRestored(terminal);
    assert.ok(
      terminal.output.indexOf("a fault in the monitor") > terminal.output.indexOf("\u001b[?1049l"),
      "it is read on the screen that stays",
    );
  });

  test("ends with its terminal", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"]);
    await terminal.shows("watching files here");
    const { pid } = terminal;
    terminal.hangUp();
    await eventually("the process has ended", () => {
      try {
        return stateOf(pid) === "Z";
      } catch {
        return true;
      }
    });
  });

  test("lets go of the terminal, and of the watch, while it is suspended", onTerminal, async () => {
    // A shell with job control, as a user has.
    const command = `bash -c 'set -m; "$0" monitor; echo "stopped: $?"; read -r; fg >/dev/null; echo "ended: $?"' ${program.replaceAll(" ", "\\ ")}`;
    await using terminal = Terminal.start(place(), [], { command, columns: 100 });
    await terminal.shows("watching files here");
    terminal.press("\u001a");
    await terminal.shows("stopped: 14");
    assertRestored(terminal);
    assert.match(terminal.settings(), /(?<!-)icanon/u, "what is typed is a line again");
    const other = start(place(), "events", "--follow");
    let notes = "";
    other.child.stderr?.on("data", (text: string) => (notes += text));
    await eventually("another process watches", () => notes.includes("Watching files here"));
    terminal.press("\n");
    await terminal.shows(new RegExp(`process ${other.pid} watches files`, "u"));
    await terminal.shows(/feat-ui .*\?\d/u);
    other.child.kill("SIGINT");
    await other.ended;
    await terminal.shows("watching files here");
    terminal.press("q");
    await terminal.shows("ended: 0");
  });

  test("takes over from a server that was killed, and misses nothing", onTerminal, async () => {
    await store.leases.holder("nobody"); // the registry is there
    const server = await Server.start(scene.env, scene.trunk);
    await server.call("repository.open", {});
    await using terminal = Terminal.start(place(), ["monitor"], { columns: 100 });
    await terminal.shows(`process ${server.process.pid} watches files`);
    server.process.kill("SIGKILL");
    writeFileSync(join(scene.container, "feat-api/while nobody looked.txt"), "x\n");
    await terminal.shows("watching files here");
    await terminal.shows(/\+ feat-api while nobody looked\.txt/u);
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
  });

  test("draws a burst at most ten times a second, and nothing while nothing happens", onTerminal, async () => {
    await using terminal = Terminal.start(place(), ["monitor"]);
    await terminal.shows("watching files here");
    const began = Date.now();
    const framesBefore = terminal.screen.frames;
    for (let index = 0; index < 400; index += 1) await touch("feat-ui", `burst-${index}.ts`);
    await terminal.shows("burst-399.ts");
    const seconds = (Date.now() - began) / 1000;
    const frames = terminal.screen.frames - framesBefore;
    // And one a second for the ages.
    assert.ok(frames <= seconds * 11 + 3, `${frames} in ${seconds.toFixed(1)} s`);
    terminal.press("?");
    await terminal.shows("commits ahead of and behind the base");
    // What was read again for the last of them has come by then; no age is seen.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const written = terminal.output.length;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(terminal.output.length, written, "nothing was drawn");
    terminal.press("?");
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
  });

  test("says what is wrong, and goes on", onTerminal, async () => {
    const folder = join(scene.root, "path");
    mkdirSync(folder);
    const broken = join(folder, "broken");
    const git = join(folder, "git");
    writeFileSync(git, `#!/bin/sh\n[ -e '${broken}' ] && exec false\nPATH=\${PATH#*:} exec git "$@"\n`, {
      mode: 0o755,
    });
    await using terminal = Terminal.start(place({ PATH: `${folder}:${scene.env["PATH"] ?? ""}` }), ["monitor"]);
    await terminal.shows(/feat-ui +\S/u);
    await terminal.shows(/trunk-main +clean/u);
    writeFileSync(broken, "");
    // What is known of a worktree in which nothing happened needs no git.
    writeFileSync(join(scene.container, "feat-ui", "while git is broken.txt"), "");
    terminal.press("r");
    await terminal.shows(/feat-ui +unknown: git/u);
    await terminal.shows(/could not be recorded.*\n\? help/u);
    rmSync(broken);
    terminal.press("r");
    await terminal.shows(/feat-ui +.*\?[1-9]/u);
    terminal.press("q");
    assert.equal(await terminal.ended, 0);
  });
});

describe("imi monitor without a screen", () => {
  before(opened);
  after(closed);

  const following = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const started = start(place(env), "monitor", ...args);
    const said = { out: "", err: "" };
    started.child.stdout?.on("data", (text: string) => (said.out += text));
    started.child.stderr?.on("data", (text: string) => (said.err += text));
    return { ...started, said };
  };

  test("prints a line for each thing that happens", generous, async () => {
    const { said, child, ended } = following([]);
    await eventually("it watches", () => said.err.includes("Watching files here"));
    await touch("feat-ui", "src/told.ts");
    await store.events.append({ name: "agent.changed", repositoryId: null, subject: "a", data: {} });
    await told(place(), "claim", "feat-ui", "--agent", "bob", "--task", "the login");
    await told(place(), "release", "feat-ui", "--agent", "bob", "--token", "2").catch(() => undefined);
    writeFileSync(join(scene.container, "feat-api/line.txt"), "x\n");
    await eventually("the file", () => said.out.includes("line.txt"));
    const lines = said.out.trim().split("\n");
    assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d {2}feat-ui {2}changed {2}src\/told\.ts$/u);
    assert.match(lines[1] ?? "", /^\S+ {2}feat-ui {2}claimed by bob \(the login\)$/u);
    assert.match(lines.at(-1) ?? "", /^\S+ {2}feat-api {2}added {2}line\.txt {2}claude-1$/u);
    assert.ok(!said.out.includes("\u001b"));
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
  });

  test("prints the events as JSON lines", generous, async () => {
    const { said, child, ended } = following(["--json"]);
    await eventually("it watches", () => said.err.includes("Watching files here"));
    await touch("feat-ui", "src/json.ts");
    await eventually("a line", () => said.out.includes("\n"));
    const event = JSON.parse(said.out.split("\n")[0] ?? "") as { readonly name: string };
    assert.equal(event.name, "worktree.touched");
    child.kill("SIGINT");
    await ended;
  });

  test("does so on a terminal too, where it is wanted or the terminal can no more", onTerminal, async () => {
    for (const [args, env] of [
      [["monitor", "--plain"], {}],
      [["monitor"], { TERM: "dumb" }],
      [["monitor"], { CI: "true" }],
    ] as const) {
      await using terminal = Terminal.start(place(env), args, { columns: 120 });
      await terminal.shows(/atching files here|watches files/u);
      await touch("feat-ui", "src/plain.ts");
      await terminal.shows(/feat-ui {2}changed {2}src\/plain\.ts/u);
      assert.ok(!terminal.output.includes("\u001b[?"), "no screen of its own");
      process.kill(terminal.pid, "SIGINT");
      assert.equal(await terminal.ended, 130);
    }
  });

  test("ends without a word when its reader does", generous, async () => {
    const shell = spawn("sh", ["-c", '{ "$0" monitor; echo "code $?" >&2; } | head -n 1', program], {
      ...place(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let err = "";
    let over = false;
    shell.stderr.on("data", (text: Buffer) => (err += text.toString()));
    shell.once("close", () => (over = true));
    await eventually("it ends", async () => {
      if (!over) await touch("feat-ui", "src/more.ts");
      return over;
    });
    assert.match(err, /code 0\n$/u);
    assert.doesNotMatch(err, /error|EPIPE/u);
  });

  test("says where no repository is, and what is wrong with the registry", onTerminal, async () => {
    const nowhere = await imi({ cwd: scene.root, env: scene.env }, "monitor");
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /error: .*\nhint: /u);
    const unreadable = await imi(place({ IMI_DB_PATH: join(scene.trunk, "README.md") }), "monitor", "--json");
    assert.equal(unreadable.code, 1);
    assert.match(unreadable.stdout, /^\{"error":\{"code":"store\//u);
    await using terminal = Terminal.start({ cwd: scene.root, env: { ...scene.env, NO_COLOR: "1" } }, ["monitor"]);
    assert.equal(await terminal.ended, 1);
    assert.match(terminal.output, /error: .* is in no git repository/u);
    assert.doesNotMatch(terminal.output, /1049/u, "no screen was opened for that");
  });

  test("takes a repository elsewhere", generous, async () => {
    const started = start({ cwd: scene.root, env: scene.env }, "monitor", "--repo", scene.trunk);
    let err = "";
    started.child.stderr?.on("data", (text: string) => (err += text));
    await eventually("it watches", () => err.includes("Watching files here"));
    started.child.kill("SIGTERM");
    assert.equal((await started.ended).code, 143);
  });

  test("is explained, and completed by Tab", generous, async () => {
    const { stdout } = await imi(place(), "monitor", "--help");
    for (const part of ["--plain", "--repo PATH", "--json", "imi monitor --plain | tee monitor.log"])
      assert.ok(stdout.includes(part), part);
    assert.match((await imi(place(), "__complete", "bash", "moni")).stdout, /^monitor\t/u);
    assert.match((await imi(place(), "__complete", "bash", "monitor", "--p")).stdout, /^--plain\t/u);
  });
});
