import { appendFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { redact } from "./process/index.ts";

export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** The log file is set aside as `.1` when it has grown to this, in bytes; one older file is kept. */
const fullAt = 5 * 1024 * 1024;

/**
 * The log file (`IMI_LOG_FILE`), shared by every process: a line each, appended whole. Secrets are taken out. A log
 * that cannot be written is given up quietly: it must not keep anything from working.
 */
export class LogFile {
  readonly #path: string;
  readonly #level: number;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, level: string) {
    this.#path = path;
    this.#level = Math.max(0, logLevels.indexOf(level as LogLevel));
  }

  write(level: LogLevel, message: string): void {
    if (logLevels.indexOf(level) > this.#level) return;
    const line = `${new Date().toISOString()} ${level} [${process.pid}] ${redact(message).replaceAll("\n", "\n  ")}\n`;
    this.#last = this.#last.then(() => this.#append(line)).catch(() => undefined);
  }

  /** Resolves when everything written so far is in the file. */
  flush(): Promise<void> {
    return this.#last;
  }

  async #append(line: string): Promise<void> {
    try {
      await appendFile(this.#path, line, { mode: 0o600 });
    } catch {
      makeFolder(dirname(this.#path));
      await appendFile(this.#path, line, { mode: 0o600 });
    }
    const { size } = await stat(this.#path);
    if (size > fullAt) await rename(this.#path, `${this.#path}.1`);
  }
}
