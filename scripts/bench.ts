// Runs the measurements of bench/, all or those named: npm run bench -- cli-start
import { globSync } from "node:fs";
import path from "node:path";
import { root } from "./paths.ts";
import { run } from "./run.ts";
import { privateEnvironment } from "./testing/private-environment.ts";

const wanted = process.argv.slice(2);
const files = globSync("bench/*.bench.ts", { cwd: root }).toSorted();
const chosen = files.filter((file) => wanted.length === 0 || wanted.includes(path.basename(file, ".bench.ts")));
if (chosen.length === 0) {
  console.error(
    `bench: nothing to run; there are ${files.map((file) => path.basename(file, ".bench.ts")).join(", ") || "none"}`,
  );
  process.exitCode = 1;
}
for (const file of chosen) {
  console.log(`\n== ${path.basename(file, ".bench.ts")} ==`);
  const place = privateEnvironment();
  const { code } = await run(process.execPath, [file], { env: place.env, output: "show" });
  place.dispose();
  if (code !== 0) process.exitCode = 1;
}
