import { commands } from "vscode";
import type { ContextKey, ContextKeys } from "./tables.ts";

const last = new Map<ContextKey, unknown>();

/** Sets a context key of tables.ts; does nothing when it holds that value already. */
export function setContext<Key extends ContextKey>(key: Key, value: ContextKeys[Key]): void {
  if (last.get(key) === value) return;
  last.set(key, value);
  void commands.executeCommand("setContext", key, value);
}
