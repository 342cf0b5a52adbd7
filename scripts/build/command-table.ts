import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { inRoot, root } from "../paths.ts";
import { runOrThrow } from "../run.ts";

const tableFile = inRoot("server", "src", "faces", "cli", "table.ts");

// Refuses what JSON would drop without a word: a command whose default got lost must not be shipped.
const printTable = `
  import { commandTable } from ${JSON.stringify(pathToFileURL(tableFile).href)};
  process.stdout.write(JSON.stringify(commandTable(), (key, value) => {
    if (['function', 'symbol', 'bigint'].includes(typeof value)) throw new Error(key + ' of commandTable() is a ' + typeof value);
    return value;
  }));
`;

/**
 * Computes the command line's table at build time. The table is derived from zod schemas, and loading zod would cost
 * every `imi` call 50 ms; the bundle gets the finished table as JSON instead.
 */
export const commandTablePlugin: Plugin = {
  name: "command-table",
  setup(build) {
    build.onLoad({ filter: /[\\/]faces[\\/]cli[\\/]table\.ts$/ }, async (args) => {
      if (path.relative(tableFile, args.path) !== "") return undefined;
      // A process of its own: in watch mode this one would keep the first version of the modules.
      const json = await runOrThrow(process.execPath, ["--input-type=module", "--eval", printTable]);
      return {
        // JSON.parse of a string is about twice as fast as the same object literal.
        contents: `export const commandTable = () => JSON.parse(${JSON.stringify(json)});`,
        loader: "js",
        resolveDir: root,
        watchFiles: [tableFile],
        watchDirs: [inRoot("protocol")],
      };
    });
  },
};
