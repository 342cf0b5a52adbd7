// A project to try iMi on: a container folder with a trunk, shared config and a few worktrees, and its remote.
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheFolder, inRoot } from "./paths.ts";
import { run, runOrThrow } from "./run.ts";

/** What the sample calls when iMi can make worktrees already: `imi feat user-auth`, … */
const worktrees = [
  ["feat", "user-auth"],
  ["fix", "login-timeout"],
  ["devops", "faster-builds"],
] as const;

const sampleFolder = path.join(cacheFolder, "sample");

const identity = ["-c", "user.name=Sample", "-c", "user.email=sample@example.invalid", "-c", "commit.gpgSign=false"];

/** What programs that work on the sample get, so that its worktrees do not appear in the user's own registry. */
export function sampleEnvironment(folder: string = sampleFolder): NodeJS.ProcessEnv {
  return { ...process.env, IMI_DB_PATH: path.join(folder, "data", "worktrees.db") };
}

/**
 * Returns the path of the sample's trunk (`<folder>/shop/trunk-main`), making the sample when it is not there. It is
 * made under another name and renamed, so that a broken-off one is never used.
 */
export async function sampleProject(folder: string = sampleFolder): Promise<string> {
  const trunk = path.join(folder, "shop", "trunk-main");
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}.partial`;
    await rm(partial, { recursive: true, force: true });
    await makeRemote(path.join(partial, "remote.git"));
    await mkdir(path.join(partial, "data"), { mode: 0o700 });
    await writeSharedConfig(path.join(partial, "shop", "sync"));
    await rename(partial, folder);
  }
  if (!existsSync(trunk)) {
    await git(folder, "clone", "--quiet", path.join(folder, "remote.git"), trunk);
    await makeWorktrees(trunk, sampleEnvironment(folder));
  }
  return trunk;
}

/** A bare repository with a small history and a branch that somebody asks to review. */
async function makeRemote(remote: string): Promise<void> {
  await mkdir(remote, { recursive: true });
  await git(remote, "init", "--quiet", "--bare", "--initial-branch=main");
  const work = `${remote}.work`;
  await git(path.dirname(remote), "clone", "--quiet", remote, work);
  await git(work, "checkout", "--quiet", "-B", "main");
  await commit(work, "Sell things", {
    "README.md": "# Shop\n\nA shop that exists to have worktrees made of it.\n",
    "src/cart.js": "export const total = (items) => items.reduce((sum, { price }) => sum + price, 0);\n",
    "src/login.js": "export const timeout = 30_000;\n",
    ".gitignore": "node_modules/\n.env\n",
  });
  await commit(work, "Say how to start it", { "README.md": "# Shop\n\nStart it with `node src/cart.js`.\n" });
  await git(work, "push", "--quiet", "origin", "main");
  await git(work, "checkout", "--quiet", "-b", "discounts");
  await commit(work, "Give discounts", { "src/discount.js": "export const discount = (price) => price * 0.9;\n" });
  await git(work, "push", "--quiet", "origin", "discounts", "HEAD:refs/pull/7/head");
  await rm(work, { recursive: true, force: true });
}

async function commit(work: string, message: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, contents] of Object.entries(files)) await place(path.join(work, name), contents);
  await git(work, "add", "--all");
  await git(work, "commit", "--quiet", "--message", message);
}

/** What every worktree shares: see `sync/` in the naming convention. */
async function writeSharedConfig(sync: string): Promise<void> {
  await place(path.join(sync, "global", "coding-rules.md"), "Small functions, honest names.\n");
  await place(path.join(sync, "repo", ".env"), "SHOP_DATABASE=shop-dev\n");
  await place(path.join(sync, "repo", ".vscode", "settings.json"), '{ "editor.tabSize": 2 }\n');
}

async function makeWorktrees(trunk: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!existsSync(inRoot("dist", "cli.cjs"))) {
    console.log("sample: no worktrees made, dist/cli.cjs is not built");
    return;
  }
  for (const words of worktrees) {
    const { code, output } = await run(process.execPath, [inRoot("dist", "cli.cjs"), ...words], { cwd: trunk, env });
    if (code !== 0) console.log(`sample: imi ${words.join(" ")} exited with ${code}: ${output.trim()}`);
  }
  // Something to see: work that is not committed yet.
  const worktree = path.join(path.dirname(trunk), "feat-user-auth");
  if (existsSync(worktree)) await place(path.join(worktree, "src", "auth.js"), "export const users = new Map();\n");
}

async function place(file: string, contents: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, contents);
}

function git(cwd: string, ...args: string[]): Promise<string> {
  return runOrThrow("git", [...identity, ...args], { cwd });
}

if (import.meta.main) console.log(await sampleProject(process.argv[2]));
