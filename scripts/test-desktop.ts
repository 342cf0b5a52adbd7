// Runs test/host on VS Code's desktop build (downloaded by @vscode/test-electron), oldest supported and stable.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { buildDist } from "./build.ts";
import { buildHostTests } from "./build/host-tests.ts";
import { hostTarget } from "./build/targets.ts";
import { runOrThrow, runTool } from "./run.ts";
import { privateEnvironment } from "./testing/private-environment.ts";

await buildDist({ target: hostTarget(), missing: "strict", sourcemap: "linked" });
await buildHostTests();
const place = privateEnvironment();
try {
  const folder = path.join(place.folder, "project", "trunk-main");
  await mkdir(folder, { recursive: true });
  await runOrThrow("git", ["init", "--quiet"], { cwd: folder, env: place.env });
  await runOrThrow("git", ["commit", "--quiet", "--allow-empty", "-m", "First commit"], {
    cwd: folder,
    env: place.env,
  });
  const { code } = await runTool("@vscode/test-cli/out/bin.mjs", process.argv.slice(2), {
    // Only the windows need a home of their own; the program that downloads them uses the user's proxy and caches.
    env: { ...place.env, IMI_TEST_FOLDER: folder },
    output: "show",
  });
  process.exitCode = code;
} finally {
  place.dispose();
}
