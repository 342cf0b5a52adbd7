import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import type { Work } from "../../../../protocol/work.ts";
import type { Checkout } from "../checkout.ts";
import type { Tools } from "../context.ts";
import { prefixOf } from "./names.ts";
import { writeRefs } from "./refs.ts";

/**
 * The salvage of a checkout that is known to hold nothing but its commit, as `salvage` makes it of one it looked through.
 * git itself refuses a ref to a commit that is not there.
 */
export const pinHead = async (
  tools: Pick<Tools, "git">,
  repository: Repository,
  checkout: Checkout,
  head: string,
  work: Work,
  { signal, at }: { readonly signal: AbortSignal; readonly at: Date },
): Promise<Salvage> => {
  const prefix = prefixOf(checkout.name, at);
  await writeRefs({ git: tools.git, commonDir: repository.gitDir, signal }, prefix, [{ name: "HEAD", oid: head }]);
  const ignored = work.items.find(({ kind }) => kind === "ignored");
  return {
    worktree: checkout.name,
    at: at.toISOString(),
    prefix,
    refs: [{ ref: "HEAD", commit: head }],
    objects: 1,
    ignored: { count: ignored?.count ?? 0, examples: ignored?.examples ?? [] },
  };
};
