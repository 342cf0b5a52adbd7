import { existsSync, writeFileSync } from "node:fs";
import { ImiError } from "../../../../protocol/errors.ts";
import type { CallContext, Workspace } from "../../workspace.ts";
import type { Asking, Params } from "./ask-first.ts";
import type { Run } from "./parse.ts";
import { absolutePath, withAbsoluteFiles, workingDirectory } from "./paths.ts";
import { paintOf, print, tell } from "./print.ts";
import { progressLine } from "./progress.ts";
import { standardError, standardOut } from "./standard-streams.ts";
import { findRefuge, goneError } from "./refuge.ts";
import { shellWord } from "./render/shell-word.ts";
import { safeJson, safeJsonText } from "./text.ts";

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
  const cwd = workingDirectory(); // first of all: where it was deleted, nothing else may ask
  // What is made beside us would bring the deleted folder back, as another one.
  if (makesFolders.has(operation) && !existsSync(cwd)) throw await goneError(cwd);
  try {
    return await answerTo(run, operation, cwd, directoryFile, signal);
  } catch (error) {
    const lost = ImiError.is(error, "repository/not-found") && run.repository === null && !existsSync(cwd);
    throw lost ? await goneError(cwd, error) : error;
  }
};

const makesFolders: ReadonlySet<string> = new Set(["repository.clone", "repository.init"]);

const answerTo = async (
  run: Run,
  operation: string,
  cwd: string,
  directoryFile: string | undefined,
  signal: AbortSignal,
): Promise<number> => {
  const { command, format } = run;
  const params = {
    ...withAbsoluteFiles(command, run.params),
    ...(run.repository === null ? {} : { repository: absolutePath(run.repository) }),
  };
  const served = operation === "worktree.list" ? await askServer(params, signal) : null;
  if (served !== null && format === "json") {
    print(safeJsonText(served));
    return 0;
  }
  if (served !== null) return printResult(run, operation, JSON.parse(served), cwd);
  const progress = progressLine(standardError, process.env);
  const workspace = await open(run, operation);
  let result: unknown;
  let moved: string | null = null;
  try {
    const context: CallContext = { signal, progress: progress.show };
    const other = (name: string, given: Params): Promise<unknown> =>
      workspace.call(name, given, context).finally(() => {
        progress.clear();
      });
    const call = (given: Params): Promise<unknown> => other(operation, given);
    const refuge = format === "json" ? null : await findRefuge(workspace, operation, params, cwd, context);
    result = await (isToBeAsked(run) ? askFirst(operation, params, { call, other, signal }, run) : call(params));
    moved = refuge?.after(result) ?? null;
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
  const code = await printResult(run, operation, result, cwd);
  if (format === "json" || signal.aborted) return code;
  const goal = command.changesDirectory ? place : moved;
  if (goal !== null && directoryFile !== undefined) writeFileSync(directoryFile, `${goal}\0`);
  else if (moved !== null)
    tell("note", `You are still in the folder that was removed: cd ${shellWord(moved)}`, run.colour);
  await openPlace();
  return code;
};

const askServer = async (params: Params, signal: AbortSignal): Promise<string | null> => {
  const { askRunningServer } = await import("./ask-server.ts");
  return askRunningServer(params, signal);
};

const open = async ({ colour }: Run, operation: string): Promise<Workspace> => {
  const { openWorkspace } = await import("../../workspace.ts");
  const workspace = await openWorkspace({
    role: "cli",
    cwd: workingDirectory(),
    env: process.env,
    log: (level, message) => {
      // What is logged as an error is thrown as well, and told once.
      if (level === "warn") tell("warning", message, colour);
    },
  });
  for (const { severity, message } of workspace.config.problems) {
    // An error is thrown by the work itself; only config.show works in spite of it, and must not hide it.
    if (severity === "warning" || operation === "config.show") tell(severity, message, colour);
  }
  return workspace;
};

/** Without somebody to ask the room's own rules hold; `--json` is how programs talk to us, also on a terminal. */
const isToBeAsked = ({ params, format }: Run): boolean =>
  params["yes"] === false &&
  params["dryRun"] === false &&
  format === "human" &&
  process.stdin.isTTY &&
  standardError.isTTY;

const askFirst = async (
  operation: string,
  params: Params,
  calls: Pick<Asking, "call" | "other" | "signal">,
  { colour }: Run,
): Promise<unknown> => {
  const { questions } = await import("./ask-first.ts");
  const ask = Object.hasOwn(questions, operation) ? questions[operation] : undefined;
  if (ask === undefined) return calls.call(params);
  const show = (line: string): void => {
    standardError.write(`${line}\n`);
  };
  return ask(params, { ...calls, show, paint: paintOf(standardError, colour) });
};

const printResult = async (run: Run, operation: string, result: unknown, cwd: string): Promise<number> => {
  const { render } = await import("./output.ts");
  const view = {
    paint: paintOf(standardOut, run.colour),
    terminal: standardOut.isTTY,
    columns: standardOut.isTTY ? standardOut.columns || 80 : null,
    now: new Date(),
    cwd,
    asked: run.params,
    given: run.given,
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

/** The directory an answer is about; null where it has none (any more). */
const placeOf = (result: unknown): string | null => {
  const { worktree } = result as { readonly worktree?: { readonly path?: unknown; readonly state?: unknown } };
  return typeof worktree?.path === "string" && worktree.state !== "missing" ? worktree.path : null;
};
