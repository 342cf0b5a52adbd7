import { hostname, userInfo } from "node:os";

/** Who sits here, for the log: user@host. */
export const ownName = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a user it has no name for.
    return `${process.getuid?.() ?? "somebody"}@${hostname()}`;
  }
};
