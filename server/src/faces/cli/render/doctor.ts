import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Check } from "../../../../../protocol/doctor.ts";
import type { Rendered, View } from "../output.ts";
import { printable, width } from "../text.ts";

export const renderDoctor = ({ checks }: ResultOf<"doctor.run">, { paint }: View): Rendered => {
  const column = Math.max(0, ...checks.map(({ name }) => width(printable(name))));
  const lines = checks.flatMap(({ name, result, detail, hint }) => {
    const shown = printable(name);
    const gap = " ".repeat(column - width(shown));
    const line = `${markOf(result, paint)} ${shown}${gap}  ${printable(detail)}`.trimEnd();
    return hint === null || result === "ok"
      ? [line]
      : [line, `${" ".repeat(column + 4)}${paint.faint(printable(hint))}`];
  });
  return { lines, exitCode: checks.some(({ result }) => result === "failure") ? 1 : 0 };
};

const markOf = (result: Check["result"], paint: View["paint"]): string => {
  switch (result) {
    case "ok":
      return paint.good("✓");
    case "warning":
      return paint.warning("!");
    case "failure":
      return paint.bad("✗");
  }
};
