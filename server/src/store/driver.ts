import { existsSync } from "node:fs";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { oldestNodeApi, useNewer } from "../runtime.ts";
import { checks } from "./sql.ts";

export type Value = string | number | null;
export type Params = Readonly<Record<string, Value>>;

/** What the store needs of a SQLite library; both that can serve are this thin. Everything is synchronous. */
export interface Connection {
  readonly inTransaction: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

export interface Statement {
  all(params: Params): unknown[];
  get(params: Params): unknown;
  /** Number of rows changed. */
  run(params: Params): number;
}

export interface Engine {
  readonly name: "better-sqlite3" | "node:sqlite";
  readonly sqlite: string;
  /** Busy is reported at once: waiting is for the caller, who does not block the event loop. */
  connect(file: string, access: "read-write" | "read-only"): Connection;
}

export interface EngineOptions {
  readonly nativeBinding: string | undefined;
  readonly log: (message: string) => void;
}

/** Below it, several processes writing with WAL can corrupt the file (the WAL-reset bug, fixed in 3.51.3). */
const oldestSqlite = "3.51.3";

let loaded: Promise<Engine> | undefined;

/** The SQLite library of this process. One only: two libraries on one file silently lose each other's commits. */
export const loadEngine = (options: EngineOptions): Promise<Engine> => {
  loaded ??= load(options).catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
};

const load = async ({ nativeBinding, log }: EngineOptions): Promise<Engine> => {
  const engine = await betterSqlite(nativeBinding).catch(async (error: unknown) => {
    const builtIn = await nodeSqlite().catch((cause: unknown) => {
      throw new ImiError("runtime/unsupported", "No SQLite library can be loaded here.", {
        hint: `${useNewer} (${reasonOf(error)}).`,
        cause,
      });
    });
    log(`store: node:sqlite ${builtIn.sqlite} serves, because better-sqlite3 cannot be loaded: ${reasonOf(error)}`);
    return builtIn;
  });
  if (isOlder(engine.sqlite, oldestSqlite)) {
    throw new ImiError(
      "runtime/unsupported",
      `SQLite ${engine.sqlite} can corrupt a database that several processes use.`,
      {
        hint: `iMi needs SQLite ${oldestSqlite} or later: use Node 24.21 or later, or the platform's own iMi package.`,
      },
    );
  }
  return engine;
};

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";

/** By hand: `localeCompare` with `numeric` would load a collator, 12 ms at the start of every command. */
export const isOlder = (version: string, than: string): boolean => {
  const [a, b] = [version, than].map((each) => each.split(".").map(Number));
  const differs = b?.findIndex((part, index) => part !== (a?.[index] ?? 0)) ?? -1;
  return differs >= 0 && (a?.[differs] ?? 0) < (b?.[differs] ?? 0);
};

const betterSqlite = async (nativeBinding: string | undefined): Promise<Engine> => {
  // Its binary calls N-API 10 and takes the process down where that is missing.
  const napi = Number(process.versions["napi"] ?? 0);
  if (!(napi >= oldestNodeApi)) throw new Error(`Node-API ${napi} is too old, ${oldestNodeApi} is needed`);
  const { default: Database } = await import("better-sqlite3");
  const beside = path.join(import.meta.dirname, "native", "better-sqlite3.node");
  const native = nativeBinding ?? (existsSync(beside) ? beside : undefined);
  const open = (file: string, access: "read-write" | "read-only"): Connection => {
    const database = new Database(file, {
      readonly: access === "read-only",
      fileMustExist: file !== ":memory:",
      timeout: 0,
      ...(native === undefined ? {} : { nativeBinding: native }),
    });
    return {
      get inTransaction() {
        return database.inTransaction;
      },
      prepare(sql) {
        const statement = database.prepare<Params>(unexamined(sql));
        return {
          all: (params) => statement.all(params),
          get: (params) => statement.get(params),
          run: (params) => statement.run(params).changes,
        };
      },
      exec: (sql) => void database.exec(sql),
      close: () => void database.close(),
    };
  };
  const memory = open(":memory:", "read-write");
  const sqlite = versionOf(memory);
  memory.close();
  return { name: "better-sqlite3", sqlite, connect: open };
};

/**
 * better-sqlite3's SQLite is built with STAT4: whenever a value is bound that its planner may have looked at, it prepares the
 * statement anew (30 to 100 µs, where the statement itself takes 5). It looks at what is compared and at limits, and not
 * behind a unary plus, which changes no value.
 */
const unexamined = (sql: string): string => sql.replaceAll(/([=<>] ?|\bLIMIT ):(?=\w)/gu, "$1+:");

const nodeSqlite = async (): Promise<Engine> => {
  const { DatabaseSync } = await import("node:sqlite");
  const open = (file: string, access: "read-write" | "read-only"): Connection => {
    const database = new DatabaseSync(file, { readOnly: access === "read-only", timeout: 0 });
    return {
      get inTransaction() {
        return database.isTransaction;
      },
      prepare(sql) {
        const statement = database.prepare(sql);
        return {
          all: (params) => statement.all(params),
          get: (params) => statement.get(params),
          run: (params) => Number(statement.run(params).changes),
        };
      },
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
    };
  };
  const memory = open(":memory:", "read-write");
  const sqlite = versionOf(memory);
  memory.close();
  return { name: "node:sqlite", sqlite, connect: open };
};

const versionOf = (connection: Connection): string => {
  const row = connection.prepare(checks.sqliteVersion).get({});
  // SELECT sqlite_version() AS version always answers one row with that text.
  return (row as { version: string }).version;
};
