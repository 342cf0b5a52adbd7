import { join } from "node:path";
import { LiveStatuses } from "../../server/src/monitor/index.ts";
import { statuses } from "../../server/src/git/index.ts";
import type { Git, StatusWanted } from "../../server/src/git/index.ts";
import type { WorktreeStatus } from "../../protocol/worktrees.ts";
import type { TestRepository } from "./git.ts";

/** What a server has of live status, without the server. */
export interface Live extends AsyncDisposable {
  readonly room: LiveStatuses;
  readonly said: string[];
  /** As a server answers. */
  answers(wanted: readonly StatusWanted[]): Promise<Record<string, WorktreeStatus>>;
  /** Asked twice, and waited for: what can be watched is, and known. */
  warm(wanted: readonly StatusWanted[]): Promise<void>;
}

export const live = async (
  repository: TestRepository,
  options: { readonly budget?: number; readonly git?: Git } = {},
): Promise<Live> => {
  const said: string[] = [];
  const git = options.git ?? repository.git;
  const room = new LiveStatuses({
    git,
    runtimeDir: join(repository.root, "run"),
    log: (_, message) => said.push(message),
    ...(options.budget === undefined ? {} : { budget: options.budget }),
  });
  await room.follow(repository.commonDir);
  const answers = async (wanted: readonly StatusWanted[]): Promise<Record<string, WorktreeStatus>> => {
    const memory = room.memoryOf(repository.commonDir);
    return Object.fromEntries(await statuses(git, repository.commonDir, wanted, { memory }));
  };
  return {
    room,
    said,
    answers,
    warm: async (wanted) => {
      await answers(wanted);
      await room.rested();
      await answers(wanted);
    },
    [Symbol.asyncDispose]: () => room.close(),
  };
};

/** What git says now, asked by nothing of ours that remembers. */
export const fresh = async (
  repository: TestRepository,
  wanted: readonly StatusWanted[],
): Promise<Record<string, WorktreeStatus>> =>
  Object.fromEntries(await statuses(repository.git, repository.commonDir, wanted));
