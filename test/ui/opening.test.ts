import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { chooseFromMenu, openImiView, reloadWhileEmpty, treeRow, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { eventually, has, isHere, open, view } from "./worktrees-view.ts";

const loading = 60_000;

describe("opening a worktree", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    for (const name of ["one", "two"]) {
      scene.git(scene.trunk, "worktree", "add", "-q", "-b", `feat/${name}`, join(scene.container, `feat-${name}`));
    }
    window = await open(scene, scene.trunk);
    await openImiView(window.page);
    await waitForRows(window.page, view, has("feat-two"), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("in a new window leaves this one as it is", async () => {
    await watched(window.page, "open-new", async () => {
      const opened = window.page.context().waitForEvent("page");
      await chooseFromMenu(window.page, treeRow(window.page, view, "feat-one"), /^Open Worktree in New Window$/u);
      const page = await opened;
      await watched(page, "open-new-window", async () => {
        await openImiView(page);
        await waitForRows(page, view, isHere("feat-one"), loading);
      });
      assert.ok(isHere("trunk-main")(await waitForRows(window.page, view, has("feat-one"))));
      await page.close();
    });
  });

  it("in this window makes it the window's worktree, with one server as before", async () => {
    await watched(window.page, "open-here", async () => {
      await chooseFromMenu(window.page, treeRow(window.page, view, "feat-two"), /^Open Worktree$/u);
      await window.page.waitForURL(/feat-two/u);
      await openImiView(window.page);
      await waitForRows(window.page, view, isHere("feat-two"), loading);
      await eventually(
        () => window.servers(),
        ({ length }) => length === 1,
      );
    });
  });

  it("beside the folder of this window makes a workspace of both", async () => {
    const page = await window.openAnother(scene.trunk);
    await watched(page, "open-beside", async () => {
      await openImiView(page);
      await waitForRows(page, view, has("feat-one"), loading);
      await chooseFromMenu(page, treeRow(page, view, "feat-one"), /^Add Worktree to Workspace$/u);
      // VS Code writes an untitled workspace and loads the window anew on it.
      await page.waitForURL(/workspace=/u);
      const file = new URL(page.url()).searchParams.get("workspace") ?? "";
      const { folders } = JSON.parse(readFileSync(file, "utf8")) as { folders: { uri: string }[] };
      assert.deepEqual(
        folders.map(({ uri }) => decodeURIComponent(uri).split("/").at(-1)),
        ["trunk-main", "feat-one"],
      );
      await reloadWhileEmpty(page);
      await openImiView(page);
      await waitForRows(page, view, (rows) => isHere("trunk-main")(rows) && isHere("feat-one")(rows), loading);
    });
  });
});
