import { codeOf } from "../errno.ts";

/** Whether there may be a process with this pid, whoever's: false only with proof. A later process may have its number. */
export const mayExist = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
};
