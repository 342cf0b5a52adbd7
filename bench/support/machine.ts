import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import os from "node:os";

/** What a reader needs to compare numbers with theirs; nothing that names the machine or its owner. */
export interface Machine {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly git: string;
  /** Whether the files lay in memory or on a disk. */
  readonly storage: "memory" | "disk" | "unknown";
  /** Processes that wanted a core just before: near or above `cores`, the numbers are of a busy machine. */
  readonly load: number;
}

export function machineFacts(dir: string): Machine {
  return {
    platform: `${process.platform}-${process.arch}`,
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    git: execFileSync("git", ["--version"], { encoding: "utf8" })
      .trim()
      .replace(/^git version /u, ""),
    storage: storageOf(dir),
    load: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** Magic numbers of statfs(2) on Linux: tmpfs, ramfs. */
const inMemory = new Set([0x0102_1994, 0x8584_58f6]);

function storageOf(dir: string): Machine["storage"] {
  if (process.platform !== "linux") return "unknown";
  return inMemory.has(statfsSync(dir).type) ? "memory" : "disk";
}

export function machineLine(machine: Machine): string {
  const { platform, cpu, cores, memoryGb, node, git, storage, load } = machine;
  return `${platform}, ${cores} cores (${cpu}), ${memoryGb} GB, node ${node}, git ${git}, files in ${storage}, load ${load}`;
}
