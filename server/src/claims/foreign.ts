import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { readIfThere } from "../read-if-there.ts";
import type { Place, Tools } from "./index.ts";
import { claimFile, recordOf } from "./record.ts";

/** Who holds a worktree by another registry than ours. */
export interface ForeignClaim {
  readonly agent: string;
  readonly since: string;
  readonly until: string;
}

/**
 * The claim that another registry has mirrored beside git's record of a worktree, until its time is over: a container and
 * its host, or two users, may each have a registry and one repository. Both look here before they grant a claim; only
 * within one registry is that one statement.
 */
export const foreignClaim = async (tools: Tools, place: Place): Promise<ForeignClaim | null> => {
  const text = readMirror(recordOf(place));
  if (text === null) return null;
  const [agent = "", , expires = "", bootId = "", since = "", until = "", , registry = ""] = text.split("\n");
  if (registry === "" || registry === (await tools.store.id())) return null;
  const { here } = tools.store.claims;
  // The boot clock where it is the same machine's; a reboot ended what was held before it.
  const sameBoot = (await here.life()).bootId === bootId;
  const over = sameBoot ? here.boot() / 1000 > Number(expires) : here.wall() > Date.parse(until);
  return over ? null : { agent, since, until };
};

export const heldElsewhere = (name: string, { agent, since, until }: ForeignClaim): ImiError =>
  new ImiError(
    "claim/held",
    `${name} is held by ${agent} since ${since}, until ${until}, as another registry of iMi has it: another user's, or one in a container.`,
    {
      hint: `Work in another worktree, or release it there. A person can take it: imi take-over ${name}`,
    },
  );

/** One that cannot be read says nothing: the registry decides. */
const readMirror = (record: string): string | null => {
  try {
    return readIfThere(join(record, claimFile));
  } catch {
    return null;
  }
};
