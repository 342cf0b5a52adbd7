// Shows iMi in a real VS Code. `npm start -- --help` explains the options.
import { once } from "node:events";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildDist } from "./build.ts";
import { hostTarget } from "./build/targets.ts";
import { packageVsix } from "./package.ts";
import { cacheFolder, root } from "./paths.ts";
import { run } from "./run.ts";
import { sampleEnvironment, sampleProject } from "./sample-project.ts";
import { openInDesktop } from "./vscode/desktop.ts";
import { installVscodeServer } from "./vscode/install.ts";
import { installExtension, startVscodeServer } from "./vscode/server.ts";
import { writeMachineSettings } from "./vscode/settings.ts";

const help = `npm start [-- [options] [folder]]
Opens a folder (by default a sample project) in a VS Code with iMi in it. Ctrl+C ends it.

  --no-open        only print the address
  --port NUMBER    the port on 127.0.0.1 (default: a free one)
  --desktop        use the VS Code on this machine (\`code\` must be on PATH) instead of one in the browser
  --help           print this

The first start installs VS Code's server from npm into .cache/ (760 MB); IMI_VSCODE_SERVER_DIR names another place.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "no-open": { type: "boolean", default: false },
      port: { type: "string", default: "0" },
      desktop: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const [named] = positionals;
  if (named !== undefined && !statSync(named, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${named} is not a folder`);
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${values.port} is not a port`);

  if (values.desktop) await startDesktop(named);
  else await startInBrowser(named, port, values["no-open"] ? "print" : "open");
}

async function startInBrowser(named: string | undefined, port: number, then: "print" | "open"): Promise<void> {
  const vsix = await packageVsix(hostTarget());
  const folder = named === undefined ? await sampleProject() : path.resolve(named);
  const serverMain = await installVscodeServer(console.log);
  const dataFolder = path.join(cacheFolder, "vscode-data");
  await mkdir(dataFolder, { recursive: true });
  await writeMachineSettings(dataFolder);
  await installExtension({ serverMain, dataFolder }, vsix);

  const env = named === undefined ? sampleEnvironment() : process.env;
  const server = await startVscodeServer({ serverMain, dataFolder, port, env, args: ["--disable-workspace-trust"] });
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), once(process, "SIGHUP")]);
  // Asked for twice when a terminal's Ctrl+C also comes through npm; once is enough.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  const address = server.address(folder);
  console.log(`\n${address}\n`);
  console.log("Ctrl+C ends it.");
  if (then === "open") openInDesktop(address);

  const how = await Promise.race([stopped.then(() => "stopped"), server.ended.then(() => "ended")]);
  if (how === "ended") throw new Error(`VS Code's server ended by itself\n${server.output()}`);
  await server.stop();
}

async function startDesktop(named: string | undefined): Promise<void> {
  await buildDist({ target: hostTarget(), missing: "strict", sourcemap: "linked" });
  const folder = named === undefined ? await sampleProject() : path.resolve(named);
  const { code } = await run("code", [`--extensionDevelopmentPath=${root}`, "--new-window", folder], {
    output: "show",
    env: named === undefined ? sampleEnvironment() : process.env,
  }).catch(() => {
    throw new Error("`code` is not on PATH; leave --desktop away to use a VS Code in the browser");
  });
  process.exitCode = code;
}

await main().catch((error: unknown) => {
  console.error(`start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
