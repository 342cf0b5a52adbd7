import { homedir } from "node:os";
import { resolve } from "node:path";
import type { OperationName, ParsedOf, ResultOf } from "../../protocol/contract.ts";
import type { Event } from "../../protocol/events.ts";
import type { Repository } from "../../protocol/repositories.ts";
import type { Settings } from "../../protocol/settings.ts";
import { ImiError, errorCodes } from "../../protocol/errors.ts";
import { holderSaid, inEnvironment } from "./claims/in-name.ts";
import { claimsOfWindow } from "./claims/window-claims.ts";
import { configError, describeConfig, loadConfig } from "./config/index.ts";
import type { Config } from "./config/index.ts";
import type { Claims, ClaimWatch, Tools as ClaimTools } from "./claims/index.ts";
import { Git } from "./git/index.ts";
import { hinted } from "./hints.ts";
import { LogFile } from "./log.ts";
import type { LogLevel } from "./log.ts";
import type { Leader, LiveServer } from "./monitor/index.ts";
import type { Changes } from "./changes/index.ts";
import type { Overlaps } from "./overlap/index.ts";
import { openStore } from "./store/index.ts";
import type { Credentials, Holder, Store } from "./store/index.ts";
import { Worktrees } from "./worktrees/index.ts";
import type { Call, Following } from "./worktrees/index.ts";

export type CallContext = Call;

export interface WorkspaceOptions {
  readonly role: "cli" | "server";
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the user set in VS Code. */
  readonly settings?: Partial<Settings>;
  /** VS Code's `git.worktreeIncludeFiles`. */
  readonly includeGlobs?: readonly string[];
  readonly trusted?: boolean;
  readonly log?: (level: LogLevel, message: string) => void;
}

/** Everything iMi does, behind one call; the faces have no logic of their own. */
export interface Workspace {
  readonly config: Config;
  call(operation: string, params: Record<string, unknown>, context: CallContext): Promise<unknown>;
  /**
   * Events as they are appended by any process, from now on or after `since`. No more come before a promise that `receive`
   * returned is settled: the log is the queue.
   */
  onEvents(receive: (events: readonly Event[]) => void | Promise<void>, since?: number): Promise<() => void>;
  /** Who watches the files of the repositories that were opened: as far as it is known at once, then whenever it changes. */
  onLeader(receive: (leader: Leader) => void): () => void;
  /** Aborted, with the error as its reason, when the registry was moved, deleted or replaced: nothing works here from then on. */
  readonly lost: AbortSignal;
  /** New settings or trust; nothing restarts. */
  reconfigure(change: Pick<WorkspaceOptions, "settings" | "includeGlobs" | "trusted">): Promise<void>;
  /** What a report needs: which parts serve, and the repositories followed. */
  inspect(): Promise<{ git: string; sqlite: string; database: string; repositories: string[] }>;
  close(): Promise<void>;
}

/** What is done to a worktree in its holder's name. */
interface Named {
  readonly name: string;
  readonly repository?: string | undefined;
  readonly agent?: string | undefined;
  readonly token?: number | undefined;
}

type Implementations = {
  readonly [Name in OperationName]: (params: ParsedOf<Name>, call: Call) => Promise<ResultOf<Name>>;
};

/** Operations that a restricted workspace may still use: those of access `read`, without loading the contract for it. */
export const readOnly: ReadonlySet<OperationName> = new Set([
  "worktree.list",
  "worktree.status",
  "worktree.path",
  "worktree.work",
  "worktree.disk-use",
  "claim.list",
  "agent.list",
  "overlap.list",
  "overlap.merge-check",
  "worktree.changes",
  "commit.changes",
  "file.read",
  "enforcement.show",
  "activity.list",
  "salvage.list",
  "trash.list",
  "trash.show",
  "repository.open",
  "event.list",
  "config.show",
  "doctor.run",
]);

/** Composes the rooms. The database is opened by the first operation that needs it, so that the doctor works without. */
export const openWorkspace = async (options: WorkspaceOptions): Promise<Workspace> => {
  return new Composed(options, await configOf(options, options.settings));
};

const configOf = (options: WorkspaceOptions, settings: Partial<Settings> | undefined): Promise<Config> =>
  loadConfig({ env: options.env, homedir: homedir(), ...(settings === undefined ? {} : { vscode: settings }) });

class Composed implements Workspace {
  config: Config;
  readonly #options: WorkspaceOptions;
  readonly #git: Git;
  readonly #logFile: LogFile;
  readonly #log: (level: LogLevel, message: string) => void;
  /** What windows asked for, also while they were restricted. */
  readonly #opened = new Map<string, Repository>();
  readonly #followed = new Map<string, { repository: Repository; following: Promise<Following> }>();
  readonly #implementations: Implementations;
  #current: Pick<WorkspaceOptions, "settings" | "includeGlobs" | "trusted">;
  #store: Promise<Store> | null = null;
  readonly #lost = new AbortController();
  #worktrees: Promise<Worktrees> | null = null;
  #claimRoom: Promise<Claims> | null = null;
  #overlapRoom: Promise<Overlaps> | null = null;
  /** Of a server: ends claims whose holder is dead or silent. */
  #claimWatch: ClaimWatch | null = null;
  #stopMirroring: Promise<() => void> | null = null;
  /** Of a server: who watches, by repository id. */
  readonly #leaders = new Map<string, Leader>();
  readonly #leaderListeners = new Set<(leader: Leader) => void>();
  /** Of a server: deletes what happened long ago. */
  #stopTrimming: (() => void) | null = null;
  /** Of a server: live status, and answering other processes with it. */
  #live: Promise<LiveServer | null> | null = null;

  constructor(options: WorkspaceOptions, config: Config) {
    this.#options = options;
    this.#current = options;
    this.config = config;
    this.#logFile = new LogFile(config.logFile, config.settings.logLevel);
    this.#log = (level, message) => {
      options.log?.(level, message);
      this.#logFile.write(level, message);
    };
    this.#git = new Git({ log: (line) => this.#log("debug", line) });
    this.#implementations = this.#implement();
  }

  async call(operation: string, params: Record<string, unknown>, context: CallContext): Promise<unknown> {
    const name = operation as OperationName;
    if (!Object.hasOwn(this.#implementations, name)) {
      throw new ImiError("operation/unknown", `There is no operation "${operation}".`, {
        hint: "Client and server may be of different versions; reload.",
      });
    }
    if (this.#current.trusted === false && !readOnly.has(name)) {
      throw new ImiError("operation/untrusted", "This folder is not trusted, so iMi only reads it.", {
        hint: "Trust the workspace to change its worktrees.",
      });
    }
    // The face has checked params against the declaration of this very operation.
    const implementation = this.#implementations[name] as (params: unknown, call: Call) => Promise<unknown>;
    try {
      return await implementation(params, context);
    } catch (error) {
      const problem = hinted(error);
      const { code, message } = problem;
      this.#log(errorCodes[code] === "fault" ? "error" : "info", `${name}: ${code}: ${message}`);
      throw problem;
    }
  }

  async onEvents(receive: (events: readonly Event[]) => void | Promise<void>, since?: number): Promise<() => void> {
    const store = await this.#openedStore();
    return store.events.follow(since ?? (await store.events.last()), receive);
  }

  onLeader(receive: (leader: Leader) => void): () => void {
    this.#leaderListeners.add(receive);
    for (const leader of this.#leaders.values()) receive(leader);
    return () => void this.#leaderListeners.delete(receive);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async reconfigure(change: Pick<WorkspaceOptions, "settings" | "includeGlobs" | "trusted">): Promise<void> {
    this.#current = { ...this.#current, ...change };
    this.config = await configOf(this.#options, this.#current.settings);
    for (const repository of this.#opened.values()) await this.#keepUp(repository);
  }

  async inspect(): Promise<{ git: string; sqlite: string; database: string; repositories: string[] }> {
    const store = await this.#openedStore();
    return {
      git: await this.#git.version().then(
        (version) => version.text,
        (error: unknown) => ImiError.from(error).message,
      ),
      sqlite: `${store.engine.name} ${store.engine.sqlite}`,
      database: store.path,
      repositories: [...this.#followed.values()].map(({ repository }) => repository.gitDir),
    };
  }

  async close(): Promise<void> {
    for (const { following } of this.#followed.values()) (await following).stop();
    this.#followed.clear();
    this.#claimWatch?.stop();
    (await this.#stopMirroring?.catch(() => null))?.();
    this.#stopTrimming?.();
    await (await this.#overlapRoom?.catch(() => null))?.close();
    await (await this.#live?.catch(() => null))?.close();
    const store = await this.#store?.catch(() => null);
    store?.close();
    this.#store = null;
    this.#git.close();
    await this.#logFile.flush();
  }

  #openedStore(): Promise<Store> {
    const wrong = configError(this.config.problems);
    if (wrong !== null) return Promise.reject(wrong);
    const opening =
      this.#store ??
      openStore({
        path: this.config.databasePath,
        role: this.#options.role,
        log: (message) => this.#log("info", message),
        attribute: () => this.config.settings.trackAgentActivity,
      });
    if (this.#store !== opening) {
      this.#store = opening;
      opening.then(
        ({ lost }) => lost.addEventListener("abort", () => this.#lost.abort(lost.reason), { once: true }),
        () => {
          this.#store = null; // what kept it from opening may be mended before the next call
        },
      );
    }
    return opening;
  }

  #room(): Promise<Worktrees> {
    const opening =
      this.#worktrees ??
      Promise.all([this.#openedStore(), this.#liveServer()]).then(
        ([store, live]) =>
          new Worktrees({
            store,
            ...(live === null ? {} : { live: live.statuses }),
            git: this.#git,
            claims: async () => (await import("./claims/index.ts")).claimService(this.#claimTools(store)),
            settings: () => this.config.settings,
            log: this.#log,
            includeGlobs: () => this.#current.includeGlobs ?? null,
            restricted: () => this.#current.trusted === false,
          }),
      );
    this.#worktrees = opening;
    opening.catch(() => {
      this.#worktrees = null;
    });
    return opening;
  }

  #liveServer(): Promise<LiveServer | null> {
    if (this.#options.role !== "server") return Promise.resolve(null);
    this.#live ??= import("./monitor/index.ts").then(({ LiveServer: Live }) => {
      const { config } = this;
      const open = { git: this.#git, runtimeDir: config.runtimeDir, log: this.#log, store: () => this.#openedStore() };
      return new Live({
        ...open,
        database: config.databasePath,
        settings: () => this.config.settings,
        env: this.#options.env,
        list: (params, signal) => this.call("worktree.list", params, { signal, progress: () => undefined }),
        onLeader: (leader) => {
          const before = this.#leaders.get(leader.repository.id);
          if (before?.who === leader.who && before.pid === leader.pid) return;
          this.#leaders.set(leader.repository.id, leader);
          for (const receive of this.#leaderListeners) receive(leader);
        },
      });
    });
    return this.#live;
  }

  /** Which repository is meant: what the caller says, else IMI_REPO_ROOT, else the working directory. */
  #where(params: { readonly repository?: string | undefined }): string {
    const said = params.repository ?? this.config.settings.repositoryRoot;
    return said === "" ? this.#options.cwd : resolve(this.#options.cwd, said);
  }

  #implement(): Implementations {
    return {
      "worktree.create": async (params, call) => (await this.#room()).create(this.#where(params), params, call),
      "worktree.review": async (params, call) => (await this.#room()).review(this.#where(params), params, call),
      "worktree.list": async (params, call) => (await this.#room()).list(this.#where(params), params, call),
      "worktree.status": async (params, call) => (await this.#room()).statuses(this.#where(params), params, call),
      "worktree.path": async (params, call) => (await this.#room()).path(this.#where(params), params, call),
      "worktree.switch": async (params, call) => (await this.#room()).switch(this.#where(params), params, call),
      "worktree.work": async (params, call) => (await this.#room()).work(this.#where(params), params, call),
      "worktree.remove": async (params, call) =>
        (await this.#room()).remove(this.#where(params), params, call, await this.#holderOf(params, call)),
      "worktree.restore": async (params, call) => (await this.#room()).restore(this.#where(params), params, call),
      "worktree.salvage": async (params, call) => (await this.#room()).salvage(this.#where(params), params, call),
      "salvage.list": async (params, call) => (await this.#room()).salvages(this.#where(params), call),
      "trash.list": async (params, call) => (await this.#room()).trash(this.#where(params), call),
      "trash.show": async (params, call) => (await this.#room()).trashed(this.#where(params), params, call),
      "trash.empty": async (params, call) => (await this.#room()).empty(this.#where(params), params, call),
      "worktree.prune": async (params, call) => (await this.#room()).prune(this.#where(params), params, call),
      "worktree.disk-use": async (params, call) => (await this.#room()).diskUse(this.#where(params), params, call),
      "worktree.reconcile": async (params, call) => (await this.#room()).reconcile(this.#where(params), call),
      "sync.apply": async (params, call) => (await this.#room()).sync(this.#where(params), call),
      "claim.take": async (params, call) =>
        (await this.#claims()).take(this.#where(params), this.#inName(params), call),
      "claim.heartbeat": async (params, call) =>
        (await this.#claims()).heartbeat(this.#where(params), await this.#asHolder(params, call), call),
      "claim.release": async (params, call) =>
        (await this.#claims()).release(this.#where(params), await this.#asHolder(params, call), call),
      "claim.take-over": async (params, call) =>
        (await this.#claims()).takeOver(this.#where(params), this.#inName(params), call),
      "claim.list": async (params, call) => (await this.#claims()).list(this.#where(params), call),
      "enforcement.show": async (params, call) => (await this.#claims()).enforcement(this.#where(params), call),
      "enforcement.set": async (params, call) => (await this.#claims()).enforce(this.#where(params), params, call),
      "agent.list": async () => (await this.#claims()).agents(),
      "overlap.list": async (params, call) => (await this.#overlaps()).list(this.#where(params), params, call),
      "overlap.merge-check": async (params, call) => (await this.#overlaps()).check(this.#where(params), params, call),
      "worktree.changes": async (params, call) => (await this.#changes()).ofWorktree(this.#where(params), params, call),
      "commit.changes": async (params, call) => (await this.#changes()).ofCommit(this.#where(params), params, call),
      "file.read": async (params, call) => (await this.#changes()).read(this.#where(params), params, call),
      "activity.list": async (params, call) => {
        const { listActivities } = await import("./activity/index.ts");
        const [room, store] = await Promise.all([this.#room(), this.#openedStore()]);
        const where = this.#where(params);
        const cwd = this.#options.role === "cli" ? this.#options.cwd : null;
        const locate = (name: string) => room.locate(where, name, call);
        return listActivities({ store, cwd, locate }, await room.open(where, call), params);
      },
      "repository.open": async (params, call) => ({ repository: await this.#follow(this.#where(params), call) }),
      "repository.clone": async (params, call) => (await this.#room()).clone(this.#options.cwd, params, call),
      "repository.init": async ({ path }, call) => (await this.#room()).init(this.#where({ repository: path }), call),
      "event.list": async ({ since, limit, newest }) => {
        const { events } = await this.#openedStore();
        const from = newest ? Math.max(since, (await events.last()) - limit) : since;
        return { events: await events.list(from, limit) };
      },
      "config.show": async () => describeConfig(this.config),
      "doctor.run": async (params, call) => {
        const { examine } = await import("./doctor/index.ts");
        return {
          checks: await examine({
            config: this.config,
            git: this.#git,
            store: () => this.#openedStore(),
            where: this.#where(params),
            signal: call.signal,
            liveStatus: async (gitDir) => {
              const { whoServes } = await import("./monitor/index.ts");
              return whoServes(this.config, gitDir, this.#options.env, call.signal);
            },
          }),
        };
      },
    };
  }

  #claims(): Promise<Claims> {
    const opening =
      this.#claimRoom ??
      Promise.all([import("./claims/index.ts"), this.#room(), this.#openedStore()]).then(
        ([{ Claims: Room }, worktrees, store]) =>
          new Room({
            ...this.#claimTools(store),
            git: this.#git,
            open: (path, call) => worktrees.open(path, call),
            locate: (path, name, call) => worktrees.locate(path, name, call),
          }),
      );
    this.#claimRoom = opening;
    opening.catch(() => {
      this.#claimRoom = null;
    });
    return opening;
  }

  #overlaps(): Promise<Overlaps> {
    const opening =
      this.#overlapRoom ??
      Promise.all([import("./overlap/index.ts"), this.#room(), this.#liveServer()]).then(
        ([{ Overlaps: Room }, worktrees, live]) =>
          new Room({
            git: this.#git,
            settings: () => this.config.settings,
            open: (path, call) => worktrees.open(path, call),
            locate: (path, name, call) => worktrees.locate(path, name, call),
            list: async (path, call) => (await worktrees.list(path, { status: false }, call)).worktrees,
            ...(live === null
              ? {}
              : {
                  recall: async ({ gitDir }, paths) =>
                    (await live.statuses.memoryOf(gitDir)?.recall(paths)) ?? new Map(),
                }),
          }),
      );
    this.#overlapRoom = opening;
    opening.catch(() => {
      this.#overlapRoom = null;
    });
    return opening;
  }

  async #changes(): Promise<Changes> {
    const [{ Changes: Room }, worktrees] = await Promise.all([import("./changes/index.ts"), this.#room()]);
    return new Room({
      git: this.#git,
      settings: () => this.config.settings,
      open: (path, call) => worktrees.open(path, call),
      locate: (path, name, call) => worktrees.locate(path, name, call),
    });
  }

  #claimTools(store: Store): ClaimTools {
    return { store, settings: () => this.config.settings, log: this.#log };
  }

  /** What a shell exports for an agent is for the commands in it; a server may have been started from anywhere. */
  #environment(): NodeJS.ProcessEnv {
    return this.#options.role === "cli" ? this.#options.env : {};
  }

  #inName<Params extends { readonly agent?: string | undefined }>(params: Params): Params {
    return { ...params, agent: params.agent ?? inEnvironment(this.#environment()).agent };
  }

  async #holderOf(params: Named, call: Call): Promise<Holder | null> {
    const said = holderSaid(params, this.#environment());
    const ofWindow = said === null ? await this.#claimOfWindow(params, call) : null;
    return ofWindow === null ? said : { ...ofWindow, said: "environment" };
  }

  async #asHolder<Params extends Named>(params: Params, call: Call): Promise<Params> {
    const inShell = inEnvironment(this.#environment());
    const { agent = inShell.agent, token = inShell.token } = params;
    const ofWindow = agent === undefined && token === undefined ? await this.#claimOfWindow(params, call) : null;
    return { ...params, agent, token, ...ofWindow };
  }

  /** In a terminal of a VS Code window: the window's claim of this very worktree. Its environment is one for all it holds. */
  async #claimOfWindow(params: Named, call: Call): Promise<Credentials | null> {
    const own = claimsOfWindow(this.#environment());
    if (own.length === 0) return null;
    const [room, { claims }] = await Promise.all([this.#room(), this.#openedStore()]);
    const { row } = await room.locate(this.#where(params), params.name, call);
    const held = await claims.of(row.id);
    return own.find(({ agent, token }) => agent === held?.agent && token === held.token) ?? null;
  }

  /** A server keeps in step what a window has open; the command line only answers. */
  async #follow(path: string, call: Call): Promise<Repository> {
    const room = await this.#room();
    const repository = await room.open(path, call);
    this.#opened.set(repository.id, repository);
    await this.#keepUp(repository);
    return repository;
  }

  /** In a restricted window nothing is followed: following links shared config, which changes worktrees. */
  async #keepUp(repository: Repository): Promise<void> {
    if (this.#options.role !== "server" || this.#current.trusted === false) return;
    await this.#watchOrNot(repository);
    const room = await this.#room();
    const store = await this.#openedStore();
    const { ClaimWatch: Watch, claimService, keepMirrors } = await import("./claims/index.ts");
    this.#claimWatch ??= new Watch(this.#claimTools(store));
    this.#claimWatch.start();
    this.#stopMirroring ??= keepMirrors(this.#claimTools(store));
    try {
      await this.#stopMirroring; // before the mirrors are mended, so that none is missed between
    } catch (error) {
      this.#stopMirroring = null; // whoever opens it next tries again
      throw error;
    }
    const { keepTrimming } = await import("./activity/retention.ts");
    const days = (): number => this.config.settings.activityKeepDays;
    this.#stopTrimming ??= keepTrimming({ store, days, log: this.#log });
    await claimService(this.#claimTools(store)).mend(repository);
    const followed = this.#followed.get(repository.id) ?? { repository, following: room.follow(repository) };
    this.#followed.set(repository.id, followed);
    (await followed.following).freshen();
  }

  /** By the settings as they are now. */
  async #watchOrNot(repository: Repository): Promise<void> {
    const live = await this.#liveServer();
    const { monitoringEnabled, watchFileChanges } = this.config.settings;
    if (!monitoringEnabled || !watchFileChanges) return live?.unfollow(repository); // git is asked for every status
    live?.reconsider();
    // Not waited for: until then git is asked, as it is everywhere else.
    void live?.follow(repository).catch((error: unknown) => {
      this.#log("warn", `Live status of ${repository.name}: ${ImiError.from(error).message}`);
    });
  }
}
