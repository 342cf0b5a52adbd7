import type { Goal, Line, Unit } from "./line.ts";
import { verdictOn } from "./line.ts";
import type { Machine } from "./machine.ts";

export interface Measured {
  readonly name: string;
  readonly lines: readonly Line[];
}

/** The lines of one bench as a table for people. */
export function table(lines: readonly Line[]): string {
  const header = ["", "ours", "baseline", "ratio", "goal", "", "runs"];
  const rows = lines.map((line) => [
    line.what,
    withSpread(line.ours, line.unit),
    line.baseline === null
      ? ""
      : `${withSpread(line.baseline, line.unit)}${line.against === null ? "" : `  ${line.against}`}`,
    ratioOf(line),
    line.goal === null ? "" : goalText(line.goal, line.unit),
    metText(line),
    String(line.runs),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The same for programs. */
export function json(machine: Machine, measured: readonly Measured[]): string {
  const benches = measured.map(({ name, lines }) => ({
    name,
    lines: lines.map((line) => ({ ...line, ...verdictOn(line) })),
  }));
  return JSON.stringify({ machine, benches }, undefined, 2);
}

function withSpread(shown: Line["ours"], unit: Unit): string {
  return `${digits(shown.value)} ${unit} (${digits(shown.from)}–${digits(shown.to)})`;
}

/** Three digits that mean something, whatever the size. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function ratioOf(line: Line): string {
  const { ratio } = verdictOn(line);
  if (ratio === null) return "";
  return line.goal?.of === "speedup" ? `${(1 / ratio).toFixed(1)} × faster` : `${ratio.toFixed(2)} ×`;
}

function goalText(goal: Goal, unit: Unit): string {
  switch (goal.of) {
    case "ratio":
      return `≤ ${goal.most} ×`;
    case "value":
      return `≤ ${goal.most} ${unit}`;
    case "speedup":
      return `≥ ${goal.least} × faster`;
  }
}

function metText(line: Line): string {
  const { met } = verdictOn(line);
  return met === null ? "" : met ? "met" : "missed";
}
