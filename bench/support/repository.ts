import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Place } from "./place.ts";
import { git } from "./programs.ts";

/** A container as `imi clone` makes it: `trunk-main` inside, worktrees to come beside it. */
export interface BenchRepository {
  readonly container: string;
  readonly trunk: string;
  readonly gitDir: string;
}

export interface Shape {
  readonly name: string;
  readonly files: number;
  readonly remote: "none" | "local";
}

/** Mean size of a file in bytes; 20 000 of them are 80 MB, as in the peers' measurements. */
const meanSize = 4096;
const filesPerFolder = 40;

/**
 * Makes a repository with a packed history of two commits, the same for the same shape. A remote is a bare repository
 * on the same file system: what is measured is the work of a fetch, not the network.
 */
export async function makeRepository(place: Place, shape: Shape): Promise<BenchRepository> {
  const container = path.join(place.folder, shape.name);
  const trunk = path.join(container, "trunk-main");
  mkdirSync(container);
  const here = { cwd: container, env: place.env };
  if (shape.remote === "none") {
    await git(here, "init", "-q", "-b", "main", trunk);
    await importHistory(trunk, shape.files, place.env);
    await git({ ...here, cwd: trunk }, "reset", "-q", "--hard");
  } else {
    const remote = path.join(place.folder, `${shape.name}.git`);
    await git(here, "init", "-q", "--bare", "-b", "main", remote);
    await importHistory(remote, shape.files, place.env);
    await git(here, "clone", "-q", remote, trunk);
  }
  return { container, trunk, gitDir: path.join(trunk, ".git") };
}

/** `git fast-import`: one process and one pack, however many files there are. */
async function importHistory(repository: string, files: number, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn("git", ["fast-import", "--quiet"], {
    cwd: repository,
    env,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const write = async (text: string): Promise<void> => {
    if (!child.stdin.write(text)) await once(child.stdin, "drain");
  };
  const commit = (message: string): string =>
    `commit refs/heads/main\ncommitter Bench <bench@example.invalid> 1700000000 +0000\n${data(message)}`;
  await write(commit("All files"));
  for (let index = 0; index < files; index += 1)
    await write(`M 100644 inline ${nameOf(index)}\n${data(contentOf(index))}`);
  await write(`\n${commit("A line to read")}M 100644 inline README.md\n${data("# Bench\n")}\n`);
  child.stdin.end();
  const [code]: unknown[] = await ended;
  if (code !== 0) throw new Error(`git fast-import exited with ${String(code)}`);
}

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

const nameOf = (index: number): string => {
  const folder = Math.floor(index / filesPerFolder);
  return `packages/p${Math.floor(folder / 10)}/src${folder % 10}/module-${index}.ts`;
};

/** Text that compresses about as code does, different in every file. */
function contentOf(index: number): string {
  let state = index + 1;
  let text = `// Module ${index}.\n`;
  const size = meanSize / 2 + ((index * 7919) % meanSize);
  while (text.length < size) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `export const value${state % 1000} = compute(${state}, "${(state >>> 7).toString(36)}");\n`;
  }
  return text;
}
