// Makes dist/ from the sources. `npm run build -- --help` explains the options.
import { parseArgs } from "node:util";
import { bundleAll, watchAll } from "./build/bundles.ts";
import { placeNatives } from "./build/native.ts";
import { placeFile } from "./build/place-file.ts";
import { type Target, hostTarget, isTarget } from "./build/targets.ts";
import { inRoot } from "./paths.ts";

const help = `npm run build [-- options]
  --strict         fail when an entry point is missing, instead of skipping it
  --sourcemap      write source maps beside the bundles
  --target NAME    native modules for another platform, e.g. darwin-arm64
  --watch          build again on every change`;

export interface BuildRequest {
  readonly target: Target;
  readonly missing: "strict" | "tolerant";
  readonly sourcemap: "linked" | "none";
}

/** Builds dist/ once. */
export async function buildDist(request: BuildRequest): Promise<void> {
  await bundleAll(request);
  placeNatives(request.target);
  // bin/imi reads it, so that a checkout's command line works where PATH only has an old Node.
  placeFile(inRoot("dist", "node-path"), Buffer.from(`${process.execPath}\n`));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      strict: { type: "boolean", default: false },
      sourcemap: { type: "boolean", default: false },
      target: { type: "string" },
      watch: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const target = values.target ?? hostTarget();
  if (!isTarget(target)) throw new Error(`unknown target ${target}`);
  const request: BuildRequest = {
    target,
    missing: values.strict ? "strict" : "tolerant",
    sourcemap: values.sourcemap ? "linked" : "none",
  };
  await buildDist(request);
  if (values.watch) await watchAll(request);
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    // esbuild has printed its errors already, with the lines they are about.
    const reported = error instanceof Error && "errors" in error;
    console.error(reported ? "build: failed" : `build: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
