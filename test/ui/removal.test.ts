import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { imi } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import {
  chooseFromMenu,
  openImiView,
  pick,
  runCommand,
  screenshot,
  treeRow,
  treeRows,
  waitForRows,
  watched,
} from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { eventually, has, lacks, open, toast, view } from "./worktrees-view.ts";

const trash = "Trash";
const loading = 60_000;

describe("removing worktrees", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let work: string;
  before(async () => {
    scene = makeScene();
    writeFileSync(join(scene.trunk, ".git/info/exclude"), ".env\n");
    work = addWorktree(scene, "work");
    writeFileSync(join(work, "README.md"), "# Changed\n");
    writeFileSync(join(work, "notes.txt"), "notes\n");
    writeFileSync(join(work, ".env"), "SECRET=1\n");
    addWorktree(scene, "clean");
    window = await open(scene, scene.trunk);
    await openImiView(window.page);
    await waitForRows(window.page, view, (rows) => has("feat-work")(rows) && has("feat-clean")(rows), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("says first what would be lost and what is kept anyway, and removes nothing when one leaves", async () => {
    const { page } = window;
    await watched(page, "removal-question", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-work"), /^Remove Worktree…/u);
      const text = await question(page, "Remove worktree feat-work?").innerText();
      assert.match(text, /It holds work, which is salvaged first:/u);
      assert.match(text, /• 1 changed file: README\.md/u);
      assert.match(text, /• 1 untracked file: notes\.txt/u);
      assert.match(text, /Kept in any case:/u);
      assert.match(text, /• the branch feat\/work/u);
      assert.match(text, /• 1 ignored file or folder(?:, [\d.]+ k?B)?: \.env/u);
      assert.deepEqual(await buttons(page), ["Cancel", "Salvage and Remove", "Show Changes"]);
      await screenshot(page, "removal-question");
      await page.keyboard.press("Escape");
      await question(page, "Remove worktree").waitFor({ state: "detached" });
    });
    assert.ok(existsSync(join(work, "notes.txt")));
  });

  it("shows the changes where VS Code shows changes", async () => {
    const { page } = window;
    await watched(page, "removal-changes", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-work"), /^Remove Worktree…/u);
      await press(page, "Remove worktree feat-work?", "Show Changes");
      const changed = page.locator(".scm-view .monaco-list-row").filter({ hasText: "notes.txt" });
      await changed.first().waitFor();
      await openImiView(page);
    });
    assert.ok(existsSync(join(work, "notes.txt")));
  });

  it("undoes a removal from its notification: the same files, the same status", async () => {
    const { page } = window;
    const status = scene.git(work, "status", "--porcelain", "--ignored");
    await watched(page, "removal-undo", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-work"), /^Remove Worktree…/u);
      await press(page, "Remove worktree feat-work?", "Salvage and Remove");
      await waitForRows(page, view, lacks("feat-work"));
      assert.ok(!existsSync(work));
      await toast(page, /feat-work is removed; its branch feat\/work stays\./u).waitFor();
      await screenshot(page, "removal-undo");
      await answerToast(page, /feat-work is removed/u, "Undo");
      await waitForRows(page, view, has("feat-work"));
      await toast(page, /feat-work is back\./u).waitFor();
    });
    assert.equal(readFileSync(join(work, "notes.txt"), "utf8"), "notes\n");
    assert.equal(readFileSync(join(work, ".env"), "utf8"), "SECRET=1\n");
    assert.equal(scene.git(work, "status", "--porcelain", "--ignored"), status);
  });

  it("removes by the Delete key, and restores from the palette", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "removal-palette", async () => {
      await runCommand(page, "iMi: Focus on Worktrees View");
      await moveTo(page, view, /^feat-work,/u);
      await page.keyboard.press("Delete");
      await press(page, "Remove worktree feat-work?", "Salvage and Remove");
      await waitForRows(page, view, lacks("feat-work"));
      await clearNotifications(page);
      await runCommand(page, "iMi: Restore Worktree…");
      const row = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "feat-work" }).first();
      await row.filter({ hasText: /feat\/work/u }).waitFor();
      await row.filter({ hasText: /removed .* was at/u }).waitFor();
      await screenshot(page, "removal-restore");
      await pick(page, "feat-work");
      await waitForRows(page, view, has("feat-work"));
      await toast(page, /feat-work is back\./u).waitFor();
    });
    assert.equal(readFileSync(join(work, "notes.txt"), "utf8"), "notes\n");
  });

  it("asks in a word where nothing would be lost, by keyboard alone", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "removal-clean", async () => {
      await runCommand(page, "iMi: Remove Worktree…");
      const choice = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "feat-clean" });
      await choice.waitFor(); // what is typed before the list is there goes nowhere
      await page.keyboard.type("feat-clean");
      await choice.and(page.locator(".focused")).waitFor();
      await page.keyboard.press("Enter");
      const text = await question(page, "Remove worktree feat-clean?").innerText();
      assert.match(text, /It holds no work/u);
      assert.doesNotMatch(text, /salvaged/u);
      assert.deepEqual(await buttons(page), ["Cancel", "Remove"]);
      await screenshot(page, "removal-clean");
      await page.keyboard.press("Enter");
      await waitForRows(page, view, lacks("feat-clean"));
      await answerToast(page, /feat-clean is removed/u, "Undo");
      await waitForRows(page, view, has("feat-clean"));
    });
  });

  it("asks once for several, with a line for each", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "removal-several", async () => {
      await treeRow(page, view, "feat-clean").click();
      await treeRow(page, view, "feat-work").click({ modifiers: ["ControlOrMeta"] });
      await chooseFromMenu(page, treeRow(page, view, "feat-work"), /^Remove Worktree…/u);
      const text = await question(page, "Remove 2 worktrees?").innerText();
      assert.match(text, /• feat-clean: no work/u);
      assert.match(text, /• feat-work: 1 changed file, 1 untracked file/u);
      await press(page, "Remove 2 worktrees?", "Salvage and Remove");
      await waitForRows(page, view, (rows) => lacks("feat-work")(rows) && lacks("feat-clean")(rows));
      await answerToast(page, /feat-clean, feat-work are removed/u, "Undo");
      await waitForRows(page, view, (rows) => has("feat-work")(rows) && has("feat-clean")(rows));
    });
    assert.equal(readFileSync(join(work, "notes.txt"), "utf8"), "notes\n");
  });

  it("counts what could not be found out as work, and says why it could not", async () => {
    const { page } = window;
    const path = addWorktree(scene, "damaged");
    writeFileSync(join(scene.trunk, ".git/worktrees/feat-damaged/index"), "no index");
    await waitForRows(page, view, has("feat-damaged"));
    await watched(page, "removal-unknown", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-damaged"), /^Remove Worktree…/u);
      const text = await question(page, "Remove worktree feat-damaged?").innerText();
      assert.match(text, /could not be found out, so it counts as work: .*index.*\./u);
      assert.deepEqual(await buttons(page), ["Cancel", "Salvage and Remove"]);
      await screenshot(page, "removal-unknown");
      await press(page, "Remove worktree feat-damaged?", "Salvage and Remove");
      await waitForRows(page, view, lacks("feat-damaged"));
      await answerToast(page, /feat-damaged is removed/u, "Undo");
      await waitForRows(page, view, has("feat-damaged"));
    });
    assert.equal(readFileSync(join(path, "README.md"), "utf8"), "# App\n");
    assert.equal(readFileSync(join(scene.trunk, ".git/worktrees/feat-damaged/index"), "utf8"), "no index");
  });

  it("salvages without removing, and names where to", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "salvage", async () => {
      await chooseFromMenu(page, treeRow(page, view, "feat-work"), /^Salvage Worktree$/u);
      await toast(page, /feat-work is salvaged to refs\/salvage\/feat-work\//u).waitFor();
      await screenshot(page, "salvage");
      await answerToast(page, /feat-work is salvaged/u, "Push…");
      await pick(page, "origin");
      await toast(page, /is pushed to origin/u).waitFor();
    });
    assert.match(scene.git(scene.remote, "for-each-ref", "refs/salvage/"), /refs\/salvage\/feat-work\//u);
    assert.ok(existsSync(join(work, "notes.txt")));
  });

  it("saves what is salvaged as a bundle, where the user says", async () => {
    const { page } = window;
    const bundle = join(scene.container, "feat-work.bundle");
    await clearNotifications(page);
    await watched(page, "salvage-bundle", async () => {
      await runCommand(page, "iMi: Salvage Worktree");
      await pick(page, "feat-work");
      await toast(page, /feat-work is salvaged/u).waitFor();
      await answerToast(page, /feat-work is salvaged/u, "Save Bundle…");
      const input = page.locator(".quick-input-widget input.input");
      await eventually(
        () => input.inputValue(),
        (path) => path === bundle,
      );
      await page.keyboard.press("Enter");
      await toast(page, /feat-work\.bundle is written\./u).waitFor();
    });
    assert.match(scene.git(scene.trunk, "bundle", "list-heads", bundle), /refs\/salvage\/feat-work\/.*\/worktree/u);
  });

  it("tells in the hover how much disk a worktree takes", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "disk-use", async () => {
      const hover = page.locator(".monaco-hover").filter({ hasText: /Disk use/u });
      await eventually(
        async () => {
          await page.mouse.move(900, 300);
          await treeRow(page, view, "feat-work").hover();
          await page.waitForTimeout(1500);
          return hover.isVisible();
        },
        Boolean,
        30_000,
      );
      assert.match(await hover.innerText(), /Disk use\s+[\d.,]+\skB\sin\s\d+\sfiles,\smeasured/u);
      await screenshot(page, "disk-use");
      await page.mouse.move(900, 300);
    });
  });

  it("does not pull this window's only folder from under it, and offers a way out", async () => {
    const { page } = window;
    await clearNotifications(page);
    const other = await window.openAnother(work);
    await watched(other, "removal-here", async () => {
      await openImiView(other);
      await waitForRows(other, view, has("feat-work"), loading);
      // By the palette: VS Code passes nothing to a row's command while it redraws the tree.
      await runCommand(other, "iMi: Remove Worktree…");
      await pick(other, "feat-work");
      await toast(other, /This window is open in feat-work/u).waitFor();
      await answerToast(other, /This window is open in feat-work/u, "Open trunk-main");
      await other.waitForURL(/trunk-main/u);
    });
    await other.close();
    assert.ok(existsSync(join(work, "notes.txt")));
  });
});

describe("the trash in VS Code", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    writeFileSync(join(scene.trunk, ".git/info/exclude"), ".env\n");
    for (const name of ["one", "two"]) {
      const path = addWorktree(scene, name);
      writeFileSync(join(path, "notes.txt"), `${name}\n`);
      writeFileSync(join(path, ".env"), "SECRET=1\n");
    }
    window = await open(scene, scene.trunk, { settings: { "workbench.colorTheme": "Default Dark Modern" } });
    await openImiView(window.page);
    await waitForRows(window.page, view, has("feat-two"), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });
  const onCommandLine = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await imi({ cwd: scene.trunk, env: scene.env }, ...args);
    assert.equal(code, 0, stderr);
  };

  it("says what it is for while it is empty", async () => {
    const { page } = window;
    await watched(page, "trash-empty", async () => {
      await runCommand(page, "iMi: Show Trash");
      await page.locator(".sidebar").getByText("The trash is empty.").waitFor();
      await screenshot(page, "trash-empty");
    });
  });

  it("follows what `imi` removes and restores, without a refresh", async () => {
    const { page } = window;
    await watched(page, "trash-follows", async () => {
      await onCommandLine("remove", "feat-one", "--yes");
      const [row] = await waitForRows(page, trash, has("feat-one"));
      assert.match(row?.description ?? "", /feat\/one$/u);
      assert.match(row?.accessibleName ?? "", /^feat-one, branch feat\/one, removed .+/u);
      await onCommandLine("restore", "feat-one");
      await waitForRows(page, trash, lacks("feat-one"));
      await waitForRows(page, view, has("feat-one"));
    });
  });

  it("restores by its row's button and by Enter", async () => {
    const { page } = window;
    await watched(page, "trash-restore", async () => {
      await onCommandLine("remove", "feat-one", "--yes");
      await onCommandLine("remove", "feat-two", "--yes");
      await waitForRows(page, trash, (rows) => has("feat-one")(rows) && has("feat-two")(rows));
      await treeRow(page, trash, "feat-one").hover();
      await looks(page, "trash");
      await treeRow(page, trash, "feat-one").hover();
      await treeRow(page, trash, "feat-one")
        .getByRole("button", { name: /^Restore Worktree/u })
        .click();
      await waitForRows(page, view, has("feat-one"));
      await runCommand(page, "iMi: Focus on Trash View");
      await moveTo(page, trash, /^feat-two,/u);
      await page.keyboard.press("Enter");
      await waitForRows(page, view, has("feat-two"));
      await waitForRows(page, trash, lacks("feat-two"));
    });
    assert.equal(readFileSync(join(scene.container, "feat-two/.env"), "utf8"), "SECRET=1\n");
  });

  it("shows what a removed worktree holds", async () => {
    const { page } = window;
    await watched(page, "trash-holds", async () => {
      await onCommandLine("remove", "feat-one", "--yes");
      await waitForRows(page, trash, has("feat-one"));
      await chooseFromMenu(page, treeRow(page, trash, "feat-one"), /^Show What It Holds$/u);
      const editor = page.locator(".editor-instance .view-lines");
      await editor.filter({ hasText: /notes\.txt/u }).waitFor();
      await editor.filter({ hasText: /refs\/salvage|worktree/u }).waitFor();
      await screenshot(page, "trash-holds");
      await runCommand(page, "View: Close All Editors");
    });
  });

  it("deletes for good by the Delete key, and says that ignored files go and what stays", async () => {
    const { page } = window;
    await watched(page, "trash-delete", async () => {
      await runCommand(page, "iMi: Focus on Trash View");
      await moveTo(page, trash, /^feat-one,/u);
      await page.keyboard.press("Delete");
      const text = await question(page, "Delete feat-one for good?").innerText();
      assert.match(
        text,
        /ignored files, which are nowhere else:\s+• 1 ignored file or folder(?:, [\d.]+ k?B)?: \.env/u,
      );
      assert.match(text, /What was salvaged stays in refs\/salvage\/feat-one\//u);
      assert.match(text, /This cannot be undone\./u);
      await screenshot(page, "trash-delete");
      await press(page, "Delete feat-one for good?", "Delete for Good");
      await waitForRows(page, trash, lacks("feat-one"));
      await toast(page, /feat-one is deleted for good/u).waitFor();
    });
    assert.match(scene.git(scene.trunk, "for-each-ref", "refs/salvage/"), /refs\/salvage\/feat-one\//u);
    assert.match(scene.git(scene.trunk, "branch", "--list", "feat/one"), /feat\/one/u);
  });

  it("is emptied after a question", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "trash-emptied", async () => {
      await onCommandLine("remove", "feat-two", "--yes");
      await waitForRows(page, trash, has("feat-two"));
      await runCommand(page, "iMi: Empty Trash…");
      await press(page, "Empty the trash?", "Empty Trash");
      await page.locator(".sidebar").getByText("The trash is empty.").waitFor();
    });
  });

  it("says under which name a worktree is back whose place is taken by now", async () => {
    const { page } = window;
    await clearNotifications(page);
    await watched(page, "trash-renamed", async () => {
      await onCommandLine("feat", "three");
      await onCommandLine("remove", "feat-three", "--yes");
      await onCommandLine("feat", "three");
      await runCommand(page, "iMi: Restore Worktree…");
      await pick(page, "feat-three");
      await toast(page, /feat-three-restored is back\. Its old place is taken by now/u).waitFor();
      await waitForRows(page, view, (rows) => has("feat-three")(rows) && has("feat-three-restored")(rows));
    });
  });
});

describe("worktrees that seem to be done", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    for (const name of ["merged-a", "merged-b", "merged-c"]) {
      const path = addWorktree(scene, name);
      writeFileSync(join(path, `${name}.txt`), "done\n");
      scene.git(path, "add", "-A");
      scene.git(path, "commit", "-q", "-m", name);
      scene.git(scene.trunk, "merge", "-q", "--no-edit", `feat/${name}`);
    }
    scene.git(scene.trunk, "push", "-q", "origin", "main");
    writeFileSync(join(scene.container, "feat-merged-c/left.txt"), "left\n");
    addWorktree(scene, "under-way");
    writeFileSync(join(scene.container, "feat-under-way/new.txt"), "new\n");
    window = await open(scene, scene.trunk);
    await openImiView(window.page);
    await waitForRows(window.page, view, has("feat-under-way"), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("are proposed with reasons and sizes, those without work ticked; one Undo brings all back", async () => {
    const { page } = window;
    await watched(page, "prune", async () => {
      await runCommand(page, "iMi: Prune Worktrees…");
      const rows = page.locator(".quick-input-list .monaco-list-row");
      const proposed = (name: string): Locator => rows.filter({ hasText: name });
      await proposed("feat-merged-a")
        .filter({ hasText: /merged into .*main.* · [\d.,]+ k?B/u })
        .waitFor();
      await proposed("feat-merged-c")
        .filter({ hasText: /Holds work: 1 untracked file/u })
        .waitFor();
      assert.equal(await proposed("feat-under-way").count(), 0);
      const ticked = async (name: string): Promise<boolean> => proposed(name).getByRole("checkbox").first().isChecked();
      assert.deepEqual(
        [await ticked("feat-merged-a"), await ticked("feat-merged-b"), await ticked("feat-merged-c")],
        [true, true, false],
      );
      await page
        .locator(".quick-input-title")
        .filter({ hasText: /Prune Worktrees: 2 of 3, / })
        .waitFor();
      await screenshot(page, "prune");
      await page.keyboard.press("Enter");
      await waitForRows(page, view, (all) => lacks("feat-merged-a")(all) && lacks("feat-merged-b")(all));
      assert.ok(has("feat-merged-c")(await treeRows(page, view)));
      await answerToast(page, /feat-merged-a, feat-merged-b are removed/u, "Undo");
      await waitForRows(page, view, (all) => has("feat-merged-a")(all) && has("feat-merged-b")(all));
    });
  });
});

describe("a worktree in a workspace of several folders", () => {
  /** A window on a workspace of these folders, and what its file says of them. */
  const inWorkspace = async (
    folders: readonly string[],
    look: (page: Page, now: () => string[]) => Promise<void>,
  ): Promise<void> => {
    const scene = makeScene();
    addWorktree(scene, "beside");
    const file = join(scene.container, "app.code-workspace");
    writeFileSync(file, JSON.stringify({ folders: folders.map((path) => ({ path })) }));
    const now = (): string[] => {
      const text = readFileSync(file, "utf8");
      if (text === "") return []; // VS Code is writing it
      return (JSON.parse(text) as { folders: { path: string }[] }).folders.map(({ path }) => path);
    };
    const window = await open(scene, file);
    try {
      await openImiView(window.page);
      await waitForRows(window.page, view, has("feat-beside"), loading);
      await look(window.page, now);
    } finally {
      await window.stop();
      scene.remove();
    }
  };
  const remove = async (page: Page): Promise<void> => {
    // Not from the row's menu: VS Code forgets the row a menu was opened on when it redraws the tree meanwhile.
    await runCommand(page, "iMi: Remove Worktree…");
    await pick(page, "feat-beside");
    const text = await question(page, "Remove worktree feat-beside?").innerText();
    assert.match(text, /leaves this window's workspace/u);
    await press(page, "Remove worktree feat-beside?", "Remove");
  };

  it("leaves the workspace with its removal, and comes back with the undo", async () => {
    await inWorkspace(["trunk-main", "feat-beside"], (page, folders) =>
      watched(page, "removal-workspace", async () => {
        await remove(page);
        await waitForRows(page, view, lacks("feat-beside"));
        await eventually(folders, (all) => all.join() === "trunk-main");
        await answerToast(page, /feat-beside is removed/u, "Undo");
        await waitForRows(page, view, has("feat-beside"));
        await eventually(folders, (all) => all.join() === "trunk-main,feat-beside");
      }),
    );
  });

  it("is undone also where it was the first folder, whose removal restarts all extensions", async () => {
    await inWorkspace(["feat-beside", "trunk-main"], (page, folders) =>
      watched(page, "removal-first-folder", async () => {
        await remove(page);
        await eventually(folders, (all) => all.join() === "trunk-main");
        await toast(page, /feat-beside is removed/u).waitFor({ timeout: loading });
        await answerToast(page, /feat-beside is removed/u, "Undo");
        // Which folders the window has now is not looked at: VS Code in a browser may still read the workspace as it was.
        await openImiView(page);
        await waitForRows(page, view, has("feat-beside"), loading);
      }),
    );
  });
});

const addWorktree = (scene: Scene, name: string): string => {
  const path = join(scene.container, `feat-${name}`);
  scene.git(scene.trunk, "worktree", "add", "-q", "-b", `feat/${name}`, path);
  return path;
};

/** The modal dialog that asks this. */
const question = (page: Page, text: string): Locator => page.locator(".monaco-dialog-box").filter({ hasText: text });

/** In alphabetical order: which comes first is the system's custom. */
const buttons = async (page: Page): Promise<string[]> =>
  (await page.locator(".monaco-dialog-box .dialog-buttons").getByRole("button").allInnerTexts()).toSorted();

const press = async (page: Page, text: string, button: string): Promise<void> => {
  const dialog = question(page, text);
  await dialog.waitFor();
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
};

const answerToast = async (page: Page, text: RegExp, button: string): Promise<void> => {
  const item = page.locator(".notifications-toasts .notification-list-item").filter({ hasText: text }).first();
  await item.hover();
  await item.getByRole("button", { name: button, exact: true }).click();
};

const clearNotifications = (page: Page): Promise<void> => runCommand(page, "Notifications: Clear All Notifications");

/** Moves the arrows to a row of the view that has the focus. */
const moveTo = async (page: Page, of: string, row: RegExp): Promise<void> => {
  await page.locator(".sidebar").getByRole("tree", { name: of }).waitFor();
  await page.keyboard.press("Home");
  for (let steps = 0; steps < 30; steps += 1) {
    const at = await page.evaluate(() => {
      const id = document.activeElement?.getAttribute("aria-activedescendant");
      return id ? (document.getElementById(id)?.getAttribute("aria-label") ?? "") : "";
    });
    if (row.test(at)) return;
    await page.keyboard.press("ArrowDown");
  }
  assert.fail(`no row ${row} in ${of}`);
};

/** Pictures to look at, in every kind of theme. */
const looks = async (page: Page, name: string): Promise<void> => {
  if (process.env["IMI_TEST_LOOKS"] === undefined) return;
  for (const theme of ["Dark Modern", "Light Modern", "Dark High Contrast", "Light High Contrast"]) {
    await runCommand(page, "Preferences: Color Theme");
    await page.locator(".quick-input-widget input.input").fill(theme);
    await page.waitForTimeout(1000);
    await page.keyboard.press("Enter");
    await page.waitForTimeout(1000);
    await screenshot(page, `${name}-${theme.toLowerCase().replaceAll(" ", "-")}`);
  }
};
