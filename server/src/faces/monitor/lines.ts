import { printable, width } from "../cli/text.ts";

/** What a piece of text means; the screen decides how that looks. */
export type Tone = "plain" | "strong" | "faint" | "good" | "warning" | "bad" | "name" | "chosen";

/** Text without control characters. */
export interface Piece {
  readonly text: string;
  readonly tone: Tone;
}
export type Line = readonly Piece[];

/** Text from outside becomes harmless here. */
export const piece = (text: string, tone: Tone = "plain"): Piece => ({ text: printable(text), tone });

export const lineWidth = (line: Line): number => line.reduce((sum, { text }) => sum + width(text), 0);

/** At most so many columns of a text; what was cut is shown by a dot at the end. */
export const clipped = (text: string, columns: number): string => {
  if (width(text) <= columns) return text;
  if (columns <= 0) return "";
  let kept = "";
  let taken = 0;
  for (const { segment } of graphemes.segment(text)) {
    const more = width(segment);
    if (taken + more > columns - 1) break;
    kept += segment;
    taken += more;
  }
  return `${kept}…`;
};

const graphemes = new Intl.Segmenter();

/** A line of at most so many columns. */
export const clippedLine = (line: Line, columns: number): Line => {
  const kept: Piece[] = [];
  let room = columns;
  for (const { text, tone } of line) {
    if (room <= 0) break;
    const shown = clipped(text, room);
    kept.push({ text: shown, tone });
    room -= width(shown);
    if (shown !== text) break;
  }
  return kept;
};

/** A line of exactly so many columns. */
export const filled = (line: Line, columns: number): Line => {
  const kept = clippedLine(line, columns);
  const missing = columns - lineWidth(kept);
  return missing > 0 ? [...kept, { text: " ".repeat(missing), tone: "plain" }] : kept;
};

export const paddedPiece = ({ text, tone }: Piece, columns: number): Piece => {
  const shown = clipped(text, columns);
  return { text: shown + " ".repeat(Math.max(0, columns - width(shown))), tone };
};

/** A heading with a rule to the end of the line: `── Worktrees 12 ─────`. */
export const heading = (title: string, columns: number, look: "focused" | "other"): Line => {
  const words = ` ${title} `;
  const rest = Math.max(0, columns - 2 - width(words));
  return clippedLine(
    [
      { text: "──", tone: "faint" },
      { text: words, tone: look === "focused" ? "strong" : "faint" },
      { text: "─".repeat(rest), tone: "faint" },
    ],
    columns,
  );
};

/** The lines to show of more than fit: as many as `height`, with the one at `at` among them. */
export const windowed = <Item>(items: readonly Item[], at: number, height: number): { from: number; shown: Item[] } => {
  const from = Math.max(0, Math.min(at - Math.floor(height / 2), items.length - height));
  return { from, shown: items.slice(from, from + height) };
};

/** So many lines: those beyond are left out, missing ones are empty. */
export const exactly = (lines: readonly Line[], count: number): Line[] =>
  Array.from({ length: Math.max(0, count) }, (_, index) => lines[index] ?? []);

/** Breaks words into lines of so many columns. */
export const wrapped = (text: string, columns: number, tone: Tone = "plain"): Line[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(" ")) {
    if (line !== "" && width(line) + 1 + width(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => [{ text: clipped(each, columns), tone }]);
};
