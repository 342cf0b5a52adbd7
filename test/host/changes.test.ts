import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import type { ResultOf } from "../../protocol/contract.ts";
import type { ImiApi } from "../../client/src/extension.ts";

const folder = (): string => {
  const first = vscode.workspace.workspaceFolders?.[0];
  assert.ok(first, "the suite runs in a folder");
  return first.uri.fsPath;
};
const beside = (name: string): string => path.join(path.dirname(folder()), name);

describe("changes and conflicts, from another extension's point of view", () => {
  let imi: ImiApi;
  before(async () => {
    const extension = vscode.extensions.getExtension<ImiApi>("imi.imi");
    assert.ok(extension, "VS Code did not load imi.imi");
    imi = await extension.activate();
    await vscode.workspace.getConfiguration("imi").update("worktree.openAfterCreate", "never", true);
    for (const name of ["one", "two"]) {
      await vscode.commands.executeCommand("imi.createWorktree", { repository: folder(), type: "feat", name });
      writeFileSync(path.join(beside(`feat-${name}`), "shared ü.txt"), `by ${name}\n`);
    }
  });

  it("a command with a name compares without asking, and says how much it showed", async () => {
    for (const id of ["imi.compareWithBase", "imi.compareWithTrunk"]) {
      const shown: unknown = await vscode.commands.executeCommand(id, { name: "feat-one" });
      assert.deepEqual(shown, { shown: 1, total: 1 });
      assert.match(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? "", /^feat-one since /u);
    }
    const nothing: unknown = await vscode.commands.executeCommand("imi.compareWithBase", {
      name: path.basename(folder()),
    });
    assert.deepEqual(nothing, { shown: 0, total: 0 });
  });

  it("a version of a file can be read by its address, and not be written", async () => {
    const content = "as it was ü\n";
    const git = { cwd: folder(), input: content, encoding: "utf8" } as const;
    const id = execFileSync("git", ["hash-object", "-w", "--stdin"], git).trim();
    const query = JSON.stringify({ repository: folder(), id });
    const uri = vscode.Uri.file(path.join(beside("feat-one"), "a.txt")).with({ scheme: "imi-version", query });
    assert.equal(Buffer.from(await vscode.workspace.fs.readFile(uri)).toString("utf8"), content);
    assert.equal(vscode.workspace.fs.isWritableFileSystem("imi-version"), false);
    await assert.rejects(async () => vscode.workspace.fs.writeFile(uri, new Uint8Array()));
    await assert.rejects(async () => vscode.workspace.fs.readFile(uri.with({ query: "{}" })));
  });

  it("the conflicts of the window's worktrees can be asked for", async () => {
    const pairs = await imi.overlaps.fresh();
    assert.deepEqual(
      pairs.map(({ a, b, files, merge }) => [
        a,
        b,
        files.map(({ path: file, near }) => `${near} ${file}`),
        merge.clean,
      ]),
      [["feat-one", "feat-two", ["whole shared ü.txt"], false]],
    );
  });

  it("a command with two names checks their merge, and shows the answer", async () => {
    const checked = await vscode.commands.executeCommand<ResultOf<"overlap.merge-check">>("imi.checkMerge", {
      ...{ name: "feat-one", into: "feat-two" },
    });
    assert.equal(checked.working.clean, false);
    const text = vscode.window.activeTextEditor?.document.getText() ?? "";
    assert.match(text, /^# Merging feat-one into feat-two$/mu);
    assert.match(text, /^## With what is not committed: 1 conflict$/mu);
    assert.match(text, /^- shared ü\.txt: add\/add$/mu);
  });

  it("what happened in them can be asked for, by what one looks for", async () => {
    const created = (await imi.activity.fresh()).filter(({ type }) => type === "worktree_created");
    assert.ok(created.some(({ worktree }) => worktree.name === "feat-two"));
    imi.activity.show({ type: "worktree_removed" });
    assert.ok((await imi.activity.fresh()).every(({ type }) => type === "worktree_removed"));
    imi.activity.show({});
  });
});
