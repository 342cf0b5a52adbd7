import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../../scripts/paths.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { answer, openImiView, pick, runCommand, startVscode, treeRows, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";

const view = "Worktrees";

/** Pictures for the README, taken by `IMI_TEST_PICTURES=1 npm test -- ui`. */
const picture = async (window: VscodeWindow, name: string): Promise<void> => {
  if (process.env["IMI_TEST_PICTURES"] === undefined) return;
  const file = inRoot("docs", "images", `${name}.png`);
  mkdirSync(dirname(file), { recursive: true });
  await window.page.mouse.move(700, 350);
  await window.page.waitForTimeout(1500); // what fades in and out is still
  await window.page.screenshot({ path: file });
};

describe("somebody's own repository in VS Code", () => {
  let scene: Scene;
  let window: VscodeWindow;
  const has = (label: string) => (rows: readonly { label: string }[]) => rows.some((row) => row.label === label);
  const lacks = (label: string) => (rows: readonly { label: string }[]) => !rows.some((row) => row.label === label);

  before(async () => {
    scene = makeScene();
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD:refs/heads/add-auth", "HEAD:refs/pull/7/head");
    mkdirSync(join(scene.container, "sync/repo"), { recursive: true });
    writeFileSync(join(scene.container, "sync/repo/.env"), "A=1\n");
    window = await startVscode({
      folder: scene.trunk,
      env: { ...process.env, ...scene.env },
      settings: { "imi.worktree.openAfterCreate": "never", "workbench.colorTheme": "Default Dark Modern" },
    });
    await openImiView(window.page);
    await waitForRows(window.page, view, has("trunk-main"), 60_000);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("gets a feature worktree from the palette, and sees it in the tree", async () => {
    await watched(window.page, "create", async () => {
      await runCommand(window.page, "iMi: Create Worktree");
      await pick(window.page, "feat");
      await window.page.locator(".quick-input-title").filter({ hasText: "(2/3)" }).waitFor();
      const input = window.page.locator(".quick-input-widget input.input");
      await input.fill("two words");
      await window.page.locator(".quick-input-message").filter({ hasText: /space/u }).waitFor();
      await answer(window.page, "user-auth");
      await window.page.locator(".quick-input-title").filter({ hasText: "(3/3)" }).waitFor();
      await pick(window.page, "Trunk's newest");
      await waitForRows(window.page, view, has("feat-user-auth"));
    });
    assert.ok(existsSync(join(scene.container, "feat-user-auth/.env")), "shared config is linked");
  });

  it("reviews a pull request by its number", async () => {
    await watched(window.page, "review", async () => {
      await runCommand(window.page, "iMi: Review Pull Request");
      await answer(window.page, "7");
      await waitForRows(window.page, view, has("pr-7"));
    });
    assert.equal(scene.git(join(scene.container, "pr-7"), "branch", "--show-current").trim(), "add-auth");
  });

  it("sees what `imi` makes in the terminal, without a refresh", async () => {
    await watched(window.page, "terminal", async () => {
      await runCommand(window.page, "Terminal: Create New Terminal");
      const terminal = window.page.locator(".terminal-wrapper.active .xterm-helper-textarea");
      await terminal.waitFor();
      await terminal.focus();
      await window.page.waitForTimeout(2000); // the shell's own start; what is typed earlier may be swallowed
      await window.page.keyboard.type("imi feat from-terminal");
      await window.page.keyboard.press("Enter");
      await waitForRows(window.page, view, has("feat-from-terminal"), 30_000);
    });
  });

  it("sees what plain git makes and removes", async () => {
    const path = join(scene.container, "fix-by-git");
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "fix/by-git", path);
    await waitForRows(window.page, view, has("fix-by-git"));
    scene.git(scene.trunk, "worktree", "remove", path);
    await waitForRows(window.page, view, lacks("fix-by-git"));
  });

  it("looks as the README shows it, dark, light, and twice as large", async () => {
    writeFileSync(join(scene.container, "feat-user-auth/new.txt"), "work\n");
    await runCommand(window.page, "iMi: Refresh");
    await waitForRows(window.page, view, (rows) => rows.some(({ description }) => description.includes("●1")));
    await runCommand(window.page, "View: Toggle Panel Visibility");
    await window.page.setViewportSize({ width: 1000, height: 480 });
    await picture(window, "worktrees-dark");
    await runCommand(window.page, "Preferences: Toggle between Light/Dark Themes");
    await picture(window, "worktrees-light");
    await window.page.setViewportSize({ width: 640, height: 400 });
    await picture(window, "worktrees-zoomed");
    const rows = await treeRows(window.page, view);
    assert.ok(rows.some(({ label }) => label === "feat-user-auth"));
    for (const { accessibleName } of rows) assert.ok(accessibleName.length > 0);
    await window.page.setViewportSize({ width: 1280, height: 800 });
  });

  it("removes one that holds work after reading what it holds, and takes that back", async () => {
    await watched(window.page, "remove", async () => {
      await runCommand(window.page, "iMi: Remove Worktree…");
      await pick(window.page, "feat-user-auth");
      const dialog = window.page.locator(".monaco-dialog-box");
      await dialog.filter({ hasText: /1 untracked file: new\.txt/u }).waitFor();
      await dialog.getByRole("button", { name: "Salvage and Remove" }).click();
      await waitForRows(window.page, view, lacks("feat-user-auth"));
      assert.ok(!existsSync(join(scene.container, "feat-user-auth")));
      await window.page.locator(".notifications-toasts").getByRole("button", { name: "Undo" }).click();
      await waitForRows(window.page, view, has("feat-user-auth"));
      await runCommand(window.page, "Notifications: Clear All Notifications");
    });
    assert.equal(readFileSync(join(scene.container, "feat-user-auth/new.txt"), "utf8"), "work\n");
  });

  it("removes one that holds none, by keyboard alone", async () => {
    await watched(window.page, "remove-clean", async () => {
      await runCommand(window.page, "iMi: Remove Worktree");
      await answer(window.page, "feat-from-terminal");
      const dialog = window.page.locator(".monaco-dialog-box");
      await dialog.waitFor();
      await window.page.keyboard.press("Enter");
      await waitForRows(window.page, view, lacks("feat-from-terminal"));
    });
    assert.ok(!existsSync(join(scene.container, "feat-from-terminal")));
  });

  it("adds a worktree to a multi-root workspace, and nothing restarts", async () => {
    const file = join(scene.container, "app.code-workspace");
    writeFileSync(file, JSON.stringify({ folders: [{ path: "trunk-main" }] }));
    const page = await window.openAnother(file);
    await watched(page, "workspace", async () => {
      await openImiView(page);
      await waitForRows(page, view, has("pr-7"), 60_000);
      const before = window.servers();
      // By the palette: VS Code passes nothing to a row's command while it redraws the tree.
      await runCommand(page, "iMi: Add Worktree to Workspace");
      await pick(page, "pr-7");
      await expectFolders(file, 2);
      await waitForRows(page, view, (rows) =>
        rows.some((row) => /workspace|window/u.test(row.description) && row.label === "pr-7"),
      );
      assert.deepEqual(window.servers(), before, "the same servers serve");
    });
  });

  const expectFolders = async (file: string, count: number): Promise<void> => {
    const read = (): number => (JSON.parse(readFileSync(file, "utf8")) as { folders: unknown[] }).folders.length;
    for (let tries = 0; tries < 100 && read() !== count; tries += 1) await window.page.waitForTimeout(100);
    assert.equal(read(), count);
  };
});
