import type { Repository } from "../../../protocol/repositories.ts";
import type { Lease } from "../store/index.ts";
import { mutationLease, mutationWaitMs } from "./context.ts";
import type { Call, Tools } from "./context.ts";

/**
 * Does what one process at a time may do with a repository's worktrees; whoever waits for it is told the purpose.
 * Raises repository/busy, naming who has it, when that takes too long.
 */
export const underLease = async <T>(
  tools: Pick<Tools, "store">,
  repository: Repository,
  purpose: string,
  { signal }: Pick<Call, "signal">,
  act: (lease: Lease) => Promise<T>,
): Promise<T> => {
  const lease = await tools.store.leases.take(mutationLease(repository), { purpose, waitMs: mutationWaitMs, signal });
  try {
    return await act(lease);
  } finally {
    await lease.release();
  }
};
