import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { InitializationOptions } from "../../protocol/rpc.ts";
import type { Worktree } from "../../protocol/worktrees.ts";
import { Server } from "./server.ts";
import type { Scene } from "./workspace.ts";

const patienceMs = 60_000;

/** Waits for a condition; `what` is said when it does not come to pass in a minute. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const deadline = performance.now() + patienceMs; !(await holds()); await delay(20)) {
    if (performance.now() > deadline) throw new Error(`in ${patienceMs} ms it did not come to pass: ${what}`);
  }
};

/** Several servers of one repository, as several windows have them, with a log of all they do. */
export class Servers implements AsyncDisposable {
  readonly scene: Scene;
  readonly all: Server[] = [];
  readonly #log: string;

  constructor(scene: Scene) {
    this.scene = scene;
    this.#log = join(scene.root, "servers.log");
  }

  get env(): NodeJS.ProcessEnv {
    return { ...this.scene.env, IMI_LOG_FILE: this.#log, IMI_LOG_LEVEL: "debug" };
  }

  async start(
    env: NodeJS.ProcessEnv = {},
    options: Partial<InitializationOptions> = {},
    program?: string,
  ): Promise<Server> {
    const server = await Server.start({ ...this.env, ...env }, this.scene.trunk, options, program);
    this.all.push(server);
    await server.call("repository.open", {});
    return server;
  }

  /** What was logged from a place in the log on, by this server or by all. */
  log(from = 0, server?: Server): string[] {
    const lines = this.#lines().slice(from);
    return server === undefined ? lines : lines.filter((line) => line.includes(` [${server.process.pid}] `));
  }

  /** The place in the log that is reached. */
  get logged(): number {
    return this.#lines().length;
  }

  /** git processes run by all servers from there on. */
  gitRuns(from: number): string[] {
    return this.log(from).filter((line) => / debug \[\d+\] git /.test(line));
  }

  /** Which server was the last to say that it watches. */
  leader(): Server | null {
    const said = this.log().findLast((line) => line.includes("Watching the worktrees of"));
    const pid = Number(/ \[(\d+)\] /.exec(said ?? "")?.[1]);
    return this.all.find((server) => server.process.pid === pid) ?? null;
  }

  async led(by?: (leader: Server) => boolean): Promise<Server> {
    await until("another server watches", () => {
      const leader = this.leader();
      return leader !== null && (by?.(leader) ?? true);
    });
    const leader = this.leader();
    if (leader === null) throw new Error("nobody watches any more");
    return leader;
  }

  /** Resolves when no server has run git for so long, in ms. */
  async rest(quietMs = 1_500): Promise<void> {
    for (let seen = -1; seen !== this.gitRuns(0).length; await delay(quietMs)) seen = this.gitRuns(0).length;
  }

  /** Ends them all, and takes the scene away. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process: child } of this.all) child.kill("SIGKILL");
    for (const { process: child } of this.all)
      await until("it ended", () => child.exitCode !== null || child.signalCode !== null);
    this.scene.remove();
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#log, "utf8").split("\n").slice(0, -1);
    } catch {
      return []; // nothing was logged yet
    }
  }
}

/** Folders that a process watches (inotify), of which the system has a limit. */
export const watchesOf = ({ process: child }: Server): number => {
  const folder = `/proc/${child.pid}/fdinfo`;
  return readdirSync(folder).reduce((sum, name) => {
    try {
      return sum + (readFileSync(join(folder, name), "utf8").match(/^inotify /gm)?.length ?? 0);
    } catch {
      return sum; // closed meanwhile
    }
  }, 0);
};

export const listed = async (server: Server): Promise<Map<string, Worktree["status"]>> => {
  const { worktrees } = await server.call("worktree.list", {});
  return new Map(worktrees.map(({ name, status }) => [name, status]));
};
