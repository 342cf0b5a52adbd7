import { globSync } from "node:fs";
import { rm } from "node:fs/promises";
import { build } from "esbuild";
import { inRoot, root } from "../paths.ts";

/** Bundles the in-host suite into dist-test/: one runner, and each test file for itself, so that mocha can load them. */
export async function buildHostTests(): Promise<void> {
  await rm(inRoot("dist-test"), { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: { host: "test/host/index.ts", ...testFiles() },
    outdir: "dist-test",
    outExtension: { ".js": ".cjs" },
    external: ["vscode"],
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node22",
    sourcemap: "inline",
    banner: { js: 'const __imiFileUrl=require("node:url").pathToFileURL(__filename).href;' },
    define: {
      "import.meta.url": "__imiFileUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    logLevel: "warning",
    // Mocha looks up its worker files only to run in parallel, which we do not.
    logOverride: { "require-resolve-not-external": "silent" },
  });
}

function testFiles(): Record<string, string> {
  const files = globSync("host/**/*.test.ts", { cwd: inRoot("test") });
  return Object.fromEntries(files.map((file) => [file.slice(0, -".ts".length), `test/${file}`]));
}

if (import.meta.main) await buildHostTests();
