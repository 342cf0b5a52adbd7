import { ImiError } from "../../../../protocol/errors.ts";
import type { Command } from "./command.ts";
import { allCommands, type Shell } from "./local-commands.ts";
import { parse, unknownCommand, wantsJson, wantsNoColour, type Run } from "./parse.ts";
import { complain, print, tell } from "./print.ts";
import { standardError, standardOut } from "./standard-streams.ts";
import { stopOnSignals } from "./stop.ts";
import { printable, safeJson } from "./text.ts";

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n. */
export const runCommandLine = async (argv: readonly string[]): Promise<number> => {
  // The shell function's channel is for this process; what it starts must not move anybody's shell.
  const directoryFile = process.env["IMI_CD_FILE"];
  delete process.env["IMI_CD_FILE"];

  if (argv[0] === "__complete") return (await import("./complete.ts")).complete(argv.slice(1));
  const stop = stopOnSignals();
  try {
    const code = await carryOut(argv, directoryFile, stop.signal);
    return stop.exitCode() ?? code;
  } catch (error) {
    const problem = ImiError.from(error);
    // Who pressed Ctrl+C needs not be told that it was cancelled; a program does.
    const silent = stop.exitCode() !== null && ImiError.is(problem, "operation/cancelled");
    if (wantsJson(argv)) print(safeJson({ error: problem }));
    else if (!silent) complain(problem, wantsNoColour(argv) ? "never" : "auto");
    return stop.exitCode() ?? (problem.code === "usage/invalid" ? 2 : 1);
  } finally {
    stop.dispose();
  }
};

const carryOut = async (
  argv: readonly string[],
  directoryFile: string | undefined,
  signal: AbortSignal,
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
      if (operation === null) return runLocal(asked);
      const { callOperation } = await import("./call.ts");
      return callOperation(asked, operation, directoryFile, signal);
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
const runLocal = async ({ command, params, format, colour }: Run): Promise<number> => {
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
    default:
      throw new Error(`imi ${words} has no implementation`);
  }
};
