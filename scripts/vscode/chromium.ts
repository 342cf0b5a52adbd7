import { existsSync } from "node:fs";
import path from "node:path";
import { type Browser, chromium } from "playwright-core";
import { run } from "../run.ts";

const candidates: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  ],
  win32: [
    String.raw`C:\Program Files\Google\Chrome\Application\chrome.exe`,
    String.raw`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
  ],
};

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];

const launchArgs = [
  // Chromium's sandbox does not work as root; the only page it opens is ours.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** A browser of the Chromium family on this machine: IMI_CHROMIUM, or the usual places, or undefined. */
export function findChromium(): string | undefined {
  const named = process.env["IMI_CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const onPath = folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
  return [...onPath, ...(candidates[process.platform] ?? [])].find((file) => existsSync(file));
}

/**
 * Returns a browser, installing Debian's where that is possible; otherwise the reason why there is none. What it does
 * takes minutes, so it says so.
 */
export async function obtainChromium(say: (line: string) => void): Promise<{ file: string } | { reason: string }> {
  const found = findChromium();
  if (found !== undefined) return { file: found };
  const missing = "no Chromium on this machine (IMI_CHROMIUM names one)";
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return { reason: missing };
  say("no Chromium here; running apt-get update && apt-get install -y chromium");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-q"], { env });
  const { code, output } = await run("apt-get", ["install", "-y", "-q", "chromium"], { env });
  const installed = findChromium();
  if (installed !== undefined) return { file: installed };
  return { reason: `${missing}, and apt-get install chromium ended with ${code}: ${output.trim().split("\n").at(-1)}` };
}

/** Starts a browser that draws the workbench; throws when there is none on this machine. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("no Chromium on this machine (IMI_CHROMIUM names one)");
  return chromium.launch({ executablePath, args: launchArgs });
}
