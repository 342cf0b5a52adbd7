import type { Conflict, ConflictKind, Prediction } from "../../../protocol/overlap.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { shown } from "../git/index.ts";
import type { Apart, Place } from "./apart.ts";

/** What merging `theirs` into `ours` does, by git itself; where git cannot say, the reason. Raises only when cancelled. */
export const predict = async (apart: Apart, place: Place, ours: string, theirs: string): Promise<Prediction> => {
  try {
    const { stdout, exitCode } = await apart.git(
      place,
      ["merge-tree", "--write-tree", "-z", "--messages", ours, theirs],
      { accept: [0, 1] },
    );
    if (exitCode === 0) return clean;
    return { clean: false, reason: null, conflicts: parseMerge(stdout, [ours, theirs]) };
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    return notKnown(ImiError.from(error).message);
  }
};

export const clean: Prediction = { clean: true, reason: null, conflicts: [] };

export const notKnown = (reason: string): Prediction => ({ clean: null, reason, conflicts: [] });

/** What git calls a conflict, by its stable name in the output of merge-tree (merge-ort.c, `type_short_descriptions`). */
const kinds: readonly (readonly [name: RegExp, kind: ConflictKind])[] = [
  [/^contents$/, "content"],
  [/^binary$/, "binary"],
  [/^modify\/delete$/, "modify/delete"],
  [/^rename\/rename$/, "rename/rename"],
  [/^rename\/delete$/, "rename/delete"],
  [/^rename involved in collision$/, "rename involved in collision"],
  [/^file\/directory$/, "file/directory"],
  [/^distinct modes$/, "distinct types"],
  [/^submodule\b/, "submodule"],
  [/^directory rename suggested$/, "file location"],
  [/^directory rename unclear split$/, "directory rename split"],
  [/directory rename/, "implicit dir rename"],
];

/**
 * git-merge-tree(1), "Output": the tree, entries that are in conflict, an empty field, then messages, each with its paths,
 * its stable kind and its sentence. A kind that is no conflict ("Auto-merging") is left out. `labels` are the two commits: a
 * file that has to make room for a folder gets one of them for an ending, `name~<commit>`, which is left out too.
 */
const parseMerge = (output: Buffer, labels: readonly [ours: string, theirs: string]): Conflict[] => {
  const ending = new RegExp(`~(?:${labels.join("|")})(?:_\\d+)?$`);
  const fields = output.toString("latin1").split("\0");
  const stages = new Map<string, Set<string>>();
  let at = 1;
  for (; (fields[at] ?? "") !== ""; at++) {
    const [, stage = "", path = ""] = /^\d+ [0-9a-f]+ ([123])\t(.*)$/s.exec(fields[at] ?? "") ?? [];
    stages.set(path, (stages.get(path) ?? new Set()).add(stage));
  }
  const conflicts: Conflict[] = [];
  const told = new Set<string>();
  at += 1;
  while (at < fields.length - 1) {
    const count = Number(fields[at]);
    const named = fields.slice(at + 1, at + 1 + count);
    const name = /^(?:CONFLICT ?\((.*)\)|ERROR: (.*))$/s.exec(fields[at + 1 + count] ?? "");
    const message = fields[at + 2 + count] ?? "";
    at += 3 + count;
    if (name === null) continue;
    const paths = [...new Set(named.map((one) => one.replace(ending, "")))];
    const [path = ""] = paths;
    const kind = kinds.find(([pattern]) => pattern.test(name[1] ?? ""))?.[1] ?? "other";
    for (const one of named) told.add(one);
    conflicts.push({
      path: shown(path),
      kind: kind === "content" && isAddAdd(stages.get(path)) ? "add/add" : kind,
      paths: paths.map(shown),
      message: shown(message).trim(),
    });
  }
  // Never fewer than git has: an entry in conflict that no message is about.
  for (const path of stages.keys()) {
    if (!told.has(path)) conflicts.push({ path: shown(path), kind: "other", paths: [shown(path)], message: "" });
  }
  // Of a binary file, and of a submodule, git says twice that it conflicts.
  const said = conflicts.filter(({ kind }) => kind === "binary" || kind === "submodule").map(({ path }) => path);
  return conflicts.filter(({ kind, path }) => !said.includes(path) || (kind !== "content" && kind !== "add/add"));
};

const isAddAdd = (stages: ReadonlySet<string> | undefined): boolean =>
  stages !== undefined && !stages.has("1") && stages.has("2") && stages.has("3");
