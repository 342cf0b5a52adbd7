import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "./imi.ts";
import { TerminalScreen } from "./terminal-screen.ts";
import type { Place } from "./imi.ts";

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** What runs on it, in place of `imi`; words for a shell. */
  readonly command?: string;
}

/** Why no pseudo-terminal can be had here; null where one can. `script` is util-linux's, whose options others do not have. */
export const noTerminal: string | null = (() => {
  try {
    const said = execFileSync("script", ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return said.includes("util-linux") ? null : "script(1) is not util-linux's";
  } catch {
    return "there is no script(1) of util-linux";
  }
})();

/** `imi` on a real terminal of its own. */
export class Terminal {
  readonly screen: TerminalScreen;
  /** Everything that was written to it. */
  output = "";
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, screen: TerminalScreen) {
    this.#child = child;
    this.#folder = folder;
    this.screen = screen;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      screen.write(text);
    });
    child.stdin?.on("error", () => undefined); // it has ended
    this.ended = new Promise((resolve) => child.once("close", resolve));
  }

  static start(place: Place, args: readonly string[], options: TerminalOptions = {}): Terminal {
    const { columns = 80, rows = 24, command } = options;
    const folder = mkdtempSync(join(tmpdir(), "imi-terminal-"));
    const words = command ?? [program, ...args].map(quoted).join(" ");
    const before = `stty rows ${rows} cols ${columns}; tty >${quoted(join(folder, "tty"))}; echo $$ >${quoted(join(folder, "pid"))}`;
    const child = spawn("script", ["-qfec", `${before}; exec ${words}`, "/dev/null"], {
      cwd: place.cwd,
      env: { TERM: "xterm-256color", SHELL: "/bin/sh", ...place.env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    return new Terminal(child, folder, new TerminalScreen(columns, rows));
  }

  /** Of the program on it. */
  get pid(): number {
    return Number(readFileSync(join(this.#folder, "pid"), "utf8"));
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** The terminal is closed, as a window is. */
  hangUp(): void {
    this.#child.kill("SIGKILL");
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#stty("rows", String(rows), "cols", String(columns));
  }

  /** What the terminal is set to, as stty says it. */
  settings(): string {
    return this.#stty("-a");
  }

  /** Waits until the screen shows it. */
  async shows(pattern: RegExp | string, withinMs = 30_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    const there = (): boolean =>
      typeof pattern === "string" ? this.screen.text.includes(pattern) : pattern.test(this.screen.text);
    while (!there()) {
      if (Date.now() > deadline) throw new Error(`the screen never showed ${pattern}:\n${this.screen.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(join(this.#folder, "pid")) && this.#child.exitCode === null) kill(this.pid);
    this.#child.stdin?.end();
    this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #stty(...args: string[]): string {
    const tty = readFileSync(join(this.#folder, "tty"), "utf8").trim();
    return execFileSync("stty", ["-F", tty, ...args], { encoding: "utf8" });
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
};

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
