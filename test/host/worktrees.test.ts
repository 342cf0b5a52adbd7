import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import type { ImiApi } from "../../client/src/extension.ts";
import { commands } from "../../client/src/tables.ts";

const folder = (): string => {
  const first = vscode.workspace.workspaceFolders?.[0];
  assert.ok(first, "the suite runs in a folder");
  return first.uri.fsPath;
};
const beside = (name: string): string => path.join(path.dirname(folder()), name);

describe("worktrees, from another extension's point of view", () => {
  before(async () => {
    await vscode.extensions.getExtension("imi.imi")?.activate();
    await vscode.workspace.getConfiguration("imi").update("worktree.openAfterCreate", "never", true);
  });

  it("every command of the manifest is there", async () => {
    const there = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      Object.keys(commands).filter((id) => !there.has(id)),
      [],
    );
  });

  it("a command with type and name creates without asking, on the real repository", async () => {
    await vscode.commands.executeCommand("imi.createWorktree", {
      repository: folder(),
      type: "feat",
      name: "from-a-program",
    });
    assert.ok(existsSync(path.join(beside("feat-from-a-program"), ".git")));
  });

  it("a name that will not do makes nothing", async () => {
    await vscode.commands.executeCommand("imi.createWorktree", {
      repository: folder(),
      type: "fix",
      name: "../outside",
    });
    assert.ok(!existsSync(path.join(path.dirname(beside("x")), "..", "outside")));
    assert.ok(!existsSync(beside("fix-outside")));
  });

  it("a restarted server goes on where the other was", async () => {
    await vscode.commands.executeCommand("imi.restartServer");
    await vscode.commands.executeCommand("imi.createWorktree", { repository: folder(), type: "fix", name: "after" });
    assert.ok(existsSync(path.join(beside("fix-after"), ".git")));
  });

  it("a command of a row's menu takes the row with the focus where VS Code has forgotten which one it was", async () => {
    const { tree, worktrees } = (await vscode.extensions.getExtension<ImiApi>("imi.imi")?.activate()) ?? {};
    assert.ok(tree && worktrees);
    await vscode.commands.executeCommand("imi.worktrees.focus");
    const worktree = worktrees.worktrees().find(({ name }) => name === "feat-from-a-program");
    assert.ok(worktree);
    await tree.view.reveal(tree.nodeOf(worktree), { focus: true, select: false });
    // What VS Code passes while it redraws the view: nothing in the place of the row, and of what is selected.
    await vscode.commands.executeCommand("imi.copyWorktreePath", undefined, [undefined]);
    assert.equal(await vscode.env.clipboard.readText(), worktree.path);
  });
});
