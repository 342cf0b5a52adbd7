// What a user waits for in a real VS Code with the packed extension, and what the server costs in memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { hostTarget } from "../scripts/build/targets.ts";
import { packageVsix } from "../scripts/package.ts";
import { openImiView, runCommand, startVscode, tree } from "../test/ui/harness.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns } from "./support/numbers.ts";
import { type Place, makePlace } from "./support/place.ts";
import { processesLike, residentMb } from "./support/processes.ts";
import { git } from "./support/programs.ts";
import { type BenchRepository, makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";

/** The title of the view; its rows are what the user waits for. */
const view = "Worktrees";
const worktrees = 20;
/** The statuses that the view asks for after its first paint are part of what the server needs. */
const settleMs = 2000;

export const vscode: Bench = {
  name: "vscode",
  summary: "activation, server, first paint and memory in a real window",
  async *measure(options) {
    const place = makePlace(options.dir);
    try {
      const files = options.files?.[0] ?? 200;
      const repository = await makeRepository(place, { name: "open", files, remote: "none" });
      for (let index = 0; index < worktrees; index += 1) {
        const target = `${repository.container}/feat-${index}`;
        const where = { cwd: repository.trunk, env: place.env };
        await git(where, "worktree", "add", "-q", "--no-track", "-b", `feat/${index}`, target, "main");
      }
      yield* serverAlone(place, repository, options.rounds ?? 10);
      yield* windows(place, repository, options);
    } finally {
      place.remove();
    }
  },
};

/** The server as the extension starts it, without VS Code around it. */
async function* serverAlone(place: Place, { trunk }: BenchRepository, rounds: number): AsyncGenerator<Line> {
  const where = { cwd: trunk, env: place.envWithRegistry("alone") };
  const bareMemory: number[] = [];
  const memory: number[] = [];
  const times = await inTurns(rounds, {
    bare: async (round) => {
      const bare = await bareProcess();
      if (round >= 0) bareMemory.push(bare.megabytes);
      return bare.milliseconds;
    },
    server: async (round) => {
      const started = performance.now();
      const server = await startServer(where);
      const milliseconds = performance.now() - started;
      await server.call("repository.open", { repository: trunk });
      await server.call("worktree.list", { repository: trunk });
      const { residentBytes } = await server.diagnostics();
      if (round >= 0) memory.push(residentBytes / 2 ** 20);
      await server.stop();
      return milliseconds;
    },
  });
  const against = "a bare Node over ipc";
  yield lineOf({ what: "server started → initialized", ours: times.server, baseline: times.bare, against });
  yield lineOf({
    what: `server's memory after a list of ${worktrees}`,
    ours: memory,
    baseline: bareMemory,
    against,
    unit: "MB",
  });
}

/** Windows of one VS Code, each with an extension host and an iMi server of its own. */
async function* windows(place: Place, repository: BenchRepository, options: BenchOptions): AsyncGenerator<Line> {
  const rounds = options.rounds ?? 5;
  const vsix = process.env["IMI_TEST_VSIX"] ?? (await packageVsix(hostTarget()));
  const env = place.envWithRegistry("window");
  options.say("starting VS Code");
  const vscodeWindow = await startVscode({ folder: repository.trunk, vsix, env });
  try {
    const drawn: number[] = [];
    const branchShown: number[] = [];
    const shown: number[] = [];
    const activation: number[] = [];
    const memory: number[] = [];
    const seen = new Set<number>();
    // The first window also warms VS Code's own caches.
    await firstRow(vscodeWindow.page);
    await vscodeWindow.page.close();
    for (const pid of serversOf(env)) seen.add(pid);
    for (let round = 0; round < rounds; round += 1) {
      options.say(`window ${round + 1} of ${rounds}`);
      const started = performance.now();
      const page = await vscodeWindow.openAnother(repository.trunk);
      drawn.push(performance.now() - started);
      const note = (list: number[]) => (): void => void list.push(performance.now() - started);
      await Promise.all([firstRow(page).then(note(shown)), branchOfGit(page).then(note(branchShown))]);
      await delay(settleMs);
      for (const pid of serversOf(env)) {
        if (seen.has(pid)) continue;
        seen.add(pid);
        memory.push(residentMb(pid));
      }
      activation.push(await activationTime(page));
      await page.close();
    }
    yield lineOf({ what: "activate()", ours: activation.filter((value) => !Number.isNaN(value)) });
    // The part of both that is VS Code's: drawing the workbench, starting the extension host.
    yield lineOf({
      what: "window opened → first worktree shown",
      ours: shown,
      baseline: branchShown,
      against: "branch of VS Code's Git shown",
    });
    yield lineOf({ what: "window opened → workbench drawn (VS Code's own)", ours: drawn });
    yield lineOf({ what: `server's memory, ${worktrees} worktrees shown`, ours: memory, unit: "MB" });
  } finally {
    await vscodeWindow.stop();
  }
}

async function firstRow(page: Page): Promise<void> {
  await openImiView(page);
  await tree(page, view).locator(".monaco-list-row").first().waitFor();
}

/** The first sign of VS Code's own Git extension, which starts in the same extension host. */
async function branchOfGit(page: Page): Promise<void> {
  await page.locator('.statusbar [id^="status.scm"]').first().waitFor();
}

const serversOf = (env: NodeJS.ProcessEnv): number[] =>
  processesLike("server.cjs", "IMI_DB_PATH", env["IMI_DB_PATH"] ?? "");

/** What VS Code itself measured, from its list of running extensions; NaN when it does not say. */
async function activationTime(page: Page): Promise<number> {
  await runCommand(page, "Developer: Show Running Extensions");
  const row = page.locator(".runtime-extensions-editor .monaco-list-row").filter({ hasText: "iMi" }).first();
  await row.waitFor();
  const text = (await row.textContent()) ?? "";
  return Number(/Activation:\s*(\d+)\s*ms/u.exec(text)?.[1] ?? Number.NaN);
}

/** A process that only says hello over ipc: milliseconds until it does, and its memory then. */
async function bareProcess(): Promise<{ milliseconds: number; megabytes: number }> {
  const started = performance.now();
  const hello = "process.send(process.memoryUsage.rss()); process.once('message', () => process.disconnect())";
  const child = spawn(process.execPath, ["-e", hello], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [bytes]: unknown[] = await once(child, "message");
  const milliseconds = performance.now() - started;
  const ended = once(child, "exit");
  child.send("end");
  await ended;
  return { milliseconds, megabytes: Number(bytes) / 2 ** 20 };
}

if (import.meta.main) await runBenches([vscode], process.argv.slice(2));
