// How long the command line takes from nothing: a process, the bundle, the registry, an answer.
import { inRoot } from "../scripts/paths.ts";
import type { Bench } from "./support/bench.ts";
import { lineOf } from "./support/line.ts";
import { runBenches } from "./support/main.ts";
import { inTurns } from "./support/numbers.ts";
import { makePlace } from "./support/place.ts";
import { built, imi, measured } from "./support/programs.ts";
import { makeRepository } from "./support/repository.ts";

const goal = { of: "ratio", most: 2.5 } as const;
const against = "node -e 0";

export const coldStart: Bench = {
  name: "cold-start",
  summary: "`imi list --json` from nothing, to a Node that does nothing",
  async *measure(options) {
    const place = makePlace(options.dir);
    try {
      const { trunk } = await makeRepository(place, {
        name: "small",
        files: options.files?.[0] ?? 200,
        remote: "none",
      });
      const where = { cwd: trunk, env: place.envWithRegistry("cold-start") };
      // The trunk and two more; the first call of all also meets the repository, so it is not counted.
      for (const name of ["one", "two"]) await imi(where, "feat", name);
      const cli = built("cli.cjs");
      const time = async (program: string, ...args: string[]): Promise<number> =>
        (await measured(program, args, where)).milliseconds;

      const times = await inTurns(options.rounds ?? 30, {
        node: () => time(process.execPath, "-e", "0"),
        list: () => time(process.execPath, cli, "list", "--json"),
        plain: () => time(process.execPath, cli, "list", "--json", "--no-status"),
        help: () => time(process.execPath, cli, "--help"),
        launcher: () => time(inRoot("bin", "imi"), "list", "--json", "--no-status"),
      });
      const line = (what: string, ours: readonly number[]) =>
        lineOf({ what, ours, baseline: times.node, against, goal });
      yield line("imi list --json, 3 worktrees", times.list);
      yield line("imi list --json --no-status", times.plain);
      yield line("imi --help (registry not opened)", times.help);
      yield line("bin/imi list --json --no-status", times.launcher);
    } finally {
      place.remove();
    }
  },
};

if (import.meta.main) await runBenches([coldStart], process.argv.slice(2));
