import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { treeRows, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { eventually, has, isHere, lacks, open, question, statusItem, view } from "./worktrees-view.ts";

describe("the main job, by keyboard alone", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/there", join(scene.container, "feat-there"));
    window = await open(scene, scene.trunk);
    await statusItem(window.page, /open in this window/u).waitFor({ timeout: 60_000 });
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("reaches the view, and reads every row as a sentence", async () => {
    await watched(window.page, "keyboard-view", async () => {
      await focusView(window.page);
      await waitForRows(window.page, view, has("feat-there"));
      await waitForRows(window.page, view, (rows) =>
        rows.every(({ level, accessibleName }) => level === 1 || accessibleName.includes("no uncommitted files")),
      );
      assert.deepEqual(
        (await treeRows(window.page, view)).map(({ accessibleName }) => accessibleName),
        [
          "Trunk, 1 worktree",
          "trunk-main, branch main, no uncommitted files, open in this window",
          "Features, 1 worktree",
          "feat-there, branch feat/there, no uncommitted files",
        ],
      );
    });
  });

  it("creates, with a mistake on the way, and is back in the view", async () => {
    const { page } = window;
    await watched(page, "keyboard-create", async () => {
      await page.keyboard.press("Control+K");
      await page.keyboard.press("Alt+G");
      await question(page, "(1/3)");
      await page.keyboard.type("fix");
      await eventually(
        () => focused(page),
        (at) => at.row?.startsWith("Fix,") === true,
      );
      await page.keyboard.press("Enter");

      await question(page, "(2/3)");
      await page.keyboard.type("two words");
      await page
        .locator(".quick-input-message")
        .filter({ hasText: /no spaces/u })
        .waitFor();
      await page.keyboard.press("Enter");
      await question(page, "(2/3)"); // it is still asked
      assert.match((await focused(page)).name, /^Name, such as .*Create Worktree$/u);
      for (const _ of "two words") await page.keyboard.press("Backspace");
      await page.keyboard.type("by-keys");
      await page
        .locator(".quick-input-message")
        .filter({ hasText: "Branch fix/by-keys in folder fix-by-keys" })
        .waitFor();
      await page.keyboard.press("Enter");

      await question(page, "(3/3)");
      await page.keyboard.press("Enter");
      await waitForRows(page, view, has("fix-by-keys"));
      await eventually(
        () => focused(page),
        ({ name }) => name === view,
      );
    });
    assert.ok(existsSync(join(scene.container, "fix-by-keys/README.md")));
  });

  it("goes back a question, and leaves with Escape without having made anything", async () => {
    const { page } = window;
    await watched(page, "keyboard-back", async () => {
      await page.keyboard.press("Control+K");
      await page.keyboard.press("Alt+G");
      await question(page, "(1/3)");
      await page.keyboard.press("Enter");
      await question(page, "(2/3)");
      await page.keyboard.press(back);
      await question(page, "(1/3)");
      await page.keyboard.press("Escape");
      await eventually(
        () => focused(page),
        ({ name }) => name === view,
      );
    });
  });

  it("moves to a row and opens it in this window", async () => {
    const { page } = window;
    await watched(page, "keyboard-open", async () => {
      await moveTo(page, /^fix-by-keys,/u);
      await chooseByKeys(page, /^Open Worktree$/u);
      await page.waitForURL(/fix-by-keys/u);
      await statusItem(page, /^fix-by-keys,.*open in this window/u).waitFor({ timeout: 60_000 });
      await focusView(page);
      await waitForRows(page, view, isHere("fix-by-keys"));
    });
  });

  it("removes a worktree, and the focus stays in the view", async () => {
    const { page } = window;
    await watched(page, "keyboard-remove", async () => {
      await moveTo(page, /^feat-there,/u);
      await chooseByKeys(page, /^Remove Worktree…/u);
      const dialog = page.locator(".monaco-dialog-box");
      await dialog.filter({ hasText: /Remove worktree feat-there\?/u }).waitFor();
      await eventually(
        () => focused(page),
        ({ name }) => name === "Remove",
      );
      await page.keyboard.press("Enter");
      await waitForRows(page, view, lacks("feat-there"));
      await eventually(
        () => focused(page),
        ({ name }) => name === view,
      );
      await moveTo(page, /^trunk-main,/u);
    });
    assert.ok(!existsSync(join(scene.container, "feat-there")));
  });
});

/** VS Code's own key for the Back button. */
const back = { darwin: "Control+Minus", win32: "Alt+ArrowLeft" }[process.platform as string] ?? "Control+Alt+Minus";

interface Focus {
  /** What a screen reader calls the focused element. */
  readonly name: string;
  /** The row within it that the arrows have reached. */
  readonly row: string | null;
}

const focused = (page: Page): Promise<Focus> =>
  page.evaluate(() => {
    const element = document.activeElement;
    const row = element?.getAttribute("aria-activedescendant");
    return {
      name: element?.getAttribute("aria-label") ?? element?.textContent ?? "",
      row: row ? (document.getElementById(row)?.getAttribute("aria-label") ?? null) : null,
    };
  });

/** The palette and the view's own command, which VS Code makes for every view. */
const focusView = async (page: Page): Promise<void> => {
  const title = "iMi: Focus on Worktrees View";
  await page.keyboard.press("F1");
  await page.locator(".quick-input-widget input.input").waitFor();
  await page.keyboard.type(title);
  await eventually(
    () => focused(page),
    ({ row }) => row?.startsWith(title) === true,
  );
  await page.keyboard.press("Enter");
  await eventually(
    () => focused(page),
    ({ name }) => name === view,
  );
};

/** A window that loads takes the focus to its editors at a moment of its own; whoever works by keys goes back to the view. */
const moveTo = async (page: Page, row: RegExp): Promise<void> => {
  for (let tries = 0; tries < 3; tries += 1) {
    if ((await focused(page)).name !== view) await focusView(page);
    await page.keyboard.press("Home");
    const { length } = await treeRows(page, view);
    for (let steps = 0; steps <= length; steps += 1) {
      const at = await focused(page);
      if (at.row !== null && row.test(at.row)) return;
      await page.keyboard.press("ArrowDown");
    }
  }
  assert.fail(`no row ${row} among ${JSON.stringify(await treeRows(page, view))}`);
};

/** The context menu of the row the arrows are at, and an entry of it. */
const chooseByKeys = async (page: Page, entry: RegExp): Promise<void> => {
  await page.keyboard.press("Shift+F10");
  const item = page.getByRole("menuitem", { name: entry });
  await item.waitFor();
  for (let steps = 0; steps < 20; steps += 1) {
    if (entry.test((await focused(page)).name)) break;
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
  await item.waitFor({ state: "detached" });
};
