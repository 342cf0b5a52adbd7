import { type ExtensionContext, Uri, env, l10n, version, window, workspace } from "vscode";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ImiError } from "../../protocol/errors.ts";
import type { ResultOf } from "../../protocol/contract.ts";
import type { Actions } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { currentOptions } from "./settings.ts";
import type { WorktreeList } from "./worktrees/list.ts";

type Name = "imi.showLog" | "imi.showDiagnostics" | "imi.restartServer" | "imi.editConfigFile";

/** The commands on iMi itself. All but the last work without a server. */
export function serverActions(
  context: ExtensionContext,
  connection: Connection,
  list: WorktreeList,
): Pick<Actions, Name> {
  return {
    "imi.showLog": () => connection.log.show(),

    "imi.showDiagnostics": async () => {
      const content = await diagnosticsText(context, connection, list);
      await window.showTextDocument(await workspace.openTextDocument({ language: "markdown", content }));
    },

    "imi.restartServer": async () => {
      await connection.restart();
      if (connection.failure !== null) throw connection.failure;
    },

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

/** What a bug report needs, as Markdown. The parts the server knows say so when there is no server. */
async function diagnosticsText(context: ExtensionContext, connection: Connection, list: WorktreeList): Promise<string> {
  const options = currentOptions();
  const own: readonly (readonly [string, string])[] = [
    ["iMi", String((context.extension.packageJSON as { version?: unknown }).version)],
    ["VS Code", `${version} (${env.appName}${env.remoteName === undefined ? "" : `, ${env.remoteName}`})`],
    [
      "Extension host",
      `Node ${process.version}, N-API ${process.versions["napi"] ?? "?"}, ${process.platform}-${process.arch}`,
    ],
    [
      "Server",
      `${connection.state}${connection.failure === null ? "" : `: ${connection.failure.message} (${connection.failure.code})`}`,
    ],
    ["Workspace", options.trusted ? "trusted" : "restricted mode"],
    ["Settings in VS Code", JSON.stringify(options.settings)],
    [
      "Repositories",
      list.repositories.map(({ name, layout, container }) => `${name} (${layout}) ${container}`).join("; ") || "none",
    ],
    ["Worktrees known", String(list.worktrees().length)],
  ];
  const sections = [section("This window", own)];
  const server = await connection.diagnostics().catch((error: unknown) => ImiError.from(error));
  if (server instanceof ImiError) {
    sections.push(section("Server", [["Answer", `${server.message} ${server.hint ?? ""}`]]));
  } else {
    sections.push(
      section("Server", [
        ["Version", server.version],
        ["Process", `${server.pid}, ${Math.round(server.residentBytes / 1_048_576)} MB, ${server.uptimeSeconds} s`],
        ["Node", server.node],
        ["git", server.git],
        ["SQLite", server.sqlite],
        ["Database", server.database],
        ["Repositories", server.repositories.join("; ") || "none"],
      ]),
    );
  }
  const [repository] = list.repositories;
  const checks = await connection
    .request("doctor.run", repository === undefined ? {} : { repository: repository.trunk ?? repository.gitDir })
    .then(
      (found) =>
        found.checks.map((each) => [each.name, `${each.result}: ${each.detail} ${each.hint ?? ""}`.trim()] as const),
      (error: unknown) => [["doctor", ImiError.from(error).message] as const],
    );
  sections.push(section("Checks", checks));
  return `# iMi diagnostics\n\n${sections.join("\n")}`;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const lines = rows.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`);
  return [`## ${title}`, "", "| | |", "| --- | --- |", ...lines, ""].join("\n");
}
