import { median, percentile } from "./numbers.ts";

/**
 * What a line is held against. `ratio`: ours is at most this many times the baseline. `speedup`: at least this many
 * times faster than it. `value`: ours itself is at most this much.
 */
export type Goal =
  | { readonly of: "ratio" | "value"; readonly most: number }
  | { readonly of: "speedup"; readonly least: number };

export type Unit = "ms" | "MB" | "watches" | "processes" | "per minute" | "% of a core";

export interface Figure {
  readonly value: number;
  /** 10th and 90th percentile of the runs: how noisy the machine was. */
  readonly from: number;
  readonly to: number;
}

/** One line of the report. */
export interface Line {
  readonly what: string;
  readonly unit: Unit;
  readonly runs: number;
  readonly ours: Figure;
  readonly baseline: Figure | null;
  /** What the baseline is, for who reads the table. */
  readonly against: string | null;
  readonly goal: Goal | null;
}

export interface Verdict {
  /** ours / baseline. */
  readonly ratio: number | null;
  /** Null where there is no goal. */
  readonly met: boolean | null;
}

export function figure(values: readonly number[], middle: number = median(values)): Figure {
  return { value: middle, from: percentile(values, 0.1), to: percentile(values, 0.9) };
}

/** A line of medians from the runs of both sides. */
export function lineOf(line: {
  readonly what: string;
  readonly ours: readonly number[];
  readonly baseline?: readonly number[];
  readonly against?: string;
  readonly goal?: Goal;
  readonly unit?: Unit;
}): Line {
  return {
    what: line.what,
    unit: line.unit ?? "ms",
    runs: line.ours.length,
    ours: figure(line.ours),
    baseline: line.baseline === undefined ? null : figure(line.baseline),
    against: line.against ?? null,
    goal: line.goal ?? null,
  };
}

export function verdictOn({ ours, baseline, goal }: Line): Verdict {
  const ratio = baseline === null ? null : ours.value / baseline.value;
  if (goal === null) return { ratio, met: null };
  switch (goal.of) {
    case "value":
      return { ratio, met: ours.value <= goal.most };
    case "ratio":
      return { ratio, met: ratio === null ? null : ratio <= goal.most };
    case "speedup":
      return { ratio, met: ratio === null ? null : 1 / ratio >= goal.least };
  }
}
