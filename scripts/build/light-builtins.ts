import os from "node:os";
import path from "node:path";
import type { Plugin } from "esbuild";
import { inRoot } from "../paths.ts";

const folder = inRoot("server", "src", "faces", "cli", "light");

/** What stands for which part of Node in the command line's bundle. */
const light: Readonly<Record<string, string>> = {
  "node:fs/promises": path.join(folder, "fs-promises.ts"),
  "node:timers/promises": path.join(folder, "timers-promises.ts"),
  "node:child_process": path.join(folder, "child-process.ts"),
};

/** As default imports, parts of Node are copied, name by name, for each of the fifty files that import them; these once. */
const copiedOnce: Readonly<Record<string, object>> = { "node:os": os, "node:path": path };

/** Lets the command line load parts of Node when they are first used. `import()` gets the parts themselves. */
export const lightBuiltins: Plugin = {
  name: "light-builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path: wanted, kind, importer }) => {
      const stands = kind === "import-statement" && path.dirname(importer) !== folder ? light[wanted] : undefined;
      if (stands !== undefined) return { path: stands };
      return kind === "import-statement" && Object.hasOwn(copiedOnce, wanted)
        ? { path: wanted, namespace: "copied-once" }
        : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: "copied-once" }, ({ path: name }) => ({
      contents: `
        const part = require(${JSON.stringify(name)});
        export default part;
        export const { ${Object.keys(copiedOnce[name] ?? {}).join(", ")} } = part;
      `,
    }));
  },
};

/**
 * `performance` loads node:perf_hooks when it is first touched, 2 ms. Milliseconds since another time in the past, but
 * only differences are asked for.
 */
export const lightClock = {
  banner: "const __imiNow=()=>{const[s,n]=process.hrtime();return s*1e3+n/1e6};",
  define: { "performance.now": "__imiNow" },
} as const;
