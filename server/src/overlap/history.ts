import type { Apart } from "./apart.ts";

/** The best commits that both have in their history; none where the two have nothing in common. */
export const mergeBases = async (apart: Apart, one: string, other: string): Promise<string[]> => {
  if (one === other) return [one];
  const { stdout } = await apart.ask(["merge-base", "--all", one, other], { accept: [0, 1] });
  return stdout.toString("latin1").split("\n").filter(Boolean);
};

/** More commits than this outside of the trunk are not held in memory: then git is asked about each pair. */
const heldAtMost = 100_000;

/**
 * Where worktrees part from the trunk, and from each other. One walk over the commits that the trunk does not have answers
 * nearly all of it; git is asked about what merged the trunk in, and about worktrees that have such commits in common.
 */
export class History {
  readonly #apart: Apart;
  readonly #trunk: string;
  readonly #parents: ReadonlyMap<string, readonly string[]> | null;
  readonly #own = new Map<string, ReadonlySet<string>>();
  readonly #bases = new Map<string, Promise<string[]>>();

  private constructor(apart: Apart, trunk: string, parents: ReadonlyMap<string, readonly string[]> | null) {
    this.#apart = apart;
    this.#trunk = trunk;
    this.#parents = parents;
  }

  static async read(apart: Apart, trunk: string, heads: readonly string[]): Promise<History> {
    const { stdout } = await apart.ask(["rev-list", "--parents", `--max-count=${heldAtMost}`, "--stdin"], {
      input: [...new Set(heads), `^${trunk}`, ""].join("\n"),
    });
    const lines = stdout.toString("latin1").split("\n").filter(Boolean);
    if (lines.length >= heldAtMost) return new History(apart, trunk, null);
    const parents = lines.map((line): [string, readonly string[]] => {
      const [commit = "", ...rest] = line.split(" ");
      return [commit, rest];
    });
    return new History(apart, trunk, new Map(parents));
  }

  /** Where a commit parts from the trunk; null where they have nothing in common. */
  async fromTrunk(head: string): Promise<string | null> {
    const own = this.#ownOf(head);
    if (own === null) return this.#asked(head, this.#trunk);
    if (own.size === 0) return head;
    const leaving = new Set<string>();
    for (const commit of own) {
      for (const parent of this.#parents?.get(commit) ?? []) if (!own.has(parent)) leaving.add(parent);
    }
    const [only] = leaving;
    return leaving.size === 1 && only !== undefined ? only : this.#asked(head, this.#trunk);
  }

  /** Where two commits part from each other; the first of several after criss-cross merges. */
  async between(one: string, other: string): Promise<string | null> {
    const [own, others] = [this.#ownOf(one), this.#ownOf(other)];
    if (own === null || others === null || !own.isDisjointFrom(others)) return this.#asked(one, other);
    const [here, there] = [await this.fromTrunk(one), await this.fromTrunk(other)];
    if (here === null || there === null) return this.#asked(one, other);
    return here === there ? here : this.#asked(here, there);
  }

  /** The commits a head leads to and the trunk does not. */
  #ownOf(head: string): ReadonlySet<string> | null {
    if (this.#parents === null) return null;
    const known = this.#own.get(head);
    if (known !== undefined) return known;
    const own = new Set<string>();
    const left = [head];
    for (let commit = left.pop(); commit !== undefined; commit = left.pop()) {
      const parents = this.#parents.get(commit);
      if (parents === undefined || own.has(commit)) continue;
      own.add(commit);
      left.push(...parents);
    }
    this.#own.set(head, own);
    return own;
  }

  async #asked(one: string, other: string): Promise<string | null> {
    const pair = [one, other].toSorted().join(" ");
    const asked = this.#bases.get(pair) ?? mergeBases(this.#apart, one, other);
    this.#bases.set(pair, asked);
    return (await asked)[0] ?? null;
  }
}
