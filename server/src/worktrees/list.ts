import type { Repository } from "../../../protocol/repositories.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { RefFiles, looks, mainBranch, readWorktreeRecords } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import type { Call, Tools } from "./context.ts";
import { isPending, toWorktree } from "./entity.ts";
import type { Seen } from "./entity.ts";
import { keptFacts, liveFactsOf } from "./live-facts.ts";
import { isCheckedOut } from "./place.ts";

/** Trunk first, then by type and name, as the tree shows them. */
const order = ["trunk", "feat", "fix", "review", "aiops", "devops", "other"] as const;

const sorted = (rows: readonly WorktreeRow[]): WorktreeRow[] =>
  [...rows].sort(
    (a, b) =>
      order.indexOf(a.type) - order.indexOf(b.type) ||
      (a.pullRequest ?? 0) - (b.pullRequest ?? 0) ||
      // By code unit: a collator takes 10 ms to load.
      (a.name < b.name ? -1 : 1),
  );

/**
 * The registered worktrees after a look at git's own records, which costs a few file reads and runs git only where the
 * two differ; with `status`, each one's counts and live facts.
 */
export const list = async (
  tools: Tools,
  repository: Repository,
  options: { readonly status: boolean },
  call: Call,
): Promise<Worktree[]> => {
  let rows = await tools.store.worktrees.of(repository.id);
  if (await differs(repository, rows)) {
    const { reconcileRepository } = await import("./reconcile.ts");
    await reconcileRepository(tools, repository, call);
    rows = await tools.store.worktrees.of(repository.id);
  }
  if (rows.some(({ claim }) => claim !== null) && !tools.restricted()) {
    await (await tools.claims()).settleAll(repository, rows);
    rows = await tools.store.worktrees.of(repository.id);
  }
  const heads = await headsOf(tools, repository, rows, call);
  const current = sorted(rows).map((row) => ({ ...row, head: heads.get(row.id) ?? row.head }));
  if (!options.status) return current.map((row) => toWorktree(row));
  const seen = await look(tools, repository, current, call);
  return current.map((row) => toWorktree(row, seen.get(row.id)));
};

/** Status and live facts of each of these worktrees. */
export const look = async (
  tools: Tools,
  repository: Repository,
  rows: readonly WorktreeRow[],
  call: Call,
): Promise<Map<string, Seen>> => {
  const readable = rows.filter((row) => row.state === "ready");
  const [found, kept] = await Promise.all([
    looks(
      tools.git,
      repository.gitDir,
      readable.map(({ id, path, branch, head, base }) => ({ id, path, branch, head, base })),
      { signal: call.signal, memory: tools.live?.memoryOf(repository.gitDir) },
    ),
    keptFacts(tools, repository),
  ]);
  const facts = await liveFactsOf(tools, repository, { looks: found, kept }, call);
  return new Map(
    rows.map(({ id, state }) => {
      const live = facts.get(id);
      const status = found.get(id)?.status ?? { unknown: reasons[state] };
      return [id, live === undefined ? { status } : { status, live }];
    }),
  );
};

/** Why one that is not looked at has no status. */
const reasons = {
  creating: "still being created",
  removing: "being removed",
  restoring: "being restored",
  missing: "its folder is gone",
  ready: "not read",
};

/** Whether git's records and the registry name other worktrees, places, branches or locks; a few file reads each. */
const differs = async (repository: Repository, rows: readonly WorktreeRow[]): Promise<boolean> => {
  if (rows.some(isPending)) return true;
  const main = rows.find((row) => row.path === repository.trunk);
  if (repository.layout !== "bare" && main?.branch !== mainBranch(repository.gitDir)) return true;
  const records = await readWorktreeRecords(repository.gitDir);
  if (records.length !== rows.length - (main === undefined ? 0 : 1)) return true;
  const byPath = new Map(rows.map((row) => [row.path, row]));
  const changed = await Promise.all(
    records.map(async (record) => {
      const row = record.path === null ? undefined : byPath.get(record.path);
      return (
        row === undefined ||
        row.branch !== record.branch ||
        (record.head !== null && row.head !== record.head) ||
        row.lockReason !== record.lockReason ||
        (row.state === "missing") === (await isCheckedOut(repository, row.path))
      );
    }),
  );
  return changed.includes(true);
};

/** One worktree with the commit it is at now; the registry's is from when git's records last changed. */
export const atItsHead = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  call: Call,
): Promise<WorktreeRow> => {
  if (row.branch === null) return row;
  const heads = await headsOf(tools, repository, [row], call);
  return { ...row, head: heads.get(row.id) ?? row.head };
};

/** The commit each worktree's branch is at, from git's files; one git process for those that are not plainly there. */
const headsOf = async (
  tools: Tools,
  repository: Repository,
  rows: readonly WorktreeRow[],
  call: Call,
): Promise<Map<string, string>> => {
  const files = new RefFiles(repository.gitDir);
  const heads = new Map<string, string>();
  const unread: WorktreeRow[] = [];
  for (const row of rows) {
    if (row.branch === null) continue; // detached: its record said, and is compared above
    const commit = files.commitOf(`refs/heads/${row.branch}`);
    if (commit === null) unread.push(row);
    else heads.set(row.id, commit);
  }
  if (unread.length === 0) return heads;
  const { stdout } = await tools.git.run(
    repository.gitDir,
    ["for-each-ref", "--format=%(objectname) %(refname)", "--", "refs/heads"],
    { access: "read", signal: call.signal },
  );
  const tips = new Map(
    stdout.split("\n").map((line) => [line.slice(line.indexOf(" ") + 1), line.split(" ", 1)[0] ?? ""]),
  );
  for (const row of unread) {
    const tip = tips.get(`refs/heads/${row.branch ?? ""}`);
    if (tip !== undefined) heads.set(row.id, tip);
  }
  return heads;
};
