import os from "node:os";
import { configError, loadConfig } from "../../config/index.ts";
import { findRepository } from "../../git/repository.ts";
import { askServer } from "../../monitor/ask.ts";
import { environmentThatMatters, meetingPlace, settingsThatMatter } from "../../monitor/meeting.ts";
import { version } from "../../version.ts";
import { absolutePath } from "./paths.ts";

/**
 * A running server's answer to `list`, as the text of its JSON, where it answers as this process would; null
 * where none runs, or where it is another's: then one works it out oneself. The log says which, at `debug`.
 */
export const askRunningServer = async (
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<string | null> => {
  const config = await loadConfig({ env: process.env, homedir: os.homedir() });
  // What is wrong with the configuration is said by who works with it.
  if (config.problems.length > 0 || configError(config.problems) !== null) return null;
  const said = typeof params["repository"] === "string" ? params["repository"] : config.settings.repositoryRoot;
  const repository = absolutePath(said);
  const gitDir = (await findRepository(repository).catch(() => null))?.commonDir;
  const place = gitDir === undefined ? null : meetingPlace(config.runtimeDir, gitDir, config.databasePath);
  if (gitDir === undefined || place === null) return null;
  const asked = await askServer(
    config.runtimeDir,
    place,
    {
      ...{ version, gitDir, database: config.databasePath, settings: settingsThatMatter(config.settings) },
      ...{ environment: environmentThatMatters(process.env), operation: "worktree.list" },
      params: { repository, status: params["status"] !== false },
    },
    signal,
  );
  if (config.settings.logLevel === "debug") {
    const { LogFile } = await import("../../log.ts");
    const log = new LogFile(config.logFile, "debug");
    log.write(
      "debug",
      asked.answered ? `list: server ${asked.pid} answered` : `list: worked out here: ${asked.reason}`,
    );
    await log.flush();
  }
  return asked.answered ? asked.text : null;
};
