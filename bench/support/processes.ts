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

/** Empty when the process ended meanwhile or is somebody else's. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
