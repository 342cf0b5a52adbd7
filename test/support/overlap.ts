import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ResultOf } from "../../protocol/contract.ts";
import type { Prediction } from "../../protocol/overlap.ts";
import { Caller } from "./workspace.ts";
import type { Scene } from "./workspace.ts";

/** Two worktrees of a scene, in which each side of a merge is prepared. */
export interface Two {
  readonly scene: Scene;
  /** Would be merged. */
  readonly a: string;
  /** Would be merged into. */
  readonly b: string;
}

let made = 0;

/** A commit that holds these files alone, and two new worktrees from there. */
export const twoWorktrees = (scene: Scene, files: Readonly<Record<string, string | Buffer>>): Two => {
  made += 1;
  const trunk = join(scene.root, "app", "trunk-main");
  scene.git(trunk, "checkout", "-q", "-f", "-B", `start-${made}`, "origin/main");
  scene.git(trunk, "rm", "-rfq", "--ignore-unmatch", ".");
  put(trunk, files);
  scene.git(trunk, "add", "-A");
  scene.git(trunk, "commit", "-q", "--allow-empty", "-m", "start");
  const [a, b] = ["a", "b"].map((side) => {
    const path = join(scene.container, `feat-${side}${made}`);
    scene.git(trunk, "worktree", "add", "-q", "-b", `feat/${side}${made}`, path, `start-${made}`);
    return path;
  });
  return { scene, a: a ?? "", b: b ?? "" };
};

/** Writes files; null deletes one. */
export const put = (folder: string, files: Readonly<Record<string, string | Buffer | null>>): void => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (content === null) rmSync(path, { recursive: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
};

export const commitAll = ({ scene }: Pick<Two, "scene">, path: string): void => {
  scene.git(path, "add", "-A");
  scene.git(path, "commit", "-q", "--allow-empty", "-m", "work");
};

export const check = async (scene: Scene, a: string, b?: string): Promise<ResultOf<"overlap.merge-check">> => {
  await using imi = await Caller.in(scene);
  return await imi.call("overlap.merge-check", b === undefined ? { a } : { a, b });
};

/** What git really does: how a merge ends, and its conflicts as its own output names them. */
export interface Merged {
  readonly clean: boolean;
  /** Paths that are left unmerged. */
  readonly unmerged: readonly string[];
  /** `modify/delete`, sorted. */
  readonly kinds: readonly string[];
}

export const reallyMerge = ({ scene, a, b }: Two): Merged => {
  const theirs = scene.git(a, "rev-parse", "HEAD").trim();
  const { status, stdout, stderr } = spawnSync("git", ["merge", "--no-edit", theirs], {
    cwd: b,
    env: scene.env,
    encoding: "utf8",
  });
  const unmerged = scene.git(b, "ls-files", "-u", "-z").split("\0").filter(Boolean);
  const kinds = [...`${stdout}${stderr}`.matchAll(/^CONFLICT \(([^)]*)\)/gm)].map(([, kind = ""]) => kind);
  if (status !== 0) spawnSync("git", ["merge", "--abort"], { cwd: b, env: scene.env });
  else scene.git(b, "reset", "-q", "--hard", "ORIG_HEAD");
  return {
    clean: status === 0,
    // A file that makes room for a folder, or a link, gets a label for an ending.
    unmerged: [
      ...new Set(unmerged.map((entry) => entry.slice(entry.indexOf("\t") + 1).replace(/~(?:HEAD|[0-9a-f]{40})$/, ""))),
    ].toSorted(),
    kinds: kinds.toSorted(),
  };
};

/** That a prediction is what git then did: clean or not, the kinds of conflict, and no path that was not told. */
export const assertForetold = ({ clean, conflicts }: Prediction, real: Merged, about: string): void => {
  const kinds = conflicts.map(({ kind }) => kind);
  // Of a binary file git's output of a merge says only that its content conflicts, or nothing where it has more to say of it.
  const binary = kinds.includes("binary");
  const comparable = (words: readonly string[]): string[] =>
    words.filter((word) => !binary || !["binary", "content", "add/add"].includes(word)).toSorted();
  assert.deepEqual(
    { clean: clean === true, kinds: comparable(kinds) },
    { clean: real.clean, kinds: comparable(real.kinds) },
    about,
  );
  const paths = new Set(conflicts.flatMap((conflict) => conflict.paths));
  assert.deepEqual(
    real.unmerged.filter((path) => !paths.has(path)),
    [],
    about,
  );
};

/** Every file below a folder with its mode, time and content. Objects may get a new time from git, and nothing else. */
export const everything = (root: string): string[] => {
  const lines: string[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      const facts = lstatSync(path, { bigint: true });
      const time = path.includes("/objects/") ? "" : ` ${facts.mtimeNs}`;
      if (facts.isDirectory()) {
        lines.push(`${path}/ ${facts.mode}${time}`);
        visit(path);
      } else {
        const content = facts.isSymbolicLink() ? Buffer.from(readlinkSync(path)) : readFileSync(path);
        lines.push(`${path} ${facts.mode} ${createHash("sha1").update(content).digest("hex")}${time}`);
      }
    }
  };
  visit(root);
  return lines;
};

/** A few things somebody may do in a worktree; some of it committed, some staged, some only on disk. */
export const workIn = (scene: Scene, path: string, random: () => number, who: string): void => {
  const pick = <T>(values: readonly [T, ...T[]]): T => values[Math.floor(random() * values.length)] ?? values[0];
  const some = (): string => pick(["a.txt", "b.txt", "d/c.txt", "d/e/f.txt", "g"]);
  for (let step = 0; step < 4; step++) {
    const name = some();
    const file = join(path, name);
    const there = existsSync(file);
    switch (pick(["line", "line", "line", "delete", "rename", "add", "mode", "binary", "commit", "stage"])) {
      case "line": {
        if (!there) break;
        const lines = readFileSync(file, "utf8").split("\n");
        lines[Math.floor(random() * lines.length)] = random() < 0.3 ? "alike" : who;
        writeFileSync(file, lines.join("\n"));
        break;
      }
      case "delete":
        if (there) put(path, { [name]: null });
        break;
      case "rename": {
        const to = join(path, pick(["moved.txt", "d/moved.txt", "n/new.txt"]));
        if (!there || existsSync(to)) break;
        mkdirSync(dirname(to), { recursive: true });
        renameSync(file, to);
        break;
      }
      case "add":
        put(path, { [pick(["new.txt", "d/new.txt", "moved.txt"])]: random() < 0.3 ? "alike\n" : `${who} adds\n` });
        break;
      case "mode":
        if (there) chmodSync(file, 0o755);
        break;
      case "binary":
        if (there) writeFileSync(file, Buffer.from([0, Math.floor(random() * 4)]));
        break;
      case "commit":
        commitAll({ scene }, path);
        break;
      case "stage":
        scene.git(path, "add", "-A");
        break;
    }
  }
};
