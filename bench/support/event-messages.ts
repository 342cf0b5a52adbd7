/*
 * What events.ts and its two processes tell each other over ipc. Stamps are nanoseconds of the monotonic clock, as
 * text: it is the same clock in all processes of a machine.
 */

export interface WriterOrder {
  /** How many events, each with a plain write beside it. */
  readonly events: number;
  /** Events without a pause between them, ten at a time. */
  readonly bursts: number;
}

export type EventKind = "single" | "burst";

/** What the writer puts into an event's data. */
export interface EventStamp {
  readonly kind: EventKind;
  readonly before: string;
}

export interface Arrivals {
  /** Milliseconds from before the append to the arrival, the commit included. */
  readonly events: Readonly<Record<EventKind, readonly number[]>>;
  /** The same for a stamp written to a plain file and seen by fs.watch. */
  readonly files: readonly number[];
}

export const now = (): string => process.hrtime.bigint().toString();

export const millisecondsSince = (stamp: string): number => Number(process.hrtime.bigint() - BigInt(stamp)) / 1e6;
