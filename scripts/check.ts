// Everything that can be checked without running the product: types, lint, format, import arrows, manifest.
import { checkArrows } from "./check-arrows.ts";
import { checkManifest } from "./check-manifest.ts";
import { runTool } from "./run.ts";

interface Verdict {
  readonly passed: boolean;
  readonly details: string;
}

const checks: Readonly<Record<string, () => Promise<Verdict>>> = {
  types: () => tool("typescript/bin/tsc", ["-b", "--pretty", "false"]),
  lint: () => tool("oxlint/bin/oxlint", ["--quiet"]),
  format: () => tool("oxfmt/bin/oxfmt", ["--check"]),
  arrows: async () => list(checkArrows()),
  manifest: async () => list(await checkManifest()),
};

async function tool(program: string, args: string[]): Promise<Verdict> {
  const { code, output } = await runTool(program, args);
  return { passed: code === 0, details: output.trim() };
}

function list(problems: readonly string[]): Verdict {
  return { passed: problems.length === 0, details: problems.join("\n") };
}

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!Object.hasOwn(checks, name))
    throw new Error(`unknown check ${name}; there are ${Object.keys(checks).join(", ")}`);
}

// All of them run even when one fails: who fixes one thing wants to know of the others.
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const { passed, details } = await check();
  console.log(`${passed ? "ok    " : "FAILED"} ${name} (${Math.round(performance.now() - started)} ms)`);
  if (!passed) {
    failed += 1;
    console.log(details);
  }
}
process.exitCode = failed > 0 ? 1 : 0;
