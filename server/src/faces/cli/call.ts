import { writeFileSync } from "node:fs";
import { ImiError } from "../../../../protocol/errors.ts";
import type { CallContext, Workspace } from "../../workspace.ts";
import type { Run } from "./parse.ts";
import { absolutePath, workingDirectory } from "./paths.ts";
import { paintOf, print, tell } from "./print.ts";
import { progressLine } from "./progress.ts";
import { printable, safeJson } from "./text.ts";

/**
 * Calls the operation of a command and prints its answer; resolves to the exit code. `directoryFile` is where the
 * shell's function looks for the directory to change into.
 */
export const callOperation = async (
  run: Run,
  operation: string,
  directoryFile: string | undefined,
  signal: AbortSignal,
): Promise<number> => {
  const { command, format } = run;
  const params = { ...run.params, ...(run.repository === null ? {} : { repository: absolutePath(run.repository) }) };
  const progress = progressLine(process.stderr, process.env);
  const workspace = await open(run, operation);
  let result: unknown;
  try {
    const context: CallContext = { signal, progress: progress.show };
    if (operation === "worktree.remove") await confirmRemoval(workspace, run, params, context);
    result = await workspace.call(operation, params, context);
  } finally {
    progress.clear();
    await workspace.close();
  }

  const place = placeOf(result);
  const openPlace = async (): Promise<void> => {
    if (place === null || !run.local.has("open") || signal.aborted) return;
    const { openInCode } = await import("./open-editor.ts");
    await openInCode(place, process.env);
  };
  // JSON is one document: the answer, or what kept VS Code from opening. A person gets both.
  if (format === "json") await openPlace();
  const code = await printResult(run, operation, result);
  if (format === "json" || signal.aborted || place === null) return code;
  if (command.changesDirectory && directoryFile !== undefined) writeFileSync(directoryFile, `${place}\0`);
  await openPlace();
  return code;
};

const open = async ({ colour }: Run, operation: string): Promise<Workspace> => {
  const { openWorkspace } = await import("../../workspace.ts");
  const workspace = await openWorkspace({
    role: "cli",
    cwd: workingDirectory(),
    env: process.env,
    log: (level, message) => {
      if (level === "error" || level === "warn") tell(level === "warn" ? "warning" : level, message, colour);
    },
  });
  for (const { severity, message } of workspace.config.problems) {
    // An error is thrown by the work itself; only config.show works in spite of it, and must not hide it.
    if (severity === "warning" || operation === "config.show") tell(severity, message, colour);
  }
  return workspace;
};

const confirmRemoval = async (
  workspace: Workspace,
  run: Run,
  params: Readonly<Record<string, unknown>>,
  context: CallContext,
): Promise<void> => {
  // Without somebody to ask, what git allows is the rule; `--json` is how programs talk to us, also on a terminal.
  if (run.params["yes"] === true || run.format === "json" || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const { name, repository } = params;
  const where = repository === undefined ? {} : { repository };
  // worktree.path answers { path }.
  const found = (await workspace.call("worktree.path", { name, ...where }, context)) as { readonly path: string };
  const { confirm } = await import("./ask.ts");
  const question = `Remove ${printable(String(name))} at ${printable(found.path)}?`;
  if (await confirm(question, context.signal)) return;
  throw new ImiError("operation/cancelled", "Nothing was removed.");
};

const printResult = async (run: Run, operation: string, result: unknown): Promise<number> => {
  const { render } = await import("./output.ts");
  const view = {
    paint: paintOf(process.stdout, run.colour),
    terminal: process.stdout.isTTY,
    now: new Date(),
    cwd: workingDirectory(),
  };
  const { lines, notes = [], exitCode = 0 } = render(operation, result, view);
  if (run.format === "json") {
    print(safeJson(result));
    return exitCode;
  }
  if (lines.length > 0) print(lines.join("\n"));
  for (const text of notes) tell("note", text, run.colour);
  return exitCode;
};

/** The directory an answer is about. */
const placeOf = (result: unknown): string | null => {
  const { worktree } = result as { readonly worktree?: { readonly path?: unknown } };
  return typeof worktree?.path === "string" ? worktree.path : null;
};
