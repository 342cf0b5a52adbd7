import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import { codeOf, codeOrMessage, isAbsent } from "../errno.ts";
import { fault } from "../faults.ts";
import { claimLock, isClaimLock } from "../git/index.ts";
import { readIfThere } from "../read-if-there.ts";
import type { ClaimRow } from "../store/index.ts";
import { foreignClaim } from "./foreign.ts";
import type { Place, Tools } from "./index.ts";
import { claimFile, recordOf } from "./record.ts";

let writes = 0;

/**
 * Brings what others see of a claim in line with the registry: git's lock of the worktree, so that git and other tools
 * refuse to remove it, and the file our hook reads. Somebody else's lock is left alone. Whoever writes last has looked
 * last, so that two at once end with what is true; what a killed process left, the next look mends.
 * A record that may not be written is told in the log: the registry decides, not its mirror. What the caller itself has
 * just put into the registry may be over by now, and the mirror of who came after him right: it is looked at always.
 */
export const mirrorClaim = async (tools: Tools, place: Place): Promise<void> => {
  const { claims } = tools.store;
  fault("claim.registered");
  try {
    const registry = await tools.store.id();
    for (;;) {
      // What another registry has mirrored since is its own: who took it last has it.
      const elsewhere = await foreignClaim(tools, place);
      const claim = await claims.of(place.row.id);
      if (elsewhere !== null && (claim === null || elsewhere.since > claim.since)) return;
      write(recordOf(place), place.row.name, claim, registry);
      const now = await claims.of(place.row.id);
      if (now?.token === claim?.token && now?.beat === claim?.beat) return;
    }
  } catch (error) {
    if (isAbsent(error)) return; // removed meanwhile
    tools.log(
      "warn",
      `The claim of ${place.row.name} could not be written beside git's record: ${codeOrMessage(error)}`,
    );
  }
};

/** Of all worktrees of a repository: what a process that was killed between the registry and here, or within `write`, has left. */
export const mendMirrors = async (tools: Tools, repository: Repository): Promise<void> => {
  const claims = new Map((await tools.store.claims.in(repository.id)).map((claim) => [claim.worktreeId, claim]));
  for (const row of await tools.store.worktrees.of(repository.id))
    await mendAs(tools, { repository, row }, claims.get(row.id) ?? null);
};

/** Of one worktree. */
export const mendMirror = async (tools: Tools, place: Place): Promise<void> =>
  mendAs(tools, place, await tools.store.claims.of(place.row.id));

const mendAs = async (tools: Tools, place: Place, claim: ClaimRow | null): Promise<void> => {
  // Looked at anew: what was read for all of them may be over, and its mirror right.
  if (place.row.state === "ready" && !isMirrored(recordOf(place), claim)) await mirrorClaim(tools, place);
};

/** Whether both files say who holds it; times are for its next sign of life. */
const isMirrored = (record: string, claim: ClaimRow | null): boolean => {
  try {
    const [agent, token] = (readIfThere(join(record, claimFile)) ?? "").split("\n");
    const lock = readIfThere(join(record, "locked"));
    if (claim === null) return agent === "" && (lock === null || !isClaimLock(lock));
    const says = agent === claim.agent && token === String(claim.token);
    if (!says || !isLinked(record)) return says;
    return lock !== null && (!isClaimLock(lock) || lock.startsWith(claimLock(claim.agent, "")));
  } catch {
    return false;
  }
};

/** The registry still says who holds it: a removal that is taken back finds him there. */
export const unmirror = (place: Place): void => {
  try {
    write(recordOf(place), place.row.name, null, "");
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
};

const write = (record: string, name: string, claim: ClaimRow | null, registry: string): void => {
  const linked = isLinked(record);
  if (claim === null) {
    rmSync(join(record, claimFile), { force: true });
    if (linked) removeOurs(join(record, "locked"));
    return;
  }
  replace(join(record, claimFile), hookText(name, claim, registry));
  if (linked) lock(join(record, "locked"), claimLock(claim.agent, claim.expiresAt));
};

/** git locks linked worktrees only. */
const isLinked = (record: string): boolean => existsSync(join(record, "commondir"));

/** One fact a line, so that a shell can read it without another program. */
const hookText = (name: string, claim: ClaimRow, registry: string): string =>
  [
    claim.agent,
    claim.token,
    Math.ceil(claim.stand.expiresAt / 1000),
    claim.stand.life.bootId,
    claim.since,
    claim.expiresAt,
    name,
    registry,
    "",
  ].join("\n");

const lock = (file: string, reason: string): void => {
  const there = readIfThere(file);
  if (there === null) {
    try {
      writeFileSync(file, `${reason}\n`, { flag: "wx" });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error; // somebody locked it just now: his stands
    }
  } else if (isClaimLock(there) && there.trim() !== reason) replace(file, `${reason}\n`);
};

const removeOurs = (file: string): void => {
  const there = readIfThere(file);
  if (there !== null && isClaimLock(there)) rmSync(file, { force: true });
};

/** Whole or not at all, for who reads it meanwhile. */
const replace = (file: string, text: string): void => {
  writes += 1;
  const draft = `${file}.${process.pid}.${writes}`;
  writeFileSync(draft, text);
  renameSync(draft, file);
};
