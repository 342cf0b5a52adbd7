import { existsSync, readFileSync } from "node:fs";
import { type BuildOptions, type Plugin, build, context } from "esbuild";
import { inRoot, root } from "../paths.ts";
import { commandTablePlugin } from "./command-table.ts";
import { inkApart } from "./ink.ts";
import { lightBuiltins, lightClock } from "./light-builtins.ts";
import { placeFile } from "./place-file.ts";
import { stamped } from "./stamp.ts";
import { ThirdPartyNotices } from "./third-party-notices.ts";
import { whereZodIs } from "./without-zod.ts";

interface Bundle {
  readonly entry: string;
  readonly output: string;
  readonly external?: string[];
  readonly commandLine?: true;
  /** Starts often, or while somebody waits: holds tables in place of the schemas they are computed from. */
  readonly withoutZod?: true;
  /** Loaded by server/src/faces/code-cache.ts. */
  readonly stamped?: true;
}

const bundles: readonly Bundle[] = [
  { entry: "client/src/extension.ts", output: "dist/extension.cjs", external: ["vscode"], withoutZod: true },
  // Server and command line are two files each: the first loads the second by way of what was compiled before.
  { entry: "server/src/faces/server.ts", output: "dist/server.cjs" },
  { entry: "server/src/faces/rpc.ts", output: "dist/server-run.cjs" },
  { entry: "server/src/faces/cli/main.ts", output: "dist/cli.cjs", commandLine: true, withoutZod: true },
  {
    entry: "server/src/faces/cli/run.ts",
    output: "dist/cli-run.cjs",
    commandLine: true,
    withoutZod: true,
    stamped: true,
  },
  // Of the command line, but loaded by `imi mcp` alone.
  { entry: "server/src/faces/mcp/main.ts", output: "dist/mcp.cjs" },
  // Of the command line too: what `imi monitor` and `imi events --follow` run, with all of Node's own parts.
  { entry: "server/src/faces/monitor/main.ts", output: "dist/monitor.cjs", withoutZod: true },
];

export interface BundleOptions {
  /** `strict` fails when an entry point does not exist, `tolerant` skips it and says so. */
  readonly missing: "strict" | "tolerant";
  readonly sourcemap: "linked" | "none";
}

/** Bundles everything once. Throws when a bundle cannot be made. */
export async function bundleAll(options: BundleOptions): Promise<void> {
  const notices = new ThirdPartyNotices();
  await Promise.all(existing(options).map((bundle) => build(optionsFor(bundle, options, notices))));
  placeFile(inRoot("dist", "third-party-notices.txt"), notices.text());
}

/** Bundles everything again whenever a source changes, until the process ends. */
export async function watchAll(options: BundleOptions): Promise<void> {
  const notices = new ThirdPartyNotices();
  const contexts = await Promise.all(existing(options).map((bundle) => context(optionsFor(bundle, options, notices))));
  await Promise.all(contexts.map((each) => each.watch()));
}

function existing(options: BundleOptions): readonly Bundle[] {
  return bundles.filter((bundle) => {
    if (existsSync(inRoot(bundle.entry))) return true;
    if (options.missing === "strict") throw new Error(`${bundle.entry} does not exist`);
    console.log(`build: skipped ${bundle.output}, ${bundle.entry} does not exist yet`);
    return false;
  });
}

function optionsFor(bundle: Bundle, options: BundleOptions, notices: ThirdPartyNotices): BuildOptions {
  const place = placePlugin(bundle, notices);
  const clock = bundle.commandLine === undefined ? { banner: "", define: {} } : lightClock;
  return {
    absWorkingDir: root,
    entryPoints: [bundle.entry],
    outfile: bundle.output,
    external: bundle.external ?? [],
    plugins: [
      ...(bundle.withoutZod === undefined ? [] : [commandTablePlugin]),
      apartPlugin,
      inkApart,
      ...(bundle.commandLine === undefined ? [] : [lightBuiltins]),
      place,
    ],
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node22",
    // Else what is left outside a bundle would be loaded by `import()`, whose loader takes 10 ms to start.
    supported: { "dynamic-import": false },
    minify: true,
    // Names of errors and functions appear in logs that users send us.
    keepNames: true,
    sourcemap: options.sourcemap === "linked",
    // jsonc-parser's "main" is a UMD file whose inner requires a bundler cannot see.
    mainFields: ["module", "main"],
    // A CommonJS bundle has no import.meta; give the sources what they mean by it.
    banner: { js: `const __imiFileUrl=require("node:url").pathToFileURL(__filename).href;${clock.banner}` },
    define: {
      ...clock.define,
      "import.meta.url": "__imiFileUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
      // React carries a slower self for those who develop it, and Ink a door for its tools.
      "process.env.NODE_ENV": '"production"',
      "process.env.DEV": '"false"',
      IMI_VERSION: JSON.stringify(productVersion()),
    },
    // The licences are in third-party-notices.txt.
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  };
}

/** Leaves the second file out of the first: it is the bundle beside it. What a few commands alone need is one as well. */
const apartPlugin: Plugin = {
  name: "apart",
  setup(build) {
    build.onResolve({ filter: /^\.\/run\.ts$/ }, ({ importer }) =>
      /[\\/]cli[\\/]main\.ts$/.test(importer) ? { path: "cli-run.cjs", namespace: "by-code-cache" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "by-code-cache" }, ({ path: file }) => ({
      contents: `
        const { loadBundle } = require(${JSON.stringify(inRoot("server", "src", "faces", "code-cache.ts"))});
        module.exports = loadBundle(require("node:path").join(__dirname, ${JSON.stringify(file)}), require);
      `,
      resolveDir: root,
    }));
    build.onResolve({ filter: /^\.\/rpc\.ts$/ }, ({ importer }) =>
      /[\\/]faces[\\/]server\.ts$/.test(importer) ? { path: "./server-run.cjs", external: true } : undefined,
    );
    build.onResolve({ filter: /^\.\.\/(?:mcp|monitor)\/main\.ts$/ }, ({ importer, path: wanted }) =>
      /[\\/]cli[\\/](?:run|follow)\.ts$/.test(importer)
        ? { path: wanted.replace(/^\.\.\/(.*)\/main\.ts$/, "./$1.cjs"), external: true }
        : undefined,
    );
  },
};

function productVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  return version;
}

/** Verifies a finished bundle and only then puts it in place, so that a bundle that breaks a rule is never run. */
function placePlugin(bundle: Bundle, notices: ThirdPartyNotices): Plugin {
  return {
    name: "place",
    setup(build) {
      build.onEnd((result) => {
        if (result.errors.length > 0 || result.metafile === undefined) return undefined;
        const problem = bundle.withoutZod === undefined ? undefined : whereZodIs(result.metafile, bundle.entry);
        if (problem !== undefined) {
          // esbuild prints its own errors, but not the ones that come back from here.
          console.error(`build: ${bundle.output}: ${problem}`);
          return { errors: [{ text: problem }] };
        }
        notices.add(result.metafile);
        for (const file of result.outputFiles ?? []) {
          placeFile(
            file.path,
            bundle.stamped !== undefined && file.path.endsWith(".cjs") ? stamped(file.contents) : file.contents,
          );
        }
        const size = result.outputFiles?.at(-1)?.contents.byteLength ?? 0;
        console.log(`build: ${bundle.output} ${Math.round(size / 1024)} kB`);
        return undefined;
      });
    },
  };
}
