/** The rows of a view. VS Code knows them by identity: the same thing must always be the same object. */
export class Rows<Row> {
  readonly #keyOf: (row: Row) => string;
  readonly #known = new Map<string, Row>();

  /** Two rows with the same key stand for the same, and are of the same kind. */
  constructor(keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
  }

  /** The one object for what this row stands for. */
  same<Kind extends Row>(row: Kind): Kind {
    const key = this.#keyOf(row);
    const known = this.#known.get(key);
    // By the key it is of that kind.
    if (known !== undefined) return known as Kind;
    this.#known.set(key, row);
    return row;
  }

  /** The row of a key, where it was ever asked for. */
  get(key: string): Row | undefined {
    return this.#known.get(key);
  }

  /** Forgets all others. */
  keepOnly(which: (row: Row) => boolean): void {
    for (const [key, row] of this.#known) if (!which(row)) this.#known.delete(key);
  }
}
