import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";
import { openImiView, runCommand, treeRows, trustFolder, waitForRows, watched } from "./harness.ts";
import type { VscodeWindow } from "./harness.ts";
import { button, has, open, question, said, serverOf, statusItem, toast, view } from "./worktrees-view.ts";

/** How long a window may take until its extensions are at work. */
const loading = 60_000;

describe("a window whose server is slow to start", () => {
  it("says that it starts, and has a command wait for it", async () => {
    const scene = makeScene();
    // A config file that does not answer, as on a home folder that has gone away: the server waits for it.
    const folder = join(scene.root, "home/.config/iMi");
    const config = join(folder, "config.toml");
    mkdirSync(folder, { recursive: true });
    execFileSync("mkfifo", [config]);
    const window = await open(scene, scene.trunk);
    const { page } = window;
    try {
      await watched(page, "starting", async () => {
        await openImiView(page);
        await said(page, "iMi is starting…").waitFor({ timeout: loading });
        await runCommand(page, "iMi: Create Worktree");
        await said(page, "iMi is starting…").waitFor();
        await writeFile(config, "");
        rmSync(config);
        await waitForRows(page, view, has("trunk-main"));
        await question(page, "Create Worktree (1/3)");
      });
    } finally {
      await window.stop();
      scene.remove();
    }
  });
});

describe("a window whose server dies", () => {
  let scene: Scene;
  let window: VscodeWindow;
  before(async () => {
    scene = makeScene();
    window = await open(scene, scene.trunk);
    await openImiView(window.page);
    await waitForRows(window.page, view, has("trunk-main"), loading);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("says what to do where there is only the trunk", async () => {
    await said(window.page, "No worktrees yet.").waitFor();
  });

  it("has a new one at once, which sees what happened meanwhile", async () => {
    await watched(window.page, "killed", async () => {
      const first = await serverOf(window);
      process.kill(first, "SIGKILL");
      scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/meanwhile", join(scene.container, "feat-meanwhile"));
      await waitForRows(window.page, view, has("feat-meanwhile"));
      assert.notEqual(await serverOf(window, first), first);
    });
  });

  it("stops starting it when it dies again and again, says so, and starts it when asked", async () => {
    const { page } = window;
    await watched(page, "given-up", async () => {
      let last = await serverOf(window);
      // One death was above; the fifth within three minutes is the last.
      for (let deaths = 1; deaths < 5; deaths += 1) {
        process.kill(last, "SIGKILL");
        if (deaths < 4) last = await serverOf(window, last);
      }
      await button(page, "Restart Server").waitFor();
      await button(page, "Show Diagnostics").waitFor();
      await toast(page, /crashed several times/u).waitFor();
      assert.deepEqual(await treeRows(page, view), [], "nothing is shown that may not be true any more");

      // Every command still has an answer.
      await runCommand(page, "Notifications: Clear All Notifications");
      await runCommand(page, "iMi: Create Worktree");
      await toast(page, /crashed several times/u).waitFor();
      await runCommand(page, "Notifications: Clear All Notifications");

      await button(page, "Restart Server").click();
      await waitForRows(page, view, has("feat-meanwhile"));
    });
  });
});

describe("a window whose registry is damaged", () => {
  it("does not start the server again and again, and names the file", async () => {
    const scene = makeScene();
    const data = join(scene.root, "home/.local/share/imi");
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, "worktrees.db"), "no database ".repeat(1000));
    const window = await open(scene, scene.trunk);
    const { page } = window;
    try {
      await watched(page, "damaged", async () => {
        await openImiView(page);
        await toast(page, /worktrees\.db/u).waitFor({ timeout: loading });
        await button(page, "Show Diagnostics").waitFor();
        await statusItem(page, /iMi/u).waitFor();
        for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
        await button(page, "Restart Server").click();
        await waitForRows(page, view, has("trunk-main"));
      });
    } finally {
      await window.stop();
      scene.remove();
    }
  });
});

describe("a window with a setting that will not do", () => {
  it("names it, and starts the server when it is mended", async () => {
    const scene = makeScene();
    const settings = join(scene.trunk, ".vscode/settings.json");
    mkdirSync(join(scene.trunk, ".vscode"));
    writeFileSync(settings, JSON.stringify({ "imi.git.autoFetchTimeoutMs": "soon" }));
    const window = await open(scene, scene.trunk);
    const { page } = window;
    try {
      await watched(page, "setting", async () => {
        await openImiView(page);
        await toast(page, /autoFetchTimeoutMs|auto_fetch_timeout_ms/u).waitFor({ timeout: loading });
        await page.locator(".notifications-toasts").getByRole("button", { name: "Open Settings" }).waitFor();
        await button(page, "Restart Server").waitFor();
        writeFileSync(settings, "{}");
        await waitForRows(page, view, has("trunk-main"));
      });
    } finally {
      await window.stop();
      scene.remove();
    }
  });
});

describe("a folder nobody trusts", () => {
  it("shows its worktrees, changes nothing, and can be trusted without a restart", async () => {
    const scene = makeScene();
    scene.git(scene.trunk, "worktree", "add", "-q", "-b", "feat/there", join(scene.container, "feat-there"));
    const window = await open(scene, scene.trunk, { trust: "untrusted" });
    const { page } = window;
    try {
      await watched(page, "untrusted", async () => {
        await openImiView(page);
        await waitForRows(page, view, has("feat-there"), loading);
        await said(page, "Restricted Mode:").waitFor();
        const server = await serverOf(window);
        await runCommand(page, "iMi: Create Worktree");
        await toast(page, /Restricted Mode/u).waitFor();
        await page.locator(".quick-input-widget").waitFor({ state: "hidden" }); // nothing is asked
        await runCommand(page, "Notifications: Clear All Notifications");

        await trustFolder(page);
        await said(page, "Restricted Mode:").waitFor({ state: "detached" });
        await runCommand(page, "iMi: Create Worktree");
        await question(page, "(1/3)");
        await page.keyboard.press("Escape");
        assert.equal(await serverOf(window), server, "the same server serves");
      });
    } finally {
      await window.stop();
      scene.remove();
    }
  });

  it("without a repository in it says that it is restricted, and how to trust it", async () => {
    const scene = makeScene();
    const plain = join(scene.root, "plain");
    mkdirSync(plain);
    const window = await open(scene, plain, { trust: "untrusted" });
    const { page } = window;
    try {
      await watched(page, "untrusted-plain", async () => {
        await openImiView(page);
        await button(page, "Manage Workspace Trust").waitFor({ timeout: loading });
        await trustFolder(page);
        await openImiView(page);
        await button(page, "Clone Repository…").waitFor();
      });
    } finally {
      await window.stop();
      scene.remove();
    }
  });
});

describe("windows on other folders", () => {
  let scene: Scene;
  let window: VscodeWindow;
  const plain = (): string => join(scene.root, "plain");
  before(async () => {
    scene = makeScene();
    mkdirSync(plain());
    window = await open(scene, plain());
    await openImiView(window.page);
  });
  after(async () => {
    await window.stop();
    scene.remove();
  });

  it("without a repository say how to get one, and notice one that is made", async () => {
    await watched(window.page, "no-repository", async () => {
      await button(window.page, "Clone Repository…").waitFor({ timeout: loading });
      await runCommand(window.page, "iMi: Create Worktree");
      await toast(window.page, /No folder of this window belongs to a Git repository/u).waitFor();
      await button(window.page, "Initialize Repository").click();
      await waitForRows(window.page, view, has("plain"));
    });
  });

  it("with two repositories show both, and ask in which one", async () => {
    const other = join(scene.root, "other");
    scene.git(scene.root, "clone", "-q", scene.remote, other);
    const file = join(scene.root, "two.code-workspace");
    writeFileSync(
      file,
      JSON.stringify({ folders: [scene.trunk, other].map((path) => ({ path: relative(scene.root, path) })) }),
    );
    const page = await window.openAnother(file);
    await watched(page, "two-repositories", async () => {
      await openImiView(page);
      const both = (rows: readonly { label: string; level: number }[]): boolean =>
        rows.filter(({ level }) => level === 1).length === 2;
      const rows = await waitForRows(page, view, both, loading);
      const roots = rows.filter(({ level }) => level === 1).map(({ label }) => label);
      assert.deepEqual(roots.toSorted(), ["app", "other"]);

      await runCommand(page, "iMi: Create Worktree");
      await question(page, "(1/4)");
      await page.keyboard.type("other");
      await page.keyboard.press("Enter");
      await question(page, "(2/4)");
      await page.keyboard.press("Enter");
      await question(page, "(3/4)");
      await page.keyboard.type("by-keys");
      await page.keyboard.press("Enter");
      await question(page, "(4/4)");
      await page.keyboard.press("Enter");
      await waitForRows(page, view, has("feat-by-keys"));
      assert.match(scene.git(other, "worktree", "list"), /feat-by-keys/u);
    });
  });
});
