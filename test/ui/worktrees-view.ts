// What the tests of the Worktrees view share: windows on a scene of test/support, and where things are in the window.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import type { Scene } from "../support/workspace.ts";
import { startVscode } from "./harness.ts";
import type { TreeRow, VscodeWindow, WindowOptions } from "./harness.ts";

export const view = "Worktrees";

export const has = (label: string) => (rows: readonly TreeRow[]) => rows.some((row) => row.label === label);
export const lacks = (label: string) => (rows: readonly TreeRow[]) => !rows.some((row) => row.label === label);
/** Whether the row is that of a worktree of this window. */
export const isHere = (label: string) => (rows: readonly TreeRow[]) =>
  rows.some((row) => row.label === label && row.accessibleName.includes("open in this window"));

/** A window on a folder of a scene; what is created there is not opened by itself. */
export const open = (scene: Scene, folder: string, more: Partial<WindowOptions> = {}): Promise<VscodeWindow> =>
  startVscode({
    folder,
    ...more,
    env: { ...process.env, ...scene.env, ...more.env },
    settings: { "imi.worktree.openAfterCreate": "never", ...more.settings },
  });

/** A button of the view's welcome. */
export const button = (page: Page, name: string): Locator => page.locator(".sidebar").getByRole("button", { name });

/** A sentence in the side bar: a welcome view, or what stands above the rows. */
export const said = (page: Page, text: string): Locator => page.locator(".sidebar").getByText(text).first();

/** A notification that is shown now. */
export const toast = (page: Page, text: RegExp): Locator =>
  page.locator(".notifications-toasts .notification-list-item-message").filter({ hasText: text }).first();

export const statusItem = (page: Page, text: RegExp): Locator =>
  page.locator(".statusbar").getByRole("button", { name: text });

/** The question a quick input asks, by its place among all: `(2/3)`; what is typed from then on answers it. */
export const question = async (page: Page, place: string): Promise<void> => {
  await page.locator(".quick-input-title").filter({ hasText: place }).waitFor();
  await page.locator(".quick-input-widget :focus").waitFor();
};

/** Answers the questions of *Create Worktree* where there is one repository. */
export const answerCreate = async (page: Page, name: string): Promise<void> => {
  await question(page, "(1/3)");
  await page.keyboard.press("Enter");
  await question(page, "(2/3)");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await question(page, "(3/3)");
  await page.keyboard.press("Enter");
};

/** Resolves when something is so; throws with what was there last. */
export const eventually = async <T>(
  read: () => T | Promise<T>,
  wanted: (value: T) => boolean,
  timeout = 20_000,
): Promise<T> => {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`it stayed ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** The server that serves a lone window; with `not`, the one that took the place of another. */
export const serverOf = async (window: VscodeWindow, not?: number): Promise<number> => {
  const [pid = 0] = await eventually(
    () => window.servers(),
    ([first, ...others]) => first !== undefined && first !== not && others.length === 0,
  );
  return pid;
};

/** The real git behind a gate: while it is shut, `git worktree add` waits before it does anything. */
export interface Gate {
  readonly env: NodeJS.ProcessEnv;
  shut(): void;
  open(): void;
  /** Resolves when a git waits. */
  reached(): Promise<void>;
}

export const gateBeforeCreating = (scene: Scene): Gate => {
  const folder = join(scene.root, "gate");
  const shut = join(folder, "shut");
  const reached = join(folder, "reached");
  mkdirSync(folder);
  const path = scene.env["PATH"] ?? "";
  writeFileSync(
    join(folder, "git"),
    `#!/bin/sh
case " $* " in *" worktree add "*)
  if [ -e '${shut}' ]; then : > '${reached}'; fi
  while [ -e '${shut}' ]; do sleep 0.05; done;;
esac
PATH='${path}' exec git "$@"
`,
  );
  chmodSync(join(folder, "git"), 0o755);
  return {
    env: { PATH: `${folder}:${path}` },
    shut: () => {
      rmSync(reached, { force: true });
      writeFileSync(shut, "");
    },
    open: () => rmSync(shut, { force: true }),
    reached: async () => {
      await eventually(() => existsSync(reached), Boolean);
    },
  };
};
