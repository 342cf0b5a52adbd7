import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { type Place, told } from "../support/imi.ts";
import { commitAll, put } from "../support/overlap.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { chooseFromMenu, openImiView, pick, runCommand, screenshot, treeRow, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { eventually, has, open, toast, view } from "./worktrees-view.ts";

const loading = 60_000;

describe("comparing a worktree that is not in this window's folder", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let page: Page;
  let login: string;
  before(async () => {
    scene = makeScene();
    const shell: Place = { cwd: scene.trunk, env: scene.env };
    await told(shell, "feat", "login");
    await told(shell, "feat", "quiet");
    await told(shell, "feat", "large");
    login = join(scene.container, "feat-login");
    scene.git(login, "mv", "file-0.txt", "renamed.txt");
    put(login, { "file-1.txt": "committed\n", "file-2.txt": null });
    commitAll({ scene }, login);
    put(login, { "README.md": "# App\n\nnow with a login\n", "new ü\nfile.txt": "new\n" });
    writeFileSync(join(login, "picture.bin"), Buffer.from([0, 1, 2, 255]));
    window = await open(scene, scene.trunk);
    ({ page } = window);
    await openImiView(page);
    await waitForRows(page, view, (rows) => has("feat-login")(rows) && has("feat-large")(rows), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("opens all that it changed since its base as one editor", async () => {
    await watched(page, "changes-base", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-login"), /^Compare with Base/u);
      await tab(page, /^feat-login since origin\/main/u).waitFor();
      const names = await eventually(
        () => shownFiles(page),
        (found) => found.length === 7,
      );
      // The renamed one, and no other, has two names.
      assert.deepEqual(names.toSorted(), [
        "README.md",
        "file-0.txt",
        "file-1.txt",
        "file-2.txt",
        "new ü\nfile.txt",
        "picture.bin",
        "renamed.txt",
      ]);
      const editor = page.locator(".multiDiffEditor");
      await editor.getByText("now with a login").first().waitFor();
      await screenshot(page, "changes-base");
    });
  });

  it("says it where there is nothing", async () => {
    await watched(page, "changes-none", async () => {
      await runCommand(page, "iMi: Compare with Trunk");
      await pick(page, "feat-quiet");
      await toast(page, /^feat-quiet has no differences from origin\/main\.$/u).waitFor();
    });
  });

  it("shows the first of very many, and says so", async () => {
    const files = Object.fromEntries(Array.from({ length: 620 }, (_, index) => [`many/${index}.txt`, "x\n"]));
    put(join(scene.container, "feat-large"), files);
    await watched(page, "changes-many", async () => {
      await runCommand(page, "iMi: Compare with Base");
      await pick(page, "feat-large");
      await toast(page, /^feat-large differs in 620 files; the first 500 are shown\.$/u).waitFor();
      await tab(page, /^feat-large since origin\/main/u).waitFor();
    });
  });
});

describe("comparing a worktree in a window that is not trusted", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let page: Page;
  before(async () => {
    scene = makeScene();
    const shell: Place = { cwd: scene.trunk, env: scene.env };
    await told(shell, "feat", "login");
    put(join(scene.container, "feat-login"), { "README.md": "# App\n\nnow with a login\n" });
    window = await open(scene, join(scene.container, "feat-login"), { trust: "untrusted" });
    ({ page } = window);
    await openImiView(page);
    await waitForRows(page, view, has("feat-login"), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("is allowed: it only reads", async () => {
    await watched(page, "changes-untrusted", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-login"), /^Compare with Base/u);
      await tab(page, /^feat-login since origin\/main/u).waitFor();
      await page.locator(".multiDiffEditor").getByText("now with a login").first().waitFor();
    });
  });
});

const tab = (page: Page, name: RegExp): Locator => page.getByRole("tab", { name });

/** Files of the multi-file diff, as their headers name them. */
const shownFiles = async (page: Page): Promise<string[]> => {
  const titles = page.locator(".multiDiffEntry .file-path .title .label-name");
  return [...new Set(await titles.allTextContents())].filter(Boolean);
};
