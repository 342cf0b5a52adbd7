/**
 * Makes text from outside (names, paths, messages of git) harmless on a terminal: control characters and those that turn
 * the direction of writing become visible escapes, so that a folder's name can neither move the cursor nor hide itself.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu, escape);

/** The same, for text of several lines. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

const escape = (character: string): string => {
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (named !== undefined) return named;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
};

/** JSON that is safe to print: JSON itself leaves DEL and the C1 controls as they are, and some terminals obey those. */
export const safeJson = (value: unknown): string => safeJsonText(JSON.stringify(value));

/** The same, for what is JSON already. */
export const safeJsonText = (json: string): string =>
  json.replace(
    /[\u007f-\u009f]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );

/** How many columns a text takes on a terminal. */
export const width = (text: string): number => {
  // Letters of the West, dashes, quotes, arrows and dots: nothing wide, nothing combining. Intl.Segmenter takes 12 ms.
  if (/^[\x20-\x7e\u00a1-\u02ff\u2010-\u2027\u2030-\u203a\u2190-\u21ff\u25cf]*$/u.test(text)) return text.length;
  graphemes ??= new Intl.Segmenter();
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += wide.test(segment) ? 2 : 1;
  return columns;
};

let graphemes: Intl.Segmenter | null = null;
// East Asian wide and fullwidth, and what is drawn as an emoji.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** A table: columns as wide as their widest cell, two spaces between, nothing after the last. */
export const table = (rows: readonly (readonly Cell[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell.text));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const shown = cell.paint === undefined ? cell.text : cell.paint(cell.text);
        return column === row.length - 1 ? shown : shown + " ".repeat((widths[column] ?? 0) - width(cell.text));
      })
      .join("  ")
      .trimEnd(),
  );
};

/** Text without escapes of any kind, and the colour it gets after it was measured. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** Breaks a text at spaces; `indent` stands before every line but the first. */
export const wrap = (text: string, columns: number, indent: string): string => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const room = columns - indent.length;
    if (line !== "" && width(line) + 1 + width(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
};
