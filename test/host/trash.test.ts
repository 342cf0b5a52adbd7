import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import type { ImiApi } from "../../client/src/extension.ts";

const folder = (): string => {
  const first = vscode.workspace.workspaceFolders?.[0];
  assert.ok(first, "the suite runs in a folder");
  return first.uri.fsPath;
};
const beside = (name: string): string => path.join(path.dirname(folder()), name);

describe("the trash, from another extension's point of view", () => {
  let imi: ImiApi;
  before(async () => {
    const extension = vscode.extensions.getExtension<ImiApi>("imi.imi");
    assert.ok(extension, "VS Code did not load imi.imi");
    imi = await extension.activate();
    await vscode.workspace.getConfiguration("imi").update("worktree.openAfterCreate", "never", true);
    await vscode.commands.executeCommand("imi.createWorktree", { repository: folder(), type: "feat", name: "thrown" });
    writeFileSync(path.join(beside("feat-thrown"), "notes.txt"), "notes\n");
    await imi.connection.request("worktree.remove", { repository: folder(), name: "feat-thrown", yes: true });
  });

  it("lists a removed worktree", async () => {
    const found = (await imi.trash.fresh()).map(({ entry }) => entry.name);
    assert.deepEqual(found, ["feat-thrown"]);
    assert.ok(!existsSync(beside("feat-thrown")));
  });

  it("a command with a name restores without asking", async () => {
    await vscode.commands.executeCommand("imi.restoreWorktree", { name: "feat-thrown" });
    assert.equal(readFileSync(path.join(beside("feat-thrown"), "notes.txt"), "utf8"), "notes\n");
    assert.deepEqual(await imi.trash.fresh(), []);
  });

  it("a name that is not in the trash is told, and nothing happens", async () => {
    const result: unknown = await vscode.commands.executeCommand("imi.restoreWorktree", { name: "feat-nowhere" });
    assert.equal(result, undefined);
  });
});
