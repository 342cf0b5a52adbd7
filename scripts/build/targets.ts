import { existsSync } from "node:fs";
import { inRoot } from "../paths.ts";

/** The platforms an extension can be packed for (the names VS Code uses) and better-sqlite3's name for each. */
export const targets = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "alpine-x64": "linuxmusl-x64",
  "alpine-arm64": "linuxmusl-arm64",
  "darwin-x64": "darwin-x64",
  "darwin-arm64": "darwin-arm64",
  "win32-x64": "win32-x64",
  "win32-arm64": "win32-arm64",
} as const;

export type Target = keyof typeof targets;

export function isTarget(name: string): name is Target {
  return Object.hasOwn(targets, name);
}

/** The target of the machine this runs on; throws where we have no native modules for it. */
export function hostTarget(): Target {
  const system = process.platform === "linux" && isMusl() ? "alpine" : process.platform;
  const name = `${system}-${process.arch}`;
  if (!isTarget(name)) throw new Error(`no native modules for ${name}; known: ${Object.keys(targets).join(", ")}`);
  return name;
}

export function prebuiltSqlite(target: Target): string {
  const file = inRoot("node_modules", "better-sqlite3", "prebuilds", `${targets[target]}.node`);
  if (!existsSync(file)) throw new Error(`${file} is missing; run npm ci --ignore-scripts`);
  return file;
}

// A Node built against glibc reports its version; one built against musl has no such field.
function isMusl(): boolean {
  const report: { header?: { glibcVersionRuntime?: string } } = process.report.getReport();
  return report.header?.glibcVersionRuntime === undefined;
}
