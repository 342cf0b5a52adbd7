import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Ground, State } from "./ground.ts";

/** A bare repository with a commit to be taken in as a submodule. */
const library = ({ scene }: Ground, name: string): string => {
  const [bare, work] = [join(scene.root, `${name}.git`), join(scene.root, `${name}-work`)];
  scene.git(scene.root, "init", "-q", "--bare", bare);
  scene.git(scene.root, "clone", "-q", bare, work);
  writeFileSync(join(work, "library.txt"), `${name}\n`);
  scene.git(work, "add", "-A");
  scene.git(work, "commit", "-q", "-m", `${name}: first`);
  scene.git(work, "push", "-q", "origin", "HEAD");
  return bare;
};

/** libs/dep, committed in the worktree's branch; its repository lies in git's record of the worktree. */
const withSubmodule = (ground: Ground): string => {
  ground.git("submodule", "add", "-q", library(ground, "dep"), "libs/dep");
  ground.commit("a submodule");
  return ground.at("libs/dep");
};

const commitIn = ({ scene }: Ground, folder: string, file: string): void => {
  writeFileSync(join(folder, file), `${file}\n`);
  scene.git(folder, "add", "-A");
  scene.git(folder, "commit", "-q", "-m", file);
};

const nestedAt = (ground: Ground, name: string): string => {
  const folder = ground.at(name);
  mkdirSync(folder, { recursive: true });
  ground.scene.git(folder, "init", "-q");
  return folder;
};

/** Repositories inside of it: submodules and those that only lie there. */
export const repositories: readonly State[] = [
  { name: "a submodule, clean", make: (ground) => void withSubmodule(ground) },
  {
    name: "a submodule that was never checked out",
    make: (ground) => {
      withSubmodule(ground);
      ground.git("submodule", "deinit", "-q", "-f", "libs/dep");
    },
  },
  {
    name: "a submodule with commits that were not pushed, not checked out any more",
    holds: ["submodule"],
    make: (ground) => {
      commitIn(ground, withSubmodule(ground), "unpushed.txt");
      ground.git("submodule", "deinit", "-q", "-f", "libs/dep");
    },
  },
  {
    name: "a submodule with a submodule whose stash is all there is, neither checked out any more",
    holds: ["submodule"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      ground.scene.git(dep, "submodule", "add", "-q", library(ground, "inner"), "inner");
      writeFileSync(join(dep, "inner/library.txt"), "stashed\n");
      ground.scene.git(join(dep, "inner"), "stash", "push", "-q");
      ground.scene.git(dep, "submodule", "deinit", "-q", "-f", "inner");
      ground.git("submodule", "deinit", "-q", "-f", "libs/dep");
    },
  },
  {
    name: "files in the folder of a submodule that is not checked out",
    holds: ["submodule"],
    make: (ground) => {
      withSubmodule(ground);
      ground.git("submodule", "deinit", "-q", "-f", "libs/dep");
      ground.write("libs/dep/notes/mine.txt", "git does not look here\n");
    },
  },
  {
    name: "a submodule with changed, staged and untracked files",
    holds: ["submodule"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      writeFileSync(join(dep, "library.txt"), "changed\n");
      writeFileSync(join(dep, "staged.txt"), "staged\n");
      ground.scene.git(dep, "add", "staged.txt");
      writeFileSync(join(dep, "untracked.txt"), "untracked\n");
    },
  },
  {
    name: "a submodule with commits that were not pushed",
    holds: ["submodule"],
    make: (ground) => commitIn(ground, withSubmodule(ground), "unpushed.txt"),
  },
  {
    name: "a submodule with commits that were not pushed but are recorded",
    holds: ["submodule"],
    make: (ground) => {
      commitIn(ground, withSubmodule(ground), "unpushed.txt");
      ground.commit("take the submodule's newest");
    },
  },
  {
    name: "a submodule with stashes of its own",
    holds: ["submodule"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      writeFileSync(join(dep, "library.txt"), "stashed\n");
      ground.scene.git(dep, "stash", "push", "-q", "-m", "in the submodule");
    },
  },
  {
    name: "a submodule with a branch of its own that is not checked out",
    holds: ["submodule"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      ground.scene.git(dep, "checkout", "-q", "-b", "aside");
      commitIn(ground, dep, "aside.txt");
      ground.scene.git(dep, "checkout", "-q", "-");
    },
  },
  {
    name: "a submodule whose commits were amended away",
    answer: "any",
    make: (ground) => {
      const dep = withSubmodule(ground);
      commitIn(ground, dep, "first-try.txt");
      ground.scene.git(dep, "reset", "-q", "--hard", "HEAD~1");
    },
  },
  {
    name: "a submodule in a submodule, changed",
    holds: ["submodule"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      ground.scene.git(dep, "submodule", "add", "-q", library(ground, "inner"), "inner");
      ground.scene.git(dep, "commit", "-q", "-m", "a submodule inside");
      commitIn(ground, join(dep, "inner"), "inner.txt");
      writeFileSync(join(dep, "inner/library.txt"), "changed\n");
    },
  },
  {
    name: "a submodule staged but not committed, and one whose folder was deleted",
    holds: ["staged"],
    make: (ground) => {
      const dep = withSubmodule(ground);
      ground.git("submodule", "add", "-q", library(ground, "second"), "libs/second");
      rmSync(dep, { recursive: true });
      mkdirSync(dep);
    },
  },
  {
    name: "a submodule whose repository lies in its folder",
    holds: ["submodule"],
    make: (ground) => {
      ground.scene.git(ground.path, "clone", "-q", library(ground, "dep"), "libs/dep");
      ground.git("submodule", "add", "-q", join(ground.scene.root, "dep.git"), "libs/dep");
      ground.commit("a submodule");
      commitIn(ground, ground.at("libs/dep"), "unpushed.txt");
    },
  },
  {
    name: "a repository inside, untracked and without a commit",
    holds: ["nested"],
    make: (ground) => writeFileSync(join(nestedAt(ground, "vendor/tool"), "draft.txt"), "draft\n"),
  },
  {
    name: "a repository inside with commits, changes and a stash",
    holds: ["nested"],
    make: (ground) => {
      const folder = nestedAt(ground, "vendor/tool");
      commitIn(ground, folder, "one.txt");
      writeFileSync(join(folder, "one.txt"), "stashed\n");
      ground.scene.git(folder, "stash", "push", "-q");
      commitIn(ground, folder, "two.txt");
      ground.scene.git(folder, "branch", "aside", "HEAD~1");
      writeFileSync(join(folder, "two.txt"), "changed\n");
      writeFileSync(join(folder, "three.txt"), "untracked\n");
    },
  },
  {
    name: "a repository inside that was taken in as a bare link (gitlink without .gitmodules)",
    answer: "not clean",
    make: (ground) => {
      const folder = nestedAt(ground, "vendor/tool");
      commitIn(ground, folder, "one.txt");
      ground.git("add", "vendor/tool");
      ground.git("commit", "-q", "-m", "a link to nowhere");
      commitIn(ground, folder, "two.txt");
    },
  },
  {
    name: "a repository inside an ignored folder",
    answer: "any",
    make: (ground) => {
      const folder = nestedAt(ground, "ignored/tool");
      commitIn(ground, folder, "one.txt");
      writeFileSync(join(folder, "two.txt"), "untracked\n");
    },
  },
  {
    name: "repositories deep inside an ignored folder, one of them bare, beside a clone that is pushed",
    holds: ["nested", "ignored"],
    make: (ground) => {
      ground.scene.git(ground.path, "clone", "-q", library(ground, "dep"), "ignored/_deps/dep-src");
      const folder = nestedAt(ground, "ignored/a/b/c/d/e/f/tool");
      commitIn(ground, folder, "one.txt");
      ground.scene.git(folder, "branch", "aside");
      ground.scene.git(folder, "reset", "-q", "--hard", "HEAD");
      writeFileSync(join(folder, "one.txt"), "changed\n");
      const other = nestedAt(ground, "vendor-work");
      commitIn(ground, other, "bare.txt");
      ground.scene.git(ground.path, "clone", "-q", "--bare", other, "ignored/a/mirror.git");
      rmSync(other, { recursive: true });
    },
  },
  {
    name: "a repository in the six hundredth of ignored folders",
    holds: ["nested"],
    make: (ground) => {
      for (let at = 0; at < 600; at++) mkdirSync(ground.at(`node_modules/package-${at}`), { recursive: true });
      commitIn(ground, nestedAt(ground, "node_modules/package-599/source"), "one.txt");
    },
  },
  {
    name: "a repository inside whose other checkout lies elsewhere, at a commit on no branch",
    holds: ["nested"],
    make: (ground) => {
      const folder = nestedAt(ground, "ignored/tool");
      commitIn(ground, folder, "one.txt");
      const elsewhere = join(ground.scene.root, "elsewhere");
      ground.scene.git(folder, "worktree", "add", "-q", "--detach", elsewhere);
      commitIn(ground, elsewhere, "two.txt");
    },
  },
  {
    name: "a repository inside with a submodule's submodule that has a branch of its own",
    holds: ["nested"],
    make: (ground) => {
      const folder = nestedAt(ground, "vendor/tool");
      ground.scene.git(folder, "submodule", "add", "-q", library(ground, "dep"), "dep");
      ground.scene.git(join(folder, "dep"), "submodule", "add", "-q", library(ground, "inner"), "inner");
      const inner = join(folder, "dep/inner");
      ground.scene.git(inner, "checkout", "-q", "-b", "aside");
      commitIn(ground, inner, "aside.txt");
      ground.scene.git(inner, "checkout", "-q", "-");
    },
  },
  {
    name: "a repository in a repository inside, and a bare one",
    holds: ["nested"],
    make: (ground) => {
      const outer = nestedAt(ground, "vendor/outer");
      commitIn(ground, outer, "outer.txt");
      const inner = nestedAt(ground, "vendor/outer/inner");
      commitIn(ground, inner, "inner.txt");
      ground.scene.git(ground.path, "clone", "-q", "--bare", inner, "vendor/bare.git");
    },
  },
  {
    name: "a clone inside whose commits are pushed",
    holds: ["nested"],
    make: (ground) => void ground.scene.git(ground.path, "clone", "-q", library(ground, "dep"), "vendor/dep"),
  },
];
