import { spawn } from "node:child_process";

/** Runs a program on this terminal until it ends; its exit code, or a signal's name. Rejects when it cannot start. */
export const runProgram = (
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  stdout: "terminal" | "stderr",
): Promise<number | NodeJS.Signals> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    // Inside VS Code `imi` runs on Electron as Node; what it starts must not.
    const { ELECTRON_RUN_AS_NODE: _, ...clean } = env;
    const child = spawn(program, args, {
      env: clean,
      stdio: ["inherit", stdout === "stderr" ? 2 : "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      resolve(code ?? signal ?? 1);
    });
  });
