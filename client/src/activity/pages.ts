import type { Activity, ActivityType } from "../../../protocol/activity.ts";
import type { ParamsOf, ResultOf } from "../../../protocol/contract.ts";

/** One thing that happened, and in which repository. */
export interface Entry extends Activity {
  readonly repository: string;
}

/** What is asked for of all that happened; nothing: all of it. */
export interface Filter {
  readonly worktree?: { readonly repository: string; readonly name: string };
  readonly agent?: string;
  readonly file?: string;
  readonly type?: ActivityType;
  readonly since?: string;
}

/** A repository that can be asked. `path` is a path in it. */
export interface Source {
  readonly id: string;
  readonly path: string;
}

export type AskActivity = (params: ParamsOf<"activity.list">) => Promise<ResultOf<"activity.list">>;

/** Entries of a page. */
export const pageSize = 50;

/** Entries that are held though nobody asked for older ones: beyond them the oldest go, and can be asked for again. */
export const heldAtMost = 500;

/**
 * What happened in some repositories, newest first, as far as somebody looked. Ids grow with time over all repositories of a
 * registry, so that one order holds for all of them. Asking for older ones and for what is new may go on at once.
 */
export class ActivityPages {
  readonly #ask: AskActivity;
  readonly #held: number;
  #sources: readonly Source[] = [];
  #filter: Filter = {};
  #entries: readonly Entry[] = [];
  #more = false;
  /** Answers of an earlier one are nobody's any more. */
  #generation = 0;

  constructor(ask: AskActivity, held = heldAtMost) {
    this.#ask = ask;
    this.#held = held;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Whether there are older ones. */
  get more(): boolean {
    return this.#more;
  }

  get filter(): Filter {
    return this.#filter;
  }

  /** Begins anew with what is asked for from now on. */
  begin(sources: readonly Source[], filter: Filter): void {
    this.#generation += 1;
    this.#sources = sources;
    this.#filter = filter;
    this.#entries = [];
    this.#more = false;
  }

  /** Reads what is new. Where more happened than a page holds, what was read before goes: there would be a gap. */
  async renew(): Promise<void> {
    const page = await this.#page(undefined);
    if (page === null) return;
    const newest = this.#entries[0]?.id ?? 0;
    const fresh = page.entries.filter(({ id }) => id > newest);
    const gap = page.more && fresh.length === page.entries.length;
    if (this.#entries.length === 0 || gap) this.#hold(page.entries, page.more);
    else this.#hold([...fresh, ...this.#entries], this.#more);
  }

  /** Reads the next older ones; whether there is anything else to show then. */
  async readOlder(): Promise<boolean> {
    if (!this.#more) return false;
    const oldest = this.#entries.at(-1)?.id;
    const page = await this.#page(oldest);
    // What was read meanwhile may have taken the place of all that was there.
    if (page === null || this.#entries.at(-1)?.id !== oldest) return false;
    this.#entries = [...this.#entries, ...page.entries];
    this.#more = page.more;
    return true;
  }

  #hold(entries: readonly Entry[], more: boolean): void {
    const most = Math.max(this.#held, this.#entries.length);
    this.#entries = entries.slice(0, most);
    this.#more = more || entries.length > most;
  }

  /** null: something else is asked for by now. */
  async #page(
    before: number | undefined,
  ): Promise<{ readonly entries: readonly Entry[]; readonly more: boolean } | null> {
    const generation = this.#generation;
    const { worktree, ...rest } = this.#filter;
    const sources = this.#sources.filter(({ id }) => worktree === undefined || worktree.repository === id);
    const pages = await Promise.all(
      sources.map(async ({ id, path }) => {
        const { activities, more } = await this.#ask({
          repository: path,
          limit: pageSize,
          ...rest,
          ...(worktree === undefined ? {} : { name: worktree.name }),
          ...(before === undefined ? {} : { before }),
        });
        return { more, entries: activities.map((each): Entry => ({ ...each, repository: id })) };
      }),
    );
    if (generation !== this.#generation) return null;
    const all = pages.flatMap(({ entries }) => entries).toSorted((a, b) => b.id - a.id);
    return { entries: all.slice(0, pageSize), more: all.length > pageSize || pages.some(({ more }) => more) };
  }
}
