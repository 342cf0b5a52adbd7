import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

/** What Ink waits for at top level for React's developer tools, and what stands in its place. */
const doors = [
  ["await import('./devtools.js')", "undefined"],
  ["await loadPackageJson()", "packageInfo"],
] as const;

/**
 * Lets Ink into a CommonJS bundle, which cannot wait at top level as it does in two places:
 * - its layout engine is WebAssembly. Here it is an object that is filled as soon as that is compiled;
 *   server/src/faces/monitor/layout.ts waits for it before anything is drawn.
 * - doors for React's developer tools, which are not there.
 */
export const inkApart: Plugin = {
  name: "ink-apart",
  setup(build) {
    build.onResolve({ filter: /^yoga-layout$/ }, ({ resolveDir }) => ({
      path: "yoga-layout",
      namespace: "yoga-later",
      pluginData: { resolveDir },
    }));
    build.onLoad({ filter: /.*/, namespace: "yoga-later" }, ({ pluginData }) => ({
      contents: `
        import { loadYoga } from "yoga-layout/load";
        export * from "yoga-layout/load";
        const Yoga = {};
        Yoga.loading = loadYoga().then((loaded) => void Object.assign(Yoga, loaded));
        export default Yoga;
      `,
      // Where the importer is, whose dependency it is.
      resolveDir: (pluginData as { readonly resolveDir: string }).resolveDir,
    }));
    build.onLoad({ filter: /[\\/]ink[\\/]build[\\/]reconciler\.js$/ }, ({ path }) => ({
      contents: doors.reduce((source, [door, wall]) => walledUp(source, door, wall), readFileSync(path, "utf8")),
    }));
  },
};

/** Throws when another version of Ink reads otherwise: then this has to be looked at again. */
function walledUp(source: string, door: string, wall: string): string {
  if (source.split(door).length !== 2) throw new Error(`Ink's reconciler.js does not have "${door}" once`);
  return source.replace(door, () => wall);
}
