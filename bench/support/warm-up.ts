import { setTimeout as delay } from "node:timers/promises";
import { timed } from "./numbers.ts";
import type { BenchServer } from "./server.ts";

/** Asks until asking again takes no longer than reading what is known: every worktree is under watch. */
export async function warmUp(server: BenchServer, repository: string, say: (text: string) => void): Promise<void> {
  const started = performance.now();
  let least = Number.POSITIVE_INFINITY;
  for (let steady = 0; steady < 3;) {
    const took = await timed(() => server.call("worktree.list", { repository }));
    steady = took > least * 0.8 ? steady + 1 : 0;
    least = Math.min(least, took);
    await delay(Math.max(500, took));
  }
  say(`warm after ${Math.round((performance.now() - started) / 1000)} s`);
}
