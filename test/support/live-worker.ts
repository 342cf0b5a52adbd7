// An agent at work until it is killed: `node live-worker.ts IMI CONTAINER HISTORY AGENT SEED NAME…`, see live-nemesis.ts.
// It claims a worktree for its own process, changes files and commits there, releases it, and takes the next.
import { execFile } from "node:child_process";
import { mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Write } from "./live-nemesis.ts";
import { randomFrom } from "./random.ts";

const [program = "", container = "", history = "", agent = "", seed = "0", ...names] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
const run = promisify(execFile);
const log = openSync(history, "a");
/** One system call: whole in the file as soon as it returns, also when this process is killed. */
const note = (write: Write): void => void writeSync(log, `${JSON.stringify(write)}\n`);

let turn = 0;

const change = async (worktree: string): Promise<void> => {
  const path = join(container, worktree);
  const git = async (...args: string[]): Promise<void> => {
    // The git of an agent that was killed here may be at work still.
    await run("git", args, { cwd: path }).catch(() => undefined);
  };
  turn += 1;
  const dice = random();
  if (dice < 0.7) {
    const file = pick(["file-0.txt", "file-1.txt", "src/deep/code.ts", `new-${turn % 5}.txt`]) ?? "file-0.txt";
    mkdirSync(dirname(join(path, file)), { recursive: true });
    // Never the same twice, so that no write can look as if nothing had been written.
    writeFileSync(join(path, file), `${agent} ${seed} ${turn}\n`);
    note({ worktree, file, at: Date.now(), text: `${agent} ${seed} ${turn}\n` });
  } else if (dice < 0.75) {
    rmSync(join(path, `new-${turn % 5}.txt`), { force: true });
  } else if (dice < 0.85) {
    await git("add", "-A");
  } else if (dice < 0.95) {
    await git("add", "-A");
    await git("commit", "--quiet", "--allow-empty", "-m", `turn ${turn} of ${agent}`);
  } else {
    await git("commit", "--quiet", "--amend", "--allow-empty", "-m", `turn ${turn} of ${agent}, again`);
  }
};

for (;;) {
  const worktree = pick(names) ?? "";
  const claim = ["--json", "claim", worktree, "--agent", agent, "--pid", String(process.pid)];
  const claimed = await run(program, claim, { cwd: container }).then(
    ({ stdout }) => JSON.parse(stdout) as { readonly claim: { readonly token: number } },
    () => null,
  );
  if (claimed === null) {
    await delay(50 + random() * 200); // another has it
    continue;
  }
  for (let steps = 3 + Math.floor(random() * 12); steps > 0; steps -= 1) {
    await change(worktree);
    await delay(random() * 60);
  }
  const release = ["release", worktree, "--agent", agent, "--token", String(claimed.claim.token)];
  await run(program, release, { cwd: container }).catch(() => undefined);
}
