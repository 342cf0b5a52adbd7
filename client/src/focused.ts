import { type TreeView, commands } from "vscode";

/** Whether a command was run by a key of package.json's `keybindings`, whose `args` say so. */
export function byKeyboard([first]: readonly unknown[]): boolean {
  return typeof first === "object" && first !== null && "by" in first && first.by === "keyboard";
}

/**
 * What a key in a view is meant for. VS Code passes nothing to a command that a key runs, and tells extensions what is
 * selected but not what the arrows have reached: so that is selected first. Several that the user selected stay so.
 */
export async function focusedNodes<Node>(view: TreeView<Node>): Promise<readonly Node[]> {
  if (view.selection.length < 2) await commands.executeCommand("list.select");
  return view.selection;
}
