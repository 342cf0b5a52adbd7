import { ImiError } from "../../../../protocol/errors.ts";
import { useCompileCache } from "../compile-cache.ts";
import type { LiveOptions } from "../monitor/main.ts";
import { namesMatching } from "../monitor/name-patterns.ts";
import type { Run } from "./parse.ts";
import { absolutePath, workingDirectory } from "./paths.ts";

/** `imi events --follow`; resolves to the exit code. */
export const follow = async (run: Run, signal: AbortSignal): Promise<number> => {
  const asked = whatToFollow(run);
  const { followEvents } = await theirBundle();
  await followEvents({ ...common(run, signal), ...asked });
  return 0;
};

/** `imi monitor`; resolves to the exit code. */
export const monitor = async (run: Run, signal: AbortSignal): Promise<number> => {
  const { showMonitor } = await theirBundle();
  await showMonitor({ ...common(run, signal), plain: run.local.has("plain") });
  return 0;
};

/** A bundle of its own: it holds what draws on a terminal, and runs for long, with all of Node's own parts. */
const theirBundle = async () => {
  useCompileCache();
  return import("../monitor/main.ts");
};

const common = ({ repository, format, colour }: Run, signal: AbortSignal): LiveOptions => ({
  repository: repository === null ? null : absolutePath(repository),
  cwd: workingDirectory(),
  env: process.env,
  format,
  colour,
  signal,
});

const whatToFollow = (run: Run): { readonly since: number | null; readonly names: readonly string[] } => {
  const { command, params, local, localLists, typed } = run;
  if (!local.has("follow")) throw usage("--name needs --follow.", "Write imi events --follow --name PATTERN.");
  for (const other of ["limit", "newest"]) {
    if (typed.has(other)) throw usage(`--${other} cannot be given with --follow.`, "Leave one of them out.");
  }
  const known = command.options.find(({ param }) => param === "name")?.choices ?? [];
  const names = localLists.get("name") ?? [];
  for (const pattern of names) {
    if (!known.some(namesMatching([pattern]))) {
      throw usage(
        `No event is called ${JSON.stringify(pattern)}.`,
        "`imi events --follow --name <Tab>` offers them all.",
      );
    }
  }
  // The parser made it an integer.
  return { since: typed.has("since") ? (params["since"] as number) : null, names };
};

const usage = (message: string, hint: string): ImiError => new ImiError("usage/invalid", message, { hint });
