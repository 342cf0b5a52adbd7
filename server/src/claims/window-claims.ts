import type { Credentials } from "../store/index.ts";

/**
 * The claims of the VS Code window in whose terminal this runs: IMI_CLAIMS, `agent:token` with spaces between. What is none is
 * passed over, as git's hooks do, which read the same.
 */
export const claimsOfWindow = (env: NodeJS.ProcessEnv): readonly Credentials[] =>
  (env["IMI_CLAIMS"] ?? "").split(" ").flatMap((each) => {
    // An id may hold colons itself.
    const [, agent, token] = /^(.+):([1-9]\d{0,14})$/u.exec(each) ?? [];
    return agent === undefined || token === undefined ? [] : [{ agent, token: Number(token) }];
  });
