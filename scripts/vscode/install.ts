import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../paths.ts";
import { runOrThrow } from "../run.ts";

/** The npm package that carries VS Code's server and web workbench; 4.139.1 is VS Code 1.139.1. */
export const serverVersion = "4.139.1";

const serverMain = path.join("node_modules", "code-server", "lib", "vscode", "out", "server-main.js");

/**
 * Returns the path of VS Code's server-main.js, installing it from npm into the cache the first time (760 MB, about
 * 20 s). An installation appears under its final name only when it is complete, so a killed one is simply made again.
 * IMI_VSCODE_SERVER_DIR names another cache folder.
 */
export async function installVscodeServer(say: (line: string) => void): Promise<string> {
  const folder = path.resolve(process.env["IMI_VSCODE_SERVER_DIR"] ?? path.join(cacheFolder, "vscode-server"));
  const final = path.join(folder, serverVersion);
  if (existsSync(path.join(final, serverMain))) return path.join(final, serverMain);

  say(`installing VS Code's server (code-server ${serverVersion} from npm, 760 MB) into ${folder}`);
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const partial = path.join(folder, `partial-${process.pid}`);
  try {
    await mkdir(partial);
    // A package of its own, or npm would climb up and install into this repository.
    await writeFile(path.join(partial, "package.json"), '{ "private": true }\n');
    await npmInstall(partial, [`code-server@${serverVersion}`]);
    await npmInstall(path.join(partial, "node_modules", "code-server", "lib", "vscode"), ["--omit=dev"]);
    await rename(partial, final).catch((error: unknown) => {
      // Another process was faster; its installation is as good as ours.
      if (!existsSync(path.join(final, serverMain))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return path.join(final, serverMain);
}

async function npmInstall(cwd: string, args: readonly string[]): Promise<void> {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  // What `npm run` puts into the environment describes this repository and would steer the inner npm.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|config_(?:local_)?prefix)/u.test(name)),
  );
  // Without install scripts nothing has to be compiled; what the server needs comes prebuilt.
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await runOrThrow(npm, ["install", ...quiet, ...args], { cwd, env });
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^partial-(\d+)$/u.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
