import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../../protocol/errors.ts";
import { plumb, refsInFiles } from "../../git/index.ts";
import type { Git } from "../../git/index.ts";
import { textOf } from "./files.ts";
import type { Named } from "./record.ts";
import { at } from "./refs-of.ts";

/** A repository whose refs are written or read. */
export interface RefsPlace {
  readonly git: Git;
  readonly commonDir: string;
  readonly signal?: AbortSignal | undefined;
}

/** Refs below a prefix, each with an object that was found and looked into; git fails when one is missing. */
export const refsUnder = async ({ git, commonDir, signal }: RefsPlace, prefix: string): Promise<Named[]> => {
  const { stdout } = await git.run(
    commonDir,
    [...at(commonDir), "for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", `${prefix}/`],
    { access: "read", signal },
  );
  return stdout.split("\n").flatMap((line) => {
    const [oid = "", type, ...name] = line.split(" ");
    return type === undefined ? [] : [{ oid, name: name.join(" ") }];
  });
};

/** The same without a look at the objects: also of refs whose objects somebody's `git gc --prune=now` took. */
const namesUnder = async ({ git, commonDir, signal }: RefsPlace, prefix: string): Promise<Map<string, string>> => {
  const { stdout } = await git.run(
    commonDir,
    [...at(commonDir), "for-each-ref", "--format=%(objectname) %(refname)", `${prefix}/`],
    { access: "read", signal },
  );
  const lines = stdout.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
};

/** Whether there may be refs below the prefix; false costs no process. */
const mayHaveRefs = (commonDir: string, prefix: string): boolean =>
  !refsInFiles(commonDir) ||
  existsSync(join(commonDir, prefix)) ||
  (textOf(join(commonDir, "packed-refs")) ?? "").includes(` ${prefix}/`);

/** How long a lock of somebody else's is waited for, in ms. */
const patience = [50, 150, 400, 1000];

/**
 * Makes what is below the prefix exactly these refs, all in one transaction. What an earlier attempt at the same salvage
 * left there is replaced; so are its locks, when git was killed while it held them.
 */
export const writeRefs = async (place: RefsPlace, prefix: string, refs: readonly Named[]): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    const wanted = new Map(refs.map(({ name, oid }) => [`${prefix}/${name}`, oid]));
    const there = mayHaveRefs(place.commonDir, prefix) ? await refsUnder(place, prefix) : [];
    const stale = there.filter(({ name }) => !wanted.has(name));
    const commands = [
      ...stale.map(({ name, oid }) => `delete ${name}\0${oid}\0`),
      ...[...wanted].map(([name, oid]) => `update ${name}\0${oid}\0\0`),
    ];
    try {
      await transact(place, commands);
      return;
    } catch (error) {
      const pause = patience[attempt];
      if (!ImiError.is(error, "repository/busy") || pause === undefined) throw error;
      await delay(pause);
      // Nobody but who repeats this very salvage writes here, so after a while a lock is a dead git's.
      if (attempt === patience.length - 1) removeLocks(join(place.commonDir, prefix));
    }
  }
};

/** Deletes these refs, each only while it is what was written; those that are gone already are no error. */
export const deleteRefs = async (place: RefsPlace, prefix: string, refs: readonly Named[]): Promise<void> => {
  const there = await namesUnder(place, prefix);
  const commands = refs.flatMap(({ name, oid }) => {
    const ref = `${prefix}/${name}`;
    const now = there.get(ref);
    if (now !== undefined && now !== oid) {
      throw new ImiError("salvage/failed", `${ref} is no longer what was salvaged, so nothing was deleted.`, {
        hint: `If it may go: git update-ref -d ${ref}`,
      });
    }
    return now === undefined ? [] : [`delete ${ref}\0${oid}\0`];
  });
  if (commands.length > 0) await transact(place, commands);
};

/** Takes back refs that have just been written, without looking at their objects: these may be what is missing. */
export const takeBackRefs = async (place: RefsPlace, prefix: string, refs: readonly Named[]): Promise<void> =>
  transact(
    place,
    refs.map(({ name, oid }) => `delete ${prefix}/${name}\0${oid}\0`),
  );

const transaction = (commonDir: string): string[] => [
  ...at(commonDir),
  ...["update-ref", "--no-deref", "--stdin", "-z"],
];

/** Refs will probably be written here soon, and somebody waits for it then. */
export const expectRefs = ({ git, commonDir }: RefsPlace): void => git.poise(transaction(commonDir), commonDir);

const transact = async ({ git, commonDir, signal }: RefsPlace, commands: readonly string[]): Promise<void> => {
  const args = transaction(commonDir);
  const options = {
    cwd: commonDir,
    input: ["start\0", ...commands, "prepare\0", "commit\0"].join(""),
    signal,
  };
  const started = git.poised(args, commonDir);
  if (started !== null) {
    try {
      await plumb(args, { ...options, started });
      return;
    } catch (error) {
      // Somebody may have ended it while it waited. All or nothing was written, and may be written again.
      if (ImiError.is(error, "operation/cancelled")) throw error;
    }
  }
  await plumb(args, options);
};

const removeLocks = (folder: string): void => {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return;
  }
  for (const name of names) if (name.endsWith(".lock")) rmSync(join(folder, name), { force: true });
};
