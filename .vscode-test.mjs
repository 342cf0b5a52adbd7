// The in-host suite on VS Code's desktop build, where that can be downloaded: npm run test:desktop.
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { defineConfig } from "@vscode/test-cli";

const { engines } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const oldest = engines.vscode.replace("^", "");

export default defineConfig(
  // The oldest version we promise to run on, and today's.
  [oldest, "stable"].map((version) => ({
    label: version === oldest ? "oldest" : version,
    version,
    files: "dist-test/host/**/*.test.cjs",
    workspaceFolder: process.env.IMI_TEST_FOLDER ?? ".",
    launchArgs: [
      "--disable-extensions",
      "--disable-workspace-trust",
      // Sockets live in it: the default, below this folder, can be longer than a socket's path may be.
      `--user-data-dir=${path.join(tmpdir(), `imi-vsc-${process.pid}`)}`,
    ],
    mocha: { ui: "bdd", timeout: 60_000 },
  })),
);
