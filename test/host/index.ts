// The suite that runs inside VS Code's extension host. The host calls run(); everything it needs is bundled into
// dist-test/, because the host resolves nothing but `vscode`.
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import Mocha from "mocha";

const require = createRequire(import.meta.filename);

/** Runs every test of dist-test/host/ with mocha; rejects when one failed, which is how the host learns of it. */
export function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000, reporter: FileReporter });
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  const folder = path.join(import.meta.dirname, "host");
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith(".test.cjs")) require(path.join(folder, name));
  }
  return new Promise((resolve, reject) => {
    mocha.run((failures) => {
      if (failures === 0) resolve();
      else reject(new Error(`${failures} tests failed`));
    });
  });
}

/**
 * Writes what happens to the file in IMI_HOST_REPORT, line by line so that a hanging suite shows how far it came, and
 * at the end the counts as JSON to the file in IMI_HOST_COUNTS.
 */
class FileReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const say = (line: string): void => appendFileSync(process.env["IMI_HOST_REPORT"] ?? "/dev/stdout", `${line}\n`);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    runner.on("pass", (test) => {
      counts.passed += 1;
      say(`✔ ${test.fullTitle()} (${test.duration ?? 0} ms)`);
    });
    runner.on("fail", (test, error: Error) => {
      counts.failed += 1;
      say(`✖ ${test.fullTitle()}\n${error.stack ?? error.message}`);
    });
    runner.on("pending", (test) => {
      counts.skipped += 1;
      say(`- ${test.fullTitle()}`);
    });
    runner.on("end", () => {
      const file = process.env["IMI_HOST_COUNTS"];
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
