import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import type { ResultOf } from "../../protocol/contract.ts";
import { type Place, told } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import {
  answer,
  notifications,
  openImiView,
  pick,
  runCommand,
  screenshot,
  treeRows,
  waitForRows,
  watched,
} from "./harness.ts";
import type { TreeRow, VscodeWindow } from "./harness.ts";
import { eventually, has, lacks, open, statusItem, toast, view } from "./worktrees-view.ts";

const agents = "Agents";
const loading = 60_000;

describe("a worktree that an agent on the command line claims", () => {
  let scene: Scene;
  let window: VscodeWindow;
  let page: Page;
  /** The agent's shell. */
  let shell: Place;
  let claimed: ResultOf<"claim.take">["claim"];
  before(async () => {
    scene = makeScene();
    shell = { cwd: scene.trunk, env: scene.env };
    await told(shell, "feat", "login");
    await told(shell, "feat", "other");
    window = await open(scene, join(scene.container, "feat-login"));
    ({ page } = window);
    await openImiView(page);
    await waitForRows(page, view, (rows) => has("feat-login")(rows) && has("feat-other")(rows), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  const holders = async (): Promise<readonly string[]> =>
    (await told<ResultOf<"claim.list">>(shell, "claims")).claims.map(({ worktree, agent }) => `${worktree} ${agent}`);

  it("is free at first, and nothing in the status bar says otherwise", async () => {
    const row = rowOf(await treeRows(page, view), "feat-login");
    assert.doesNotMatch(row.accessibleName, /held/u);
    assert.equal(await statusItem(page, /held by/u).count(), 0);
  });

  it("is said to be held by it, in its row and in the status bar", async () => {
    ({ claim: claimed } = await told<ResultOf<"claim.take">>(
      shell,
      ...["claim", "feat-login", "--agent", "codex-1", "--task", "new login", "--provider", "codex"],
    ));
    await watched(page, "claims-held", async () => {
      const rows = await waitForRows(page, view, described("feat-login", /held by codex-1, \d+ min left/u));
      assert.match(rowOf(rows, "feat-login").accessibleName, /^feat-login, held by codex-1, \d+ min left/u);
      assert.doesNotMatch(rowOf(rows, "feat-other").description, /held/u);
      await statusItem(page, /feat-login, held by codex-1, \d+ min left/u).waitFor();
    });
  });

  it("is said to be held in every other window too", async () => {
    const other = await window.openAnother(scene.trunk);
    await watched(other, "claims-other-window", async () => {
      await openImiView(other);
      await waitForRows(other, view, described("feat-login", /held by codex-1/u), loading);
      assert.equal(await statusItem(other, /held by/u).count(), 0, "its own worktree is free");
    });
    await other.close();
  });

  it("shows the agent, what it holds and when it was seen", async () => {
    await watched(page, "claims-agents", async () => {
      await runCommand(page, "iMi: Show Agents");
      const rows = await waitForRows(page, agents, described("codex-1", /feat-login · /u));
      assert.match(
        rowOf(rows, "codex-1").accessibleName,
        /^codex-1, an AI that writes, holds feat-login, last seen just now/u,
      );
      await screenshot(page, "claims-held");
    });
  });

  it("has the user warned at his first edit there, not at what the agent writes, and once", async () => {
    const file = join(scene.container, "feat-login", "README.md");
    await watched(page, "claims-edit", async () => {
      await runCommand(page, "Go to File...");
      await page.locator(".quick-input-widget input.input").fill("README.md");
      await pick(page, "README.md");
      const editor = page.locator(".editor-instance .view-lines");
      await editor.filter({ hasText: "# App" }).waitFor();
      appendFileSync(file, "by the agent\n");
      await editor.filter({ hasText: "by the agent" }).waitFor();
      assert.deepEqual(await notifications(page), []);

      await editor.click();
      await page.keyboard.type("mine ");
      await toast(page, /^feat-login is held by codex-1 until .*\. Your edits and its may collide\.$/u).waitFor();
      await screenshot(page, "claims-first-edit");
      await answerToast(page, /feat-login is held by codex-1/u, "Edit Anyway");
      await eventually(
        () => notifications(page),
        (all) => all.length === 0,
      );
      await editor.click();
      await page.keyboard.type("too ");
      // The second edit is through when the file is saved; a warning would be there by then.
      await runCommand(page, "File: Save");
      await page.locator(".tab.dirty").waitFor({ state: "detached" });
      assert.deepEqual(await notifications(page), []);
    });
  });

  it("is taken over after a dialog that names the holder, and the agent is refused from then on", async () => {
    await watched(page, "claims-take-over", async () => {
      await runCommand(page, "iMi: Take Over Claim…");
      await choose(page, "feat-login");
      await answer(page, "jane");
      const text = await dialog(page, "Take feat-login over from codex-1?").innerText();
      assert.match(text, /codex-1 holds it since .*, \d+ min left\./u);
      assert.match(text, /Task: new login/u);
      assert.match(text, /The log will say that jane took it over/u);
      await screenshot(page, "claims-take-over");
      await press(page, "Take feat-login over from codex-1?", "Take Over");
      await waitForRows(page, view, described("feat-login", /held by you, \d+ min left/u));
      await statusItem(page, /feat-login, held by you/u).waitFor();
      await waitForRows(page, agents, (rows) => {
        const found = (name: string): string => rows.find(({ label }) => label === name)?.description ?? "";
        return found("jane").startsWith("feat-login · ") && found("codex-1").startsWith("holds nothing · ");
      });
    });
    assert.deepEqual(await holders(), ["feat-login jane"]);
    await assert.rejects(
      told(shell, "heartbeat", "feat-login", "--agent", "codex-1", "--token", String(claimed.token)),
      /claim\/stale/u,
    );
  });

  it("stays the user's after a reload of the window", async () => {
    await page.reload();
    await watched(page, "claims-reload", async () => {
      await openImiView(page);
      await waitForRows(page, view, described("feat-login", /held by you/u), loading);
      await statusItem(page, /feat-login, held by you/u).waitFor();
    });
  });

  it("offers in the status bar what can be done, and is free when it is released there", async () => {
    await runCommand(page, "Notifications: Clear All Notifications");
    await watched(page, "claims-release", async () => {
      await statusItem(page, /feat-login, held by you/u).click();
      await pick(page, "Release");
      await waitForRows(page, view, (rows) => !described("feat-login", /held/u)(rows));
      await statusItem(page, /held by/u).waitFor({ state: "detached" });
    });
    assert.deepEqual(await holders(), []);
  });

  it("is claimed by the user under the name he gave last", async () => {
    await watched(page, "claims-claim", async () => {
      await runCommand(page, "iMi: Claim Worktree…");
      await choose(page, "feat-login");
      const input = page.locator(".quick-input-widget input.input");
      await eventually(
        () => input.inputValue(),
        (value) => value === "jane",
      );
      await page.keyboard.press("Enter");
      await toast(page, /You hold feat-login as jane until/u).waitFor();
      await waitForRows(page, view, described("feat-login", /held by you/u));
    });
    await runCommand(page, "Notifications: Clear All Notifications");
  });

  it("is waited for where the agent was first, and the user's as soon as it gives it back", async () => {
    await watched(page, "claims-wait", async () => {
      await runCommand(page, "iMi: Claim Worktree…");
      await choose(page, "feat-other");
      // Between the question and its answer.
      const { claim } = await told<ResultOf<"claim.take">>(shell, "claim", "feat-other", "--agent", "codex-1");
      await answer(page, "jane");
      await toast(page, /feat-other is not free: codex-1 holds it since .*, \d+ min left\./u).waitFor();
      await answerToast(page, /feat-other is not free/u, "Wait for It");
      await toast(page, /Waiting until feat-other is free/u).waitFor();
      await told(shell, "release", "feat-other", "--agent", "codex-1", "--token", String(claim.token));
      await waitForRows(page, view, described("feat-other", /held by you/u));
    });
    assert.deepEqual((await holders()).toSorted(), ["feat-login jane", "feat-other jane"]);
  });

  it("is removed in the user's name where he holds it", async () => {
    await watched(page, "claims-remove", async () => {
      await runCommand(page, "iMi: Remove Worktree…");
      await choose(page, "feat-other");
      await press(page, "Remove worktree feat-other?", "Remove");
      await waitForRows(page, view, lacks("feat-other"));
    });
  });

  it("tells the user when somebody takes his", async () => {
    await watched(page, "claims-lost", async () => {
      await told(shell, "take-over", "feat-login", "--agent", "boss", "--yes");
      await toast(page, /boss took feat-login over from you\./u).waitFor();
      await waitForRows(page, view, described("feat-login", /held by boss/u));
    });
  });
});

const rowOf = (rows: readonly TreeRow[], name: string): TreeRow => {
  const row = rows.find(({ label }) => label === name);
  assert.ok(row, `no row ${name}`);
  return row;
};

/** Whether the row of this name is described like this. */
const described = (name: string, description: RegExp) => (rows: readonly TreeRow[]) =>
  rows.some((row) => row.label === name && description.test(row.description));

/** Chooses by the keyboard: the hover of a long description may lie over the next row. */
const choose = async (page: Page, name: string): Promise<void> => {
  const row = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: name });
  await row.waitFor(); // what is typed before the list is there goes nowhere
  await page.keyboard.type(name);
  await row.and(page.locator(".focused")).waitFor();
  await page.keyboard.press("Enter");
};

/** The modal dialog that asks this. */
const dialog = (page: Page, text: string): Locator => page.locator(".monaco-dialog-box").filter({ hasText: text });

const press = async (page: Page, text: string, button: string): Promise<void> => {
  await dialog(page, text).getByRole("button", { name: button, exact: true }).click();
  await dialog(page, text).waitFor({ state: "detached" });
};

const answerToast = async (page: Page, text: RegExp, button: string): Promise<void> => {
  const item = page.locator(".notifications-toasts .notification-list-item").filter({ hasText: text }).first();
  await item.hover();
  await item.getByRole("button", { name: button, exact: true }).click();
};
