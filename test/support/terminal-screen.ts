/** What a program has put on a terminal's screen: the little of a terminal that Ink makes use of. */
export class TerminalScreen {
  #columns: number;
  #rows: number;
  #cells: string[][];
  #row = 0;
  #column = 0;
  #rest = "";
  /** Modes that were set by `CSI ? n h` and not reset since. */
  readonly modes = new Set<string>();
  /** Drawings begun: each is one `CSI ? 2026 h`. */
  frames = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells = blank(columns, rows);
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    const kept = this.#cells.map((row) => [...row, ...emptyRow(columns)].slice(0, columns));
    this.#cells = [...kept, ...blank(columns, rows)].slice(0, rows);
    this.#row = Math.min(this.#row, rows - 1);
    this.#column = Math.min(this.#column, columns);
  }

  /** The lines on the screen, without spaces at their ends. */
  get lines(): string[] {
    return this.#cells.map((row) => row.join("").trimEnd());
  }

  get text(): string {
    return this.lines.join("\n");
  }

  write(text: string): void {
    let rest = this.#rest + text;
    this.#rest = "";
    while (rest !== "") {
      const control =
        // eslint-disable-next-line no-control-regex -- a terminal is spoken to in them
        /^\u001b(?:\[([?<>=]?)([\d;]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][AB0]|[78=>cM])/u.exec(rest);
      if (control !== null) {
        if (control[3] !== undefined) this.#control(control[1] ?? "", control[2] ?? "", control[3]);
        rest = rest.slice(control[0].length);
      } else if (rest.startsWith("\u001b") && rest.length < 32) {
        this.#rest = rest; // the other half comes with the next piece
        return;
      } else {
        const [character = ""] = rest;
        this.#put(character);
        rest = rest.slice(character.length);
      }
    }
  }

  #put(character: string): void {
    if (character === "\n") this.#lineFeed();
    else if (character === "\r") this.#column = 0;
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character < " ") return;
    else this.#glyph(character);
  }

  #glyph(character: string): void {
    const columns = wide.test(character) ? 2 : 1;
    if (this.#column + columns > this.#columns) {
      this.#column = 0;
      this.#lineFeed();
    }
    const row = this.#cells[this.#row];
    if (row === undefined) return;
    row[this.#column] = character;
    if (columns === 2) row[this.#column + 1] = "";
    this.#column += columns;
  }

  #lineFeed(): void {
    if (this.#row < this.#rows - 1) this.#row += 1;
    else this.#cells = [...this.#cells.slice(1), emptyRow(this.#columns)];
  }

  #control(prefix: string, parameters: string, final: string): void {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    const count = Math.max(1, first);
    if (prefix === "?") return this.#mode(parameters, final);
    if (prefix !== "") return;
    switch (final) {
      case "A":
        this.#row = Math.max(0, this.#row - count);
        break;
      case "B":
        this.#row = Math.min(this.#rows - 1, this.#row + count);
        break;
      case "C":
        this.#column = Math.min(this.#columns - 1, this.#column + count);
        break;
      case "D":
        this.#column = Math.max(0, this.#column - count);
        break;
      case "E":
        this.#row = Math.min(this.#rows - 1, this.#row + count);
        this.#column = 0;
        break;
      case "G":
        this.#column = count - 1;
        break;
      case "H":
        this.#row = Math.min(this.#rows, count) - 1;
        this.#column = Math.max(1, second) - 1;
        break;
      case "J":
        this.#erase(
          first === 2 || first === 3 ? 0 : this.#row,
          first === 2 || first === 3 ? 0 : this.#column,
          this.#rows,
        );
        break;
      case "K": {
        const row = this.#cells[this.#row] ?? [];
        const [from, until] = first === 1 ? [0, this.#column + 1] : [first === 2 ? 0 : this.#column, this.#columns];
        row.fill(" ", from, until);
        break;
      }
      default: // colours, and what changes nothing to be seen here
    }
  }

  #erase(fromRow: number, fromColumn: number, untilRow: number): void {
    for (let at = fromRow; at < untilRow; at++) this.#cells[at]?.fill(" ", at === fromRow ? fromColumn : 0);
  }

  #mode(parameters: string, final: string): void {
    for (const mode of parameters.split(";")) {
      if (final === "h") this.modes.add(mode);
      else if (final === "l") this.modes.delete(mode);
      if (final === "h" && mode === "2026") this.frames += 1;
      if (mode === "1049") this.#cells = blank(this.#columns, this.#rows);
      if (mode === "1049") [this.#row, this.#column] = [0, 0];
    }
  }
}

const emptyRow = (columns: number): string[] => Array.from({ length: columns }, () => " ");
const blank = (columns: number, rows: number): string[][] => Array.from({ length: rows }, () => emptyRow(columns));
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
