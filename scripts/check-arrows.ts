// Checks that every import of the product points where AGENTS.md lets it: to a lower floor or to protocol/.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./paths.ts";

/** The floor of each room under server/src. A room that is not here has no place in the house yet. */
const floors: Readonly<Record<string, number>> = {
  // What errors of the system are called, and where a path lies: of no room, used by all.
  "errno.ts": -1,
  "inside.ts": -1,
  // Lower than the rooms it serves: git is run through it.
  process: 0,
  "version.ts": 0,
  "runtime.ts": 0,
  "hints.ts": 0,
  "faults.ts": 0,
  "make-folder.ts": 0,
  "read-if-there.ts": 0,
  store: 1,
  git: 1,
  config: 1,
  "log.ts": 1,
  worktrees: 2,
  claims: 2,
  monitor: 2,
  overlap: 2,
  changes: 2,
  activity: 2,
  intents: 2,
  sessions: 2,
  tasks: 2,
  workers: 2,
  terminals: 2,
  doctor: 2,
  followers: 2,
  faces: 3,
  "workspace.ts": 3,
};

export interface Import {
  /** Repository-relative, with forward slashes. */
  readonly from: string;
  /** What the import says: `zod`, `../git/index.ts`. */
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** Why an import is not allowed, or undefined when it is. */
export function objection(arrow: Import): string | undefined {
  const target = resolveTarget(arrow);
  if (arrow.from.startsWith("protocol/")) return objectionInProtocol(arrow, target);
  if (arrow.from.startsWith("client/")) return objectionInClient(target);
  return objectionInServer(arrow, target);
}

function resolveTarget({ from, specifier }: Import): string | undefined {
  return specifier.startsWith(".") ? path.posix.join(path.posix.dirname(from), specifier) : undefined;
}

function objectionInProtocol({ specifier }: Import, target: string | undefined): string | undefined {
  if (target === undefined) return specifier === "zod" ? undefined : "protocol/ imports only zod and itself";
  return target.startsWith("protocol/") ? undefined : "protocol/ imports only zod and itself";
}

function objectionInClient(target: string | undefined): string | undefined {
  if (target === undefined || target.startsWith("client/src/") || target.startsWith("protocol/")) return undefined;
  return "client/ imports only itself and protocol/";
}

function objectionInServer(arrow: Import, target: string | undefined): string | undefined {
  if (target === undefined) return arrow.specifier === "vscode" ? "only client/ imports vscode" : undefined;
  if (target.startsWith("protocol/")) return undefined;
  if (!target.startsWith("server/src/")) return "server/ imports only itself and protocol/";
  const here = roomOf(arrow.from);
  const there = roomOf(target);
  const floorHere = floors[here];
  const floorThere = floors[there];
  if (floorHere === undefined) return `${here} has no floor; give it one in scripts/check-arrows.ts`;
  if (floorThere === undefined) return `${there} has no floor; give it one in scripts/check-arrows.ts`;
  if (here === there || floorThere < floorHere) return undefined;
  if (floorThere > floorHere) return `floor ${floorHere} may not import floor ${floorThere}`;
  if (floorHere === 3) return here === "faces" ? undefined : "workspace.ts may not import a face";
  if (target !== `server/src/${there}/index.ts`) return `the door of ${there} is ${there}/index.ts`;
  return arrow.typeOnly ? undefined : `${here} takes the service of ${there} in its constructor: use import type`;
}

function roomOf(file: string): string {
  return file.split("/")[2] ?? file;
}

/** Finds the imports of a source. Good enough for formatted code: it looks at statements, not at a syntax tree. */
export function importsOf(from: string, source: string): Import[] {
  const statement =
    /^[ \t]*(?:import|export)\s+(?<type>type\s)?(?:[^'"`;]*?\sfrom\s+)?['"](?<plain>[^'"]+)['"]|\bimport\(\s*['"](?<dynamic>[^'"]+)['"]/gmu;
  return Array.from(source.matchAll(statement), (match) => ({
    from,
    specifier: match.groups?.["plain"] ?? match.groups?.["dynamic"] ?? "",
    typeOnly: match.groups?.["type"] !== undefined,
    line: source.slice(0, match.index).split("\n").length,
  }));
}

/** Checks every source of the product; returns one line for each import that is not allowed. */
export function checkArrows(): string[] {
  const files = globSync(["protocol/**/*.ts", "client/src/**/*.ts", "server/src/**/*.ts"], { cwd: root });
  return files.flatMap((file) => {
    const from = file.replaceAll(path.sep, "/");
    return importsOf(from, readFileSync(path.join(root, file), "utf8")).flatMap((arrow) => {
      const why = objection(arrow);
      return why === undefined ? [] : [`${from}:${arrow.line}: imports ${arrow.specifier}: ${why}`];
    });
  });
}

if (import.meta.main) {
  const problems = checkArrows();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
