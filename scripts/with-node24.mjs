#!/usr/bin/env node
// Runs one of our TypeScript scripts with Node 24, from whatever Node >= 20 is on PATH, also on a fresh clone.
// Plain JavaScript on purpose: the Node that starts it may not be able to run TypeScript.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const lockFile = path.join(root, "package-lock.json");
const installedFile = path.join(root, "node_modules", ".package-lock.json");

/** Why the dependencies must be installed, or undefined when what is there matches the lock file. */
function reasonToInstall() {
  if (!existsSync(installedFile)) return "node_modules is missing";
  // Times alone mislead (npm writes the two files in either order, git touches one): they only save reading the files.
  if (statSync(installedFile).mtimeMs >= statSync(lockFile).mtimeMs) return undefined;
  const wanted = JSON.parse(readFileSync(lockFile, "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  for (const [where, entry] of Object.entries(wanted)) {
    if (where === "") continue;
    const have = installed[where];
    if (have === undefined && entry.optional) continue;
    if (have?.version !== entry.version)
      return `package-lock.json has ${where.replace("node_modules/", "")} ${entry.version}`;
  }
  return undefined;
}

function install(reason) {
  console.error(`iMi: ${reason}; running npm ci --ignore-scripts (once, about half a minute)`);
  const windows = process.platform === "win32";
  const done = spawnSync(
    windows ? "npm.cmd" : "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      // stdout belongs to the script that runs afterwards; somebody may be reading it.
      stdio: ["ignore", 2, 2],
      shell: windows,
    },
  );
  if (done.status !== 0) {
    console.error(`iMi: npm ci failed${done.error ? `: ${done.error.message}` : ""}`);
    process.exit(1);
  }
}

/** Path of a Node >= 24: the running one, else the binary that npm brought for this platform. */
function findNode24() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const windows = process.platform === "win32";
  const binary = windows ? "node.exe" : "node";
  for (const name of [
    `node-${windows ? "win" : process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ]) {
    const candidate = path.join(root, "node_modules", name, "bin", binary);
    if (existsSync(candidate)) return candidate;
  }
  console.error(
    `iMi: needs Node 24 or newer. This is Node ${process.versions.node}, and npm has no Node 24 package here for ` +
      `${process.platform}-${process.arch}. Install Node 24 (https://nodejs.org) and run this again.`,
  );
  process.exit(1);
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error("usage: node scripts/with-node24.mjs <script.ts> [arguments]");
  process.exit(2);
}

const reason = reasonToInstall();
if (reason !== undefined) install(reason);

const node = findNode24();
const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
const child = spawn(node, [path.resolve(root, script), ...args], {
  stdio: "inherit",
  env: { ...process.env, [pathName]: `${path.dirname(node)}${path.delimiter}${process.env[pathName] ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // Ctrl+C in a terminal reaches the child by itself; sending it twice would cut its clean-up short.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => {
  console.error(`iMi: cannot run ${node}: ${error.message}`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
});
