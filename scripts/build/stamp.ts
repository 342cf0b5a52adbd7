import { createHash } from "node:crypto";

/**
 * A bundle as server/src/faces/code-cache.ts loads it: ASCII only, so that it need not be decoded, and with a hash of
 * itself first, so that compiled code of another build is never taken for its own.
 */
export function stamped(contents: Uint8Array): Buffer {
  // What esbuild leaves are regular expressions; there and in strings the escape means the same.
  const text = Buffer.from(contents)
    .toString("utf8")
    .replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 24);
  return Buffer.from(`/*${hash}*/${text}`, "ascii");
}
