// Makes dist-vsix/iMi-<version>-<platform>.vsix from a strict build. `npm run package -- --help` explains the options.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { buildDist } from "./build.ts";
import { placeNatives } from "./build/native.ts";
import { type Target, hostTarget, isTarget, targets } from "./build/targets.ts";
import { filesInVsix } from "./build/vsix-files.ts";
import { inRoot } from "./paths.ts";
import { runTool } from "./run.ts";

const help = `npm run package [-- options]
  --target NAME    pack for another platform: ${Object.keys(targets).join(", ")}
  --all            pack for every platform`;

/** The native modules a package must contain, each exactly once. */
const nativeModules = ["better-sqlite3"];

/** Packs dist/ for one platform; returns the path of the VSIX. Throws when its contents are not what they must be. */
export async function packageVsix(target: Target): Promise<string> {
  await buildDist({ target, missing: "strict", sourcemap: "none" });
  const { version }: { version: string } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const vsix = inRoot("dist-vsix", `iMi-${version}-${target}.vsix`);
  const partial = `${vsix}.${process.pid}.tmp`;
  await mkdir(inRoot("dist-vsix"), { recursive: true });
  try {
    const { code, output } = await runTool("@vscode/vsce/vsce", [
      "package",
      ...["--no-dependencies", "--target", target, "--out", partial],
      // What is not there yet must not stop a development build; publishing checks it again.
      // Relative links of the README stay relative: its images are in the package.
      "--no-rewrite-relative-links",
      ...["--allow-missing-repository", ...(existsSync(inRoot("LICENSE")) ? [] : ["--skip-license"])],
    ]);
    if (code !== 0) throw new Error(`vsce package failed\n${output}`);
    assertContents(await filesInVsix(partial));
    await rename(partial, vsix);
  } finally {
    await rm(partial, { force: true });
    // dist/ is also what this machine runs from.
    if (target !== hostTarget()) placeNatives(hostTarget());
  }
  return vsix;
}

function assertContents(files: readonly string[]): void {
  const natives = files.filter((file) => file.endsWith(".node"));
  for (const name of nativeModules) {
    const found = natives.filter((file) => file.endsWith(`/${name}.node`));
    if (found.length !== 1) throw new Error(`the VSIX has ${found.length} native modules of ${name}, must have one`);
  }
  if (natives.length !== nativeModules.length) throw new Error(`unexpected native modules: ${natives.join(", ")}`);
  for (const file of [
    "dist/extension.cjs",
    "dist/server.cjs",
    "dist/cli.cjs",
    "dist/mcp.cjs",
    "dist/monitor.cjs",
    "bin/imi",
    "package.json",
  ]) {
    if (!files.includes(`extension/${file}`)) throw new Error(`the VSIX lacks ${file}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: "string" },
      all: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const names = values.all ? Object.keys(targets) : [values.target ?? hostTarget()];
  for (const name of names) {
    if (!isTarget(name)) throw new Error(`unknown target ${name}`);
    console.log(await packageVsix(name));
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(`package: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
