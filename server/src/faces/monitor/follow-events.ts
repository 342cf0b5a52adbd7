import type { ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Event } from "../../../../protocol/events.ts";
import { paintFor, wantsColour, type Paint } from "../cli/colour.ts";
import { tell } from "../cli/print.ts";
import { printable, safeJson } from "../cli/text.ts";
import { raiseWhatEnded } from "./ending.ts";
import { followFolder } from "./ground.ts";
import { lineOutput } from "./line-output.ts";
import type { LiveOptions } from "./options.ts";
import { namesMatching } from "./name-patterns.ts";
import { followWatcher } from "./who-watches.ts";
import { sentence, watcherText } from "./words.ts";
import { closeSoon, openWatching } from "./workspace.ts";

export interface FollowOptions extends LiveOptions {
  /** Also what was appended after this one; null: only what comes from now on. */
  readonly since: number | null;
  /** Patterns of names; none: all. */
  readonly names: readonly string[];
}

/**
 * Prints events as they are appended by any process, one line each, until the signal aborts or nobody reads any more. While
 * nobody else watches the repository it stands in, it does.
 */
export const followEvents = async (options: FollowOptions): Promise<void> => {
  const { format, colour, signal } = options;
  const output = lineOutput(process.stdout);
  const wanted = namesMatching(options.names);
  const paint = paintFor(colour === "auto" && wantsColour(process.stdout.isTTY, options.env));
  const lineOf = format === "json" ? safeJson : (event: Event): string => eventLine(event, paint);
  const workspace = await openWatching(options, (message) => tell("warning", message, colour));
  const over = AbortSignal.any([signal, output.gone, workspace.lost]);
  try {
    const stop = await workspace.onEvents(
      (events) => output.write(events.filter(({ name }) => wanted(name)).map(lineOf)),
      options.since ?? undefined,
    );
    // Not waited for: what is in the log is printed while the repository is being looked at.
    const watching = watch(options, workspace, over);
    await aborted(over);
    stop();
    await watching;
  } finally {
    await closeSoon(workspace);
  }
  raiseWhatEnded(options, workspace, output);
};

/** Opens the repository, so that this process watches it when nobody else does; outside of one the log alone is followed. */
const watch = async (
  { colour }: FollowOptions,
  workspace: Awaited<ReturnType<typeof openWatching>>,
  signal: AbortSignal,
): Promise<void> => {
  try {
    const opened = await workspace.call("repository.open", {}, { signal, progress: () => undefined });
    // An operation answers with its own result.
    const { repository } = opened as ResultOf<"repository.open">;
    followWatcher(workspace, repository.id, (watcher) => tell("note", sentence(watcherText(watcher)), colour));
    void followFolder(repository, signal, (now, words) => tell(now === "gone" ? "warning" : "note", words, colour));
  } catch (error) {
    if (signal.aborted) return;
    const { code, message } = ImiError.from(error);
    if (code === "repository/not-found") tell("note", "Not in a repository: no files are watched from here.", colour);
    else tell("warning", `No files are watched from here: ${message}`, colour);
  }
};

/** As `imi events` prints it; columns cannot be as wide as what is still to come. */
const eventLine = ({ seq, at, name, subject, data }: Event, paint: Paint): string =>
  [
    String(seq),
    paint.faint(at),
    paint.name(printable(name).padEnd(18)),
    printable(subject),
    paint.faint(printable(safeJson(data))),
  ].join("  ");

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
