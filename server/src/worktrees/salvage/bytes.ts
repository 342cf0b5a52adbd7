/**
 * A path or other text of git's with one character for each byte (latin1): names need not be UTF-8, and strings are
 * easier to take apart than buffers.
 */
export type Bytes = string;

/** A path below a folder, for `fs`. */
export const pathIn = (folder: string, relative: Bytes): Buffer =>
  relative === ""
    ? Buffer.from(folder)
    : Buffer.concat([Buffer.from(folder), Buffer.from("/"), Buffer.from(relative, "latin1")]);

export const bytesOf = (text: string): Bytes => Buffer.from(text, "utf8").toString("latin1");

/** As text to show; bytes that are no UTF-8 become replacement characters. */
export const shown = (bytes: Bytes): string => Buffer.from(bytes, "latin1").toString("utf8");

/** As JSON: text, and the exact bytes in hex where they are no UTF-8. */
export const noted = (bytes: Bytes): string | { readonly text: string; readonly hex: string } => {
  const text = shown(bytes);
  return bytesOf(text) === bytes ? text : { text, hex: Buffer.from(bytes, "latin1").toString("hex") };
};

/** A path as `git fast-import` takes it. */
export const quotedPath = (path: Bytes): Bytes =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  `"${path.replace(/[\\"\u0000-\u001f\u007f]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`;
