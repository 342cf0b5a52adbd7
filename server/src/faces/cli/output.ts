import type { OperationName, ResultOf } from "../../../../protocol/contract.ts";
import type { Note } from "../../../../protocol/worktrees.ts";
import type { Paint } from "./colour.ts";
import type { Given } from "./given.ts";
import { renderActivity } from "./render/activity.ts";
import { plural } from "./render/amounts.ts";
import { renderChanges } from "./render/changes.ts";
import {
  heldWith,
  renderAgents,
  renderClaim,
  renderClaims,
  renderEnded,
  renderEnforcement,
  renderTakeOver,
} from "./render/claims.ts";
import { renderDiskUse } from "./render/disk-use.ts";
import { renderDoctor } from "./render/doctor.ts";
import { renderEvents } from "./render/events.ts";
import { renderList } from "./render/list.ts";
import { renderConfig } from "./render/config.ts";
import { renderMergeCheck, renderOverlaps } from "./render/overlap.ts";
import { renderPruned } from "./render/prune.ts";
import { renderReconciled } from "./render/reconcile.ts";
import { renderRemoved } from "./render/remove.ts";
import { renderSalvaged, renderSalvages } from "./render/salvage.ts";
import { renderSync } from "./render/sync.ts";
import { renderEmptied, renderTrash, renderTrashed } from "./render/trash.ts";
import { printable } from "./text.ts";

/** Where the answer will be read. */
export interface View {
  readonly paint: Paint;
  /** Whether stdout is a terminal: names must then not reach it as they are. */
  readonly terminal: boolean;
  /** Its width where it is one. */
  readonly columns?: number | null;
  readonly now: Date;
  /** The working directory, absolute. */
  readonly cwd: string;
  /** The parameters it was asked with: a proposal reads otherwise than what was done. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** What of the command line a next one has to say again; nothing where there was none. */
  readonly given?: Given;
}

/** An answer for people: what they asked for goes to stdout, what they should also know to stderr. */
export interface Rendered {
  readonly lines: readonly string[];
  readonly notes?: readonly string[];
  readonly exitCode?: number;
}

type Renderers = { readonly [Name in OperationName]?: (result: ResultOf<Name>, view: View) => Rendered };

const renderers: Renderers = {
  "worktree.create": (result, view) => renderOpened(result, view),
  "worktree.review": (result, view) => renderOpened(result, view),
  "worktree.list": renderList,
  // Programs read this one: `code "$(imi path x)"` must get the path as it is.
  "worktree.path": ({ path }, { terminal }) => ({ lines: [terminal ? printable(path) : path] }),
  "worktree.switch": ({ worktree }) => ({ lines: [printable(worktree.path)] }),
  "worktree.remove": renderRemoved,
  "worktree.restore": ({ worktree, notes }, { paint }) => ({
    lines: [
      worktree.state === "missing"
        ? `${paint.warning("Restored without a folder:")} ${printable(worktree.name)}`
        : `${paint.good("Restored")} ${printable(worktree.path)}`,
    ],
    notes: texts(notes),
  }),
  "claim.take": renderClaim,
  "claim.heartbeat": renderClaim,
  "claim.release": renderEnded,
  "claim.take-over": renderTakeOver,
  "claim.list": renderClaims,
  "agent.list": renderAgents,
  "overlap.list": renderOverlaps,
  "overlap.merge-check": renderMergeCheck,
  "worktree.changes": renderChanges,
  "activity.list": renderActivity,
  "enforcement.show": renderEnforcement,
  "enforcement.set": renderEnforcement,
  "worktree.salvage": renderSalvaged,
  "salvage.list": renderSalvages,
  "trash.list": renderTrash,
  "trash.show": renderTrashed,
  "trash.empty": renderEmptied,
  "worktree.prune": renderPruned,
  "worktree.disk-use": renderDiskUse,
  "worktree.reconcile": renderReconciled,
  "sync.apply": renderSync,
  "repository.clone": ({ repository, worktree, notes }) => ({
    lines: [`Cloned ${printable(repository.name)} into ${printable(worktree.path)}`],
    notes: texts(notes),
  }),
  "repository.init": ({ repository, worktrees, notes }) => {
    const count = plural(worktrees.length, "worktree");
    return {
      lines: [
        `Registered ${printable(repository.name)} with ${count}; new ones go to ${printable(repository.container)}`,
      ],
      notes: texts(notes),
    };
  },
  "event.list": renderEvents,
  "config.show": renderConfig,
  "doctor.run": renderDoctor,
};

/** The answer of an operation as people read it. One without a form of its own is shown as indented JSON. */
export const render = (operation: string, result: unknown, view: View): Rendered => {
  const renderer = Object.hasOwn(renderers, operation) ? renderers[operation as OperationName] : undefined;
  if (renderer === undefined) return { lines: [JSON.stringify(result, null, 2)] };
  // The workspace answers an operation with that operation's result; the types of the two tables cannot be tied further.
  return (renderer as (result: unknown, view: View) => Rendered)(result, view);
};

export const hasRenderer = (operation: string): boolean => Object.hasOwn(renderers, operation);

const renderOpened = (
  { worktree, created, notes, claim }: ResultOf<"worktree.create">,
  { paint, now }: View,
): Rendered => ({
  lines: [`${created ? paint.good("Created") : "Opened"} ${printable(worktree.path)}`],
  notes: [...texts(notes), ...(claim === undefined ? [] : [heldWith(claim, now)])],
});

const texts = (notes: readonly Note[]): string[] => notes.map((note) => note.message);
