import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../scripts/paths.ts";
import { run } from "../../scripts/run.ts";

/** Read on 2026-11-21; its flags and its protocol are this version's. */
export const claudeVersion = "2.1.329";

/** The native program is in the package of each platform; the main package's install script would only link to it. */
const packageName = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;

/**
 * The agent program Claude Code, installed from npm into the cache the first time (360 MB); or why there is none here.
 * Complete under its final name or not at all. IMI_TEST_CLAUDE names one that is there already, `none` leaves it out.
 */
export const obtainClaudeCode = async (): Promise<{ readonly program: string } | { readonly reason: string }> => {
  const said = process.env["IMI_TEST_CLAUDE"];
  if (said === "none") return { reason: "IMI_TEST_CLAUDE=none" };
  if (said !== undefined) return { program: said };
  const final = join(cacheFolder, "claude-code", claudeVersion);
  const program = join(final, "node_modules", packageName, process.platform === "win32" ? "claude.exe" : "claude");
  if (existsSync(program)) return { program };
  const partial = `${final}.${process.pid}.tmp`;
  try {
    await mkdir(partial, { recursive: true });
    // A package of its own, or npm would climb up and install into this repository.
    await writeFile(join(partial, "package.json"), '{ "private": true }\n');
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0"];
    const { code, output } = await run(npm, ["install", ...quiet, `${packageName}@${claudeVersion}`], {
      cwd: partial,
      // A test that cannot have it within its own time is skipped.
      signal: AbortSignal.timeout(90_000),
    });
    if (code !== 0) return { reason: `${packageName} could not be installed: ${output.trim().slice(0, 300)}` };
    await rename(partial, final).catch((error: unknown) => {
      // Another process was faster; its installation is as good as ours.
      if (!existsSync(program)) throw error;
    });
  } catch (error) {
    return { reason: `${packageName} could not be installed: ${String(error)}` };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return existsSync(program) ? { program } : { reason: `${packageName} holds no program` };
};
