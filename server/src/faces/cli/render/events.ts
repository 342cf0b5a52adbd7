import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, safeJson, table } from "../text.ts";

/** One line each, oldest first; the number in front is what `--since` takes. */
export const renderEvents = ({ events }: ResultOf<"event.list">, { paint }: View): Rendered => ({
  lines: table(
    events.map((event) => [
      { text: String(event.seq) },
      { text: event.at, paint: paint.faint },
      { text: printable(event.name), paint: paint.name },
      { text: printable(event.subject) },
      { text: printable(safeJson(event.data)), paint: paint.faint },
    ]),
  ),
});
