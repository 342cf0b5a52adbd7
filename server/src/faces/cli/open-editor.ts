import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf } from "../../errno.ts";
import { runProgram } from "./run-program.ts";

/** Opens a worktree in VS Code; what `code` prints goes to stderr, stdout is the answer's. */
export const openInCode = async (path: string, env: NodeJS.ProcessEnv): Promise<void> => {
  const ended = await runProgram(["code", path], env, "stderr").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new ImiError(
      "runtime/unsupported",
      `The worktree is at ${path}, but VS Code could not be opened: there is no \`code\` on PATH.`,
      {
        hint: "In VS Code run “Shell Command: Install 'code' command in PATH”, or open the folder there.",
        cause: error,
      },
    );
  });
  if (ended === 0) return;
  throw new ImiError("internal", `The worktree is at ${path}, but \`code\` ended with ${ended}.`, {
    hint: "Its own message stands above. Open the folder in VS Code.",
  });
};
