import { readFileSync } from "node:fs";
import path from "node:path";
import { inRoot } from "../paths.ts";
import { run } from "../run.ts";
import type { Counts } from "./counts.ts";
import { privateEnvironment } from "./private-environment.ts";

export interface NodeSuiteOptions {
  /** Paths of the test files. */
  readonly files: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** How many files run at once; what draws windows or measures time wants 1. */
  readonly concurrency?: number;
  /** Milliseconds one test may take. */
  readonly timeout?: number;
}

/** Runs test files with `node --test` in a home of their own and returns what became of them. */
export async function runNodeSuite(options: NodeSuiteOptions): Promise<Counts> {
  const place = privateEnvironment(options.env);
  const countsFile = path.join(place.folder, "counts.json");
  try {
    const { code } = await run(
      process.execPath,
      [
        "--test",
        `--test-concurrency=${options.concurrency ?? 2}`,
        `--test-timeout=${options.timeout ?? 120_000}`,
        ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
        `--test-reporter=${inRoot("scripts", "testing", "count-reporter.ts")}`,
        `--test-reporter-destination=${countsFile}`,
        ...options.files,
      ],
      { env: place.env, output: "show" },
    );
    const counts = readCounts(countsFile);
    // A run that broke off without a failed test (a crash, no counts) must not look like success.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    place.dispose();
  }
}

function readCounts(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
