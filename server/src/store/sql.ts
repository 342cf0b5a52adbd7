/** Every statement of the store. Names of seed 002 "Database Schema" where it has them; ids UUIDv7, times integer ms. */

/** "iMi1": tells our registry from any other SQLite file. */
export const applicationId = 0x694d6931;

export interface Migration {
  /** `user_version` after it. */
  readonly version: number;
  /** Only ever adds: an older iMi may be reading beside us. */
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE repositories (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  git_dir TEXT NOT NULL UNIQUE,
  layout TEXT NOT NULL,
  container TEXT NOT NULL,
  trunk TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE worktrees (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories(id),
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  path TEXT NOT NULL,
  branch TEXT,
  base TEXT,
  head TEXT,
  state TEXT NOT NULL,
  lock_reason TEXT,
  agent_id TEXT,
  pull_request INTEGER,
  identity TEXT,
  intention TEXT,
  created_at INTEGER NOT NULL,
  last_accessed INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  UNIQUE (repository_id, name),
  UNIQUE (repository_id, path)
) STRICT;

CREATE TABLE activities (
  id TEXT PRIMARY KEY,
  worktree_id TEXT REFERENCES worktrees(id) ON DELETE SET NULL,
  agent_id TEXT,
  activity_type TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  details TEXT
) STRICT;
CREATE INDEX activities_of_worktree ON activities (worktree_id, timestamp);

CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  current_worktree_id TEXT REFERENCES worktrees(id) ON DELETE SET NULL,
  last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX agents_in_worktree ON agents (current_worktree_id);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  repository_id TEXT,
  subject TEXT NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;

-- Rows are never deleted, so that a fence only ever grows.
CREATE TABLE leases (
  resource TEXT PRIMARY KEY,
  holder TEXT,
  fence INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  pid INTEGER,
  process_start TEXT,
  pid_namespace TEXT,
  host TEXT NOT NULL,
  purpose TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;
`,
  },
  {
    version: 2,
    sql: `
-- Removed worktrees, and the journal of moving them there, back, and away for good.
CREATE TABLE trash (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories(id),
  state TEXT NOT NULL,
  worktree TEXT NOT NULL,
  place TEXT NOT NULL,
  record TEXT NOT NULL,
  movement TEXT NOT NULL,
  restoring TEXT,
  work TEXT NOT NULL,
  salvage TEXT,
  bytes INTEGER,
  removed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX trash_of_repository ON trash (repository_id, removed_at);

CREATE TABLE disk_use (
  worktree_id TEXT PRIMARY KEY REFERENCES worktrees(id) ON DELETE CASCADE,
  bytes INTEGER NOT NULL,
  files INTEGER NOT NULL,
  measured_at INTEGER NOT NULL
) STRICT;
`,
  },
];

/** The row a registry of ours always has; a file without it is not trusted to be merely empty. */
export const meta = {
  plant: `INSERT INTO meta (key, value) VALUES ('registry', 'iMi')`,
  sentinel: `SELECT value FROM meta WHERE key = 'registry'`,
};

export const checks = {
  sqliteVersion: `SELECT sqlite_version() AS version`,
  applicationId: `PRAGMA application_id`,
  userVersion: `PRAGMA user_version`,
  dataVersion: `PRAGMA data_version`,
  journalMode: `PRAGMA journal_mode`,
  quickCheck: `PRAGMA quick_check`,
  vacuumInto: `VACUUM INTO :path`,
};

/** `mmap_size=0`: third parties report corruption with it. WAL itself is set once, at creation; the file remembers it. */
export const pragmas = [
  `PRAGMA synchronous=FULL`,
  `PRAGMA foreign_keys=ON`,
  `PRAGMA journal_size_limit=67108864`,
  `PRAGMA mmap_size=0`,
  `PRAGMA trusted_schema=OFF`,
  `PRAGMA cell_size_check=ON`,
].join(";");

export const repositories = {
  byGitDir: `SELECT * FROM repositories WHERE git_dir = :gitDir`,
  byId: `SELECT * FROM repositories WHERE id = :id`,
  all: `SELECT * FROM repositories ORDER BY id`,
  insert: `
    INSERT INTO repositories (id, name, git_dir, layout, container, trunk, created_at)
    VALUES (:id, :name, :gitDir, :layout, :container, :trunk, :now)`,
  update: `
    UPDATE repositories SET name = :name, git_dir = :gitDir, layout = :layout, container = :container, trunk = :trunk
    WHERE id = :id`,
};

export const worktrees = {
  of: `SELECT * FROM worktrees WHERE repository_id = :repositoryId ORDER BY id`,
  byId: `SELECT * FROM worktrees WHERE id = :id`,
  byPath: `SELECT * FROM worktrees WHERE repository_id = :repositoryId AND path = :path`,
  taken: `
    SELECT * FROM worktrees
    WHERE repository_id = :repositoryId AND id <> :id AND (name = :name OR path = :path) LIMIT 1`,
  any: `SELECT 1 FROM worktrees LIMIT 1`,
  insert: `
    INSERT INTO worktrees (id, repository_id, name, type, path, branch, base, head, state, lock_reason, agent_id,
      pull_request, identity, intention, created_at, last_accessed, metadata)
    VALUES (:id, :repositoryId, :name, :type, :path, :branch, :base, :head, :state, :lockReason, :agentId,
      :pullRequest, :identity, :intention, :createdAt, :lastAccessed, :metadata)`,
  update: `
    UPDATE worktrees SET name = :name, type = :type, path = :path, branch = :branch, base = :base, head = :head,
      state = :state, lock_reason = :lockReason, agent_id = :agentId, pull_request = :pullRequest,
      identity = :identity, intention = :intention, last_accessed = :lastAccessed, metadata = :metadata
    WHERE id = :id`,
  remove: `DELETE FROM worktrees WHERE id = :id`,
};

export const trash = {
  of: `SELECT * FROM trash WHERE repository_id = :repositoryId ORDER BY removed_at DESC, id DESC`,
  byId: `SELECT * FROM trash WHERE id = :id`,
  insert: `
    INSERT INTO trash (id, repository_id, state, worktree, place, record, movement, restoring, work, salvage, bytes, removed_at)
    VALUES (:id, :repositoryId, :state, :worktree, :place, :record, :movement, :restoring, :work, :salvage, :bytes, :removedAt)`,
  update: `
    UPDATE trash SET state = :state, place = :place, record = :record, movement = :movement, restoring = :restoring,
      work = :work, salvage = :salvage, bytes = :bytes
    WHERE id = :id`,
  remove: `DELETE FROM trash WHERE id = :id`,
};

export const diskUse = {
  of: `
    SELECT disk_use.* FROM disk_use JOIN worktrees ON worktrees.id = disk_use.worktree_id
    WHERE worktrees.repository_id = :repositoryId`,
  put: `
    INSERT INTO disk_use (worktree_id, bytes, files, measured_at)
    SELECT id, :bytes, :files, :now FROM worktrees WHERE id = :worktreeId
    ON CONFLICT (worktree_id) DO UPDATE SET bytes = excluded.bytes, files = excluded.files, measured_at = excluded.measured_at`,
};

export const events = {
  since: `SELECT * FROM events WHERE seq > :since ORDER BY seq LIMIT :limit`,
  last: `SELECT coalesce(max(seq), 0) AS seq FROM events`,
  append: `
    INSERT INTO events (id, name, repository_id, subject, at, data)
    VALUES (:id, :name, :repositoryId, :subject, :at, :data) RETURNING seq`,
};

export const leases = {
  row: `SELECT * FROM leases WHERE resource = :resource`,
  /** Taken when it is free, or when the very holder that was proven dead still stands there. No row: somebody has it. */
  take: `
    INSERT INTO leases (resource, holder, fence, boot_id, expires_at, heartbeat_at, pid, process_start, pid_namespace,
      host, purpose, since)
    VALUES (:resource, :holder, 1, :bootId, :now + :ttl, :now, :pid, :processStart, :pidNamespace, :host, :purpose, :since)
    ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, fence = leases.fence + 1,
      boot_id = excluded.boot_id, expires_at = excluded.expires_at, heartbeat_at = excluded.heartbeat_at,
      pid = excluded.pid, process_start = excluded.process_start, pid_namespace = excluded.pid_namespace,
      host = excluded.host, purpose = excluded.purpose, since = excluded.since
    WHERE leases.holder IS NULL OR (leases.holder = :dead AND leases.fence = :deadFence)
    RETURNING fence`,
  /**
   * Heartbeat and guard. The fence alone decides, not the expiry: on one host nobody takes over from a living holder,
   * so one that slept (laptop lid, SIGSTOP) past its expiry still holds what nobody was given.
   */
  guard: `
    UPDATE leases SET expires_at = :now + :ttl, heartbeat_at = :now
    WHERE resource = :resource AND holder = :holder AND boot_id = :bootId AND fence = :fence RETURNING fence`,
  release: `
    UPDATE leases SET holder = NULL, expires_at = 0
    WHERE resource = :resource AND holder = :holder AND fence = :fence`,
};
