// Runs test/host inside a real extension host: VS Code's server, its workbench in Chromium, our suite in the host.
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { buildHostTests } from "./build/host-tests.ts";
import { inRoot, root } from "./paths.ts";
import { runOrThrow } from "./run.ts";
import { type Counts, none, sentence } from "./testing/counts.ts";
import { type PrivateEnvironment, privateEnvironment } from "./testing/private-environment.ts";
import { launchChromium } from "./vscode/chromium.ts";
import { installVscodeServer } from "./vscode/install.ts";
import { type VscodeServer, startVscodeServer } from "./vscode/server.ts";
import { writeMachineSettings } from "./vscode/settings.ts";

const suiteTimeout = 300_000;

/**
 * Builds and runs the in-host suite, prints its report and returns the counts. Needs dist/ and a Chromium.
 * `extension` is the unpacked extension under test, this repository by default.
 */
export async function runHostSuite(extension: string = root): Promise<Counts> {
  await buildHostTests();
  const serverMain = await installVscodeServer(console.log);
  const place = privateEnvironment();
  const report = path.join(place.folder, "report.txt");
  const countsFile = path.join(place.folder, "counts.json");
  const env = { ...place.env, IMI_HOST_REPORT: report, IMI_HOST_COUNTS: countsFile };
  let server: VscodeServer | undefined;
  try {
    const dataFolder = path.join(place.folder, "vscode");
    await writeMachineSettings(dataFolder);
    const folder = await makeRepository(place);
    const args = ["--enable-smoke-test-driver", "--disable-workspace-trust"];
    server = await startVscodeServer({ serverMain, dataFolder, args, env });
    const outcome = await driveSuite(server, folder, extension);
    if (existsSync(report)) console.log(readFileSync(report, "utf8").trimEnd());
    if (existsSync(countsFile)) return JSON.parse(readFileSync(countsFile, "utf8"));
    console.error(`the in-host suite ended without results: ${outcome}\n${server.output()}`);
    return { ...none, failed: 1 };
  } finally {
    await server?.stop();
    place.dispose();
  }
}

/** Opens the workbench with the suite in its address; resolves with what the suite said at its end. */
async function driveSuite(server: VscodeServer, folder: string, extension: string): Promise<string> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const finished = await listenForEnd(page);
    await page.goto(`${server.address(folder)}&payload=${encodeURIComponent(payload(server.port, extension))}`);
    return await finished();
  } finally {
    await browser.close();
  }
}

function payload(port: number, extension: string): string {
  const remote = (file: string): string => `vscode-remote://127.0.0.1:${port}${file}`;
  return JSON.stringify([
    ["extensionDevelopmentPath", remote(extension)],
    ["extensionTestsPath", remote(inRoot("dist-test", "host.cjs"))],
  ]);
}

/** The workbench reports the end of a suite through two functions that the page must supply before it loads. */
async function listenForEnd(page: Page): Promise<() => Promise<string>> {
  const errors: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const end = (how: string): void => resolve([how, ...errors].join("\n"));
  await page.exposeFunction("codeAutomationExit", (code: number) => end(`exit ${code}`));
  await page.exposeFunction("codeAutomationLog", (type: string, args: unknown[]) => {
    if (type === "error") errors.push(args.map(String).join(" "));
  });
  page.once("close", () => end("the page was closed"));
  setTimeout(() => end(`no end after ${suiteTimeout / 1000} s`), suiteTimeout).unref();
  return () => promise;
}

async function makeRepository(place: PrivateEnvironment): Promise<string> {
  const folder = path.join(place.folder, "project", "trunk-main");
  await mkdir(folder, { recursive: true });
  const git = (...args: string[]): Promise<string> => runOrThrow("git", args, { cwd: folder, env: place.env });
  await git("init", "--quiet");
  await git("commit", "--quiet", "--allow-empty", "--message", "First commit");
  return folder;
}

if (import.meta.main) {
  const counts = await runHostSuite(process.argv[2]);
  console.log(sentence(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}
