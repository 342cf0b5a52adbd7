import type { Repository } from "../../../protocol/repositories.ts";
import type { Database, Sql } from "./database.ts";
import { appendEvent } from "./events.ts";
import { repositories as sql } from "./sql.ts";
import type { RepositoryRows } from "./store.ts";
import { uuidv7 } from "./uuid.ts";

interface RepositoryRecord {
  readonly id: string;
  readonly name: string;
  readonly git_dir: string;
  readonly layout: Repository["layout"];
  readonly container: string;
  readonly trunk: string | null;
}

const toRepository = (row: RepositoryRecord): Repository => ({
  id: row.id,
  name: row.name,
  gitDir: row.git_dir,
  layout: row.layout,
  container: row.container,
  trunk: row.trunk,
});

export const repositoryRows = (database: Database): RepositoryRows => {
  const one = (read: Sql, statement: string, params: Record<string, string>): Repository | null => {
    const row = read.get<RepositoryRecord>(statement, params);
    return row === undefined ? null : toRepository(row);
  };
  return {
    byGitDir: (gitDir) => database.read((read) => one(read, sql.byGitDir, { gitDir })),
    byId: (id) => database.read((read) => one(read, sql.byId, { id })),
    all: () => database.read((read) => read.all<RepositoryRecord>(sql.all).map(toRepository)),
    meet: async (found) => {
      const known = await database.read((read) => one(read, sql.byGitDir, { gitDir: found.gitDir }));
      if (known !== null && isSame(known, found)) return known;
      return database.write((tx) => meet(tx, found, one(tx, sql.byGitDir, { gitDir: found.gitDir })));
    },
    // Another process may have been faster, and met or moved it there already: what stands at the new place counts.
    move: (id, found) =>
      database.write((tx) =>
        meet(tx, found, one(tx, sql.byGitDir, { gitDir: found.gitDir }) ?? one(tx, sql.byId, { id })),
      ),
  };
};

/** Registers it, or keeps its facts right when the checkout was moved within its container or renamed. */
const meet = (tx: Sql, found: Omit<Repository, "id">, known: Repository | null): Repository => {
  if (known !== null && isSame(known, found)) return known;
  const { name, gitDir, layout, container, trunk } = found;
  const id = known?.id ?? uuidv7();
  if (known === null) tx.run(sql.insert, { id, name, gitDir, layout, container, trunk, now: Date.now() });
  else tx.run(sql.update, { id, name, gitDir, layout, container, trunk });
  appendEvent(tx, {
    name: "repository.opened",
    repositoryId: id,
    subject: id,
    data: { name, gitDir, layout, container, trunk },
  });
  return { id, name, gitDir, layout, container, trunk };
};

const isSame = (known: Repository, found: Omit<Repository, "id">): boolean =>
  known.name === found.name &&
  known.gitDir === found.gitDir &&
  known.layout === found.layout &&
  known.container === found.container &&
  known.trunk === found.trunk;
