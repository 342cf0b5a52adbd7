import { printable, width } from "./text.ts";

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line that changes in place and leaves nothing behind. */
export interface ProgressLine {
  readonly show: (message: string, fraction: number | null) => void;
  readonly clear: () => void;
}

// What is over sooner would only flicker.
const patienceMs = 150;

/** Progress on a terminal; elsewhere it shows nothing, because a log needs no moving line. */
export const progressLine = (terminal: Terminal, env: NodeJS.ProcessEnv, started = performance.now()): ProgressLine => {
  if (terminal.isTTY !== true || env["TERM"] === "dumb") return { show: () => undefined, clear: () => undefined };
  let shown = false;
  const clear = (): void => {
    if (shown) terminal.write("\r\u001b[K");
    shown = false;
  };
  return {
    clear,
    show: (message, fraction) => {
      if (performance.now() - started < patienceMs) return;
      const percent = fraction === null ? "" : ` ${Math.round(fraction * 100)} %`;
      terminal.write(`\r\u001b[K${fit(`${printable(message)}${percent}`, (terminal.columns || 80) - 1)}`);
      shown = true;
    },
  };
};

/** A line that wrapped could not be erased by going to its start. */
const fit = (text: string, columns: number): string => {
  if (width(text) <= columns) return text;
  let cut = text;
  while (width(cut) >= columns && cut !== "") cut = cut.slice(0, -1);
  return `${cut}…`;
};
