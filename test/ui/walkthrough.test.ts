import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { inRoot } from "../../scripts/paths.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { runCommand, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { open, question, statusItem } from "./worktrees-view.ts";

interface Step {
  readonly title: string;
  readonly heading: string;
  readonly links: readonly string[];
}

/** The steps as the manifest declares them, with the first line of each one's picture. */
const declared = (): readonly Step[] => {
  const strings = JSON.parse(readFileSync(inRoot("package.nls.json"), "utf8")) as Record<string, string>;
  const said = (text: string): string => strings[text.slice(1, -1)] ?? text;
  const manifest = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as {
    contributes: { walkthroughs: { steps: { title: string; description: string; media: { markdown: string } }[] }[] };
  };
  return manifest.contributes.walkthroughs.flatMap(({ steps }) =>
    steps.map(({ title, description, media }) => ({
      title: said(title),
      heading: readFileSync(inRoot(media.markdown), "utf8").split("\n", 1).join("").replace(/^#+ /u, ""),
      links: Array.from(
        said(description).matchAll(/\[(?<text>[^\]]+)\]\(command:/gu),
        ({ groups }) => groups?.["text"] ?? "",
      ),
    })),
  );
};

describe("the walkthrough", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    // With its animations VS Code gives a step the focus 250 ms after it was chosen, and whatever a link has asked by
    // then is closed for want of it.
    window = await open(scene, scene.trunk, { settings: { "workbench.reduceMotion": "on" } });
    await statusItem(window.page, /open in this window/u).waitFor({ timeout: 60_000 });
    // Where it is narrower VS Code leaves the pictures out.
    await window.page.setViewportSize({ width: 1600, height: 900 });
    await openWalkthrough(window.page);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("shows a picture beside every step", async () => {
    const { page } = window;
    await watched(page, "walkthrough-media", async () => {
      const steps = declared();
      assert.equal(steps.length, 4);
      for (const { title, heading, links } of steps) {
        await chooseStep(page, title);
        // The picture is a page of its own in a frame in a frame.
        await page.frameLocator("iframe.webview.ready").frameLocator("#active-frame").getByText(heading).waitFor();
        const shown = page.locator(
          ".getting-started-step.expanded .button-container, .getting-started-step.expanded a",
        );
        for (const link of links) await shown.filter({ hasText: link }).first().waitFor();
      }
    });
  });

  it("has links that do what they say", async () => {
    const { page } = window;
    await watched(page, "walkthrough-links", async () => {
      const link = async (step: string, text: string): Promise<void> => {
        await openWalkthrough(page);
        await chooseStep(page, step);
        await page.locator(".getting-started-step.expanded").getByRole("button", { name: text }).click();
      };
      await link("Create a worktree", "Create Worktree…");
      await question(page, "Create Worktree (1/3)");
      await page.keyboard.press("Escape");
      await link("Create a worktree", "Review Pull Request…");
      await question(page, "Review Pull Request");
      await page.keyboard.press("Escape");
      await link("Open it where you like", "Switch Worktree…");
      await question(page, "Worktrees");
      await page.keyboard.press("Escape");
      await link("Adopt a repository", "Clone Repository…");
      await question(page, "Clone Repository");
      await page.keyboard.press("Escape");
      await link("Adopt a repository", "Adopt Repository");
      await page
        .locator(".notification-list-item-message")
        .filter({ hasText: /is adopted/u })
        .first()
        .waitFor();
      await link("Use the command line", "Open a Terminal");
      await page.locator(".terminal-wrapper.active").waitFor();
    });
  });
});

const openWalkthrough = async (page: Page): Promise<void> => {
  // The page of all walkthroughs names this one too.
  const shown = page.locator(".gettingStarted.showDetails").getByText("Get Started with iMi");
  if (await shown.first().isVisible()) return;
  await runCommand(page, "Welcome: Open Walkthrough");
  await page.locator(".quick-input-widget input.input").fill("iMi");
  await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "Get Started with iMi" }).click();
  await shown.first().waitFor();
};

const chooseStep = async (page: Page, title: string): Promise<void> => {
  const step = page.locator(".getting-started-step").filter({ hasText: title });
  await step.first().waitFor();
  if (!((await step.first().getAttribute("class")) ?? "").includes("expanded")) await step.first().click();
  await page.locator(".getting-started-step.expanded").filter({ hasText: title }).waitFor();
};
