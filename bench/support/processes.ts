import { readFileSync, readdirSync } from "node:fs";

/**
 * Pids of processes whose command line holds `argument` and whose environment sets this variable so. Linux only; [] in
 * other places.
 */
export function processesLike(argument: string, name: string, value: string): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/u.test(entry))
    .map(Number)
    .filter(
      (pid) => read(pid, "cmdline").includes(argument) && read(pid, "environ").split("\0").includes(`${name}=${value}`),
    );
}

/** Memory of a process in MB that is really in RAM, shared libraries and the program itself included. */
export function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/mu.exec(read(pid, "status"))?.[1];
  return Number(kilobytes ?? Number.NaN) / 1024;
}

/** Time that a process and those it started, which have ended, have computed so far, in ms. */
export function computedMs(pid: number): number {
  const stat = read(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime, cstime of proc(5), in ticks of 10 ms.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

/** Empty when the process ended meanwhile or is somebody else's. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
