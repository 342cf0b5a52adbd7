const prefix = "iMi: held by ";

/** The reason iMi gives git for locking a worktree that somebody holds. */
export const claimLock = (agent: string, until: string): string => `${prefix}${agent} until ${until}`;

/** Whether a lock is iMi's mirror of a claim: whoever may act on that claim needs not ask git. */
export const isClaimLock = (reason: string): boolean => reason.startsWith(prefix);

/** The reason of somebody else's lock; null where there is none, or only ours. */
export const foreignLock = (reason: string | null): string | null =>
  reason === null || isClaimLock(reason) ? null : reason;
