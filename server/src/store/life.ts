import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { mayExist } from "../process/may-exist.ts";

/** What tells one process of this host from every other, before and after it: pids come again, start times do not. */
export interface Life {
  readonly pid: number;
  /** When the process started, as the system puts it; null where it does not tell. */
  readonly processStart: string | null;
  /** Pids mean something within their namespace only (containers); null where there are none. */
  readonly pidNamespace: string | null;
  /** "" where the system has none. */
  readonly bootId: string;
  readonly host: string;
}

/** Milliseconds since boot: does not jump when the clock is set, and is the same for all processes. */
export const bootClock = (): number => Math.round(uptime() * 1000);

let own: Promise<Life> | undefined;

export const ownLife = (): Promise<Life> => {
  own ??= (async () => ({
    pid: process.pid,
    processStart: (await startOf(process.pid)) ?? null,
    pidNamespace: namespace(),
    bootId: await bootId(),
    host: hostname(),
  }))();
  return own;
};

const namespace = (): string | null => {
  if (process.platform !== "linux") return null;
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
};

const bootId = async (): Promise<string> => {
  if (process.platform === "linux") return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  if (process.platform === "darwin") return (await output("sysctl", ["-n", "kern.bootsessionuuid"])) ?? "";
  return "";
};

/** A process of this host that runs, as it can be told from every other; null when there is none with this pid. */
export const lifeOf = async (pid: number): Promise<Life | null> => {
  if (!mayExist(pid)) return null;
  const start = await startOf(pid);
  return start === "dead" ? null : { ...(await ownLife()), pid, processStart: start ?? null };
};

/** True only with proof; whatever is not certain is alive. `heartbeatAt` is on the boot clock. */
export const isDead = async (life: Life, heartbeatAt: number): Promise<boolean> => {
  const me = await ownLife();
  if (life.bootId !== me.bootId) return life.bootId !== "" && me.bootId !== "";
  // Where there is no boot id: a heartbeat later than now was before a reboot.
  if (me.bootId === "" && heartbeatAt > bootClock() + 60_000) return true;
  if (life.pidNamespace !== me.pidNamespace) return false;
  if (!mayExist(life.pid)) return true;
  if (life.processStart === null) return false;
  const start = await startOf(life.pid);
  return start !== undefined && start !== life.processStart;
};

/** "dead" for a process that has ended and waits for its parent (its files are closed); undefined when it cannot be known. */
const startOf = async (pid: number): Promise<string | undefined> => {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      // The second field is the program's name in parentheses and may hold anything; the third is the state, the 22nd the start.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? "dead" : fields[19];
    } catch {
      return undefined;
    }
  }
  if (process.platform === "win32") return undefined;
  return output("ps", ["-o", "lstart=", "-p", String(pid)]);
};

const output = async (program: string, argv: readonly string[]): Promise<string | undefined> => {
  // Loaded here, because Linux never needs them.
  const [{ execFile }, { promisify }] = await Promise.all([import("node:child_process"), import("node:util")]);
  try {
    const { stdout } = await promisify(execFile)(program, argv, {
      timeout: 2000,
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
};
