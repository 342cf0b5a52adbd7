import { fstatSync, writeSync } from "node:fs";
import { codeOf } from "../../errno.ts";

/**
 * Standard output and standard error without Node's streams, which take 4 ms to load and on everything but Windows
 * write at once as well. A stream serves where that is not enough: on Windows, and for a pipe that somebody else has
 * set not to wait.
 */
export interface Out {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): void;
}

type Descriptor = 1 | 2;

const outOf = (descriptor: Descriptor): Out => {
  let terminal: boolean | undefined;
  return {
    get isTTY() {
      terminal ??= mayBeTerminal(descriptor) && streamOf(descriptor).isTTY;
      return terminal;
    },
    get columns() {
      return streamOf(descriptor).columns;
    },
    write: (text) => write(descriptor, text),
  };
};

/** Files and pipes are told apart from terminals without loading what knows terminals. */
const mayBeTerminal = (descriptor: Descriptor): boolean => {
  if (process.platform === "win32") return true;
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false; // closed
  }
};

const inUse = new Set<Descriptor>();

const streamOf = (descriptor: Descriptor): NodeJS.WriteStream => {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  if (!inUse.has(descriptor)) stream.on("error", (error: NodeJS.ErrnoException) => unwritable(descriptor, error));
  inUse.add(descriptor);
  return stream;
};

/** Whoever reads us may stop reading (`imi events | head`); that is no error. */
const unwritable = (descriptor: Descriptor, error: unknown): void => {
  if (descriptor === 1) process.exit(codeOf(error) === "EPIPE" ? 0 : 1);
};

const write = (descriptor: Descriptor, text: string): void => {
  if (process.platform === "win32" || inUse.has(descriptor)) {
    streamOf(descriptor).write(text);
    return;
  }
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    if (codeOf(error) === "EAGAIN") streamOf(descriptor).write(rest);
    else unwritable(descriptor, error);
  }
};

export const standardOut = outOf(1);
export const standardError = outOf(2);

/** Resolves when what was written is with its reader. */
export const flushed = async (): Promise<void> => {
  for (const descriptor of inUse) await new Promise<void>((done) => void streamOf(descriptor).write("", () => done()));
};
