import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * Puts contents at a path in one step, and not at all when they are there already. Other processes run from dist/ while
 * it is built: none may load half a file, and overwriting a mapped native module in place would crash its users.
 */
export function placeFile(file: string, contents: Uint8Array): void {
  if (sameContents(file, contents)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
}

function sameContents(file: string, contents: Uint8Array): boolean {
  try {
    return readFileSync(file).equals(contents);
  } catch {
    return false;
  }
}
