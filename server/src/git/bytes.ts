/** A path as git has it, one character for each byte: names need not be UTF-8. */
export type Bytes = string;

/** The path as people and programs read it; what is no UTF-8 becomes U+FFFD. */
export const shown = (path: Bytes): string => Buffer.from(path, "latin1").toString("utf8");

/** The path as the disk takes it. */
export const onDisk = (folder: string, path: Bytes): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
