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
  {
    version: 4,
    sql: `
-- What happened in worktrees. No references to them: it outlives them. What rows have in common stands once, so that one
-- takes about 100 bytes with its indexes (seed 002 "Performance"). id is at least timestamp * 1024, so that a time is found by it.
-- Nothing was ever written to the table that had this name; who reads seed 002's schema finds it as a view.
DROP TABLE activities;
CREATE TABLE activity_rows (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  file INTEGER,
  change INTEGER,
  timestamp INTEGER NOT NULL,
  details TEXT
) STRICT;
CREATE INDEX activity_rows_of_stream ON activity_rows (stream);
CREATE INDEX activity_rows_of_file ON activity_rows (file) WHERE file IS NOT NULL;

-- last and last_at are of its newest row.
CREATE TABLE activity_streams (
  id INTEGER PRIMARY KEY,
  repository_id TEXT NOT NULL,
  worktree_id TEXT NOT NULL,
  worktree_name TEXT NOT NULL,
  agent_id TEXT,
  activity_type TEXT NOT NULL,
  last INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX activity_streams_by_key
  ON activity_streams (worktree_id, activity_type, worktree_name, coalesce(agent_id, ''));
CREATE INDEX activity_streams_by_name ON activity_streams (repository_id, worktree_name);
CREATE INDEX activity_streams_of_repository ON activity_streams (repository_id, last);
CREATE INDEX activity_streams_of_agent ON activity_streams (agent_id, last) WHERE agent_id IS NOT NULL;

CREATE TABLE activity_files (
  id INTEGER PRIMARY KEY,
  repository_id TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (repository_id, path)
) STRICT;

CREATE VIEW activities AS
  SELECT activity_rows.id, repository_id, worktree_id, worktree_name, agent_id, activity_type,
    (SELECT path FROM activity_files WHERE activity_files.id = activity_rows.file) AS file, timestamp,
    CASE change WHEN 0 THEN '{"change":"added"}' WHEN 1 THEN '{"change":"modified"}' WHEN 2 THEN '{"change":"deleted"}'
      ELSE coalesce(details, '{}') END AS details
  FROM activity_rows JOIN activity_streams ON activity_streams.id = activity_rows.stream;

-- Which two agents' changes of which file were told lately, so that they are not told with each change. one < other.
CREATE TABLE same_file_told (
  file INTEGER NOT NULL,
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (file, one, other)
) STRICT, WITHOUT ROWID;

-- The only ones that retention takes from the log.
CREATE INDEX events_touched ON events (at) WHERE name = 'worktree.touched';

-- What was last told of each worktree: whoever watches next compares, and so misses nothing.
CREATE TABLE live_status (
  worktree_id TEXT PRIMARY KEY REFERENCES worktrees(id) ON DELETE CASCADE,
  head TEXT,
  branch TEXT,
  status TEXT NOT NULL,
  files TEXT,
  changed_at INTEGER,
  told_at INTEGER NOT NULL
) STRICT;

-- The first line of its commit's message; known for head_subject_of alone.
ALTER TABLE worktrees ADD COLUMN head_subject TEXT;
ALTER TABLE worktrees ADD COLUMN head_subject_of TEXT;

-- Tells this registry from every other that may know the same repository.
INSERT INTO meta (key, value) VALUES ('id', lower(hex(randomblob(16))));
`,
  },
];

/** The row a registry of ours always has; a file without it is not trusted to be merely empty. */
export const meta = {
  plant: `INSERT INTO meta (key, value) VALUES ('registry', 'iMi')`,
  sentinel: `SELECT value FROM meta WHERE key = 'registry'`,
  id: `SELECT value FROM meta WHERE key = 'id'`,
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
  byName: `${withClaim} WHERE worktrees.repository_id = :repositoryId AND name = :name`,
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

export const activities = {
  last: `SELECT coalesce(max(id), 0) AS id FROM activity_rows`,
  stream: `
    INSERT INTO activity_streams (repository_id, worktree_id, worktree_name, agent_id, activity_type, last, last_at)
    VALUES (:repositoryId, :worktreeId, :name, :agent, :type, :last, :now)
    ON CONFLICT (worktree_id, activity_type, worktree_name, coalesce(agent_id, ''))
    DO UPDATE SET last = excluded.last, last_at = excluded.last_at
    RETURNING id`,
  insert: `INSERT INTO activity_rows (id, stream, timestamp, details) VALUES (:id, :stream, :now, :details)`,
  /** :paths is a JSON array; :changes has a digit for each of them. */
  files: `
    INSERT OR IGNORE INTO activity_files (repository_id, path) SELECT :repositoryId, value FROM json_each(:paths)`,
  insertFiles: `
    INSERT INTO activity_rows (id, stream, file, change, timestamp)
    SELECT CAST(:first AS INTEGER) + paths.key, :stream, activity_files.id,
      CAST(substr(:changes, paths.key + 1, 1) AS INTEGER), :now
    FROM json_each(:paths) AS paths CROSS JOIN activity_files
    WHERE activity_files.repository_id = :repositoryId AND activity_files.path = paths.value`,
  /** Whether anybody else changed anything since then. */
  othersSince: `
    SELECT 1 FROM activity_streams
    WHERE repository_id = :repositoryId AND last >= :floor AND activity_type = 'file_change' AND agent_id <> :agent LIMIT 1`,
  /** Of these files, who else changed them since then, with when the two were last told of. */
  sameFiles: `
    SELECT activity_files.id AS file, activity_files.path, agent_id, worktree_name, max(activity_rows.id) AS id, timestamp,
      same_file_told.at AS told_at
    FROM json_each(:paths) AS paths
    CROSS JOIN activity_files ON activity_files.repository_id = :repositoryId AND activity_files.path = paths.value
    CROSS JOIN activity_rows ON activity_rows.file = activity_files.id AND activity_rows.id >= :floor
    CROSS JOIN activity_streams ON activity_streams.id = activity_rows.stream
    LEFT JOIN same_file_told ON same_file_told.file = activity_files.id
      AND one = min(agent_id, :agent) AND other = max(agent_id, :agent) AND same_file_told.at >= :since
    WHERE timestamp >= :since AND agent_id <> :agent
    GROUP BY activity_files.id, agent_id
    ORDER BY paths.key, max(activity_rows.id) DESC`,
  tellSame: `
    INSERT INTO same_file_told (file, one, other, at) VALUES (:file, min(:agent, :other), max(:agent, :other), :now)
    ON CONFLICT (file, one, other) DO UPDATE SET at = excluded.at`,
  forgetSame: `DELETE FROM same_file_told WHERE at < :since`,
  streams: {
    /** The newest rows of so many are among the newest of all. */
    inRepository: `
      SELECT * FROM activity_streams
      WHERE repository_id = :repositoryId AND last >= :floor AND (:type IS NULL OR activity_type = :type)
      ORDER BY last DESC LIMIT :limit`,
    ofAgent: `
      SELECT * FROM activity_streams
      WHERE agent_id = :agent AND repository_id = :repositoryId AND last >= :floor AND (:type IS NULL OR activity_type = :type)
      ORDER BY last DESC LIMIT :limit`,
    /** Of one worktree under every name, and of those that were called so. */
    ofWorktree: `
      SELECT * FROM activity_streams
      WHERE id IN (
          SELECT id FROM activity_streams WHERE worktree_id = :worktreeId
          UNION SELECT id FROM activity_streams WHERE repository_id = :repositoryId AND worktree_name = :name)
        AND repository_id = :repositoryId AND last >= :floor
        AND (:agent IS NULL OR agent_id = :agent) AND (:type IS NULL OR activity_type = :type)
      ORDER BY last DESC LIMIT :limit`,
  },
  /** Among the newest of all repositories. */
  among: `
    SELECT activity_rows.id, stream, change, timestamp, details, path
    FROM (
      SELECT * FROM activity_rows WHERE id < :before AND id >= :floor ORDER BY id DESC LIMIT :among
    ) AS activity_rows CROSS JOIN activity_streams ON activity_streams.id = stream
    LEFT JOIN activity_files ON activity_files.id = file
    WHERE activity_streams.repository_id = :repositoryId AND timestamp >= :since AND (:type IS NULL OR activity_type = :type)
      AND (:path IS NULL OR path = :path OR (path >= :path || '/' AND path < :path || '0'))
    ORDER BY activity_rows.id DESC LIMIT :limit`,
  /** Those of files in a folder with many. */
  ofStreamWithin: `
    SELECT id, stream, change, timestamp, details, (SELECT path FROM activity_files WHERE activity_files.id = file) AS path
    FROM activity_rows
    WHERE stream = :stream AND id < :before AND id >= :floor AND timestamp >= :since AND file IN (
      SELECT id FROM activity_files WHERE repository_id = :repositoryId AND path >= :path || '/' AND path < :path || '0'
      UNION ALL SELECT id FROM activity_files WHERE repository_id = :repositoryId AND path = :path)
    ORDER BY id DESC LIMIT :limit`,
  countWithin: `
    SELECT count(*) AS files FROM (
      SELECT 1 FROM activity_files WHERE repository_id = :repositoryId AND path >= :path || '/' AND path < :path || '0' LIMIT :limit)`,
  ofStream: `
    SELECT id, stream, change, timestamp, details, (SELECT path FROM activity_files WHERE activity_files.id = file) AS path
    FROM activity_rows
    WHERE stream = :stream AND id < :before AND id >= :floor AND timestamp >= :since
    ORDER BY id DESC LIMIT :limit`,
  /** The file itself, where it is one, and all in the folder, where it is one. */
  filesWithin: `
    SELECT id, path, (SELECT max(activity_rows.id) FROM activity_rows WHERE file = files.id AND activity_rows.id < :before) AS last
    FROM (
      SELECT id, path FROM activity_files WHERE repository_id = :repositoryId AND path = :path
      UNION ALL
      SELECT id, path FROM activity_files WHERE repository_id = :repositoryId AND path >= :path || '/' AND path < :path || '0'
    ) AS files
    ORDER BY last DESC`,
  ofFile: `
    SELECT activity_rows.id, stream, change, timestamp, details, :path AS path
    FROM activity_rows CROSS JOIN activity_streams ON activity_streams.id = stream
    WHERE file = :file AND activity_rows.id < :before AND activity_rows.id >= :floor AND timestamp >= :since
      AND (:agent IS NULL OR agent_id = :agent)
      AND ((:worktreeId IS NULL AND :name IS NULL) OR worktree_id = :worktreeId OR worktree_name = :name)
    ORDER BY activity_rows.id DESC LIMIT :limit`,
  streamById: `SELECT * FROM activity_streams WHERE id = :id`,
  names: `
    SELECT worktree_name FROM activity_streams WHERE repository_id = :repositoryId
    GROUP BY worktree_name ORDER BY max(last) DESC`,
  agentsSince: `
    SELECT worktree_id, agent_id, max(last) AS last, last_at FROM activity_streams
    WHERE repository_id = :repositoryId AND agent_id IS NOT NULL AND last >= :floor AND last_at >= :since
    GROUP BY worktree_id, agent_id ORDER BY max(last) DESC`,
  isBefore: `
    SELECT EXISTS (SELECT 1 FROM activity_rows WHERE id < :below AND timestamp < :before)
      OR EXISTS (SELECT 1 FROM events WHERE name = 'worktree.touched' AND at < :before) AS found`,
  oldest: `SELECT id, file FROM activity_rows WHERE id < :below AND timestamp < :before ORDER BY id LIMIT :limit`,
  trim: `DELETE FROM activity_rows WHERE id <= :last AND timestamp < :before`,
  /** Of those whose rows went (JSON array of ids), the ones that nothing is known of any more. */
  trimFiles: `
    DELETE FROM activity_files
    WHERE id IN (SELECT value FROM json_each(:files)) AND NOT EXISTS (SELECT 1 FROM activity_rows WHERE file = activity_files.id)`,
  trimStreams: `
    DELETE FROM activity_streams
    WHERE last <= :last AND NOT EXISTS (SELECT 1 FROM activity_rows WHERE stream = activity_streams.id)`,
  trimTouched: `
    DELETE FROM events WHERE seq IN (
      SELECT seq FROM events WHERE name = 'worktree.touched' AND at < :before ORDER BY at LIMIT :limit)`,
};

export const liveStatus = {
  of: `
    SELECT live_status.* FROM live_status JOIN worktrees ON worktrees.id = live_status.worktree_id
    WHERE worktrees.repository_id = :repositoryId`,
  byId: `SELECT * FROM live_status WHERE worktree_id = :worktreeId`,
  put: `
    INSERT INTO live_status (worktree_id, head, branch, status, files, changed_at, told_at)
    VALUES (:worktreeId, :head, :branch, :status, :files, :changedAt, :now)
    ON CONFLICT (worktree_id) DO UPDATE SET head = excluded.head, branch = excluded.branch, status = excluded.status,
      files = excluded.files, changed_at = excluded.changed_at, told_at = excluded.told_at`,
};

export const liveFacts = {
  of: `
    SELECT worktrees.id, head_subject, head_subject_of, live_status.changed_at
    FROM worktrees LEFT JOIN live_status ON live_status.worktree_id = worktrees.id
    WHERE worktrees.repository_id = :repositoryId`,
  changedAt: `SELECT changed_at FROM live_status WHERE worktree_id = :worktreeId`,
  keepSubject: `UPDATE worktrees SET head_subject = :subject, head_subject_of = :head WHERE id = :worktreeId`,
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
