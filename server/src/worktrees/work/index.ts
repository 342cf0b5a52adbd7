import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Work } from "../../../../protocol/work.ts";
import { filterGuards, readIndex, requireOwner } from "../../git/index.ts";
import type { Checkout } from "../checkout.ts";
import { backedUpWork } from "../shared-config/index.ts";
import { tellDetached, tellDropped, tellKept, tellStashes } from "./commits.ts";
import { Findings } from "./findings.ts";
import { tellHidden } from "./hidden.ts";
import { mergedInto } from "./merged.ts";
import type { Asking } from "./merged.ts";
import { strangerAt } from "./place.ts";
import type { Tree } from "./place.ts";
import { tellRepositories, tellWorktreesInside } from "./repositories-inside.ts";
import { sizeOf } from "./size-of.ts";
import { askStatus, tellStatus } from "./tree-status.ts";
import type { Asked, TreeStatus } from "./tree-status.ts";
import { locksIn, underway } from "./underway.ts";

export interface ExamineOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * `removal` leaves out what only a person wants to know (merged, unpushed, counts of what is kept anyway). `full` adds
   * what takes its time: the size of what is ignored.
   */
  readonly depth: "removal" | "summary" | "full";
  /** How long ignored folders are looked through for repositories, in ms; then the answer is unknown. By default 30 s. */
  readonly patienceMs?: number | undefined;
}

/** Says what a checkout holds that would be lost without it. Never raises but when cancelled: what could not be read is `unknown`. */
export const examine = async (
  tools: Asking,
  repository: Repository,
  checkout: Checkout,
  options: ExamineOptions,
): Promise<Work> => {
  const asked: Asked = { git: tools.git, signal: options.signal, patienceMs: options.patienceMs };
  const { path, gitDir } = checkout;
  const tree: Tree = { path, gitDir, commonDir: repository.gitDir, top: path, record: gitDir };
  const findings = new Findings();
  const attempt = attempting(findings);
  const stranger = await attempt(() => strangerAt(tree));
  if (stranger !== null) {
    findings.doubt(stranger ?? "its folder could not be read");
    return findings.answer(null);
  }
  await attempt(() => requireOwner(asked.git, repository.gitDir, asked.signal));
  const [status] = await Promise.all([
    survey(asked, tree, findings, 0),
    attempt(() => tellStashes(asked, tree, checkout.branch, findings)),
  ]);
  if (options.depth === "removal" || status === undefined) return findings.answer(null);
  await attempt(() => tellKept(asked, tree, checkout, status, findings));
  await attempt(() => tellDropped(asked, tree, status, findings));
  if (options.depth === "full" && status.ignored.length > 0)
    findings.measured(await sizeOf(path, status.ignored, options.signal));
  const merged = await attempt(() => mergedInto(tools, repository, checkout, status.head, options.signal));
  return findings.answer(merged ?? null);
};

/** Runs a part; what it could not read is a doubt, and the other parts go on. */
const attempting =
  (findings: Findings) =>
  async <T>(part: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await part();
    } catch (error) {
      const wrong = ImiError.from(error);
      if (wrong.code === "operation/cancelled") throw wrong;
      findings.doubt(reasonOf(error, wrong));
      return undefined;
    }
  };

const reasonOf = (error: unknown, { code, message }: ImiError): string => {
  if (code !== "internal" || !(error instanceof Error) || !("path" in error)) return message;
  return `${String(error.path)} could not be read (${"code" in error ? String(error.code) : message})`;
};

/** Waits for an answer without raising; whoever takes it gets what was raised. */
const settled = <T>(asking: Promise<T>): Promise<() => T> =>
  asking.then(
    (answer) => () => answer,
    (error: unknown) => () => {
      throw error;
    },
  );

/** Repositories in repositories are looked into this deep. */
const deepest = 10;

const none: ReadonlySet<string> = new Set();

/** What one working tree holds, of whichever repository; undefined when git could not say. */
const survey = async (asked: Asked, tree: Tree, findings: Findings, depth: number): Promise<TreeStatus | undefined> => {
  const attempt = attempting(findings);
  const guards = await attempt(() => filterGuards(asked.git, tree.commonDir, tree.gitDir));
  // Without guards, programs of somebody's choice would run.
  const asking = guards === undefined ? null : settled(askStatus(asked, tree, guards));
  const index = await attempt(() => readIndex(asked.git, tree.gitDir, tree.commonDir, asked.signal));
  await attempt(async () => {
    for (const state of await underway(tree.gitDir)) findings.add("operation", state);
    for (const lock of await locksIn(tree.gitDir))
      findings.doubt(`git is at work in it, or was killed there (${lock})`);
  });
  const output = await asking;
  if (index?.state === "damaged") findings.doubt("git's index of it is damaged");
  // git half believes such an index: what it says then is not told.
  const status =
    output === null || index === undefined || index.state === "damaged"
      ? undefined
      : await attempt(async () => tellStatus(tree, output(), findings));
  await attempt(() => tellDetached(asked, tree, status ?? { head: null, detached: false }, findings));
  const said = {
    gitlinks: (index?.gitlinks ?? []).map((entry) => entry.path),
    ...{ moved: status?.moved ?? none, nested: status?.nested ?? none, ignored: status?.ignored ?? [] },
  };
  const repositories = await attempt(() =>
    tellRepositories(asked, tree, said, findings, async (inner) => {
      const inside = new Findings();
      if (depth >= deepest) inside.doubt("repositories are nested too deep");
      else await survey(asked, inner, inside, depth + 1);
      return inside;
    }),
  );
  if (status === undefined || index === undefined || guards === undefined) return undefined;
  await attempt(() => tellHidden(asked, tree, guards, index.hidden, status.changed, findings));
  for (const entry of status.ignored) if (repositories?.has(entry) !== true) findings.add("ignored", entry);
  await attempt(async () => {
    for (const path of await backedUpWork({ ...asked, ...tree })) findings.move(path, "ignored", "untracked");
  });
  await attempt(() => tellWorktreesInside(tree, status.nested.union(repositories ?? none), findings));
  return status;
};
