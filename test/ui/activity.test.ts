import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import type { ResultOf } from "../../protocol/contract.ts";
import { type Place, told } from "../support/imi.ts";
import { put } from "../support/overlap.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import {
  notifications,
  openImiView,
  pick,
  runCommand,
  screenshot,
  tree,
  treeRow,
  treeRows,
  waitForRows,
  watched,
} from "./harness.ts";
import type { TreeRow, VscodeWindow } from "./harness.ts";
import { eventually, has, open, said, toast, view } from "./worktrees-view.ts";

const activity = "Activity";
const loading = 60_000;

describe("two windows and an agent on the command line", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let here: Page;
  let there: Page;
  let login: string;
  /** The agent's shell. */
  let shell: Place;
  before(async () => {
    scene = makeScene();
    shell = { cwd: scene.trunk, env: scene.env };
    await told(shell, "feat", "login");
    await told(shell, "feat", "search");
    login = join(scene.container, "feat-login");
    window = await open(scene, login);
    here = window.page;
    there = await window.openAnother(scene.trunk);
    for (const page of [here, there]) {
      await openImiView(page);
      await waitForRows(page, view, (rows) => has("feat-login")(rows) && has("feat-search")(rows), loading);
      await runCommand(page, "iMi: Show Activity");
    }
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  const bothShow = async (name: string, wanted: (rows: readonly TreeRow[]) => boolean): Promise<TreeRow[]> => {
    await watched(here, `${name}-here`, () => waitForRows(here, activity, wanted, loading));
    return watched(there, `${name}-there`, () => waitForRows(there, activity, wanted, loading));
  };

  it("show what was done so far, the newest first", async () => {
    const rows = await bothShow("activity-first", (all) => all.length >= 2);
    assert.deepEqual(
      rows.slice(0, 2).map(({ label }) => label),
      ["feat-search was created", "feat-login was created"],
    );
  });

  it("both follow the agent's claim, its files, its commit and its release", async () => {
    const { claim } = await told<ResultOf<"claim.take">>(shell, "claim", "feat-login", "--agent", "codex-1");
    await bothShow("activity-claim", first("codex-1 claimed feat-login", /^just now$/u));

    put(login, { "src/auth.ts": "export const login = true;\n" });
    await bothShow("activity-file", first("auth.ts", /^added · feat-login · codex-1 · just now · src$/u));
    for (const page of [here, there])
      await waitForRows(page, view, (rows) => /●1/u.test(descriptionOf(rows, "feat-login")), loading);

    scene.git(login, "add", "-A");
    scene.git(login, "commit", "-q", "-m", "Let people log in");
    const rows = await bothShow("activity-commit", (all) => has("Let people log in")(all));
    assert.match(descriptionOf(rows, "Let people log in"), /^1 commit · feat-login · codex-1 · just now$/u);
    assert.match(
      rows.find(({ label }) => label === "Let people log in")?.accessibleName ?? "",
      /^Let people log in, 1 commit, feat-login, codex-1, just now$/u,
    );
    for (const page of [here, there])
      await waitForRows(page, view, (all) => /↑1/u.test(descriptionOf(all, "feat-login")), loading);

    await screenshot(here, "activity-here");
    await screenshot(there, "activity-there");
    await told(shell, "release", "feat-login", "--agent", "codex-1", "--token", String(claim.token));
    await bothShow("activity-release", first("codex-1 no longer holds feat-login", /^just now$/u));
    for (const page of [here, there])
      await waitForRows(page, view, (all) => !/held/u.test(descriptionOf(all, "feat-login")), loading);
  });

  it("open an entry's diff: a commit's files, and a file as it is now against what it was", async () => {
    await watched(there, "activity-open", async () => {
      await treeRow(there, activity, "Let people log in").click();
      await tab(there, /^[0-9a-f]{7} Let people log in/u).waitFor();
      await there.locator(".multiDiffEditor").getByText("export const login").first().waitFor();
      await screenshot(there, "activity-commit");
      await treeRow(there, activity, /^auth\.ts/u)
        .first()
        .click();
      await tab(there, /^auth\.ts \(feat-login since origin\/main\)/u).waitFor();
      put(login, { "README.md": "# App\n\nwith a login\n" });
      await waitForRows(there, activity, first("README.md", /^modified · feat-login · just now$/u), loading);
      await treeRow(there, activity, "README.md").click();
      await tab(there, /^README\.md \(feat-login since feat\/login\)/u).waitFor();
      await there.locator(".monaco-diff-editor").getByText("with a login").first().waitFor();
    });
  });

  it("lead from a claim's entry to its worktree", async () => {
    await watched(there, "activity-reveal", async () => {
      await treeRow(there, activity, "codex-1 claimed feat-login").click();
      const row = treeRow(there, view, "feat-login");
      await eventually(
        () => row.getAttribute("aria-selected"),
        (selected) => selected === "true",
      );
    });
  });

  it("show only what a filter lets through, say so, and show all again", async () => {
    put(join(scene.container, "feat-search"), { "found.txt": "found\n" });
    await bothShow("activity-search", first("found.txt", /^added · feat-search/u));
    await watched(here, "activity-filter", async () => {
      await runCommand(here, "iMi: Filter Activity…");
      await pick(here, "Worktree…");
      await pick(here, "feat-login");
      await waitForRows(here, activity, (rows) => rows.length > 2 && !has("found.txt")(rows));
      await runCommand(here, "iMi: Filter Activity…");
      await pick(here, "What Happened…");
      await pick(here, "Commits");
      const rows = await waitForRows(here, activity, (all) => all.length === 1);
      assert.equal(rows[0]?.label, "Let people log in");
      await here.locator(".sidebar .pane-header").getByText("feat-login, Commits").waitFor();
      await screenshot(here, "activity-filtered");
      await runCommand(here, "iMi: Filter Activity…");
      await pick(here, "Agent…");
      await pick(here, "codex-1");
      await waitForRows(here, activity, (all) => all.length === 1);
      await runCommand(here, "iMi: Clear Activity Filter");
      await waitForRows(here, activity, (all) => has("found.txt")(all));
    });
  });

  it("say what to do where nothing passes the filter", async () => {
    await watched(there, "activity-nothing", async () => {
      await runCommand(there, "iMi: Filter Activity…");
      await pick(there, "What Happened…");
      await pick(there, "Restored Worktrees");
      await said(there, "Nothing of that happened yet.").waitFor();
      await there.locator(".sidebar").getByRole("button", { name: "Clear Filter" }).click();
      await waitForRows(there, activity, (all) => has("found.txt")(all));
    });
  });

  it("page to what is older", async () => {
    const files = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`burst/${index}.txt`, "x\n"]));
    put(join(scene.container, "feat-search"), files);
    await watched(there, "activity-more", async () => {
      await eventually(
        async () => (await activities(shell)).length,
        (count) => count > 75,
        loading,
      );
      // What came while one looked is all there; what is asked for anew comes by pages.
      await runCommand(there, "iMi: Filter Activity…");
      await pick(there, "Worktree…");
      await pick(there, "feat-search");
      await waitForRows(there, activity, (rows) => rows.length > 0 && !has("Let people log in")(rows));
      await tree(there, activity).focus();
      await there.keyboard.press("End");
      const more = treeRow(there, activity, "Show More");
      await more.waitFor();
      assert.equal(await more.getAttribute("aria-label"), "Show more of what happened before");
      await eventually(
        async () => {
          await tree(there, activity).focus();
          await there.keyboard.press("End");
          const rows = await treeRows(there, activity);
          // The first may be the row of the list as it was before the filter, which is gone by then.
          if (has("Show More")(rows)) await there.keyboard.press("Enter");
          return rows;
        },
        (rows) => !has("Show More")(rows) && has("feat-search was created")(rows),
        loading,
      );
    });
  });

  it("warn where two change the same file within a minute, and only the window it concerns", async () => {
    for (const [name, agent] of [
      ["feat-login", "codex-1"],
      ["feat-search", "claude-2"],
    ] as const) {
      await told(shell, "claim", name, "--agent", agent);
      put(join(scene.container, name), { "file-0.txt": `by ${agent}\n` });
      await eventually(
        () => activities(shell),
        (all) => all.some(({ file, worktree }) => file === "file-0.txt" && worktree.name === name),
        loading,
      );
    }
    await watched(here, "activity-same-file", async () => {
      await toast(here, /^file-0\.txt was changed by several within a minute: /u).waitFor({ timeout: loading });
      await screenshot(here, "activity-same-file");
      await here
        .locator(".notifications-toasts")
        .getByRole("button", { name: /^Show$/u })
        .click();
      const rows = await waitForRows(here, "Conflicts", has("file-0.txt"), loading);
      assert.equal(rows[0]?.label, "Same file just now");
      assert.match(descriptionOf(rows, "file-0.txt"), /claude-2 in feat-search, codex-1 in feat-login · just now/u);
      await screenshot(here, "activity-same-file-row");
    });
    await watched(there, "activity-same-file-there", async () => {
      await there
        .locator(".activitybar")
        .getByRole("tab", { name: /iMi - 1 file was changed by several just now/u })
        .waitFor();
      assert.deepEqual(
        (await notifications(there)).filter((text) => text.includes("file-0.txt")),
        [],
      );
    });
  });

  it("are shown to a window that comes later too, without a warning", async () => {
    const late = await window.openAnother(join(scene.container, "feat-search"));
    await watched(late, "activity-late", async () => {
      await late
        .locator(".activitybar")
        .getByRole("tab", { name: /iMi - 1 file was changed by several just now/u })
        .waitFor({ timeout: loading });
      assert.deepEqual(
        (await notifications(late)).filter((text) => text.includes("file-0.txt")),
        [],
      );
    });
    await late.close();
  });
});

const tab = (page: Page, name: RegExp): Locator => page.getByRole("tab", { name });

const activities = async (shell: Place): Promise<ResultOf<"activity.list">["activities"]> =>
  (await told<ResultOf<"activity.list">>(shell, "activity", "--limit", "500")).activities;

const descriptionOf = (rows: readonly TreeRow[], label: string): string =>
  rows.find((row) => row.label === label)?.description ?? "";

const first =
  (label: string, pattern: RegExp) =>
  ([row]: readonly TreeRow[]): boolean =>
    row?.label === label && pattern.test(row.description);
