import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf } from "../errno.ts";
import type { Git } from "../git/index.ts";
import type { ClaimRow, Store, WorktreeRow } from "../store/index.ts";
import { wishOf } from "./asked.ts";
import { requireAgent, requireToken } from "./in-name.ts";
import { foreignClaim, heldElsewhere } from "./foreign.ts";
import { mendMirrors, mirrorClaim } from "./mirror.ts";
import { ownName } from "./own-name.ts";
import { settle, toClaim } from "./service.ts";
import { isOver, signOf } from "./signs.ts";
import { take, takeWaiting } from "./take.ts";

/** Where a claim is, for steps that look at git's record of the worktree too. */
export interface Place {
  readonly repository: Repository;
  readonly row: WorktreeRow;
}

export interface Call {
  readonly signal: AbortSignal;
  readonly progress: (message: string, fraction: number | null) => void;
}

export interface Tools {
  readonly store: Store;
  readonly settings: () => Settings;
  readonly log: (level: "error" | "warn" | "info" | "debug", message: string) => void;
}

export interface ClaimTools extends Tools {
  readonly git: Git;
  /** The worktree meant by a name, from any path inside its repository. */
  readonly locate: (path: string, name: string, call: Call) => Promise<Place>;
  readonly open: (path: string, call: Call) => Promise<Repository>;
}

/** The operations on claims: who holds which worktree, until when, with which token (issue "Claims", seed 001 §2). */
export class Claims {
  readonly #tools: ClaimTools;

  constructor(tools: ClaimTools) {
    this.#tools = tools;
  }

  async take(path: string, params: ParsedOf<"claim.take">, call: Call): Promise<ResultOf<"claim.take">> {
    const place = await this.#tools.locate(path, params.name, call);
    const wish = await wishOf(this.#tools, params, place);
    const wait = params.wait ?? 0;
    const claim =
      wait > 0
        ? await takeWaiting(this.#tools, place, wish, { token: params.token ?? null, waitMs: wait * 1000, call })
        : await take(this.#tools, place, wish, params.token ?? null);
    await mirrorClaim(this.#tools, place);
    return { claim: toClaim(place.row.name, claim) };
  }

  async heartbeat(path: string, params: ParsedOf<"claim.heartbeat">, call: Call): Promise<ResultOf<"claim.heartbeat">> {
    const holder = { agent: requireAgent(params.agent), token: requireToken(params.token) };
    const place = await this.#tools.locate(path, params.name, call);
    const renewal = { ttlMs: null, task: null, process: null, sign: await signOf(this.#tools, place) };
    const claim = await this.#tools.store.claims.renew(place.row.id, holder, renewal);
    await mirrorClaim(this.#tools, place);
    return { claim: toClaim(place.row.name, claim) };
  }

  async release(path: string, params: ParsedOf<"claim.release">, call: Call): Promise<ResultOf<"claim.release">> {
    const holder = { agent: requireAgent(params.agent), token: requireToken(params.token) };
    const place = await this.#tools.locate(path, params.name, call);
    const claim = await this.#tools.store.claims.release(place.row.id, holder);
    await mirrorClaim(this.#tools, place);
    return { claim: toClaim(place.row.name, claim) };
  }

  async takeOver(path: string, params: ParsedOf<"claim.take-over">, call: Call): Promise<ResultOf<"claim.take-over">> {
    const place = await this.#tools.locate(path, params.name, call);
    const { row } = place;
    const { kind = "human", ...said } = params;
    const wish = await wishOf(this.#tools, { ...said, kind }, place);
    const before = await settle(this.#tools, place);
    const from = before === null ? null : holderOf(before);
    if (params.dryRun) return { claim: null, from };
    const elsewhere = before === null ? await foreignClaim(this.#tools, place) : null;
    if (elsewhere !== null && !params.yes) throw heldElsewhere(row.name, elsewhere);
    if (before !== null && !params.yes) {
      throw new ImiError("claim/held", `${row.name} is held by ${before.agent} since ${before.since}.`, {
        hint: `To take it away from ${before.agent} all the same, add --yes. What it does there from then on is refused.`,
      });
    }
    const by = ownName();
    const log = { user: by, ...(params.reason === undefined ? {} : { why: params.reason }) };
    // Without a yes to anybody, only from whom it was said; it may have gone to another since it was looked at.
    const anybody = params.yes && params.from === undefined;
    const agreed = anybody ? null : [params.from].filter((agent) => agent !== undefined);
    const claim = await this.#tools.store.claims.takeOver(row.id, wish, { from: agreed, log });
    this.#tools.log(
      "info",
      `${by} took ${row.name} over from ${from?.agent ?? "nobody"} for ${wish.agent}: ${params.reason ?? "no reason given"}`,
    );
    await mirrorClaim(this.#tools, place);
    return { claim: toClaim(row.name, claim), from };
  }

  async list(path: string, call: Call): Promise<ResultOf<"claim.list">> {
    const repository = await this.#tools.open(path, call);
    const { store } = this.#tools;
    const rows = new Map((await store.worktrees.of(repository.id)).map((row) => [row.id, row]));
    const claims: ResultOf<"claim.list">["claims"] = [];
    for (const claim of await store.claims.in(repository.id)) {
      const row = rows.get(claim.worktreeId);
      if (row === undefined || (await isOver(this.#tools, { repository, row }, claim))) continue;
      const { worktree, agent, since, expiresAt } = toClaim(row.name, claim);
      const { pid, host } = claim.stand.life;
      const waiting = await store.claims.queue.of(row.id);
      claims.push({ worktree, agent, since, expiresAt, task: claim.task, pid, host, waiting });
    }
    return { claims };
  }

  async enforcement(path: string, call: Call): Promise<ResultOf<"enforcement.show">> {
    const { enforcementOf } = await import("./enforce/index.ts");
    return { enforcement: await enforcementOf(this.#tools.git, await this.#tools.open(path, call), call) };
  }

  /** One at a time for a repository; what an earlier call left half done is mended by the next. */
  async enforce(path: string, params: ParsedOf<"enforcement.set">, call: Call): Promise<ResultOf<"enforcement.set">> {
    const { enforce, enforcementOf, unenforce } = await import("./enforce/index.ts");
    const { git, store } = this.#tools;
    const repository = await this.#tools.open(path, call);
    const lease = await store.leases.take(`repository:${repository.id}:enforcement`, {
      purpose: `turn enforcement ${params.on ? "on" : "off"}`,
      waitMs: 10_000,
      signal: call.signal,
    });
    try {
      const before = await enforcementOf(git, repository, call);
      const left = params.on ? [] : await unenforce(git, repository, call);
      if (params.on) {
        await enforce(git, repository, call).catch(explained);
        await mendMirrors(this.#tools, repository); // they decide from now on
      }
      const now = await enforcementOf(git, repository, call);
      if (now.on !== before.on) {
        const data = { on: now.on, user: ownName() };
        await store.events.append({
          ...{ name: "enforcement.changed", repositoryId: repository.id, subject: repository.id, data },
        });
      }
      return { enforcement: { ...now, problems: [...now.problems, ...left] } };
    } finally {
      await lease.release();
    }
  }

  async agents(): Promise<ResultOf<"agent.list">> {
    return { agents: await this.#tools.store.agents.all() };
  }
}

/** A hooks folder may be somebody else's, or on a disk that is only read. */
const explained = (error: unknown): never => {
  const code = codeOf(error);
  if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
  throw new ImiError("path/permission", `The repository's hooks may not be written (${code}).`, {
    hint: "Make the hooks folder of its git directory writable for you, then try again. Until then claims bind whoever asks iMi.",
    cause: error,
  });
};

const holderOf = ({ agent, since, expiresAt, task }: ClaimRow): NonNullable<ResultOf<"claim.take-over">["from"]> => ({
  agent,
  since,
  expiresAt,
  task,
});

export type { ClaimService } from "./service.ts";
export { claimService } from "./service.ts";
export { holderSaid, inEnvironment } from "./in-name.ts";
export { keepMirrors } from "./keep-mirrors.ts";
export { ClaimWatch } from "./watch.ts";
