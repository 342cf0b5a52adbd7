import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "./ground.ts";
import type { State } from "./ground.ts";
import { holeAt, syncNow } from "./making.ts";

/** What is changed, staged or new, in the usual ways and in those that git itself overlooks. */
export const changes: readonly State[] = [
  { name: "nothing changed", make: () => undefined },
  {
    name: "staged changes",
    holds: ["staged"],
    make: ({ write, git }) => {
      write("src/a.txt", text({ 2: "mine" }));
      write("new.txt", "new\n");
      git("add", "src/a.txt", "new.txt");
      git("rm", "-q", "src/b.txt");
    },
  },
  {
    name: "changed files",
    holds: ["changed"],
    make: ({ write, at }) => {
      write("src/a.txt", text({ 2: "mine" }));
      rmSync(at("src/b.txt"));
    },
  },
  {
    name: "untracked files and folders",
    holds: ["untracked"],
    make: ({ write }) => {
      write("note.txt", "note\n");
      write("new/deep/er/note.txt", "note\n");
      write("new/empty.txt", "");
    },
  },
  {
    name: "staged and changed again, differently in each",
    holds: ["staged", "changed"],
    make: ({ write, git, at }) => {
      write("src/a.txt", text({ 2: "staged" }));
      write("src/b.txt", text({ 2: "staged" }));
      write("added.txt", "staged\n");
      git("add", "-A");
      write("src/a.txt", text({ 2: "changed since" }));
      rmSync(at("src/b.txt"));
      write("added.txt", "changed since\n");
    },
  },
  {
    name: "deleted from the index but kept as a file",
    holds: ["staged"],
    make: ({ git }) => void git("rm", "-q", "--cached", "src/a.txt"),
  },
  {
    name: "renames staged, some edited afterwards",
    holds: ["staged"],
    make: ({ git, write }) => {
      git("mv", "src/a.txt", "src/renamed.txt");
      git("mv", "src/deep", "moved");
      write("src/renamed.txt", text({ 9: "edited" }));
    },
  },
  {
    name: "renamed in the folder only",
    holds: ["changed", "untracked"],
    make: ({ at }) => renameSync(at("src/a.txt"), at("src/elsewhere.txt")),
  },
  {
    name: "intent to add",
    answer: "not clean",
    make: ({ write, git }) => {
      write("soon.txt", "soon\n");
      git("add", "--intent-to-add", "soon.txt");
    },
  },
  {
    name: "executable bits only",
    answer: "not clean",
    make: ({ at, git }) => {
      chmodSync(at("src/a.txt"), 0o755);
      chmodSync(at("bin/run.sh"), 0o644);
      git("update-index", "--chmod=+x", "src/b.txt");
    },
  },
  {
    name: "symbolic links: dangling, to a folder, out of the worktree, in place of a file and of a folder",
    holds: ["changed", "untracked"],
    make: ({ at, scene }) => {
      symlinkSync("nowhere/at/all", at("dangling"));
      symlinkSync("src", at("to-folder"));
      symlinkSync(join(scene.root, "home"), at("out"));
      rmSync(at("src/a.txt"));
      symlinkSync("b.txt", at("src/a.txt"));
      rmSync(at("src/deep"), { recursive: true });
      symlinkSync("../bin", at("src/deep"));
    },
  },
  {
    name: "a link replaced by a file, a file by a folder, a folder by a file",
    holds: ["changed", "untracked"],
    make: ({ at, write }) => {
      rmSync(at("link"));
      write("link", "a file now\n");
      rmSync(at("src/a.txt"));
      write("src/a.txt/inside.txt", "a folder now\n");
      rmSync(at("bin"), { recursive: true });
      write("bin", "a file now\n");
    },
  },
  {
    name: "edits of the same size within the second of the last `git add`",
    holds: ["changed"],
    make: ({ git, write, record, at }) => {
      // Entry and index are of one instant and the size is the same: only content tells, as after a quick edit.
      const moment = Math.floor(Date.now() / 1000) - 5;
      write("quick.txt", "before\n");
      utimesSync(at("quick.txt"), moment, moment);
      git("add", "quick.txt");
      git("commit", "-q", "-m", "quick");
      write("quick.txt", "after!\n");
      utimesSync(at("quick.txt"), moment, moment);
      utimesSync(join(record, "index"), moment, moment);
    },
  },
  {
    name: "assume-unchanged files that were changed",
    answer: "not clean",
    make: ({ git, write }) => {
      git("update-index", "--assume-unchanged", "src/a.txt");
      write("src/a.txt", text({ 2: "hidden from status" }));
    },
  },
  {
    name: "skip-worktree files that were changed",
    answer: "not clean",
    make: ({ git, write }) => {
      git("update-index", "--skip-worktree", "src/a.txt");
      write("src/a.txt", text({ 2: "hidden from status" }));
    },
  },
  {
    name: "skip-worktree files that are not there",
    make: ({ git, at }) => {
      git("update-index", "--skip-worktree", "src/a.txt");
      rmSync(at("src/a.txt"));
    },
  },
  {
    name: "ignored files and folders",
    holds: ["ignored"],
    make: ({ write }) => {
      write(".env", "SECRET=1\n");
      write("debug.log", "log\n");
      for (let at = 0; at < 50; at += 1) write(`node_modules/package-${at}/index.js`, `module.exports = ${at};\n`);
      write("ignored/deep/er/cache.bin", Buffer.alloc(5000, 7));
    },
  },
  {
    name: "an ignored file that is tracked, and changed",
    holds: ["changed"],
    make: ({ write, git, commit }) => {
      write("tracked.log", "before\n");
      git("add", "-f", "tracked.log");
      commit("a log");
      write("tracked.log", "after\n");
    },
  },
  {
    name: "rules of ignoring of its own that are changed",
    holds: ["changed", "ignored"],
    make: ({ write }) => {
      write(".gitignore", "*.secret\n");
      write("key.secret", "key\n");
      write("debug.log", "no longer ignored\n");
    },
  },
  {
    name: "folders without files",
    make: ({ at }) => {
      mkdirSync(at("empty/one/two"), { recursive: true });
      mkdirSync(at("src/empty"));
      chmodSync(at("empty/one"), 0o700);
    },
  },
  {
    name: "line ends: autocrlf, .gitattributes, and mixed ones",
    answer: "not clean",
    make: ({ git, write }) => {
      write(".gitattributes", "*.txt text=auto\n*.bat text eol=crlf\n");
      git("config", "core.autocrlf", "true");
      write("windows.txt", "one\r\ntwo\r\n");
      write("mixed.txt", "one\r\ntwo\nthree\r\n");
      write("run.bat", "@echo off\r\n");
      git("add", "windows.txt", "run.bat");
      write("src/a.txt", text({ 4: "mine" }).replaceAll("\n", "\r\n"));
    },
  },
  {
    name: "a filter whose program is missing, as without LFS",
    answer: "not clean",
    make: ({ git, write, commit }) => {
      commit("large files", { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": "pointer\n" });
      for (const part of ["clean", "smudge", "process"]) git("config", `filter.lfs.${part}`, "no-such-program-lfs %f");
      git("config", "filter.lfs.required", "true");
      write("a.bin", "another content\n");
      write("b.bin", "new content\n");
    },
  },
  {
    name: "a filter of its own that would change what is stored",
    answer: "not clean",
    make: ({ git, write }) => {
      write(".gitattributes", "*.up filter=upper ident\n");
      git("config", "filter.upper.clean", "tr a-z A-Z");
      git("config", "filter.upper.smudge", "tr A-Z a-z");
      write("text.up", "small letters $Id$\n");
    },
  },
  {
    name: "files in another encoding",
    answer: "not clean",
    make: ({ write }) => {
      write(".gitattributes", "*.u16 text working-tree-encoding=UTF-16LE\n");
      write("wide.u16", Buffer.from("wide\n", "utf16le"));
      write("latin.txt", Buffer.from("caf\u{e9}\n", "latin1"));
    },
  },
  {
    name: "times of the year 1970 and 2100",
    holds: ["untracked"],
    make: ({ write, at }) => {
      write("old.txt", "old\n");
      write("late.txt", "late\n");
      utimesSync(at("old.txt"), 1, 1);
      utimesSync(at("late.txt"), 4_102_444_800, 4_102_444_800);
    },
  },
  {
    name: "shared config linked in from sync/",
    make: ({ at, scene, place }) => {
      mkdirSync(join(scene.container, "sync/repo/.vscode"), { recursive: true });
      writeFileSync(join(scene.container, "sync/repo/.env.shared"), "SHARED=1\n");
      writeFileSync(join(scene.container, "sync/repo/.vscode/settings.json"), "{}\n");
      syncNow(place.cwd, scene.env);
      if (!existsSync(at(".env.shared"))) throw new Error("shared config was not linked");
    },
  },
  {
    name: "shared config linked in, and changed through the link",
    make: ({ write, scene, place }) => {
      mkdirSync(join(scene.container, "sync/repo"), { recursive: true });
      writeFileSync(join(scene.container, "sync/repo/.env.shared"), "SHARED=1\n");
      write(".env.shared", "MINE=1\n");
      syncNow(place.cwd, scene.env);
      write(".env.shared", "SHARED=2\n");
    },
    answer: "any",
  },
  {
    name: "2 000 untracked files",
    holds: ["untracked"],
    make: ({ write }) => {
      for (let at = 0; at < 2000; at += 1) write(`many/${at % 40}/file-${at}.txt`, `${at}\n`);
    },
  },
  {
    name: "100 000 untracked files",
    holds: ["untracked"],
    large: true,
    make: ({ write }) => {
      for (let at = 0; at < 100_000; at += 1) write(`many/${at % 400}/file-${at}.txt`, `${at}\n`);
    },
  },
  {
    name: "a file of 2 GB, sparse",
    holds: ["untracked"],
    large: true,
    make: ({ at }) => holeAt(at("large.img"), 2 ** 31 + 4096),
  },
  {
    name: "a file with holes",
    holds: ["untracked"],
    make: ({ at }) => {
      holeAt(at("holes.img"), 8 << 20);
      if (statSync(at("holes.img")).size !== 8 << 20) throw new Error("the hole is missing");
    },
  },
];
