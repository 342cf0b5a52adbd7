import { readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "./ground.ts";
import type { Ground, State } from "./ground.ts";

/** Work to be found again whatever became of the index. */
const workAround = ({ write, git, commit }: Ground): void => {
  commit("mine", { "mine.txt": "mine\n" });
  write("src/a.txt", text({ 2: "changed" }));
  write("note.txt", "untracked\n");
  write("staged.txt", "staged\n");
  git("add", "staged.txt");
};

const truncatedTo = (size: number): State => ({
  name: `an index of which ${size} bytes are left`,
  answer: "not clean",
  make: (ground) => {
    workAround(ground);
    truncateSync(join(ground.record, "index"), size);
  },
});

const detached: State["make"] = ({ git, commit }) => {
  git("checkout", "-q", "--detach");
  commit("on no branch", { "detached.txt": "1\n" });
  commit("on no branch either", { "detached.txt": "2\n" });
};

/** Where HEAD is, what it was, stashes, and indexes that are damaged or unusual. */
export const heads: readonly State[] = [
  {
    name: "commits of its own",
    make: ({ commit }) => {
      commit("mine", { "mine.txt": "1\n" });
      commit("mine too", { "mine.txt": "2\n" });
    },
  },
  { name: "a detached HEAD with commits of its own", holds: ["detached"], make: detached },
  {
    name: "a detached HEAD with commits of its own, and changes",
    holds: ["detached", "changed"],
    make: (ground) => {
      detached(ground);
      ground.write("detached.txt", "3\n");
    },
  },
  {
    name: "a detached HEAD at a commit that main has",
    make: ({ git }) => void git("checkout", "-q", "--detach", "HEAD~1"),
  },
  {
    name: "a branch without a commit yet, with everything staged",
    holds: ["staged"],
    make: ({ git, write }) => {
      git("symbolic-ref", "HEAD", "refs/heads/unborn");
      write("note.txt", "note\n");
    },
  },
  {
    name: "a branch without a commit yet, and nothing there",
    answer: "any",
    make: ({ git }) => {
      git("checkout", "-q", "--orphan", "unborn");
      git("rm", "-rfq", ".");
    },
  },
  {
    name: "an orphan branch with files of its own",
    holds: ["untracked"],
    make: ({ git, commit, write }) => {
      git("checkout", "-q", "--orphan", "pages");
      git("rm", "-rfq", ".");
      commit("pages", { "index.html": "<p>\n" });
      write("draft.html", "<p>draft\n");
    },
  },
  {
    name: "a branch that was deleted underneath it",
    answer: "not clean",
    make: ({ git, commit }) => {
      commit("mine", { "mine.txt": "mine\n" });
      git("update-ref", "-d", "refs/heads/feat/quartz");
    },
  },
  {
    name: "commits amended away",
    holds: ["dropped"],
    make: ({ git, commit, write }) => {
      commit("first try", { "try.txt": "1\n" });
      write("try.txt", "2\n");
      git("commit", "-q", "-a", "--amend", "-m", "second try");
    },
  },
  {
    name: "commits reset away",
    holds: ["dropped"],
    make: ({ git, commit }) => {
      commit("one", { "one.txt": "1\n" });
      commit("two", { "two.txt": "2\n" });
      git("reset", "-q", "--hard", "HEAD~2");
    },
  },
  {
    name: "commits of a detached HEAD that was left",
    holds: ["dropped"],
    make: (ground) => {
      detached(ground);
      ground.git("checkout", "-q", "feat/quartz");
    },
  },
  {
    name: "several stashes, one with untracked files and one kept in the index",
    holds: ["stash"],
    make: ({ git, write }) => {
      write("src/a.txt", text({ 2: "stash one" }));
      git("stash", "push", "-q", "-m", "one");
      write("new.txt", "untracked\n");
      git("stash", "push", "-q", "--include-untracked", "-m", "two");
      write("src/b.txt", text({ 2: "stash three" }));
      git("add", "-A");
      git("stash", "push", "-q", "--keep-index", "-m", "three");
      git("reset", "-q", "--hard");
    },
  },
  ...[0, 1, 12, 100, 600].map(truncatedTo),
  {
    name: "an index with one bit turned over",
    answer: "not clean",
    make: (ground) => {
      workAround(ground);
      const file = join(ground.record, "index");
      const bytes = readFileSync(file);
      bytes[200] = (bytes[200] ?? 0) ^ 0x10;
      writeFileSync(file, bytes);
    },
  },
  {
    name: "no index",
    answer: "not clean",
    make: (ground) => {
      workAround(ground);
      rmSync(join(ground.record, "index"));
    },
  },
  {
    name: "a split index",
    holds: ["staged", "changed"],
    make: (ground) => {
      ground.git("update-index", "--split-index");
      workAround(ground);
    },
  },
  {
    name: "an index of version 4 with the untracked cache",
    holds: ["staged", "changed"],
    make: (ground) => {
      ground.git("update-index", "--index-version", "4", "--force-untracked-cache");
      workAround(ground);
      ground.git("status");
    },
  },
  {
    name: "an index.lock that a dead process left behind",
    answer: "not clean",
    make: (ground) => {
      workAround(ground);
      const lock = join(ground.record, "index.lock");
      writeFileSync(lock, "", { flag: "wx" });
      utimesSync(lock, 1_700_000_000, 1_700_000_000);
    },
  },
  {
    name: "conflicts resolved whose stages git still remembers",
    holds: ["staged"],
    make: ({ git, commit, stops, write }) => {
      commit("mine", { "src/a.txt": text({ 5: "mine" }) });
      git("config", "rerere.enabled", "true");
      stops("merge", "origin/other");
      write("src/a.txt", text({ 5: "both" }));
      git("add", "-A");
    },
  },
  {
    name: "a sparse checkout in cone mode, with changes",
    holds: ["changed"],
    make: ({ git, write }) => {
      git("sparse-checkout", "set", "--cone", "src/deep");
      write("src/deep/c.txt", "changed\n");
    },
  },
  {
    name: "a sparse checkout by patterns, with a file outside of them",
    answer: "not clean",
    make: ({ git, write }) => {
      git("sparse-checkout", "set", "--no-cone", "/*", "!/src/a.txt");
      write("src/a.txt", "outside of the patterns, and changed\n");
    },
  },
  {
    name: "a sparse checkout with a sparse index, nothing changed",
    make: ({ git }) => void git("sparse-checkout", "set", "--cone", "--sparse-index", "src/deep"),
  },
  {
    name: "configuration of its own (extensions.worktreeConfig)",
    holds: ["untracked"],
    make: ({ git, write }) => {
      git("config", "extensions.worktreeConfig", "true");
      git("config", "--worktree", "user.name", "Agent Seven");
      git("config", "--worktree", "core.excludesFile", "/nowhere");
      write("note.txt", "note\n");
    },
  },
  {
    name: "locked by `git worktree lock`",
    refused: "worktree/locked",
    make: ({ git, path, write }) => {
      write("note.txt", "note\n");
      git("worktree", "lock", "--reason", "an agent is at work", path);
    },
  },
  {
    name: "moved by `git worktree move`",
    holds: ["untracked"],
    make: ({ trunk, path, write, scene }) => {
      write("note.txt", "note\n");
      const away = join(scene.root, "elsewhere");
      scene.git(trunk, "worktree", "move", path, away);
      scene.git(trunk, "worktree", "move", away, path);
    },
  },
];
