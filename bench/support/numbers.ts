/** Nearest rank: the smallest value that at least `part` (0 to 1) of the values do not exceed. NaN without values. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export type Sides<Name extends string> = Readonly<Record<Name, (round: number) => Promise<number>>>;

/**
 * Measures several ways of doing one thing in turns, so that a slow minute of the machine slows all of them. Each side
 * answers its own milliseconds, so that it can prepare and clean up untimed. Every second round runs backwards: none is
 * always the one after the same other. Round -1 warms up and does not count.
 */
export async function inTurns<Name extends string>(
  rounds: number,
  sides: Sides<Name>,
): Promise<Readonly<Record<Name, number[]>>> {
  const names = Object.keys(sides) as Name[]; // the keys of a record by Name are Names
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const milliseconds = await sides[name](round);
      if (round >= 0) values[name].push(milliseconds);
    }
  }
  return values;
}
