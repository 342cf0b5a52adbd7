import type { Database } from "./database.ts";
import { diskUse as sql } from "./sql.ts";
import type { DiskUses } from "./store.ts";

interface DiskUseRecord {
  readonly worktree_id: string;
  readonly bytes: number;
  readonly files: number;
  readonly measured_at: number;
}

export const diskUses = (database: Database): DiskUses => ({
  of: (repositoryId) =>
    database.read(
      (read) =>
        new Map(
          read
            .all<DiskUseRecord>(sql.of, { repositoryId })
            .map(({ worktree_id: id, bytes, files, measured_at: at }) => [
              id,
              { bytes, files, measuredAt: new Date(at).toISOString() },
            ]),
        ),
    ),
  put: (worktreeId, { bytes, files }) =>
    database.write((tx) => void tx.run(sql.put, { worktreeId, bytes, files, now: Date.now() })),
});
