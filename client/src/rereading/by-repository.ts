import type { Disposable } from "vscode";
import type { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { Disposables } from "../disposables.ts";
import type { Repositories } from "../repositories.ts";
import { Rereading, type RereadingOptions, type Told } from "./rereading.ts";

export interface ByRepositoryOptions<Answer> extends Omit<RereadingOptions, "read" | "exists"> {
  /** Reads one repository. See `RereadingOptions.read`. */
  readonly ask: (repository: Repository, signal: AbortSignal) => Promise<Answer>;
  /** Called when a repository came or went, but for those that are there from the start. */
  readonly onFollow: () => void;
}

interface Asked<Answer> {
  readonly reading: Rereading;
  /** null until the first. */
  answer: Answer | null;
}

/** What is read of each repository of this window, of each by itself; see `Rereading`. They come and go with its folders. */
export class RereadingByRepository<Answer> implements Disposable {
  readonly #connection: Told;
  readonly #repositories: Repositories;
  readonly #options: ByRepositoryOptions<Answer>;
  readonly #scope = new Disposables();
  readonly #asked = new Map<string, Asked<Answer>>();
  #watched: () => boolean = () => false;

  constructor(connection: Told, repositories: Repositories, options: ByRepositoryOptions<Answer>) {
    this.#connection = connection;
    this.#repositories = repositories;
    this.#options = options;
    this.#scope.add(repositories.onDidChange(() => this.#follow() && options.onFollow()));
    this.#follow();
  }

  /** The last answers, one for each repository that was read. */
  get answers(): readonly Answer[] {
    return this.#all.flatMap(({ answer }) => (answer === null ? [] : [answer]));
  }

  /** Whether every repository was read at least once, or could not be. */
  get complete(): boolean {
    return this.#all.every(({ answer, reading }) => answer !== null || reading.failure !== null);
  }

  /** Whether nothing is known to have happened since they were read. */
  get current(): boolean {
    return this.#all.every(({ reading }) => !reading.stale);
  }

  /** Why one of them could not be read when that was last tried. */
  get failure(): ImiError | null {
    return this.#all.find(({ reading }) => reading.failure !== null)?.reading.failure ?? null;
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<unknown> {
    return Promise.all(this.#all.map(({ reading }) => reading.settled));
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    for (const { reading } of this.#all) reading.watch(visible);
  }

  /** Reads them again if somebody looks. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    await Promise.all(this.#all.map(({ reading }) => reading.refresh()));
  }

  /** Reads them now, watched or not. Never throws: ask `failure`. */
  async renew(): Promise<void> {
    await Promise.all(this.#all.map(({ reading }) => reading.renew()));
  }

  dispose(): void {
    this.#scope.dispose();
    for (const { reading } of this.#all) reading.dispose();
  }

  get #all(): readonly Asked<Answer>[] {
    return [...this.#asked.values()];
  }

  /** Whether a repository came or went. */
  #follow(): boolean {
    const here = this.#repositories.all;
    const gone = [...this.#asked].filter(([known]) => !here.some(({ id }) => id === known));
    for (const [id, { reading }] of gone) {
      reading.dispose();
      this.#asked.delete(id);
    }
    const come = here.filter(({ id }) => !this.#asked.has(id));
    for (const repository of come) this.#asked.set(repository.id, this.#begin(repository));
    return gone.length + come.length > 0;
  }

  #begin(repository: Repository): Asked<Answer> {
    const { ask, concerns, ...options } = this.#options;
    const reading = new Rereading(this.#connection, {
      ...options,
      concerns: (event) => event.repository === repository.id && concerns(event),
      read: async (signal) => {
        asked.answer = await ask(repository, signal);
      },
    });
    const asked: Asked<Answer> = { reading, answer: null };
    reading.watch(this.#watched);
    return asked;
  }
}
