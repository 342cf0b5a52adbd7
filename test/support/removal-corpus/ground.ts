import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ErrorCode } from "../../../protocol/errors.ts";
import type { WorkKind } from "../../../protocol/work.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import { told } from "../imi.ts";
import type { Place } from "../imi.ts";
import { gitEnv, makeScene } from "../workspace.ts";
import type { Scene } from "../workspace.ts";
import { gitDirOf } from "../worktree-snapshot.ts";

/** A fresh worktree of a fresh repository, to be brought into a state. */
export interface Ground {
  readonly scene: Scene;
  /** From where a user would call `imi`. */
  readonly place: Place;
  readonly trunk: string;
  readonly path: string;
  readonly name: string;
  readonly branch: string;
  /** git's record of the worktree. */
  readonly record: string;
  /** Runs git in the worktree, or in the folder of `-C`; it must succeed. */
  readonly git: (...args: string[]) => string;
  /** The same for what stops half way, such as a merge in conflict; it must fail. */
  readonly stops: (...args: string[]) => void;
  readonly at: (...parts: string[]) => string;
  /** Writes a file in the worktree, with the folders above it. Names are bytes where they have to be. */
  readonly write: (name: string | Buffer, content: string | Buffer) => void;
  readonly commit: (message: string, files?: Readonly<Record<string, string>>) => string;
}

/** One thing a worktree may hold. */
export interface State {
  readonly name: string;
  /** Kinds of work that have to be told, at least; by their weight it is clean or not. */
  readonly holds?: readonly WorkKind[];
  /** Where `holds` does not say it: not clean (work or unknown), or a matter of taste. */
  readonly answer?: "not clean" | "any";
  /** It must not be removed at all, and why. */
  readonly refused?: ErrorCode;
  /** Only with IMI_TEST_LARGE=1. */
  readonly large?: true;
  /** Why it cannot be made here. */
  readonly skip?: () => string | null;
  readonly make: (ground: Ground) => void;
}

export const name = "feat-quartz";
export const branch = "feat/quartz";

const lines = (count: number, change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, at) => `${change[at] ?? `line ${at}`}\n`).join("");

/** A text of twenty lines of which some are replaced. */
export const text = (change: Readonly<Record<number, string>> = {}): string => lines(20, change);

/** Commits on main, all pushed, and a branch `other` that conflicts with whoever changes line 5 of src/a.txt. */
const history = (scene: Scene): void => {
  const { trunk } = scene;
  const git = (...args: string[]): string => scene.git(trunk, ...args);
  const commit = (message: string, files: Readonly<Record<string, string>>): void => {
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(trunk, file)), { recursive: true });
      writeFileSync(join(trunk, file), content);
    }
    git("add", "-A");
    git("commit", "-q", "-m", message);
  };
  writeFileSync(join(trunk, ".gitignore"), "ignored/\nnode_modules/\n*.log\n.env\n");
  mkdirSync(join(trunk, "bin"));
  writeFileSync(join(trunk, "bin/run.sh"), "#!/bin/sh\necho run\n");
  chmodSync(join(trunk, "bin/run.sh"), 0o755);
  symlinkSync("README.md", join(trunk, "link"));
  commit("second", { "src/a.txt": text(), "src/b.txt": text({ 0: "b" }), "src/deep/c.txt": text({ 0: "c" }) });
  git("branch", "other");
  commit("third", { "src/b.txt": text({ 0: "b", 3: "third" }) });
  commit("fourth", { "src/deep/c.txt": text({ 0: "c", 3: "fourth" }) });
  git("checkout", "-q", "other");
  commit("of another", { "src/a.txt": text({ 5: "theirs" }), "other.txt": "other\n" });
  git("checkout", "-q", "main");
  git("push", "-q", "origin", "main", "other");
  git("branch", "-q", "-D", "other");
};

let template: Scene | null = null;

/** Made once in a process and copied from then on: a repository takes twenty processes to make, a copy one. */
const templateIn = (under: string): Scene => {
  if (template === null) {
    const made = makeScene({ under });
    history(made);
    process.once("exit", () => made.remove());
    template = made;
  }
  return template;
};

/** In memory where that can be had: the files of a corpus are made and deleted all the time. */
export const fastFolder = (): string => (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());

export const freshScene = (under = fastFolder()): Scene => {
  const from = templateIn(fastFolder());
  const root = realpathSync(mkdtempSync(join(under, "imi removal ü ")));
  cpSync(from.root, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const env = gitEnv(root);
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync("git", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 30 });
  const [container, remote] = [join(root, "app"), join(root, "remote.git")];
  const trunk = join(container, "trunk-main");
  git(trunk, "remote", "set-url", "origin", remote);
  chmodSync(join(root, "home/run"), 0o700);
  return { root, container, trunk, remote, env, git, remove: () => removeAll(root) };
};

/** Also what nobody may write. */
const removeAll = (root: string): void => {
  try {
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    execFileSync("chmod", ["-R", "u+rwX", root]);
    // Not by paths from the root: some of the corpus are longer than paths may be.
    execFileSync("rm", ["-rf", "--", root]);
  }
};

/** The worktree feat-quartz as `imi feat quartz` makes it. */
export const groundIn = async (scene: Scene, made = name): Promise<Ground> => {
  const place = { cwd: scene.trunk, env: scene.env };
  const { worktree } = await told<CreateResult>(place, "feat", made.replace(/^feat-/, ""));
  return groundAt(scene, worktree.path, worktree.name, worktree.branch ?? "");
};

export const groundAt = (scene: Scene, path: string, worktree: string, onBranch: string): Ground => {
  const write: Ground["write"] = (file, content) => {
    const target = Buffer.concat([Buffer.from(`${path}/`), Buffer.from(file)]);
    mkdirSync(target.subarray(0, target.lastIndexOf("/")), { recursive: true });
    writeFileSync(target, content);
  };
  const git: Ground["git"] = (...args) => scene.git(path, ...args);
  return {
    ...{ scene, place: { cwd: scene.trunk, env: scene.env }, trunk: scene.trunk, path, name: worktree },
    branch: onBranch,
    record: gitDirOf(path),
    ...{ git, write, at: (...parts) => join(path, ...parts) },
    stops: (...args) => {
      const { status, stderr, stdout } = spawnSync("git", args, { cwd: path, env: scene.env, encoding: "utf8" });
      if (status === 0) throw new Error(`git ${args.join(" ")} was to stop half way: ${stdout}${stderr}`);
    },
    commit: (message, files = {}) => {
      for (const [file, content] of Object.entries(files)) write(file, content);
      git("add", "-A");
      git("commit", "-q", "--allow-empty", "-m", message);
      return git("rev-parse", "HEAD").trim();
    },
  };
};
