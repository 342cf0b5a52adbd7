import assert from "node:assert/strict";
import * as vscode from "vscode";

describe("the extension", () => {
  it("activates", async () => {
    const extension = vscode.extensions.getExtension("imi.imi");
    assert.ok(extension, "VS Code did not load imi.imi");
    await extension.activate();
    assert.equal(extension.isActive, true);
  });
});
