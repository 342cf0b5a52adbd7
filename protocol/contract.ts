import type { z } from "zod";
import { listActivity } from "./activity.ts";
import { commitChanges, readVersion, worktreeChanges } from "./changes.ts";
import {
  claimWorktree,
  heartbeatClaim,
  listAgents,
  listClaims,
  releaseWorktree,
  setEnforcement,
  showEnforcement,
  takeOverWorktree,
} from "./claims.ts";
import { runDoctor } from "./doctor.ts";
import { listEvents } from "./events.ts";
import { checkMerge, listOverlaps } from "./overlap.ts";
import { measureDiskUse, pruneWorktrees } from "./prune.ts";
import { cloneRepository, initRepository, openRepository } from "./repositories.ts";
import { listSalvages, salvageWorktree } from "./salvage.ts";
import { showConfig } from "./settings.ts";
import { emptyTrash, listTrash, removeWorktree, restoreWorktree, showTrash } from "./trash.ts";
import { examineWorktree } from "./work.ts";
import {
  createWorktree,
  listWorktrees,
  reconcileWorktrees,
  reviewWorktree,
  switchWorktree,
  syncConfig,
  worktreePath,
  worktreeStatuses,
} from "./worktrees.ts";

/** Everything iMi can do. A new operation appears in every face by standing here and being implemented in workspace.ts. */
export const operations = [
  createWorktree,
  reviewWorktree,
  listWorktrees,
  worktreeStatuses,
  worktreePath,
  switchWorktree,
  examineWorktree,
  removeWorktree,
  restoreWorktree,
  salvageWorktree,
  listSalvages,
  listTrash,
  showTrash,
  emptyTrash,
  pruneWorktrees,
  measureDiskUse,
  reconcileWorktrees,
  syncConfig,
  claimWorktree,
  heartbeatClaim,
  releaseWorktree,
  takeOverWorktree,
  listClaims,
  listAgents,
  setEnforcement,
  showEnforcement,
  listOverlaps,
  checkMerge,
  worktreeChanges,
  commitChanges,
  readVersion,
  listActivity,
  openRepository,
  cloneRepository,
  initRepository,
  listEvents,
  showConfig,
  runDoctor,
] as const;

type Declared = (typeof operations)[number];
export type OperationName = Declared["name"];
type Named<Name extends OperationName> = Extract<Declared, { name: Name }>;
/** What a caller gives; defaults may be left out. */
export type ParamsOf<Name extends OperationName> = z.input<Named<Name>["params"]>;
/** What a room receives. */
export type ParsedOf<Name extends OperationName> = z.output<Named<Name>["params"]>;
export type ResultOf<Name extends OperationName> = z.output<Named<Name>["result"]>;
