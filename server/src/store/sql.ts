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
  {
    version: 3,
    sql: `
-- Who holds which worktree. Rows are never deleted, also not with their worktree: tokens only ever grow within a repository.
-- Without an agent nobody holds it. heartbeat_at and expires_at are on the boot clock of boot_id; since and renewed_at are
-- for people. beat grows with every renewal, so that what was judged is what is ended.
CREATE TABLE claims (
  worktree_id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories(id),
  agent_id TEXT,
  token INTEGER NOT NULL,
  beat INTEGER NOT NULL,
  ttl INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  renewed_at INTEGER NOT NULL,
  told_at INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  host TEXT NOT NULL,
  machine TEXT NOT NULL,
  pid INTEGER,
  process_start TEXT,
  pid_namespace TEXT,
  task TEXT,
  sign TEXT
) STRICT;
CREATE UNIQUE INDEX claims_by_token ON claims (repository_id, token);
CREATE INDEX claims_held ON claims (agent_id) WHERE agent_id IS NOT NULL;

-- Who waits, in the order they came.
CREATE TABLE claim_waiters (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  worktree_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  host TEXT NOT NULL,
  machine TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_start TEXT,
  pid_namespace TEXT
) STRICT;
CREATE INDEX claim_waiters_of ON claim_waiters (worktree_id, place);

ALTER TABLE worktrees ADD COLUMN claimed_at INTEGER;
ALTER TABLE worktrees ADD COLUMN released_at INTEGER;
ALTER TABLE agents ADD COLUMN provider TEXT;
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

/** Worktrees with who holds them. */
const withClaim = `
    SELECT worktrees.*, claims.agent_id AS claim_agent, claims.since AS claim_since, claims.renewed_at AS claim_renewed_at,
      claims.ttl AS claim_ttl, claims.task AS claim_task
    FROM worktrees LEFT JOIN claims ON claims.worktree_id = worktrees.id AND claims.agent_id IS NOT NULL`;

export const worktrees = {
  of: `${withClaim} WHERE worktrees.repository_id = :repositoryId ORDER BY worktrees.id`,
  byId: `${withClaim} WHERE worktrees.id = :id`,
  byPath: `${withClaim} WHERE worktrees.repository_id = :repositoryId AND path = :path`,
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

export const claims = {
  of: `SELECT * FROM claims WHERE worktree_id = :worktreeId AND agent_id IS NOT NULL`,
  row: `SELECT * FROM claims WHERE worktree_id = :worktreeId`,
  in: `SELECT * FROM claims WHERE repository_id = :repositoryId AND agent_id IS NOT NULL ORDER BY token`,
  held: `SELECT * FROM claims WHERE agent_id IS NOT NULL ORDER BY repository_id, token`,
  /**
   * One winner for any number of processes: taken when nobody holds it and nobody is before us in the queue. No row:
   * somebody has it. A claim that is over is ended before, by the statement below, in the same transaction.
   */
  take: `
    INSERT INTO claims (worktree_id, repository_id, agent_id, token, beat, ttl, heartbeat_at, expires_at, since, renewed_at,
      told_at, boot_id, host, machine, pid, process_start, pid_namespace, task, sign)
    SELECT id, repository_id, :agent,
      (SELECT coalesce(max(token), 0) + 1 FROM claims WHERE claims.repository_id = worktrees.repository_id),
      1, :ttl, :now, :now + :ttl, :wall, :wall, :now, :bootId, :host, :machine, :pid, :processStart, :pidNamespace, :task, :sign
    FROM worktrees
    WHERE id = :worktreeId AND state = 'ready'
      AND NOT EXISTS (SELECT 1 FROM claim_waiters WHERE worktree_id = :worktreeId AND place < :place)
    ON CONFLICT (worktree_id) DO UPDATE SET agent_id = excluded.agent_id, token = excluded.token, beat = claims.beat + 1,
      ttl = excluded.ttl, heartbeat_at = excluded.heartbeat_at, expires_at = excluded.expires_at, since = excluded.since,
      renewed_at = excluded.renewed_at, told_at = excluded.told_at, boot_id = excluded.boot_id, host = excluded.host,
      machine = excluded.machine, pid = excluded.pid, process_start = excluded.process_start,
      pid_namespace = excluded.pid_namespace, task = excluded.task, sign = excluded.sign
    WHERE claims.agent_id IS NULL
    RETURNING *`,
  /** Heartbeat and guard: the first statement of whatever is done in a holder's name. No row: it is lost. */
  renew: `
    UPDATE claims SET beat = beat + 1, ttl = coalesce(:ttl, ttl), heartbeat_at = :now, expires_at = :now + coalesce(:ttl, ttl),
      renewed_at = :wall,
      pid = coalesce(:pid, CASE WHEN boot_id = :bootId THEN pid END),
      process_start = CASE WHEN :pid IS NULL THEN process_start ELSE :processStart END,
      pid_namespace = CASE WHEN :pid IS NULL THEN pid_namespace ELSE :pidNamespace END,
      task = coalesce(:task, task), sign = coalesce(:sign, sign), boot_id = :bootId, host = :host, machine = :machine
    WHERE worktree_id = :worktreeId AND agent_id = :agent AND token = :token
    RETURNING *`,
  told: `UPDATE claims SET told_at = :now WHERE worktree_id = :worktreeId`,
  /** The token decides, and the beat where a judgement must still be true. */
  end: `
    UPDATE claims SET agent_id = NULL, expires_at = 0, pid = NULL, process_start = NULL, pid_namespace = NULL
    WHERE worktree_id = :worktreeId AND agent_id IS NOT NULL AND token = :token AND (:beat IS NULL OR beat = :beat)
    RETURNING worktree_id`,
  /** Seed 001 §2: who holds it stands with the worktree. */
  markClaimed: `UPDATE worktrees SET agent_id = :agent, claimed_at = :wall, released_at = NULL WHERE id = :worktreeId`,
  markReleased: `UPDATE worktrees SET agent_id = NULL, released_at = :wall WHERE id = :worktreeId`,
};

export const claimWaiters = {
  of: `SELECT * FROM claim_waiters WHERE worktree_id = :worktreeId ORDER BY place`,
  before: `SELECT * FROM claim_waiters WHERE worktree_id = :worktreeId AND place < :place ORDER BY place`,
  row: `SELECT * FROM claim_waiters WHERE place = :place`,
  join: `
    INSERT INTO claim_waiters (worktree_id, agent_id, since, heartbeat_at, boot_id, host, machine, pid, process_start, pid_namespace)
    VALUES (:worktreeId, :agent, :wall, :now, :bootId, :host, :machine, :pid, :processStart, :pidNamespace)
    RETURNING place`,
  beat: `UPDATE claim_waiters SET heartbeat_at = :now WHERE place = :place RETURNING place`,
  /** One that was judged to be gone, unless it has given a sign of life since. */
  drop: `DELETE FROM claim_waiters WHERE place = :place AND heartbeat_at = :heartbeatAt RETURNING place`,
  leave: `DELETE FROM claim_waiters WHERE place = :place RETURNING place`,
};

export const agents = {
  all: `
    SELECT agents.*, worktrees.name AS worktree_name, worktrees.path AS worktree_path
    FROM agents LEFT JOIN worktrees ON worktrees.id = agents.current_worktree_id
    ORDER BY last_seen DESC, agents.id`,
  byId: `SELECT * FROM agents WHERE id = :id`,
  put: `
    INSERT INTO agents (id, name, type, provider, current_worktree_id, last_seen)
    VALUES (:id, :name, :kind, :provider, NULL, :wall)
    ON CONFLICT (id) DO UPDATE SET type = excluded.type, provider = excluded.provider, last_seen = excluded.last_seen`,
  seen: `UPDATE agents SET last_seen = :wall WHERE id = :id`,
  at: `UPDATE agents SET current_worktree_id = :worktreeId, last_seen = :wall WHERE id = :id`,
  /** Elsewhere, where it holds another one still. */
  left: `
    UPDATE agents SET last_seen = coalesce(:wall, last_seen), current_worktree_id = (
      SELECT claims.worktree_id FROM claims JOIN worktrees ON worktrees.id = claims.worktree_id
      WHERE claims.agent_id = :id ORDER BY claims.since DESC LIMIT 1)
    WHERE id = :id`,
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
