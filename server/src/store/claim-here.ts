import { readFileSync } from "node:fs";
import { bootClock, isDead, lifeOf, ownLife } from "./life.ts";
import type { Life } from "./life.ts";

/** Where and when this process is, and what it can tell of others. Tests put another clock in its place. */
export interface Here {
  readonly life: () => Promise<Life>;
  /** Identifies the machine across reboots; "" where it does not say. */
  readonly machine: () => string;
  /** Milliseconds since boot. Leases are measured on it: it does not jump when the clock is set, and counts while suspended. */
  readonly boot: () => number;
  /** Milliseconds of the clock on the wall; for people to read, never to decide by. */
  readonly wall: () => number;
  readonly lifeOf: (pid: number) => Promise<Life | null>;
  readonly isDead: (life: Life, heartbeatAt: number) => Promise<boolean>;
}

let known: string | undefined;

const machine = (): string => {
  known ??= readMachine();
  return known;
};

const readMachine = (): string => {
  if (process.platform !== "linux") return "";
  try {
    return readFileSync("/etc/machine-id", "latin1").trim();
  } catch {
    return "";
  }
};

export const realHere: Here = { life: ownLife, machine, boot: bootClock, wall: Date.now, lifeOf, isDead };
