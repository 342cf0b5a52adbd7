import { setTimeout as sleep } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import { Commits } from "./commits.ts";
import type { Connection, Engine, Params, Statement } from "./driver.ts";
import { failureOf, full, movedAway, newer, readOnly, translate } from "./failures.ts";
import { connect } from "./opening.ts";
import type { Opened } from "./opening.ts";
import { checks, migrations } from "./sql.ts";
import { writerOf } from "./write-lock.ts";

/** Statements of one read or one transaction. Rows have the type the caller knows from the catalogue of SQL. */
export interface Sql {
  all<Row>(sql: string, params?: Params): Row[];
  get<Row>(sql: string, params?: Params): Row | undefined;
  /** Number of rows changed. */
  run(sql: string, params?: Params): number;
  /** The row an INSERT or UPDATE with RETURNING changed. */
  change<Row>(sql: string, params?: Params): Row | undefined;
  /** Whether the activity log names agents. */
  readonly attribute: boolean;
}

/** Longest wait for other processes' transactions, in ms. */
const patience = 10_000;

/**
 * One connection. What another process's transaction keeps busy is tried again with jitter, asynchronously, so that
 * the event loop never blocks (measured fairer and up to 1.9 x the throughput of SQLite's own busy timeout).
 */
export class Database {
  readonly file: string;
  readonly engine: Engine;
  readonly commits: Commits;
  #opened: Opened;
  #statements = new Map<string, Statement>();
  #changes = 0;
  #generation = 0;
  #closed = false;
  #foundInPlace = false;
  readonly #lost = new AbortController();
  readonly #sql: Sql;

  constructor(
    engine: Engine,
    file: string,
    opened: Opened,
    log: (message: string) => void,
    attribute: () => boolean = () => true,
  ) {
    this.engine = engine;
    this.file = file;
    this.#opened = opened;
    this.#sql = {
      // The catalogue's column lists are what make these casts true; the tests read every statement back.
      all: <Row>(sql: string, params: Params = {}) => this.#statement(sql).all(params) as Row[],
      get: <Row>(sql: string, params: Params = {}) => this.#statement(sql).get(params) as Row | undefined,
      run: (sql, params = {}) => {
        const changes = this.#statement(sql).run(params);
        this.#changes += changes;
        return changes;
      },
      change: <Row>(sql: string, params: Params = {}) => {
        const row = this.#statement(sql).get(params) as Row | undefined;
        if (row !== undefined) this.#changes += 1;
        return row;
      },
      get attribute() {
        return attribute();
      },
    };
    this.commits = new Commits(file, () => this.#dataVersion(), log);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Aborted, with the error as its reason, once it was seen that the file is not the one that others open any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  read<T>(work: (sql: Sql) => T): Promise<T> {
    return this.#patiently(() => {
      this.#refuseMovedThisTurn();
      this.#refresh();
      return work(this.#sql);
    });
  }

  /** One transaction; `work` is synchronous and short (under 5 ms). Without a change nothing is committed. */
  async write<T>(work: (sql: Sql) => T): Promise<T> {
    const result = await this.#patiently(() => this.#transaction(work));
    if (result.changed) this.commits.announce();
    return result.value;
  }

  /** Outside a transaction, on this connection: VACUUM INTO. */
  maintain(sql: string, params: Params): Promise<void> {
    return this.#patiently(() => {
      this.#refuseMoved();
      this.#statement(sql).run(params);
    });
  }

  /** One attempt, for what cannot wait: giving leases back while closing. False when it was not possible now. */
  writeNow(work: (sql: Sql) => void): boolean {
    try {
      this.#transaction(work);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.commits.close();
    this.#statements.clear();
    this.#opened.close();
  }

  #transaction<T>(work: (sql: Sql) => T): { value: T; changed: boolean } {
    this.#refuseMoved();
    this.#makeWritable();
    const { connection } = this.#opened;
    this.#statement("BEGIN IMMEDIATE").run({});
    try {
      this.#refuseNewer();
      this.#changes = 0;
      const value = work(this.#sql);
      const changed = this.#changes > 0;
      this.#statement(changed ? "COMMIT" : "ROLLBACK").run({});
      return { value, changed };
    } catch (error) {
      rollBack(connection);
      throw error;
    }
  }

  /** An iMi that was updated beside us may have migrated the file: what we would write might no longer be right. */
  #refuseNewer(): void {
    const version = this.#sql.get<{ user_version: number }>(checks.userVersion)?.user_version ?? 0;
    const known = migrations.at(-1)?.version ?? 0;
    if (version > known) throw newer(this.file, version, known);
  }

  /** What could only be read when it was opened may be writable by now. */
  #makeWritable(): void {
    if (this.#opened.access === "read-write") return;
    const again = connect(this.engine, this.file);
    if (again.access === "read-write") {
      this.#replace(again);
      return;
    }
    again.close();
    throw again.reason === "full" ? full(this.file) : readOnly(this.file);
  }

  /** SQLite itself does not look in WAL mode, and goes on for ever with a file that nobody else sees. */
  #refuseMoved(): void {
    if (!this.#lost.signal.aborted && this.#opened.moved()) this.#lost.abort(movedAway(this.file));
    this.#lost.signal.throwIfAborted();
  }

  /** Looked at once for all that is read in one turn of the event loop. */
  #refuseMovedThisTurn(): void {
    if (this.#foundInPlace) return;
    this.#refuseMoved();
    this.#foundInPlace = true;
    setImmediate(() => {
      this.#foundInPlace = false;
    });
  }

  #refresh(): void {
    if (this.#opened.stale()) this.#replace(connect(this.engine, this.file));
  }

  #replace(opened: Opened): void {
    this.#statements.clear();
    this.#opened.close();
    this.#opened = opened;
    this.#generation += 1;
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#opened.connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #dataVersion(): number {
    this.#refuseMovedThisTurn();
    this.#refresh();
    const version = this.#sql.get<{ data_version: number }>(checks.dataVersion)?.data_version ?? 0;
    return this.#generation * 2 ** 32 + version;
  }

  async #patiently<T>(attempt: () => T): Promise<T> {
    const start = performance.now();
    for (;;) {
      this.#lost.signal.throwIfAborted();
      if (this.#closed) throw new ImiError("store/failed", "The registry was closed.");
      try {
        return attempt();
      } catch (error) {
        if (failureOf(error) !== "busy") throw translate(error, this.file);
        if (performance.now() - start > patience) throw this.#busy(error);
      }
      await sleep(1 + Math.random() * 19);
    }
  }

  #busy(cause: unknown): ImiError {
    const pid = writerOf(this.file);
    const who = pid === null ? "another process" : `process ${pid}`;
    return new ImiError(
      "store/busy",
      `The registry ${this.file} has been busy for ${patience / 1000} s: ${who} is writing to it.`,
      {
        hint:
          pid === null
            ? "Look for a stopped or hanging iMi process."
            : `Process ${pid} may be stopped or hanging: continue or end it.`,
        cause,
      },
    );
  }
}

const rollBack = (connection: Connection): void => {
  try {
    if (connection.inTransaction) connection.exec("ROLLBACK");
  } catch {
    // The error that led here is the one to tell; SQLite has rolled back by itself when it could not be asked to.
  }
};
