// Which worktrees get in each other's way: asked for the first time, again, and after something happened in one of them.
import { appendFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../protocol/contract.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { type Line, lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns, timed } from "./support/numbers.ts";
import { makePlace } from "./support/place.ts";
import { git, imiJson } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";
import { startServer } from "./support/server.ts";
import { warmUp } from "./support/warm-up.ts";

type Overlaps = ResultOf<"overlap.list">;

export const overlap: Bench = {
  name: "overlap",
  summary: "which of many worktrees would conflict, to `git status --porcelain=v2` in each",
  async *measure(options) {
    for (const count of options.worktrees ?? [100]) yield* overlaps(options, count);
  },
};

async function* overlaps(options: BenchOptions, count: number): AsyncGenerator<Line> {
  const files = options.files?.[0] ?? 2_000;
  const rounds = options.rounds ?? 5;
  const place = makePlace(options.dir);
  try {
    options.say(`making ${count} worktrees of ${files} files`);
    const { container, trunk } = await makeRepository(place, { name: "near", files, remote: "none" });
    const where = { cwd: trunk, env: place.envWithRegistry("overlap") };
    const paths: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const target = path.join(container, `feat-${index}`);
      await git(where, "worktree", "add", "-q", "--no-track", "-b", `feat/${index}`, target, "main");
      // Ten worktrees share each of these files; every other one has committed.
      appendFileSync(path.join(target, `packages/p0/src0/module-${index % 10}.ts`), `// By worktree ${index}.\n`);
      if (index % 2 === 0) await git({ ...where, cwd: target }, "commit", "-q", "-am", `Work ${index}`);
      paths.push(target);
    }
    await imiJson(where, "list");
    const server = await startServer(where);
    try {
      await server.call("repository.open", { repository: trunk });
      await warmUp(server, trunk, options.say);
      const ask = (): Promise<Overlaps> => server.call("overlap.list", { repository: trunk });
      options.say("asking for the first time");
      const first = [await timed(ask)];
      const expected = await imiJson<Overlaps>(where, "conflicts");
      verify(expected.answer, await ask());
      options.say(`${rounds} rounds`);
      const times = await inTurns(rounds, {
        git: () => timed(() => statusInEach(paths, where.env)),
        again: () => timed(ask),
        changed: async () => {
          appendFileSync(path.join(paths[1] ?? trunk, "packages/p0/src0/module-1.ts"), "// Once more.\n");
          await server.call("worktree.list", { repository: trunk });
          await delay(100); // git's index is of another second than what was written
          return timed(ask);
        },
      });
      verify((await imiJson<Overlaps>(where, "conflicts")).answer, await ask());
      const what = `${count} worktrees of ${files.toLocaleString("en")} files, ${expected.answer.overlaps.length} pairs`;
      const common = { baseline: times.git, against: "git status in each" };
      yield lineOf({ what: `imi conflicts --json: ${what}`, ours: [expected.milliseconds], ...common });
      yield lineOf({ what: `in the server, first: ${what}`, ours: first, ...common });
      yield lineOf({ what: `in the server, something happened in one: ${what}`, ours: times.changed, ...common });
      yield lineOf({ what: `in the server, nothing happened: ${what}`, ours: times.again, ...common });
    } finally {
      await server.stop();
    }
  } finally {
    place.remove();
  }
}

async function statusInEach(paths: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  for (const cwd of paths) await git({ cwd, env }, "status", "--porcelain=v2");
}

/** What is remembered has to be what is found afresh. */
function verify(fresh: Overlaps, remembered: Overlaps): void {
  if (JSON.stringify(fresh) !== JSON.stringify(remembered))
    throw new Error("the server remembers other overlaps than there are");
}

if (import.meta.main) await runBenches([overlap], process.argv.slice(2));
