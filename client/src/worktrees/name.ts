import { l10n } from "vscode";
import type { NamedType, Worktree } from "../../../protocol/worktrees.ts";
import type { EffectiveSettings } from "../settings.ts";
import type { Remark } from "./steps.ts";

/** How names become branches and folders: the two template settings. */
export type Templates = Pick<EffectiveSettings, "branchTemplate" | "folderTemplate">;

/**
 * What to say about a name while it is typed: why it cannot be, or what it would become. The server decides; this only
 * spares a round trip, so it refuses nothing the server would take.
 */
export function remarkOn(
  name: string,
  type: NamedType,
  templates: Templates,
  worktrees: readonly Worktree[],
): Remark | null {
  const problem = problemWith(name);
  if (problem !== null) return { kind: "problem", text: problem };
  const folder = folderOf(name, type, templates);
  const branch = fill(templates.branchTemplate, type, name);
  const same = worktrees.find((each) => each.name === folder);
  if (same !== undefined && same.branch !== null && same.branch !== branch) {
    return { kind: "warning", text: l10n.t("{0} exists already, on branch {1}.", folder, same.branch) };
  }
  if (same !== undefined) return { kind: "note", text: l10n.t("{0} exists already; Enter opens it.", folder) };
  const holder = worktrees.find((each) => each.branch === branch);
  if (holder !== undefined) {
    return { kind: "warning", text: l10n.t("Branch {0} is checked out in {1}.", branch, holder.name) };
  }
  return { kind: "note", text: l10n.t("Branch {0} in folder {1}", branch, folder) };
}

/** The folder the server will make, which is also the worktree's name. */
export function folderOf(name: string, type: NamedType, templates: Templates): string {
  return fill(templates.folderTemplate, type, name.replaceAll("/", "-"));
}

/** In one pass and with a function, so that nothing in a name is taken for a placeholder or a pattern. */
function fill(template: string, type: NamedType, name: string): string {
  return template.replaceAll(/\{(?:type|name)\}/gu, (placeholder) => (placeholder === "{type}" ? type : name));
}

/** The plain cases of the server's rules (server/src/git/names.ts), each with its own sentence. */
function problemWith(name: string): string | null {
  const strange = /[^\p{L}\p{M}\p{N}._/-]/u.exec(name)?.[0];
  if (strange !== undefined) {
    return /\s/u.test(strange)
      ? l10n.t("A name has no spaces: use - between words.")
      : l10n.t("A name must not contain {0}.", strange);
  }
  const parts = name.split("/");
  if (name.includes("..")) return l10n.t("A name must not contain two dots in a row.");
  if (parts.includes("")) return l10n.t("A name has a slash too many.");
  if (parts.some((part) => part.startsWith("-"))) return l10n.t("No part of a name may begin with -.");
  if (parts.some((part) => part.startsWith(".") || part.endsWith("."))) {
    return l10n.t("No part of a name may begin or end with a dot.");
  }
  if (parts.some((part) => /\.lock$/iu.test(part))) return l10n.t("A name must not end with .lock.");
  if (Buffer.byteLength(name) > 100) return l10n.t("A name may be 100 bytes long; this one is too long.");
  return null;
}
