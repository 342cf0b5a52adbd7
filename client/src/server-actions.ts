import { Uri, l10n, window } from "vscode";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ResultOf } from "../../protocol/contract.ts";
import type { Actions } from "./commands.ts";
import type { Connection } from "./connection.ts";
import type { DiagnosticsPage } from "./diagnostics.ts";

type Name = "imi.showLog" | "imi.showDiagnostics" | "imi.restartServer" | "imi.editConfigFile";

/** The commands on iMi itself. All but the last work without a server. */
export function serverActions(connection: Connection, diagnostics: DiagnosticsPage): Pick<Actions, Name> {
  return {
    "imi.showLog": () => connection.log.show(),

    "imi.showDiagnostics": () => diagnostics.open(),

    // When it fails, the change of state is what tells the user.
    "imi.restartServer": () => connection.restart(),

    "imi.editConfigFile": async () => {
      const shown = await connection.request("config.show", {});
      await writeTemplate(shown);
      await window.showTextDocument(Uri.file(shown.file));
    },
  };
}

/** Makes a config file in which every setting stands with its default, commented out; leaves one that exists alone. */
async function writeTemplate({ file, settings }: ResultOf<"config.show">): Promise<void> {
  const lines = [
    `# ${l10n.t("iMi settings. Uncomment a line to change it; VS Code settings and the environment win over this file.")}`,
  ];
  let section = "";
  // In TOML what follows a [section] belongs to it, so keys without one come first.
  const ordered = settings.toSorted((a, b) => Number(a.key.includes(".")) - Number(b.key.includes(".")));
  for (const { key, value, summary } of ordered) {
    const [name = key, of = ""] = key.split(".").toReversed();
    if (of !== section) lines.push("", `[${of}]`);
    section = of;
    lines.push("", `# ${summary}`, `# ${name} = ${JSON.stringify(value)}`);
  }
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${lines.join("\n")}\n`, { flag: "wx" }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
}
