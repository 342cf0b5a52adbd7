import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { inRoot, root } from "../paths.ts";
import { runOrThrow } from "../run.ts";

/** Modules whose one function is computed from zod schemas and answers plain data. */
const tables = [
  { file: inRoot("server", "src", "faces", "cli", "table.ts"), name: "commandTable" },
  { file: inRoot("server", "src", "config", "table.ts"), name: "settingTable" },
  { file: inRoot("client", "src", "agents", "table.ts"), name: "agentTable" },
] as const;

// Refuses what JSON would drop without a word: a command whose default got lost must not be shipped.
const printTable = (file: string, name: string): string => `
  import { ${name} } from ${JSON.stringify(pathToFileURL(file).href)};
  process.stdout.write(JSON.stringify(${name}(), (key, value) => {
    if (['function', 'symbol', 'bigint'].includes(typeof value)) throw new Error(key + ' of ${name}() is a ' + typeof value);
    return value;
  }));
`;

/**
 * Computes the tables of the command line and the extension at build time. They are derived from zod schemas, and loading zod would cost
 * every `imi` call 50 ms; the bundle gets the finished tables as JSON instead.
 */
export const commandTablePlugin: Plugin = {
  name: "command-table",
  setup(build) {
    build.onLoad({ filter: /[\\/]table\.ts$/ }, async (args) => {
      const table = tables.find(({ file }) => path.relative(file, args.path) === "");
      if (table === undefined) return undefined;
      // A process of its own: in watch mode this one would keep the first version of the modules.
      const json = await runOrThrow(process.execPath, [
        "--input-type=module",
        "--eval",
        printTable(table.file, table.name),
      ]);
      return {
        // JSON.parse of a string is about twice as fast as the same object literal.
        contents: `export const ${table.name} = () => JSON.parse(${JSON.stringify(json)});`,
        loader: "js",
        resolveDir: root,
        watchFiles: [table.file],
        watchDirs: [inRoot("protocol")],
      };
    });
  },
};
