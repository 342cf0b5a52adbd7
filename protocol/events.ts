import { z } from "zod";
import { operation } from "./operation.ts";

/** What may stand in the log. The name is also the routing key on the bus. */
export const eventNames = {
  "repository.opened": "iMi met a repository for the first time",
  "worktree.creating": "a worktree is being created",
  "worktree.created": "a worktree is ready",
  "worktree.create-failed": "creating a worktree was given up and undone",
  "worktree.adopted": "a worktree made by another tool was registered",
  "worktree.changed": "branch, path, lock or state of a worktree changed",
  "worktree.switched": "somebody went to a worktree",
  "worktree.touched": "files of a worktree changed; told together, with its status after it",
  "worktree.commit": "a worktree's branch is at another commit",
  "worktree.removing": "a worktree is being removed",
  "worktree.salvaged": "everything a worktree holds was put into refs and verified",
  "worktree.removed": "a worktree is gone, into the trash or by another tool; its branch stays",
  "worktree.restoring": "a worktree is being brought back from the trash",
  "worktree.restored": "a worktree is back from the trash",
  "worktree.pruned": "merged and idle worktrees were removed together",
  "worktree.claimed": "an agent holds a worktree",
  "worktree.claim-renewed": "its holder gave a sign of life; told twice in its time at most",
  "worktree.released": "a claim ended; the reason says why",
  "agent.changed": "an agent is known for the first time, or otherwise than before",
  "enforcement.changed": "git refuses changes in worktrees that others hold, or does so no more",
  "trash.changed": "what is known of a removed worktree changed, or an interrupted step was undone",
  "trash.emptying": "a removed worktree is being deleted for good",
  "trash.emptied": "a removed worktree was deleted for good",
  "salvage.dropped": "old salvage refs were deleted; branches or tags hold all that they held",
  "conflict.detected": "two agents changed the same file within a minute",
  "sync.applied": "shared config was linked into worktrees",
} as const satisfies Record<string, string>;
export type EventName = keyof typeof eventNames;

/** One row of the append-only log; written in the transaction of the change it tells. */
export const event = z.object({
  seq: z.int().positive().describe("place in the log of this database"),
  id: z.string().describe("UUIDv7; followers are idempotent by it"),
  name: z.enum(Object.keys(eventNames) as [EventName, ...EventName[]]),
  repository: z.string().nullable(),
  subject: z.string().describe("id of the entity it is about; order holds per subject"),
  at: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
export type Event = z.infer<typeof event>;

export const listEvents = operation({
  name: "event.list",
  summary: "Read the event log",
  access: "read",
  agents: "read",
  params: z.object({
    since: z.int().nonnegative().default(0).describe("only events after this seq"),
    limit: z.int().positive().max(10_000).default(1000).describe("at most this many"),
    newest: z.boolean().default(false).describe("the newest of them instead of the oldest"),
  }),
  result: z.object({ events: z.array(event) }),
  valueNames: { since: "SEQ", limit: "COUNT" },
  cli: [
    {
      command: "events",
      summary: "Read the event log",
      examples: ["imi events", "imi events --since 120 --json", "imi events --follow --name 'worktree.*'"],
    },
  ],
});
