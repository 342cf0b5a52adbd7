import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { type Place, told } from "../support/imi.ts";
import { commitAll, put } from "../support/overlap.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import {
  chooseFromMenu,
  expandRow,
  openImiView,
  pick,
  runCommand,
  screenshot,
  treeRow,
  treeRows,
  waitForRows,
  watched,
} from "./harness.ts";
import type { TreeRow, VscodeWindow } from "./harness.ts";
import { has, open, said, view } from "./worktrees-view.ts";

const conflicts = "Conflicts";
const loading = 60_000;
const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`);

describe("two worktrees that change the same files", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let page: Page;
  let login: string;
  let search: string;
  before(async () => {
    scene = makeScene();
    put(scene.trunk, { "src/session.ts": lines.join(""), "src/user.ts": lines.join("") });
    commitAll({ scene }, scene.trunk);
    scene.git(scene.trunk, "push", "-q", "origin", "HEAD");
    const shell: Place = { cwd: scene.trunk, env: scene.env };
    await told(shell, "feat", "login");
    await told(shell, "feat", "search");
    await told(shell, "claim", "feat-search", "--agent", "codex-1");
    login = join(scene.container, "feat-login");
    search = join(scene.container, "feat-search");
    window = await open(scene, login);
    ({ page } = window);
    await openImiView(page);
    await waitForRows(page, view, (rows) => has("feat-login")(rows) && has("feat-search")(rows), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("are none at first, and the view says what it is for", async () => {
    await watched(page, "conflicts-none", async () => {
      await runCommand(page, "iMi: Show Conflicts");
      await said(page, "No two worktrees changed the same file.").waitFor({ timeout: loading });
    });
  });

  it("appear by themselves, with how near the changes are and what a merge would do", async () => {
    put(login, {
      "src/session.ts": lines.with(9, "by the login\n").join(""),
      "src/user.ts": lines.with(1, "a\n").join(""),
    });
    put(search, { "src/session.ts": lines.with(9, "by the search\n").join("") });
    commitAll({ scene }, search);
    put(search, { "src/user.ts": lines.with(30, "b\n").join("") });
    await watched(page, "conflicts-pair", async () => {
      await waitForRows(page, conflicts, described("feat-login ↔ feat-search", /^1 conflict · 2 files$/u), loading);
      const rows = await waitForRows(page, conflicts, (all) => all.length === 3);
      assert.deepEqual(
        rows.map(({ label, description, level }) => [level, label, description]),
        [
          [1, "feat-login ↔ feat-search", "1 conflict · 2 files"],
          [2, "session.ts", "same lines · src"],
          [2, "user.ts", "other lines · src"],
        ],
      );
      assert.deepEqual(
        rows.map(({ accessibleName }) => accessibleName),
        [
          "feat-login and feat-search, 1 conflict, 2 files changed in both",
          "src/session.ts, same lines, changed in feat-login, changed in feat-search",
          "src/user.ts, other lines, changed in feat-login, changed in feat-search",
        ],
      );
      await screenshot(page, "conflicts-pair");
    });
  });

  it("open a file as one has it beside what the other has, and what each did since they parted", async () => {
    await watched(page, "conflicts-open", async () => {
      await expandRow(treeRow(page, conflicts, "feat-login"));
      await treeRow(page, conflicts, "session.ts").click();
      await tab(page, /^session\.ts \(feat-login ↔ feat-search\)/u).waitFor();
      await page.locator(".monaco-diff-editor").getByText("by the search").first().waitFor();
      await screenshot(page, "conflicts-two-sides");
      await chooseFromMenu(page, treeRow(page, conflicts, "session.ts"), /^Compare Both with Where They Parted$/u);
      await tab(page, /^session\.ts \(feat-login ↔ feat-search\) since they parted/u).waitFor();
      const editor = page.locator(".multiDiffEditor");
      for (const text of ["by the login", "by the search", "line 10"]) await editor.getByText(text).first().waitFor();
      await screenshot(page, "conflicts-three-sides");
    });
  });

  it("have their merge checked, as a page that says what was looked at", async () => {
    await watched(page, "conflicts-merge", async () => {
      await chooseFromMenu(page, treeRow(page, conflicts, "feat-login"), /^Check Merge…$/u);
      await tab(page, /^feat-login into feat-search\.md/u).waitFor();
      const text = page.locator(".editor-instance .view-lines");
      await text.filter({ hasText: "With what is not committed: 1 conflict" }).waitFor();
      await text.filter({ hasText: "src/session.ts: content" }).waitFor();
      await screenshot(page, "conflicts-merge");
      await runCommand(page, "iMi: Check Merge…");
      await pick(page, "feat-search");
      await pick(page, "what it is based on");
      await tab(page, /^feat-search into origin⁄main\.md/u).waitFor();
      await text.filter({ hasText: "What is committed: merges cleanly" }).waitFor();
    });
  });

  it("are marked in the explorer of this window, with who holds the other", async () => {
    await watched(page, "conflicts-marks", async () => {
      await page
        .locator(".activitybar")
        .getByRole("tab", { name: /^Explorer/u })
        .click();
      const rows = page.locator(".explorer-folders-view .monaco-list-row");
      await rows.filter({ hasText: "src" }).first().click();
      for (const [name, near] of [
        ["session.ts", "same lines"],
        ["user.ts", "other lines"],
      ] as const) {
        const label = rows.filter({ hasText: name }).locator(".monaco-decoration-text-badge");
        const told = await label.getAttribute("aria-label");
        assert.ok(told?.endsWith(`${name} • changed in feat-search (held by codex-1) too: ${near}`), told ?? "");
      }
      await screenshot(page, "conflicts-marks");
    });
  });

  it("are marked as they are by now, though their view is not seen", async () => {
    await watched(page, "conflicts-marks-later", async () => {
      const told = `.monaco-decoration-text-badge[aria-label*="changed in feat-search"]`;
      const rows = page.locator(".explorer-folders-view .monaco-list-row");
      const badge = rows.filter({ hasText: "user.ts" }).locator(told);
      await badge.waitFor();
      put(search, { "src/user.ts": lines.join("") });
      await badge.waitFor({ state: "detached", timeout: loading });
      put(search, { "src/user.ts": lines.with(30, "b\n").join("") });
      await badge.waitFor({ timeout: loading });
    });
  });

  it("are told of in the rows of their worktrees", async () => {
    await watched(page, "conflicts-rows", async () => {
      await openImiView(page);
      const rows = await treeRows(page, view);
      const spoken = (name: string): string => rows.find(({ label }) => label === name)?.accessibleName ?? "";
      assert.match(spoken("feat-search"), /, would conflict with feat-login$/u);
      assert.match(spoken("feat-login"), /, would conflict with feat-search$/u);
      assert.doesNotMatch(spoken("trunk-main"), /conflict/u);
      await screenshot(page, "conflicts-rows");
    });
  });

  it("are no more when one of them takes its change back", async () => {
    put(login, { "src/session.ts": lines.join("") });
    await watched(page, "conflicts-gone", async () => {
      await waitForRows(page, conflicts, described("feat-login ↔ feat-search", /^merges cleanly · 1 file$/u), loading);
    });
  });
});

const tab = (page: Page, name: RegExp): Locator => page.getByRole("tab", { name });

const described =
  (label: string, pattern: RegExp) =>
  (rows: readonly TreeRow[]): boolean =>
    rows.some((row) => row.label === label && pattern.test(row.description));
