import { chmodSync, chownSync, linkSync, mkdirSync } from "node:fs";
import { isRoot } from "../odd-scenes.ts";
import type { State } from "./ground.ts";
import { fifoAt, socketAt } from "./making.ts";

const onLinux = (): string | null => (process.platform === "linux" ? null : "only Linux takes any bytes for a name");

/** Names, modes and kinds of files that break programs which take them for text, or for plain files. */
export const names: readonly State[] = [
  {
    name: "names with newlines, quotes, tabs, backslashes, leading dashes, blanks and patterns",
    holds: ["untracked"],
    make: ({ write, git }) => {
      for (const name of [
        ...["new\nline", "tab\there", 'quo"te', "apo'strophe", "back\\slash", "-rf", "--force", " blank ", "~", "a;b"],
        ...[
          "*",
          "[a-z]",
          "?",
          "$(touch x)",
          "`id`",
          "#hash",
          ":(top)x",
          "!not",
          "%s",
          "a\u{1b}[31mred",
          "HEAD",
          "@{0}",
        ],
        ...["-", "nul", "con.txt", "refs/heads/main", "a -> b", "\u{2028}", "emoji-\u{1f980}", "\u{202e}rtl", "a,b=c"],
      ]) {
        write(name, `content of ${name}\n`);
        write(`folder\n${name}/inside\n${name.replaceAll("/", "_")}`, "inside\n");
      }
      git("add", "--", "./new\nline", './quo"te');
    },
  },
  {
    name: "names that are no UTF-8",
    holds: ["untracked"],
    skip: onLinux,
    make: ({ write, git }) => {
      write(Buffer.from("caf\u{e9}.txt", "latin1"), "latin\n");
      write(Buffer.from([0xff, 0xfe, 0x80, 0x2f, 0xc3, 0x28]), "bytes\n");
      write(Buffer.from([0x81]), "staged\n");
      git("add", "-A");
      write(Buffer.from([0x82]), "untracked\n");
    },
  },
  {
    name: "names of 255 bytes",
    holds: ["untracked"],
    make: ({ write }) => {
      write("n".repeat(255), "long\n");
      write(`${"f".repeat(255)}/${"\u{e4}".repeat(127)}x`, "long\n");
    },
  },
  {
    name: "a hundred folders deep",
    holds: ["untracked"],
    make: ({ write }) => write(`${Array.from({ length: 100 }, (_, at) => `level-${at}`).join("/")}/end.txt`, "end\n"),
  },
  {
    name: "paths as long as paths may be",
    holds: ["untracked"],
    skip: onLinux,
    make: ({ write, path }) => {
      // 4095 bytes is the most: wherever this lies under a longer name, it can only be reached in steps.
      const room = 4090 - Buffer.byteLength(path);
      const folders = "d".repeat(199);
      const whole = Math.floor((room - 10) / 200);
      write(`${`${folders}/`.repeat(whole)}end.txt`, "end\n");
      write(`${`${folders}/`.repeat(whole)}${"e".repeat(Math.max(1, room - whole * 200 - 1))}`, "end\n");
    },
  },
  {
    name: "names that differ in case, and in Unicode's normal form",
    holds: ["untracked"],
    skip: onLinux,
    make: ({ write, git }) => {
      for (const name of ["Case", "case", "CASE"]) write(`${name}.txt`, `${name}\n`);
      write("caf\u{e9}.txt", "composed\n");
      write("cafe\u{301}.txt", "decomposed\n");
      git("add", "Case.txt", "case.txt");
    },
  },
  {
    name: "a folder of the trash's own words: tree, manifest.json, .git-like names",
    holds: ["untracked"],
    make: ({ write }) => {
      for (const name of ["tree/x", "manifest.json", ".gitx", ".git.bak/config", "sub/.gitkeep", "index", "gitdir"])
        write(name, `${name}\n`);
    },
  },
  {
    name: "sockets and pipes",
    holds: ["untracked"],
    make: ({ at, write }) => {
      write("run/note.txt", "beside them\n");
      fifoAt(at("run/pipe"));
      socketAt(at("run/socket"));
      fifoAt(at("pipe"));
    },
  },
  {
    name: "read-only files and folders",
    holds: ["untracked"],
    make: ({ write, at }) => {
      write("locked/inner/file.txt", "read only\n");
      write("src/secret.txt", "not even readable\n");
      chmodSync(at("src/a.txt"), 0o444);
      chmodSync(at("src/secret.txt"), 0o400);
      chmodSync(at("locked/inner/file.txt"), 0o444);
      chmodSync(at("locked/inner"), 0o555);
      chmodSync(at("locked"), 0o555);
    },
  },
  {
    name: "a worktree whose own folder is read-only",
    holds: ["untracked"],
    make: ({ write, path }) => {
      write("note.txt", "note\n");
      chmodSync(path, 0o555);
    },
  },
  {
    name: "set-uid, set-gid and sticky bits, and unusual modes",
    holds: ["untracked"],
    make: ({ write, at }) => {
      for (const mode of [0o4755, 0o2755, 0o1777, 0o600, 0o666, 0o700, 0o000]) {
        write(`mode-${mode.toString(8)}`, `${mode}\n`);
        chmodSync(at(`mode-${mode.toString(8)}`), mode);
      }
      mkdirSync(at("shared"));
      write("shared/x", "x\n");
      chmodSync(at("shared"), 0o3777);
    },
    // Whoever is not root cannot read a file of mode 000, and unknown is not clean.
    ...(isRoot ? {} : { holds: [], answer: "not clean" }),
  },
  {
    name: "files of another owner",
    holds: ["untracked"],
    skip: () => (isRoot ? null : "only root can give files away"),
    make: ({ write, at }) => {
      write("theirs.txt", "theirs\n");
      chownSync(at("theirs.txt"), 65_534, 65_534);
    },
  },
  {
    name: "hard links, to each other and to a file outside",
    holds: ["untracked"],
    make: ({ write, at, scene }) => {
      write("one.txt", "one file\n");
      linkSync(at("one.txt"), at("two.txt"));
      linkSync(at("src/b.txt"), at("b-linked.txt"));
      write("outside.txt", "shared with outside\n");
      linkSync(at("outside.txt"), `${scene.root}/outside.txt`);
    },
  },
];
