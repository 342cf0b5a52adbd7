import { mkdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errno.ts";
import { writeWhole } from "./files.ts";

const begin = "# >>> iMi shared config (managed)";
const end = "# <<< iMi shared config";

/**
 * Makes `<common git dir>/info/exclude` hold one block with a pattern for each linked path, and for the backups that
 * were made: what was ignored as `.env` must not be offered to `git add` as `.env.backup`. Every other line stays byte
 * for byte, also one that the user wrote into the block. Written only when it changes.
 */
export function keepOutOfStatus(commonDir: string, paths: readonly string[], backups: readonly string[]): void {
  const file = join(commonDir, "info", "exclude");
  const state = join(commonDir, "imi", "shared", "exclude");
  const old = read(file);
  if (old === null && paths.length === 0) return;
  const before = old ?? "";
  if (paths.length === 0 && !before.includes(begin) && !before.includes(end)) return;

  const written = read(state);
  const { kept, place, ours } = withoutBlock(before, paths.map(pattern), written);
  const lines = new Set(paths.map(pattern));
  // Backups outlive the links they made room for, so their lines stay.
  for (const line of ours) if (isBackupLine(line)) lines.add(line);
  for (const path of backups) for (const line of backupPatterns(path)) lines.add(line);

  const block = lines.size === 0 ? "" : `${[begin, ...lines, end].join("\n")}\n`;
  const head = kept.slice(0, place).join("");
  const gap = block !== "" && head !== "" && !head.endsWith("\n") ? "\n" : "";
  const after = head + gap + block + kept.slice(place).join("");
  const remembered = [...lines].join("\n");
  if (remembered !== (written ?? "")) remember(commonDir, state, remembered);
  if (after !== before) write(commonDir, file, after);
}

/** Bytes as characters, so that what is not UTF-8 survives; null where there is no file. */
function read(file: string): string | null {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** The user's lines, where the block stood among them, and the lines of the block. */
function withoutBlock(
  text: string,
  current: readonly string[],
  written: string | null,
): { kept: string[]; place: number; ours: string[] } {
  const known = new Set(current);
  for (const line of written?.split("\n") ?? []) known.add(line);
  const all = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const closed = all.map((line) => line.trimEnd()).lastIndexOf(end);

  const kept: string[] = [];
  const ours: string[] = [];
  let place: number | null = null;
  let inside = false;
  for (const [number, raw] of all.entries()) {
    const line = raw.replace(/\r?\n$/, "");
    if (line.trimEnd() === begin || line.trimEnd() === end) {
      inside = line.trimEnd() === begin;
      place ??= kept.length;
      continue;
    }
    // Without our own note of what was written, what looks like ours inside a closed block is taken for it.
    const isOurs = inside && (known.has(line) || (written === null && number < closed && line.startsWith("/")));
    if (isOurs) ours.push(line);
    else kept.push(raw);
  }
  return { kept, place: place ?? kept.length, ours };
}

/** A gitignore pattern, as Latin-1 characters of its UTF-8 bytes, that matches this path and no other. */
function pattern(path: string): string {
  const escaped = `/${path}`
    .replace(/[\\*?[]/g, String.raw`\$&`)
    // A pattern cannot hold these; `?` is any one byte.
    .replace(/[\n\r]/g, "?")
    .replace(/ $/, String.raw`\ `);
  return Buffer.from(escaped).toString("latin1");
}

function backupPatterns(path: string): string[] {
  return [pattern(`${path}.backup`), `${pattern(`${path}.backup`)}.[0-9]*`];
}

function isBackupLine(line: string): boolean {
  return line.endsWith(".backup") || line.endsWith(".backup.[0-9]*");
}

function remember(commonDir: string, state: string, lines: string): void {
  if (lines === "") rmSync(state, { force: true });
  else writeWhole(state, Buffer.from(lines, "latin1"), 0o600, join(commonDir, "imi", "shared"));
}

function write(commonDir: string, file: string, text: string): void {
  let real = file;
  let mode = 0o644;
  try {
    // Where the user linked it to a file of his own, that file is written and his link stays.
    real = realpathSync.native(file);
    mode = statSync(real).mode & 0o7777;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    mkdirSync(join(commonDir, "info"), { recursive: true });
  }
  writeWhole(real, Buffer.from(text, "latin1"), mode, join(commonDir, "imi", "shared"));
}
