import { ImiError } from "../../../../protocol/errors.ts";
import type { Workspace } from "../../workspace.ts";
import { readerLeft, type LineOutput } from "./line-output.ts";
import type { LiveOptions } from "./options.ts";

/** Raises what ended it, unless the user did, or the reader by leaving. */
export const raiseWhatEnded = (
  { signal }: Pick<LiveOptions, "signal">,
  { lost }: Pick<Workspace, "lost">,
  output: Pick<LineOutput, "gone"> | null,
): void => {
  if (signal.aborted) return;
  // Not gone on with whatever lies there next: its events are counted anew, and a program reading these would not know.
  if (lost.aborted) throw ImiError.from(lost.reason);
  if (output?.gone.aborted === true && !readerLeft(output.gone.reason)) throw ImiError.from(output.gone.reason);
};
