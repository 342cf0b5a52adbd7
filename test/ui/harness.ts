// A real VS Code window with iMi installed from its package, for tests that look at what a user sees.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { inRoot } from "../../scripts/paths.ts";
import { launchChromium } from "../../scripts/vscode/chromium.ts";
import { installVscodeServer } from "../../scripts/vscode/install.ts";
import { type VscodeServer, installExtension, startVscodeServer } from "../../scripts/vscode/server.ts";
import { writeMachineSettings } from "../../scripts/vscode/settings.ts";

export interface WindowOptions {
  /** Absolute path of the folder that is opened. */
  readonly folder: string;
  /** Path of the packed extension; by default what `npm test` packed. */
  readonly vsix?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whether the user trusts the folder; `untrusted` opens it in restricted mode. Default `trusted`. */
  readonly trust?: "trusted" | "untrusted";
  readonly env?: NodeJS.ProcessEnv;
}

export interface VscodeWindow {
  readonly page: Page;
  readonly url: string;
  /** Closes the window, ends the server and everything it started. */
  stop(): Promise<void>;
  /** What the server printed so far; for the message of a failed assertion. */
  output(): string;
  /** Opens another window of the same server, as a second person or a second VS Code window. */
  openAnother(folder: string): Promise<Page>;
  /** Process ids of iMi's servers of these windows that are at work now. */
  servers(): readonly number[];
}

const size = { width: 1280, height: 800 };

/** Starts a VS Code with iMi in it and opens a folder; resolves when the workbench is drawn. */
export async function startVscode(options: WindowOptions): Promise<VscodeWindow> {
  const vsix = options.vsix ?? process.env["IMI_TEST_VSIX"];
  if (vsix === undefined) throw new Error("no package to install: run this through npm test, or set IMI_TEST_VSIX");
  const dataFolder = mkdtempSync(path.join(os.tmpdir(), "imi-ui-"));
  const cleanUps: (() => Promise<void>)[] = [() => rm(dataFolder, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async (): Promise<void> => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  };
  try {
    const { server, browser } = await startParts(options, vsix, dataFolder, cleanUps);
    const url = server.address(options.folder);
    const page = await openWindow(browser, url);
    return {
      page,
      url,
      stop,
      output: () => server.output(),
      openAnother: (folder) => openWindow(browser, server.address(folder)),
      servers: () => serversIn(dataFolder),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Adds what must be cleaned up to `cleanUps` as soon as it exists, so that a failure half-way leaves nothing. */
async function startParts(
  options: WindowOptions,
  vsix: string,
  dataFolder: string,
  cleanUps: (() => Promise<void>)[],
): Promise<{ server: VscodeServer; browser: Browser }> {
  const serverMain = await installVscodeServer(console.log);
  await writeMachineSettings(dataFolder, options.settings);
  const trust = options.trust === "untrusted" ? [] : ["--disable-workspace-trust"];
  const common = { serverMain, dataFolder, ...(options.env === undefined ? {} : { env: options.env }) };
  await installExtension(common, vsix);
  // The environment is the test's; a login shell would put its own PATH in the place of it.
  const server = await startVscodeServer({ ...common, args: [...trust, "--force-disable-user-env"] });
  cleanUps.push(() => server.stop());
  const browser = await launchChromium();
  cleanUps.push(() => browser.close());
  return { server, browser };
}

/** The extension is installed below the data folder, so no other window's server has that path in its arguments. */
function serversIn(dataFolder: string): readonly number[] {
  const { stdout } = spawnSync("pgrep", ["-f", `${dataFolder}/.*dist/server\\.cjs`], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}

async function openWindow(browser: Browser, url: string): Promise<Page> {
  // A context of its own: windows share nothing through the browser, as two people's windows would not.
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  await page.locator(".monaco-workbench .part.statusbar").waitFor();
  if (new URL(url).searchParams.has("workspace")) await reloadWhileEmpty(page);
  return page;
}

/**
 * Resolves when a window on a workspace of several folders shows them. VS Code in a browser, without any extension too,
 * at times reads the workspace's file before it can and takes it for empty; loading the window anew shows the folders
 * (docs/vscode.md).
 */
export async function reloadWhileEmpty(page: Page): Promise<void> {
  const explorer = page.locator(".activitybar").getByRole("tab", { name: /^Explorer/u });
  const empty = page.getByText("You have not yet added a folder to the workspace.");
  const folder = page.locator(".explorer-folders-view .monaco-list-row").first();
  for (let tries = 0; tries < 5; tries += 1) {
    await page.locator(".monaco-workbench .part.statusbar").waitFor();
    if ((await explorer.getAttribute("aria-selected")) !== "true") await explorer.click();
    await empty.or(folder).first().waitFor();
    if (!(await empty.isVisible())) return;
    await page.reload();
  }
}

/** Trusts the folder of a window that was opened untrusted, as a user does: status bar, then Trust. */
export async function trustFolder(page: Page): Promise<void> {
  const restricted = page.locator(".statusbar").getByRole("button", { name: /Restricted Mode/u });
  await restricted.click();
  await page
    .locator(".workspace-trust-editor")
    .getByRole("button", { name: /^Trust$/u })
    .click();
  await restricted.waitFor({ state: "detached" });
}

/** Saves what the window looks like to test-results/<name>.png and returns the file's path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const folder = inRoot("test-results");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file });
  return file;
}

/** Runs a part of a test; when it fails, a screenshot named after it shows the window at that moment. */
export async function watched<T>(page: Page, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await screenshot(page, `failed-${name}`);
    throw error;
  }
}

/**
 * Runs a command as a user does: the palette, its title (`iMi: New Worktree`), a click. What takes the focus at that
 * moment (an editor that opens, a notification) closes the palette, as it would for a user; it is opened once more.
 */
export async function runCommand(page: Page, title: string): Promise<void> {
  const input = page.locator(".quick-input-widget input.input");
  // An extension's commands appear when it is registered, which may be after the palette was opened.
  const row = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: title }).first();
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await page.keyboard.press("F1");
      await input.fill(`>${title}`, { timeout: 3000 });
      await row.click({ timeout: 5000 });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** Types an answer into the open input box or pick and confirms it. */
export async function answer(page: Page, text: string): Promise<void> {
  const input = page.locator(".quick-input-widget input.input");
  await input.waitFor();
  await input.fill(text);
  await page.keyboard.press("Enter");
}

/** Chooses the row of the open pick that contains this text. */
export async function pick(page: Page, text: string): Promise<void> {
  await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first().click();
}

/** Shows iMi's view container by its icon; leaves it as it is when it is shown already. */
export async function openImiView(page: Page): Promise<void> {
  const icon = page.locator(".activitybar").getByRole("tab", { name: /iMi/u });
  const title = page.locator(".sidebar .composite.title").filter({ hasText: /iMi/iu });
  await icon.waitFor();
  const deadline = Date.now() + 30_000;
  // A click on the icon of the open container closes it, and a window that loads opens what was open before at a
  // moment of its own.
  while (!(await title.isVisible())) {
    await icon.click();
    try {
      await title.waitFor({ timeout: 2000 });
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

export interface TreeRow {
  readonly label: string;
  readonly description: string;
  /** What a screen reader says. */
  readonly accessibleName: string;
  /** 1 at the root. */
  readonly level: number;
  /** undefined when it has no children. */
  readonly expanded: boolean | undefined;
}

/** The tree of a view, by the view's title. */
export function tree(page: Page, view: string): Locator {
  return page.locator(".sidebar").getByRole("tree", { name: view });
}

/** The rows of a view that are drawn now, from top to bottom. */
export async function treeRows(page: Page, view: string): Promise<TreeRow[]> {
  const rows = await tree(page, view)
    .locator(".monaco-list-row")
    .evaluateAll((elements) =>
      elements.map((row) => ({
        label: row.querySelector(".monaco-icon-label .label-name")?.textContent ?? "",
        description: row.querySelector(".monaco-icon-label .label-description")?.textContent ?? "",
        accessibleName: row.getAttribute("aria-label") ?? "",
        level: Number(row.getAttribute("aria-level")),
        expanded: row.getAttribute("aria-expanded"),
        // The list draws its rows in the order it made them; where they are is in their style.
        top: row instanceof HTMLElement ? row.offsetTop : 0,
      })),
    );
  return rows
    .toSorted((a, b) => a.top - b.top)
    .map(({ top: _top, expanded, ...row }) => ({
      ...row,
      expanded: expanded === null ? undefined : expanded === "true",
    }));
}

/** A row of a view by a text it contains. */
export function treeRow(page: Page, view: string, text: string | RegExp): Locator {
  return tree(page, view).locator(".monaco-list-row").filter({ hasText: text });
}

/** Resolves with the rows as soon as they are as wanted; throws with what was there last. */
export async function waitForRows(
  page: Page,
  view: string,
  wanted: (rows: readonly TreeRow[]) => boolean,
  timeout = 20_000,
): Promise<TreeRow[]> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const rows = await treeRows(page, view);
    if (wanted(rows)) return rows;
    if (Date.now() > deadline) throw new Error(`the rows of ${view} stayed ${JSON.stringify(rows, undefined, 2)}`);
    await page.waitForTimeout(100);
  }
}

/** Expands a row that is collapsed. */
export async function expandRow(row: Locator): Promise<void> {
  if ((await row.getAttribute("aria-expanded")) === "false") await row.locator(".monaco-tl-twistie").click();
}

/** The texts of the notifications that are shown now. */
export async function notifications(page: Page): Promise<string[]> {
  return page.locator(".notifications-toasts .notification-list-item-message").allTextContents();
}

/** Chooses an entry of a row's context menu. */
export async function chooseFromMenu(page: Page, row: Locator, entry: RegExp): Promise<void> {
  await row.click({ button: "right" });
  const item = page.getByRole("menuitem", { name: entry });
  await item.waitFor();
  // VS Code takes a click this soon after the menu opened for the end of the click that opened it.
  await page.waitForTimeout(500);
  await item.click();
  await item.waitFor({ state: "detached" });
}
