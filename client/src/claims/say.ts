import { commands } from "vscode";
import type { CommandId } from "../tables.ts";

type Say = (message: string, ...items: string[]) => Thenable<string | undefined>;

/**
 * Says something in a notification whose buttons run commands, or with null do no more than close it. Returns at once; the
 * notification stays.
 */
export function sayWith(
  say: Say,
  message: string,
  choices: readonly (readonly [label: string, command: CommandId | null, ...args: readonly unknown[]])[],
): void {
  void say(message, ...choices.map(([label]) => label)).then((chosen) => {
    const [, command, ...args] = choices.find(([label]) => label === chosen) ?? [];
    return command === undefined || command === null ? undefined : commands.executeCommand(command, ...args);
  });
}
