import { setTimeout as delay } from "node:timers/promises";
import type { ResultOf } from "../../../../protocol/contract.ts";
import type { Event } from "../../../../protocol/events.ts";
import { paintFor, wantsColour, type Paint } from "../cli/colour.ts";
import { tell } from "../cli/print.ts";
import { printable, safeJson } from "../cli/text.ts";
import { happeningOf, type Sign } from "./happenings.ts";
import { raiseWhatEnded } from "./ending.ts";
import { followFolder } from "./ground.ts";
import { lineOutput } from "./line-output.ts";
import type { LiveOptions } from "./options.ts";
import { followWatcher } from "./who-watches.ts";
import { sentence, watcherText } from "./words.ts";
import { closeSoon, openWatching } from "./workspace.ts";

export interface MonitorOptions extends LiveOptions {
  /** Lines, also on a terminal. */
  readonly plain: boolean;
}

/**
 * Shows what happens in the worktrees of a repository until the user leaves, the signal aborts or nobody reads any more: as a
 * screen where there is a terminal that can have one, else as lines.
 */
export const showMonitor = async (options: MonitorOptions): Promise<void> => {
  if (!wantsScreen(options)) return showLines(options);
  const { showScreen } = await import("./screen.ts");
  await showScreen(options);
};

/** A screen needs keys and a terminal that can move its cursor; in CI a terminal is only a log. */
const wantsScreen = ({ plain, format, env }: MonitorOptions): boolean => {
  const ci = env["CI"] ?? "";
  return (
    !plain &&
    format === "human" &&
    process.stdout.isTTY &&
    process.stdin.isTTY &&
    env["TERM"] !== "dumb" &&
    (ci === "" || ci === "0" || ci === "false")
  );
};

/** One line for each thing that happens in this repository; with `json` the events themselves. */
const showLines = async (options: MonitorOptions): Promise<void> => {
  const { format, colour, signal } = options;
  const output = lineOutput(process.stdout);
  const paint = paintFor(colour === "auto" && wantsColour(process.stdout.isTTY, options.env));
  const workspace = await openWatching(options, (message) => tell("warning", message, colour));
  const over = AbortSignal.any([signal, output.gone, workspace.lost]);
  try {
    const given = options.repository === null ? {} : { repository: options.repository };
    const context = { signal: over, progress: () => undefined };
    // An operation answers with its own result.
    const opened = (await workspace.call("repository.open", given, context)) as ResultOf<"repository.open">;
    const { id } = opened.repository;
    const lineOf = format === "json" ? safeJson : (event: Event): string | null => happeningText(event, paint);
    const stop = await workspace.onEvents((events) =>
      output.write(
        events
          .filter(({ repository }) => repository === id)
          .map(lineOf)
          .filter((line) => line !== null),
      ),
    );
    followWatcher(workspace, id, (watcher) => tell("note", sentence(watcherText(watcher)), colour));
    void followFolder(opened.repository, over, (now, words) =>
      tell(now === "gone" ? "warning" : "note", words, colour),
    );
    await delay(longest, undefined, { signal: over }).catch(() => undefined);
    stop();
  } catch (error) {
    if (!over.aborted) throw error;
  } finally {
    await closeSoon(workspace);
  }
  raiseWhatEnded(options, workspace, output);
};

/** As long as a timer can be; it keeps the process alive until it is aborted. */
const longest = 2 ** 31 - 1;

/** `11:20:03  feat-api  src/api.ts  claude-1`; null where it tells people nothing. */
const happeningText = (event: Event, paint: Paint): string | null => {
  const happening = happeningOf(event);
  if (happening === null) return null;
  const { at, worktree, agent, sign, text } = happening;
  const parts = [
    paint.faint(timeOf(new Date(at))),
    paint.name(printable(worktree ?? "")),
    sign === "conflict" ? paint.bad("same file") : (verbs[sign] ?? ""),
    printable(text),
    sign === "claim" ? "" : paint.faint(printable(agent ?? "")),
  ];
  return parts.filter((part) => part !== "").join("  ");
};

const verbs: Partial<Record<Sign, string>> = {
  added: "added",
  modified: "changed",
  deleted: "deleted",
  commit: "commit",
};

/** On the clock of the wall here. */
const timeOf = (time: Date): string =>
  [time.getHours(), time.getMinutes(), time.getSeconds()].map((each) => String(each).padStart(2, "0")).join(":");
