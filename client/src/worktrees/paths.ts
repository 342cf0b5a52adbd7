import path from "node:path";

const fold = process.platform === "win32" ? (each: string) => each.toLowerCase() : (each: string) => each;

/** Whether a path is a folder or lies in it. Both absolute. */
export function isInside(inner: string, folder: string): boolean {
  const relative = path.relative(fold(folder), fold(inner));
  return relative === "" || (relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative));
}

/** The one of several folders a path lies in; the innermost, when one lies in another. */
export function innermost<T extends { readonly path: string }>(folders: Iterable<T>, inner: string): T | undefined {
  let best: T | undefined;
  for (const each of folders) {
    if (isInside(inner, each.path) && (best === undefined || each.path.length > best.path.length)) best = each;
  }
  return best;
}
