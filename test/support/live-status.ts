import { join } from "node:path";
import { LiveStatuses } from "../../server/src/monitor/index.ts";
import { statuses } from "../../server/src/git/index.ts";
import type { Git, StatusMemory, StatusWanted } from "../../server/src/git/index.ts";
import { FollowedStatuses } from "../../server/src/monitor/followed-statuses.ts";
import type { WatchedStatuses } from "../../server/src/monitor/index.ts";
import { meetingPlace } from "../../server/src/monitor/meeting.ts";
import { readForOthers } from "../../server/src/monitor/read-for-others.ts";
import { Serving } from "../../server/src/monitor/serve.ts";
import type { WorktreeStatus } from "../../protocol/worktrees.ts";
import type { TestRepository } from "./git.ts";

/** What a server has of live status, without the server. */
export interface Live extends AsyncDisposable {
  readonly room: LiveStatuses;
  readonly watching: WatchedStatuses;
  readonly said: string[];
  /** As a server answers. */
  answers(wanted: readonly StatusWanted[]): Promise<Record<string, WorktreeStatus>>;
  /** Asked twice, and waited for: what can be watched is, and known. */
  warm(wanted: readonly StatusWanted[]): Promise<void>;
}

export const live = async (
  repository: TestRepository,
  options: {
    readonly budget?: number;
    readonly git?: Git;
    readonly excludePatterns?: readonly string[];
    /** Asked as by another process, over the socket. */
    readonly through?: "socket";
  } = {},
): Promise<Live> => {
  const said: string[] = [];
  const git = options.git ?? repository.git;
  const room = new LiveStatuses({
    git,
    runtimeDir: join(repository.root, "run"),
    log: (_, message) => said.push(message),
    excludePatterns: () => options.excludePatterns ?? [],
    ...(options.budget === undefined ? {} : { budget: options.budget }),
  });
  const watching = await room.follow(repository.commonDir);
  if (watching === undefined) throw new Error("it is closed");
  const other = options.through === "socket" ? await followed(repository, git, watching) : null;
  const answers = async (wanted: readonly StatusWanted[]): Promise<Record<string, WorktreeStatus>> => {
    const memory = other?.memory ?? watching;
    return Object.fromEntries(await statuses(git, repository.commonDir, wanted, { memory }));
  };
  return {
    room,
    watching,
    said,
    answers,
    warm: async (wanted) => {
      await answers(wanted);
      await room.rested();
      await answers(wanted);
    },
    [Symbol.asyncDispose]: async () => {
      await other?.serving.close();
      await room.close();
    },
  };
};

/** What a process has that does not watch: the socket of the one that does. */
const followed = async (
  repository: TestRepository,
  git: Git,
  watching: WatchedStatuses,
): Promise<{ readonly memory: StatusMemory; readonly serving: Serving }> => {
  const runtimeDir = join(repository.root, "run");
  const gitDir = repository.commonDir;
  const common = () => ({ version: "1", gitDir, database: "", settings: "", environment: "" });
  const place = meetingPlace(runtimeDir, gitDir, "");
  if (place === null) throw new Error(`${runtimeDir} is too long for a socket`);
  const serving = await Serving.at(runtimeDir, place, {
    ...{ common, blind: () => null, hello: () => watching.report(), list: () => Promise.reject(new Error("not here")) },
    read: ({ worktrees }, signal) => readForOthers(git, gitDir, watching, worktrees, signal),
  });
  return { memory: new FollowedStatuses({ runtimeDir, place, common, log: () => undefined }), serving };
};

/** What git says now, asked by nothing of ours that remembers. */
export const fresh = async (
  repository: TestRepository,
  wanted: readonly StatusWanted[],
): Promise<Record<string, WorktreeStatus>> =>
  Object.fromEntries(await statuses(repository.git, repository.commonDir, wanted));
