import type { Metafile } from "esbuild";

/** What is wrong, with the chain of imports that leads there, when the bundle contains zod; else undefined. */
export function whereZodIs(metafile: Metafile, entry: string): string | undefined {
  for (const output of Object.values(metafile.outputs)) {
    const found = Object.keys(output.inputs).find((file) => file.includes("node_modules/zod/"));
    if (found === undefined) continue;
    const chain = importChain(metafile, entry);
    return `this bundle must start without zod (+50 ms), but contains it:\n  ${chain.join("\n  -> ")}`;
  }
  return undefined;
}

function importChain(metafile: Metafile, entry: string): string[] {
  const cameFrom = new Map<string, string | undefined>([[entry, undefined]]);
  for (const file of cameFrom.keys()) {
    if (file.includes("node_modules/zod/")) return walkBack(cameFrom, file);
    for (const { path } of metafile.inputs[file]?.imports ?? []) {
      if (!cameFrom.has(path)) cameFrom.set(path, file);
    }
  }
  return [entry, "(by a path esbuild does not report)"];
}

function walkBack(cameFrom: ReadonlyMap<string, string | undefined>, last: string): string[] {
  const chain: string[] = [];
  for (let file: string | undefined = last; file !== undefined; file = cameFrom.get(file)) chain.unshift(file);
  return chain;
}
