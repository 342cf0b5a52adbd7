import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../bin/imi", import.meta.url));

/** `imi sync`, waited for. */
export const syncNow = (cwd: string, env: NodeJS.ProcessEnv): void => {
  execFileSync(program, ["sync", "--json"], { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
};

/** A file that is a hole but for its two ends, so that its size costs no disk. */
export const holeAt = (path: string, size: number): void => {
  const file = openSync(path, "w");
  try {
    ftruncateSync(file, size);
    writeSync(file, "start\n", 0);
    writeSync(file, "end\n", size - 4);
  } finally {
    closeSync(file);
  }
};

/** A socket that nobody listens on any more: its process was killed. The name alone, because such paths must be short. */
export const socketAt = (path: string): void => {
  const script = `require("net").createServer().listen(${JSON.stringify(basename(path))}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script], { cwd: dirname(path) });
  if (!existsSync(path)) throw new Error(`no socket at ${path}`);
};

export const fifoAt = (path: string): void => {
  execFileSync("mkfifo", ["--", path]);
};
