import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "./ground.ts";
import type { Ground, State } from "./ground.ts";

/** Two commits of its own; the first conflicts with `other`. */
const twoCommits = ({ commit }: Ground): void => {
  commit("mine one", { "src/a.txt": text({ 5: "mine" }) });
  commit("mine two", { "src/b.txt": text({ 0: "b", 15: "mine" }), "mine.txt": "mine\n" });
};

/** Stages of one path as a merge leaves them: 1 base, 2 ours, 3 theirs. */
const conflictKinds: Readonly<Record<string, readonly (1 | 2 | 3)[]>> = {
  DD: [1],
  AU: [2],
  UD: [1, 2],
  UA: [3],
  DU: [1, 3],
  AA: [2, 3],
  UU: [1, 2, 3],
};

/** Operations half done, in each of the ways git notes them down. */
export const operations: readonly State[] = [
  {
    name: "a merge in conflict",
    holds: ["operation", "conflicted"],
    make: (ground) => {
      twoCommits(ground);
      ground.stops("merge", "origin/other");
    },
  },
  {
    name: "all seven kinds of conflict",
    holds: ["conflicted"],
    make: ({ git, path, scene, write }) => {
      const blob = (content: string): string =>
        execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: path, env: scene.env, input: content })
          .toString()
          .trim();
      const info = Object.entries(conflictKinds)
        .flatMap(([kind, stages]) =>
          stages.map((stage) => `100644 ${blob(`${kind} stage ${stage}\n`)} ${stage}\tconflict/${kind}.txt\n`),
        )
        .join("");
      execFileSync("git", ["update-index", "--index-info"], { cwd: path, env: scene.env, input: info });
      for (const kind of Object.keys(conflictKinds)) if (kind !== "DD") write(`conflict/${kind}.txt`, `<<<< ${kind}\n`);
      git("status");
    },
  },
  {
    name: "a merge of renames in conflict, with a file and a folder in each other's way",
    holds: ["operation", "conflicted"],
    make: ({ git, commit, stops, write }) => {
      git("mv", "src/a.txt", "src/ours.txt");
      commit("ours", { "both.txt": "ours\n", "thing/file.txt": "a folder\n", "src/b.txt": text({ 1: "ours" }) });
      git("checkout", "-q", "--detach", "origin/main");
      git("mv", "src/a.txt", "src/theirs.txt");
      git("rm", "-q", "src/b.txt");
      commit("theirs", { "both.txt": "theirs\n", thing: "a file\n" });
      git("branch", "theirs");
      git("checkout", "-q", "feat/quartz");
      stops("merge", "theirs");
      write("both.txt", "half resolved\n");
    },
  },
  {
    name: "a merge whose conflicts are resolved and staged, not committed",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.stops("merge", "origin/other");
      ground.write("src/a.txt", text({ 5: "both" }));
      ground.git("add", "-A");
    },
  },
  {
    name: "a merge without conflict that was not committed",
    holds: ["operation"],
    make: ({ git, commit }) => {
      commit("mine", { "mine.txt": "mine\n" });
      git("merge", "--no-commit", "--no-ff", "origin/other");
    },
  },
  {
    name: "a merge in conflict begun with --autostash",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.write("README.md", "# Not committed\n");
      ground.stops("merge", "--autostash", "origin/other");
    },
  },
  {
    name: "a squashed merge not committed",
    holds: ["staged"],
    make: ({ git }) => void git("merge", "--squash", "origin/other"),
  },
  {
    name: "half a rebase, merge backend",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.stops("rebase", "--merge", "origin/other");
    },
  },
  {
    name: "half a rebase, apply backend",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.stops("rebase", "--apply", "origin/other");
    },
  },
  {
    name: "half a rebase with an autostash",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.write("README.md", "# Not committed\n");
      ground.stops("rebase", "--autostash", "origin/other");
    },
  },
  {
    name: "an interactive rebase stopped to edit, with an amended commit and a remark in the list",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.commit("mine three", { "three.txt": "three\n" });
      ground.git("-c", "sequence.editor=sed -i '1s/^pick/edit/; 2i exec true'", "rebase", "-i", "HEAD~2");
      ground.write("mine.txt", "edited\n");
      ground.git("commit", "-q", "-a", "--amend", "-m", "mine two, edited");
      ground.write("mine.txt", "and more\n");
    },
  },
  {
    name: "a rebase of branches with --rebase-merges and --update-refs, stopped at a break",
    holds: ["operation"],
    make: ({ git, commit }) => {
      commit("one", { "one.txt": "1\n" });
      git("branch", "stacked");
      commit("two", { "two.txt": "2\n" });
      git("-c", "sequence.editor=sed -i '$a break'", "rebase", "-i", "--rebase-merges", "--update-refs", "HEAD~2");
    },
  },
  {
    name: "half a cherry-pick of several",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.git("branch", "mine");
      ground.git("reset", "-q", "--hard", "origin/other");
      ground.stops("cherry-pick", "mine~2..mine");
    },
  },
  {
    name: "half a revert",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      ground.commit("over it", { "src/a.txt": text({ 5: "over it" }) });
      ground.stops("revert", "--no-edit", "HEAD~2");
    },
  },
  {
    name: "half a bisect",
    holds: ["operation"],
    make: ({ git }) => {
      git("bisect", "start", "--term-old=fast", "--term-new=slow");
      git("bisect", "slow", "HEAD");
      git("bisect", "fast", "HEAD~3");
    },
  },
  {
    name: "half a series of mails (am)",
    holds: ["operation"],
    make: (ground) => {
      twoCommits(ground);
      const mails = ground.git("format-patch", "--stdout", "HEAD~2");
      writeFileSync(join(ground.scene.root, "mails"), mails);
      ground.git("reset", "-q", "--hard", "origin/other");
      ground.stops("am", join(ground.scene.root, "mails"));
      ground.write("src/a.txt", text({ 5: "by hand" }));
    },
  },
  {
    name: "notes, a message half written, and pseudo refs that nothing else names",
    answer: "any",
    make: ({ git, record, commit }) => {
      commit("one", { "one.txt": "1\n" });
      git("update-ref", "ORIG_HEAD", "HEAD");
      git("reset", "-q", "--hard", "HEAD~1");
      const lost = git("commit-tree", "-m", "named by nothing else", "HEAD^{tree}").trim();
      git("update-ref", "refs/worktree/own", lost);
      writeFileSync(join(record, "COMMIT_EDITMSG"), "half a message\n");
      writeFileSync(join(record, "FETCH_HEAD"), `${lost}\t\tbranch 'x' of elsewhere\n`);
    },
  },
];
