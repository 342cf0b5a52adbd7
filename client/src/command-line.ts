import { type ExtensionContext, l10n } from "vscode";
import path from "node:path";

/**
 * Puts `imi` on the PATH of integrated terminals, run by the Node that VS Code brings: IMI_NODE names it, and
 * IMI_NODE_ELECTRON tells bin/imi that it is Electron's, which behaves like Node only when asked to. The asking
 * (ELECTRON_RUN_AS_NODE) is left to bin/imi: in a terminal's environment it would break every other Electron program.
 */
export function provideCommandLine(context: ExtensionContext): void {
  const variables = context.environmentVariableCollection;
  // Shells rebuild PATH in their start files; shell integration puts ours in front again afterwards.
  const everywhere = { applyAtProcessCreation: true, applyAtShellIntegration: true };
  variables.clear();
  variables.description = l10n.t("Adds the command line `imi`");
  variables.prepend("PATH", `${context.asAbsolutePath("bin")}${path.delimiter}`, everywhere);
  variables.replace("IMI_NODE", process.execPath, everywhere);
  if (process.versions["electron"] !== undefined) variables.replace("IMI_NODE_ELECTRON", "1", everywhere);
}
