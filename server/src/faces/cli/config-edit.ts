import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { configError, configTemplate, loadConfig, foldersOf } from "../../config/index.ts";
import { codeOf, codeOrMessage } from "../../errno.ts";
import { splitCommand } from "./argv.ts";
import { runProgram } from "./run-program.ts";

export interface Edited {
  readonly file: string;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

/** Lets the user edit config.toml, then checks it. Makes the file first when it is not there; never overwrites it. */
export const editConfig = async (
  env: NodeJS.ProcessEnv,
  homedir: string,
  input: "terminal" | "none",
): Promise<Edited> => {
  const { file } = foldersOf(env, homedir);
  const editor = editorOf(env, input, file);
  const created = await makeFile(file);
  const ended = await runProgram([...editor.argv, file], env, "terminal").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new ImiError("usage/invalid", `There is no editor ${editor.argv[0]} on PATH (from ${editor.from}).`, {
      hint: `Set VISUAL or EDITOR to one there is, or edit ${file} yourself.`,
      cause: error,
    });
  });
  if (ended !== 0) {
    throw new ImiError("config/invalid", `${editor.argv[0]} ended with ${ended}; ${file} was not checked.`, {
      hint: "`imi config show` tells what is in force.",
    });
  }
  // Only the file: a wrong environment variable is not what was edited here.
  const { problems } = await loadConfig({ env: onlyFolders(env), homedir });
  const error = configError(problems);
  if (error !== null) throw error;
  return { file, created, warnings: problems.map(({ message }) => message) };
};

const onlyFolders = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("XDG_")));

const makeFile = async (file: string): Promise<boolean> => {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, configTemplate(), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new ImiError("path/permission", `${file} cannot be made (${codeOrMessage(error)}).`, {
      hint: "Check the permissions of the folder.",
      cause: error,
    });
  }
};

interface Editor {
  readonly argv: readonly [string, ...string[]];
  readonly from: string;
}

const editorOf = (env: NodeJS.ProcessEnv, input: "terminal" | "none", file: string): Editor => {
  for (const variable of ["VISUAL", "EDITOR"] as const) {
    const [program, ...args] = splitCommand(env[variable] ?? "", variable);
    if (program !== undefined) return { argv: [program, ...args], from: variable };
  }
  if (env["TERM_PROGRAM"] === "vscode") return { argv: ["code", "--wait"], from: "VS Code's terminal" };
  // An editor nobody asked for would wait for keys that never come.
  if (input === "terminal") return { argv: ["vi"], from: "the default" };
  throw new ImiError("usage/invalid", "No editor is set.", {
    hint: `Set VISUAL or EDITOR, or edit ${file} yourself.`,
  });
};
