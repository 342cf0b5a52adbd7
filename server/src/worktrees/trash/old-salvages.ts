import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Call, Tools } from "../context.ts";
import { parsePrefix, root } from "../salvage/names.ts";
import { deleteRefs, writeRefs } from "../salvage/refs.ts";
import { underLease } from "../under-lease.ts";
import { retiredRecord } from "./record.ts";

interface Pin {
  /** Relative to the prefix. */
  readonly name: string;
  readonly oid: string;
  readonly isCommit: boolean;
}

/** Salvages made before this time, in ms since 1970, and where it is told that one went. */
export interface OldSalvages {
  readonly before: number;
  readonly dropped: (prefix: string) => void;
}

/**
 * Deletes the refs of old salvages that keep nothing by now: all they lead to is in branches or tags as well, and
 * no worktree in the trash needs them. Those of clean removals become so once their branch is merged, or while it is there; one that
 * holds a file or a commit of its own stays for ever.
 */
export const dropOldSalvages = async (
  tools: Pick<Tools, "git" | "store">,
  repository: Repository,
  { before, dropped }: OldSalvages,
  call: Call,
): Promise<void> => {
  if ((await oldOnes(tools, repository, before, call)).size === 0) return; // nearly always: no lease is taken
  await underLease(tools, repository, "drop salvage refs that keep nothing", call, async (lease) => {
    const rows = await tools.store.trash.of(repository.id);
    // Another registry may have the same repository: what is in its trash leans on refs that it alone knows.
    const known = new Set(rows.map(({ record }) => basename(record)));
    const retired = await readdir(dirname(retiredRecord(repository, "any"))).catch(() => []);
    if (retired.some((name) => !known.has(name))) return;
    const needed = new Set(rows.map(({ salvage }) => salvage?.prefix));
    const place = { git: tools.git, commonDir: repository.gitDir };
    for (const [prefix, pins] of await oldOnes(tools, repository, before, call)) {
      if (needed.has(prefix) || !(await isHeldElsewhere(tools, repository, pins, call))) continue;
      await lease.guard();
      await deleteRefs(place, prefix, pins);
      // A branch may have been deleted since it was looked at; its objects do not go that fast.
      if (!(await isHeldElsewhere(tools, repository, pins, call))) {
        await writeRefs(place, prefix, pins);
        continue;
      }
      await tools.store.events.append({
        name: "salvage.dropped",
        repositoryId: repository.id,
        subject: prefix,
        data: { prefix, refs: pins.map(({ name, oid }) => ({ ref: name, commit: oid })) },
      });
      dropped(prefix);
    }
  });
};

const oldOnes = async (
  tools: Pick<Tools, "git">,
  { gitDir }: Repository,
  before: number,
  { signal }: Call,
): Promise<Map<string, Pin[]>> => {
  const { stdout } = await tools.git.run(
    gitDir,
    [`--git-dir=${gitDir}`, "for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", root],
    { access: "read", signal },
  );
  const found = new Map<string, Pin[]>();
  for (const line of stdout.split("\n")) {
    const [oid = "", type, ...rest] = line.split(" ");
    const ref = rest.join(" ");
    const parsed = parsePrefix(ref);
    if (parsed === null || Date.parse(parsed.at) >= before) continue;
    const pins = found.get(parsed.prefix) ?? [];
    found.set(parsed.prefix, pins);
    pins.push({ name: ref.slice(parsed.prefix.length + 1), oid, isCommit: type === "commit" });
  }
  return found;
};

/**
 * Of a commit that another ref leads to, all that it leads to is held. Anything but a commit is not told so easily: it stays.
 * A remote's branches do not count: the next fetch takes away those that were deleted there.
 */
const isHeldElsewhere = async (
  tools: Pick<Tools, "git">,
  { gitDir }: Repository,
  pins: readonly Pin[],
  { signal }: Call,
): Promise<boolean> => {
  if (!pins.every(({ isCommit }) => isCommit)) return false;
  // git would follow parents that no commit names; whoever takes them away loses what they led to.
  if (existsSync(join(gitDir, "info", "grafts"))) return false;
  const { stdout } = await tools.git.run(
    gitDir,
    [
      ...["--no-replace-objects", `--git-dir=${gitDir}`, "rev-list", "--max-count=1"],
      ...pins.map(({ oid }) => oid),
      ...["--not", "--branches", "--tags"],
    ],
    { access: "read", signal },
  );
  return stdout.trim() === "";
};
