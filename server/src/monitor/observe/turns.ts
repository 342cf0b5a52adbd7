interface Waiting {
  readonly urgent: boolean;
  readonly since: number;
  readonly start: () => void;
}

/** Lets a bounded number of looks run at once: first the urgent ones, of these those longest waiting. */
export class Turns {
  #free: number;
  readonly #waiting: Waiting[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  async take<T>(of: { readonly urgent: boolean; readonly since: number }, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((start) => this.#waiting.push({ ...of, start }));
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#free++;
      else next.start();
    }
  }

  #next(): Waiting | undefined {
    let best = 0;
    for (let at = 1; at < this.#waiting.length; at++) if (this.#isBefore(at, best)) best = at;
    return this.#waiting.splice(best, 1)[0];
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#waiting[one], this.#waiting[other]];
    if (a === undefined || b === undefined) return false;
    return a.urgent === b.urgent ? a.since < b.since : a.urgent;
  }
}
