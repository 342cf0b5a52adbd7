import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** What is turned off, so that only iMi moves in the window: see each line. */
const quiet: Readonly<Record<string, unknown>> = {
  // Git's own timers take index.lock at moments of their own.
  "git.autorefresh": false,
  "git.autofetch": false,
  // Pages and side bars that cover or steal the focus from what is looked at.
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.commandCenter.enabled": false,
  // Nothing here may call out.
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "update.mode": "none",
};

/** Writes the machine settings of a VS Code server's data folder. */
export async function writeMachineSettings(
  dataFolder: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const folder = path.join(dataFolder, "data", "Machine");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "settings.json"), `${JSON.stringify({ ...quiet, ...settings }, undefined, 2)}\n`);
}
