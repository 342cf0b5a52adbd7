import { join } from "node:path";
import { operationsIn } from "../../git/index.ts";
import { namesIn, textOf } from "./place.ts";

/** What git would say is in progress, from the record's files: `rebase 3/7 of feat/x onto 1a2b3c4`, `merge of 1a2b3c4`. */
export const underway = async (gitDir: string): Promise<string[]> => {
  const there = new Set(await namesIn(gitDir));
  const states: string[] = [];
  const line = async (...path: string[]): Promise<string> => ((await textOf(join(gitDir, ...path))) ?? "").trim();
  const commit = async (...path: string[]): Promise<string> =>
    (await line(...path))
      .split("\n")
      .map((oid) => oid.slice(0, 7))
      .join(", ");
  const step = async (folder: string, number: string, last: string): Promise<string> => {
    const [at, of] = [await line(folder, number), await line(folder, last)];
    return at === "" || of === "" ? "" : ` ${at}/${of}`;
  };
  const branch = async (folder: string): Promise<string> => {
    const name = (await line(folder, "head-name")).replace(/^refs\/heads\//, "");
    return name === "" || name === "detached HEAD" ? "" : ` of ${name}`;
  };

  for (const { operation, marker } of operationsIn(gitDir, there)) {
    if (marker === "rebase-merge") {
      const onto = await commit("rebase-merge", "onto");
      const where = onto === "" ? "" : ` onto ${onto}`;
      states.push(`rebase${await step("rebase-merge", "msgnum", "end")}${await branch("rebase-merge")}${where}`);
    } else if (marker === "rebase-apply") {
      const what = operation === "am" ? "series of mails" : "rebase";
      states.push(`${what}${await step("rebase-apply", "next", "last")}${await branch("rebase-apply")}`);
    } else if (marker === "sequencer") {
      const left = (await line("sequencer", "todo"))
        .split("\n")
        .filter((entry) => entry !== "" && !entry.startsWith("#"));
      states.push(`${operation} of several commits, ${left.length} to go`);
    } else if (operation === "bisect") {
      const start = await line("BISECT_START");
      states.push(
        start === "" ? "bisect" : `bisect begun on ${/^[0-9a-f]{40,}$/.test(start) ? start.slice(0, 7) : start}`,
      );
    } else states.push(`${operation} of ${await commit(marker)}`);
  }
  if (there.has("NOTES_MERGE_PARTIAL")) states.push("merge of notes");
  return states;
};

/** Files in a record that say somebody is at work in this very moment, or was killed at it. */
export const locksIn = async (gitDir: string): Promise<string[]> =>
  (await namesIn(gitDir)).filter((name) => name === "index.lock" || name === "HEAD.lock");

/** Files of an operation that hold commits which nothing else may have: what is merged, and changes set aside. */
const holders = [
  "MERGE_HEAD",
  "MERGE_AUTOSTASH",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "REBASE_HEAD",
  "rebase-merge/autostash",
  "rebase-merge/orig-head",
  "rebase-merge/onto",
  "rebase-apply/autostash",
  "rebase-apply/orig-head",
];

/** Commits that files of a record name, other than HEAD: operations, and refs that only this worktree has. */
export const heldBy = async (gitDir: string): Promise<string[]> => {
  const texts = await Promise.all([
    ...holders.map((name) => textOf(join(gitDir, name))),
    ...["bisect", "worktree", "rewritten"].map((name) => refsUnder(join(gitDir, "refs", name))),
  ]);
  const commits = texts.flatMap((text) => (text ?? "").split("\n").map((line) => line.trim().split(/\s/)[0] ?? ""));
  return [...new Set(commits.filter((oid) => /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(oid)))];
};

const refsUnder = async (folder: string): Promise<string> => {
  const texts = await Promise.all(
    (await namesIn(folder)).map(async (name) => {
      const path = join(folder, name);
      return (await textOf(path)) ?? (await refsUnder(path));
    }),
  );
  return texts.join("\n");
};
