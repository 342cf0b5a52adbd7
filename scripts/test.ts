// Runs the tests, from the contract outwards to the windows. `npm test -- --help` explains the options.
import { parseArgs } from "node:util";
import { buildDist } from "./build.ts";
import { hostTarget } from "./build/targets.ts";
import { packageVsix } from "./package.ts";
import { runHostSuite } from "./run-host.ts";
import { type Counts, none, sentence, sum } from "./testing/counts.ts";
import { runNodeSuite } from "./testing/node-suite.ts";
import { type Suite, findSuites } from "./testing/suites.ts";
import { obtainChromium } from "./vscode/chromium.ts";
import { installVscodeServer } from "./vscode/install.ts";

const help = (suites: readonly Suite[]): string => `npm test [-- names of suites]
  without names all of them run: ${suites.map(({ name }) => name).join(", ")}
  names of test files run only those`;

const suites = findSuites();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", short: "h", default: false } },
});

if (values.help) console.log(help(suites));
else await main(positionals);

async function main(wanted: readonly string[]): Promise<void> {
  let total = none;
  // The product must be built before anything runs it; without it only the sources can be tested.
  const built = await attempt("build", () =>
    buildDist({ target: hostTarget(), missing: "strict", sourcemap: "none" }).then(() => none),
  );
  total = sum(total, built);
  for (const suite of select(wanted)) {
    if (built.failed > 0 && suite.kind !== "node") {
      console.log(`\n== ${suite.name} ==\nnot run: the build failed`);
      total = sum(total, { ...none, failed: 1 });
      continue;
    }
    const counts = await attempt(suite.name, () => runSuite(suite));
    console.log(`${suite.name}: ${sentence(counts)}`);
    total = sum(total, counts);
  }
  console.log(`\n${sentence(total)}`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function select(wanted: readonly string[]): readonly Suite[] {
  if (wanted.length === 0) return suites;
  return wanted.map((name) => {
    const suite = suites.find((each) => each.name === name);
    if (suite !== undefined) return suite;
    const file = name.replaceAll("\\", "/").replace(/^\.\//u, "");
    const owner = suites.find((each) => each.files.includes(file));
    if (owner === undefined) throw new Error(`no suite and no test file ${name}\n${help(suites)}`);
    return { ...owner, files: [file] };
  });
}

/** A suite that breaks down, or has files and yet runs no test, counts as one failure; the others still run. */
async function attempt(name: string, work: () => Promise<Counts>): Promise<Counts> {
  console.log(`\n== ${name} ==`);
  try {
    const counts = await work();
    if (name === "build" || counts.passed + counts.failed + counts.skipped > 0) return counts;
    console.error(`${name} has test files and ran no tests`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  return { ...none, failed: 1 };
}

async function runSuite(suite: Suite): Promise<Counts> {
  if (suite.kind === "node") return runNodeSuite({ files: suite.files });
  const missing = await whatIsMissing();
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return { ...none, skipped: suite.files.length };
  }
  if (suite.kind === "host") return runHostSuite();
  const vsix = await packageVsix(hostTarget());
  // One window at a time: two of them on a small machine are slow enough to run into each other's timeouts.
  return runNodeSuite({ files: suite.files, env: { IMI_TEST_VSIX: vsix }, concurrency: 1, timeout: 240_000 });
}

/** Why no VS Code window can be had on this machine, or undefined when one can. */
async function whatIsMissing(): Promise<string | undefined> {
  const chromium = await obtainChromium(console.log);
  if ("reason" in chromium) return chromium.reason;
  try {
    await installVscodeServer(console.log);
    return undefined;
  } catch (error) {
    return `VS Code's server could not be installed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
