import { accessSync, constants } from "node:fs";
import path from "node:path";
import type { Shell } from "./local-commands.ts";

/**
 * The shell word that runs `imi` itself, past a function or alias of that name: `command imi` where PATH has it, else
 * the absolute path of the `bin/imi` that belongs to `entry`, the script that is running.
 */
export const programFor = (shell: Shell, env: NodeJS.ProcessEnv, entry: string): string => {
  const onPath = (env["PATH"] ?? "").split(path.delimiter).some((folder) => isExecutable(path.join(folder, "imi")));
  if (onPath) return "command imi";
  const own = ancestors(entry).find((folder) => isExecutable(path.join(folder, "bin", "imi")));
  return own === undefined ? "command imi" : quote(shell, path.join(own, "bin", "imi"));
};

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const ancestors = (file: string): string[] => {
  const folders: string[] = [];
  for (let folder = path.dirname(file); !folders.includes(folder); folder = path.dirname(folder)) folders.push(folder);
  return folders;
};

const quote = (shell: Shell, text: string): string =>
  shell === "fish" ? `'${text.replace(/[\\']/gu, "\\$&")}'` : `'${text.replaceAll("'", "'\\''")}'`;
