import { workspace } from "vscode";
import type { InitializationOptions } from "../../protocol/rpc.ts";
import type { SettingName, Settings } from "../../protocol/settings.ts";
import type { Connection } from "./connection.ts";
import { type OpenAfterCreate, openAfterCreateChoices, settings } from "./tables.ts";

/** What the user set in VS Code, by the protocol's names. Defaults are left out: config.toml stands above them. */
function explicitSettings(): Partial<Settings> {
  const configuration = workspace.getConfiguration();
  const found: Partial<Record<SettingName, unknown>> = {};
  for (const [id, name] of Object.entries(settings)) {
    const at = configuration.inspect(id);
    const set = at?.workspaceFolderValue ?? at?.workspaceValue ?? at?.globalValue;
    if (set !== undefined) found[name] = configuration.get(id);
  }
  // The manifest gives each setting the type the protocol gives it; the server validates what it receives.
  return found as Partial<Settings>;
}

/** The options the server starts with, and receives again whenever one of them changes. */
export function currentOptions(): InitializationOptions {
  return {
    trusted: workspace.isTrusted,
    settings: explicitSettings(),
    worktreeIncludeFiles: workspace.getConfiguration("git").get<readonly string[]>("worktreeIncludeFiles", []),
  };
}

/** The settings the client itself acts on, as they hold for this window. */
export type EffectiveSettings = Pick<Settings, "branchTemplate" | "folderTemplate"> & {
  readonly openAfterCreate: OpenAfterCreate;
};

/** Asks the server, because the environment and config.toml have their say too. */
export async function readEffectiveSettings(connection: Connection): Promise<EffectiveSettings> {
  const { settings: all } = await connection.request("config.show", {});
  const text = (key: string, otherwise: string): string => {
    const value = all.find((each) => each.key === key)?.value;
    return typeof value === "string" ? value : otherwise;
  };
  const chosen = text("worktree_settings.open_after_create", "prompt");
  return {
    branchTemplate: text("worktree_settings.branch_template", "{type}/{name}"),
    folderTemplate: text("worktree_settings.folder_template", "{type}-{name}"),
    openAfterCreate: openAfterCreateChoices.find((each) => each === chosen) ?? "prompt",
  };
}
