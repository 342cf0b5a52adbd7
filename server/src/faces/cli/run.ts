import { ImiError } from "../../../../protocol/errors.ts";
import type { Command } from "./command.ts";
import { allCommands, type Shell } from "./local-commands.ts";
import { parse, unknownCommand, wantsJson, wantsNoColour, type Run } from "./parse.ts";
import { complain, print, tell } from "./print.ts";
import { standardError, standardOut } from "./standard-streams.ts";
import { stopOnSignals, type Stop } from "./stop.ts";
import { printable, safeJson } from "./text.ts";

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n. */
export const runCommandLine = async (argv: readonly string[]): Promise<number> => {
  // The shell function's channel is for this process; what it starts must not move anybody's shell.
  const directoryFile = process.env["IMI_CD_FILE"];
  delete process.env["IMI_CD_FILE"];

  if (argv[0] === "__complete") return (await import("./complete.ts")).complete(argv.slice(1));
  const colour = wantsNoColour(argv) ? "never" : "auto";
  const stop = stopOnSignals((sentence) => {
    if (wantsJson(argv)) return;
    if (standardError.isTTY) standardError.write("\r\u001b[K"); // where progress was
    tell("note", sentence, colour);
  });
  try {
    const code = await carryOut(argv, directoryFile, stop);
    return stop.exitCode() ?? code;
  } catch (error) {
    const problem = ImiError.from(error);
    if (wantsJson(argv)) print(safeJson({ error: problem }));
    else if (stop.exitCode() === null || problem.code !== "operation/cancelled") complain(problem, colour);
    // Who pressed Ctrl+C wanted that: no error, but what became of it.
    else tell("note", [problem.message, ...(problem.hint === null ? [] : [problem.hint])].join(" "), colour);
    return stop.exitCode() ?? (problem.code === "usage/invalid" ? 2 : 1);
  } finally {
    stop.dispose();
  }
};

const carryOut = async (
  argv: readonly string[],
  directoryFile: string | undefined,
  { signal, exitCode }: Stop,
): Promise<number> => {
  const commands = allCommands();
  if (argv.length === 0) {
    const { generalHelp } = await import("./help.ts");
    standardError.write(generalHelp(commands));
    return 2;
  }
  const asked = parse(argv, commands);
  switch (asked.kind) {
    case "help":
      return explain(asked.about, commands);
    case "version": {
      const { version } = await import("../../version.ts");
      print(`imi ${version}`);
      return 0;
    }
    case "run": {
      const { operation } = asked.command;
      if (operation === null) return runLocal(asked, signal);
      if (operation === "event.list" && (asked.local.has("follow") || asked.localLists.has("name"))) {
        const { follow } = await import("./follow.ts");
        return follow(asked, signal);
      }
      const { callOperation } = await import("./call.ts");
      try {
        const code = await callOperation(asked, operation, directoryFile, signal);
        const late = exitCode() !== null && asked.command.access === "write" && code === 0;
        if (late && asked.format === "human")
          tell("note", "It was done already when it was to be cancelled.", asked.colour);
        return code;
      } catch (error) {
        if (exitCode() === null) throw error;
        const { toldOf } = await import("./cancelled.ts");
        throw toldOf(error, operation);
      }
    }
  }
};

const explain = async (about: readonly string[], commands: readonly Command[]): Promise<number> => {
  const { commandHelp, generalHelp } = await import("./help.ts");
  const wanted = about.join(" ");
  const command = commands.find(({ words }) => words.join(" ") === wanted);
  const family = commands.filter(({ words }) => words[0] === wanted);
  if (wanted === "") standardOut.write(generalHelp(commands));
  else if (command !== undefined) standardOut.write(commandHelp(command));
  else if (family.length > 0) standardOut.write(family.map(commandHelp).join("\n\n"));
  else throw unknownCommand(about, commands);
  return 0;
};

/** The commands that only the command line has. */
const runLocal = async (run: Run, signal: AbortSignal): Promise<number> => {
  const { command, params, format, colour } = run;
  const words = command.words.join(" ");
  switch (words) {
    case "config edit": {
      const { editConfig } = await import("./config-edit.ts");
      const { homedir } = await import("node:os");
      const edited = await editConfig(process.env, homedir(), process.stdin.isTTY ? "terminal" : "none");
      for (const warning of edited.warnings) tell("warning", warning, colour);
      print(format === "json" ? safeJson(edited) : `${printable(edited.file)} is valid`);
      return 0;
    }
    case "shell-init":
    case "completion": {
      // The parser let through only one of the choices.
      const shell = params["shell"] as Shell;
      const { programFor } = await import("./program.ts");
      const program = programFor(shell, process.env, process.argv[1] ?? "");
      const text =
        words === "completion"
          ? (await import("./completion.ts")).completionScript(shell, program)
          : (await import("./shell-init.ts")).shellInit(shell, program);
      standardOut.write(text);
      return 0;
    }
    case "mcp":
      await serveAgents(run, signal);
      return 0;
    case "monitor": {
      const { monitor } = await import("./follow.ts");
      return monitor(run, signal);
    }
    default:
      throw new Error(`imi ${words} has no implementation`);
  }
};

/** A bundle of its own: it holds zod and MCP's SDK, which no other call of `imi` may load. */
const serveAgents = async ({ repository }: Run, signal: AbortSignal): Promise<void> => {
  const { useCompileCache } = await import("../compile-cache.ts");
  useCompileCache();
  const [{ serveMcp }, { absolutePath, workingDirectory }] = await Promise.all([
    import("../mcp/main.ts"),
    import("./paths.ts"),
  ]);
  await serveMcp({
    repository: repository === null ? null : absolutePath(repository),
    cwd: workingDirectory(),
    env: process.env,
    signal,
  });
};
