import { type TreeView, commands } from "vscode";
import { textIn } from "./given.ts";

/** How long VS Code is given to draw a tree again, in milliseconds, and how often is looked whether it has. */
const redrawing = { atMost: 2000, lookEvery: 20 };

/**
 * What a command in a view is meant for: rows of the view, or whatever else it was called with; empty when it was called
 * with nothing, as from the palette.
 */
export async function calledOn<Node>(view: TreeView<Node>, args: readonly unknown[]): Promise<readonly unknown[]> {
  const [first, selected] = args;
  if (isKey(first)) return focusedNodes(view);
  const rows: readonly unknown[] = Array.isArray(selected) && selected.length > 0 ? selected : [first];
  const known = rows.filter((row) => row !== undefined && row !== null);
  return known.length > 0 || args.length === 0 ? known : clickedNodes(view);
}

/** A key of package.json's `keybindings`, whose `args` say so. */
function isKey(first: unknown): boolean {
  return textIn(first, "by") === "keyboard";
}

/**
 * VS Code passes nothing to a command that a key runs, and tells extensions what is selected but not what the arrows
 * have reached: so that is selected first. Several that the user selected stay so.
 */
async function focusedNodes<Node>(view: TreeView<Node>): Promise<readonly Node[]> {
  if (view.selection.length < 2) await commands.executeCommand("list.select");
  return view.selection;
}

/**
 * VS Code forgets its rows while it redraws them, and then passes `undefined` for the one whose menu was opened. The
 * click left the focus on it.
 */
async function clickedNodes<Node>(view: TreeView<Node>): Promise<readonly Node[]> {
  // Nobody can have clicked there; what has the focus is in some other list.
  if (!view.visible) return [];
  await commands.executeCommand("list.select");
  const deadline = Date.now() + redrawing.atMost;
  while (view.selection.length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, redrawing.lookEvery));
  }
  return view.selection;
}
