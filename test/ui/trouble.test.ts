import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { openImiView, runCommand, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import {
  answerCreate,
  gateBeforeCreating,
  has,
  lacks,
  open,
  question,
  said,
  serverOf,
  toast,
  view,
} from "./worktrees-view.ts";
import type { Gate } from "./worktrees-view.ts";

const loading = 60_000;

describe("a window in which things go wrong", () => {
  let scene: Scene;
  let gate: Gate;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    gate = gateBeforeCreating(scene);
    window = await open(scene, scene.trunk, { env: gate.env });
    await openImiView(window.page);
    await waitForRows(window.page, view, has("trunk-main"), loading);
  });
  after(async () => {
    gate.open();
    await window.stop();
    scene.remove();
  });

  /** Nothing of a worktree is left anywhere. */
  const assertNoTraceOf = (name: string): void => {
    assert.doesNotMatch(scene.git(scene.trunk, "worktree", "list"), new RegExp(name, "u"));
    assert.doesNotMatch(scene.git(scene.trunk, "branch", "--list"), new RegExp(name, "u"));
  };

  const startCreating = async (name: string): Promise<void> => {
    gate.shut();
    await runCommand(window.page, "iMi: Create Worktree");
    await answerCreate(window.page, name);
    await gate.reached();
    await waitForRows(window.page, view, (rows) => rows.some(({ description }) => description.includes("creating…")));
  };

  it("takes back what a cancelled creation began", async () => {
    await watched(window.page, "cancelled", async () => {
      await startCreating("cancelled");
      await window.page.locator(".notifications-toasts").getByRole("button", { name: "Cancel" }).click();
      await waitForRows(window.page, view, lacks("feat-cancelled"));
      gate.open();
      assertNoTraceOf("cancelled");
    });
  });

  it("says that the server died while it created, and takes that back", async () => {
    await watched(window.page, "killed-creating", async () => {
      await startCreating("killed");
      const first = await serverOf(window);
      process.kill(first, "SIGKILL");
      await toast(window.page, /ended before it answered, and is started again/u).waitFor();
      await serverOf(window, first);
      await waitForRows(window.page, view, lacks("feat-killed"));
      gate.open();
      assertNoTraceOf("killed");
      await runCommand(window.page, "Notifications: Clear All Notifications");
    });
  });

  it("goes on after being loaded anew in the middle of a creation", async () => {
    await watched(window.page, "reloaded", async () => {
      await startCreating("reloaded");
      await window.page.reload();
      await openImiView(window.page);
      await waitForRows(window.page, view, (rows) => has("trunk-main")(rows) && lacks("feat-reloaded")(rows), loading);
      gate.open();
      assertNoTraceOf("reloaded");
    });
  });

  it("opens what another window makes under the same name, and both windows see it", async () => {
    const other = await window.openAnother(scene.trunk);
    await watched(other, "same-name", async () => {
      await openImiView(other);
      await waitForRows(other, view, has("trunk-main"), loading);
      await startCreating("same");
      await runCommand(other, "iMi: Create Worktree");
      await question(other, "(1/3)");
      await other.keyboard.press("Enter");
      await question(other, "(2/3)");
      await other.keyboard.type("same");
      await other.locator(".quick-input-message").filter({ hasText: "feat-same exists already" }).waitFor();
      await other.keyboard.press("Enter");
      gate.open();
      for (const page of [window.page, other]) {
        await waitForRows(page, view, (rows) =>
          rows.some(({ label, description }) => label === "feat-same" && !description.includes("creating…")),
        );
      }
      await other.close();
    });
    assert.equal(scene.git(scene.trunk, "worktree", "list").match(/feat-same/gu)?.length, 1);
  });

  it("says why a name will not do while it is typed, whatever is typed", async () => {
    const { page } = window;
    await watched(page, "odd-names", async () => {
      await runCommand(page, "iMi: Create Worktree");
      await question(page, "(1/3)");
      await page.keyboard.press("Enter");
      await question(page, "(2/3)");
      const input = page.locator(".quick-input-widget input.input");
      const remark = page.locator(".quick-input-message");
      for (const [name, why] of [
        ["../outside", /must not contain two dots/u],
        ["-x", /begin with -/u],
        ["a//b", /slash too many/u],
        ["$(id)", /must not contain \$/u],
        ["x.lock", /end with \.lock/u],
        [".hidden", /begin or end with a dot/u],
        ["@{-1}", /must not contain @/u],
        ["a\u202eb", /must not contain/u],
        ["n".repeat(101), /100 bytes/u],
        ["größe/日本語", /Branch feat\/größe\/日本語 in folder feat-größe-日本語/u],
      ] as const) {
        await input.fill(name);
        await remark.filter({ hasText: why }).waitFor();
      }
      await page.keyboard.press("Enter");
      await question(page, "(3/3)");
      await page.keyboard.press("Enter");
      await waitForRows(page, view, has("feat-größe-日本語"));
    });
  });

  it("keeps the last known rows, marked, when the repository is gone, and says what is wrong", async () => {
    const { page } = window;
    await watched(page, "garbage", async () => {
      rmSync(join(scene.trunk, ".git"), { recursive: true });
      writeFileSync(join(scene.trunk, ".git"), "garbage");
      await runCommand(page, "iMi: Refresh");
      await said(page, "is in no git repository").waitFor();
      await waitForRows(page, view, (rows) =>
        rows.some(({ label, description }) => label === "feat-same" && description.includes("status unknown")),
      );
    });
  });
});
