import { ImiError } from "../../../../protocol/errors.ts";
import { windowVariable } from "../../../../protocol/rpc.ts";
import type { WindowOptions } from "../../../../protocol/rpc.ts";

/** What the VS Code window that started this says by `windowVariable`; nothing where none did. Raises usage/invalid. */
export const ofWindow = (env: NodeJS.ProcessEnv): Partial<WindowOptions> => {
  const text = env[windowVariable];
  if (text === undefined || text === "") return {};
  try {
    const said: unknown = JSON.parse(text);
    // Each setting is checked where it is read, as VS Code's are by the server of a window.
    if (typeof said === "object" && said !== null && !Array.isArray(said)) return said;
  } catch {
    // told below
  }
  throw new ImiError("usage/invalid", `${windowVariable} is set, and is not what a VS Code window sets.`, {
    hint: `Unset ${windowVariable}; settings for agents go into config.toml.`,
  });
};
