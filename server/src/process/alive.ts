import { readFile, readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../errno.ts";
import { run } from "./run.ts";

const linux = process.platform === "linux";
const windows = process.platform === "win32";

interface ProcessFacts {
  readonly state: string;
  readonly group: number;
  /** Clock ticks since boot: with the pid it names a process once per boot. */
  readonly startTime: string;
}

/** /proc/PID/stat; the program's name in it may hold spaces and parentheses, so fields count from the last `)`. */
const factsOf = async (pid: number): Promise<ProcessFacts | null> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", group: Number(fields[2]), startTime: fields[19] ?? "" };
  } catch {
    return null;
  }
};

const isDead = (facts: ProcessFacts | null): boolean => facts === null || facts.state === "Z" || facts.state === "X";

/** When a live process started, as a text to compare and nothing else; null when there is no such process. */
export const startTimeOf = async (pid: number): Promise<string | null> => {
  if (linux) {
    const facts = await factsOf(pid);
    return facts === null || isDead(facts) ? null : facts.startTime;
  }
  if (windows) return (await list()).find((entry) => entry.pid === pid)?.startTime ?? null;
  const answer = await ask("ps", ["-o", "lstart=", "-p", String(pid)]);
  return answer === "" ? null : answer;
};

/** Whether the process that started at `startTime` (null: unknown) still runs; a later one with its pid does not count. */
export const isAlive = async (pid: number, startTime: string | null): Promise<boolean> => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (linux || startTime !== null) {
    const now = await startTimeOf(pid);
    return now !== null && (startTime === null || now === startTime);
  }
  return signal(pid, 0);
};

export interface SearchOptions {
  /** Other arguments it must have too, so that an editor opened on the same path is not taken for git. */
  readonly alongside?: readonly string[];
}

/** Pids of live processes, except this one, that have exactly this text among their arguments. */
export const processesWith = async (text: string, options: SearchOptions = {}): Promise<number[]> => {
  const wanted = [text, ...(options.alongside ?? [])];
  if (!linux) {
    // Elsewhere the system shows one line: an argument is found where spaces, quotes or the ends bound it.
    const entries = await list();
    return entries
      .filter((entry) => entry.pid !== process.pid && wanted.every((argument) => bounded(entry.command, argument)))
      .map((entry) => entry.pid);
  }
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return null;
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const argv = command.split("\0");
      return wanted.every((argument) => argv.includes(argument)) && !isDead(await factsOf(pid)) ? pid : null;
    }),
  );
  return found.filter((pid) => pid !== null);
};

export interface EndOptions {
  /** When it must have started; one that started at another time has only its number in common and is left alone. */
  readonly startTime?: string | null;
  /** Milliseconds between asking it to end and killing it. Default 2 000. */
  readonly graceMs?: number;
}

/**
 * Ends a process, and its group when it leads one (as everything that `run` starts does): asked first, then killed.
 * True when it is gone afterwards, which includes that it was gone before.
 */
export const endProcess = async (pid: number, options: EndOptions = {}): Promise<boolean> => {
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  const startTime = await startTimeOf(pid);
  if (startTime === null || (typeof options.startTime === "string" && options.startTime !== startTime)) return true;
  if (windows) {
    await ask("taskkill", ["/pid", String(pid), "/T", "/F"]);
    return gone(pid, startTime, 2_000);
  }
  const target = (await leadsItsGroup(pid)) ? -pid : pid;
  signal(target, "SIGTERM");
  if (await gone(pid, startTime, options.graceMs ?? 2_000)) {
    if (target < 0) signal(target, "SIGKILL");
    return true;
  }
  signal(target, "SIGKILL");
  return gone(pid, startTime, 2_000);
};

const leadsItsGroup = async (pid: number): Promise<boolean> => {
  const group = linux ? (await factsOf(pid))?.group : Number(await ask("ps", ["-o", "pgid=", "-p", String(pid)]));
  return group === pid;
};

const gone = async (pid: number, startTime: string, withinMs: number): Promise<boolean> => {
  const deadline = performance.now() + withinMs;
  for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
    if (!(await isAlive(pid, startTime))) return true;
    if (performance.now() >= deadline) return false;
    await delay(wait);
  }
};

const signal = (pid: number, what: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(pid, what);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM"; // there, but not ours
  }
};

interface Listed {
  readonly pid: number;
  readonly startTime: string;
  readonly command: string;
}

const list = async (): Promise<Listed[]> => {
  if (!windows) {
    // lstart is five words: "Fri Nov 21 02:44:01 2026".
    const lines = (await ask("ps", ["-axww", "-o", "pid=,lstart=,command="])).split("\n");
    return lines.flatMap((line) => {
      const [, pid, startTime, command] = /^\s*(\d+)\s+((?:\S+\s+){4}\S+)\s(.*)$/.exec(line) ?? [];
      return pid === undefined || startTime === undefined || command === undefined
        ? []
        : [{ pid: Number(pid), startTime, command }];
    });
  }
  const script =
    "Get-CimInstance Win32_Process | ForEach-Object { '{0}|{1}|{2}' -f $_.ProcessId, $_.CreationDate.Ticks, $_.CommandLine }";
  const lines = (await ask("powershell", ["-NoProfile", "-NonInteractive", "-Command", script])).split(/\r?\n/);
  return lines.flatMap((line) => {
    const [, pid, startTime, command] = /^(\d+)\|(\d*)\|(.*)$/.exec(line) ?? [];
    return pid === undefined || startTime === undefined || command === undefined
      ? []
      : [{ pid: Number(pid), startTime, command }];
  });
};

const bounded = (command: string, argument: string): boolean => {
  for (let at = command.indexOf(argument); at !== -1; at = command.indexOf(argument, at + 1)) {
    const before = command[at - 1] ?? " ";
    const after = command[at + argument.length] ?? " ";
    if (/[\s"]/.test(before) && /[\s"]/.test(after)) return true;
  }
  return false;
};

const ask = async (file: string, args: readonly string[]): Promise<string> => {
  try {
    return (
      await run(file, args, { cwd: process.cwd(), env: { ...process.env, LC_ALL: "C" }, timeoutMs: 10_000 })
    ).stdout.trim();
  } catch {
    return "";
  }
};
