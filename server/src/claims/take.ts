import { ImiError } from "../../../protocol/errors.ts";
import { Bell, heldBy, queuedFor, stale, waiterBeatMs } from "../store/index.ts";
import type { ClaimRow, Wish } from "../store/index.ts";
import { foreignClaim, heldElsewhere } from "./foreign.ts";
import type { Call, Place, Tools } from "./index.ts";
import { overOf, signOf } from "./signs.ts";

/** How often what changed while it was looked at is looked at again. */
const attempts = 20;

type Attempt = { readonly taken: ClaimRow } | { readonly taken: null; readonly refused: ImiError };

/**
 * Takes a worktree, or goes on with a claim of the same agent. Raises claim/held, and claim/stale where `token` is not its
 * claim's any more.
 */
export const take = async (tools: Tools, place: Place, wish: Wish, token: number | null): Promise<ClaimRow> => {
  const attempt = await once(tools, place, wish, token, null);
  if (attempt.taken !== null) return attempt.taken;
  await tools.store.claims.queue.tidy(place.row.id, null); // nobody is shown to wait who is gone
  throw attempt.refused;
};

const once = async (
  tools: Tools,
  place: Place,
  wish: Wish,
  token: number | null,
  queued: number | null,
): Promise<Attempt> => {
  const { claims } = tools.store;
  const { id, name } = place.row;
  const elsewhere = await foreignClaim(tools, place);
  if (elsewhere !== null && (await claims.of(id)) === null)
    return { taken: null, refused: heldElsewhere(name, elsewhere) };
  for (let attempt = 1; ; attempt += 1) {
    const standing = await claims.of(id);
    const over = standing === null ? null : await overOf(tools, place, standing);
    if (token !== null && (standing?.agent !== wish.agent || standing.token !== token))
      throw stale(name, { agent: wish.agent, token }, standing);
    if (standing !== null && over === null) {
      if (standing.agent !== wish.agent || !mayGoOn(standing, wish, token))
        return { taken: null, refused: heldBy(name, standing) };
      const renewed = await goOn(tools, standing, wish);
      if (renewed !== null) return { taken: renewed };
    } else {
      // What others did there while it waited is no sign of its life.
      const since = queued === null ? wish : { ...wish, sign: await signOf(tools, place) };
      const outcome = await claims.take(id, since, { over, place: queued });
      if (outcome.taken !== null) return outcome;
      const { held, ahead } = outcome;
      // Who waits before and is gone loses its place; whoever lives is served first.
      const inLine = held === null && (await claims.queue.tidy(id, queued)) >= ahead;
      if (inLine || attempt === attempts)
        return { taken: null, refused: held === null ? queuedFor(name, ahead) : heldBy(name, held) };
    }
  }
};

/**
 * The same agent may claim again: it gets the token it has. Not where another process of that name is known to live: then
 * two believe to be the one, and only the token tells which.
 */
const mayGoOn = ({ stand }: ClaimRow, { process }: Wish, token: number | null): boolean =>
  token !== null ||
  process === null ||
  stand.life.pid === null ||
  (stand.life.pid === process.pid && stand.life.processStart === process.processStart);

/** null where the claim has changed since it was read. */
const goOn = async (tools: Tools, claim: ClaimRow, wish: Wish): Promise<ClaimRow | null> => {
  const { ttlMs, task, process, sign } = wish;
  try {
    return await tools.store.claims.renew(claim.worktreeId, claim, { ttlMs, task, process, sign });
  } catch (error) {
    if (ImiError.is(error, "claim/stale")) return null;
    throw error;
  }
};

/** Longest pause between two looks, in ms: a holder that dies commits nothing. A commit wakes sooner. */
const pauseMs = 250;

/**
 * The same, in a queue: whoever came first gets it first. Ended by `signal`; killed, its place is given up by the next who
 * looks. Raises claim/held when the time is over.
 */
export const takeWaiting = async (
  tools: Tools,
  place: Place,
  wish: Wish,
  options: { readonly token: number | null; readonly waitMs: number; readonly call: Call },
): Promise<ClaimRow> => {
  const { claims } = tools.store;
  const { token, waitMs, call } = options;
  const { id } = place.row;
  const first = await once(tools, place, wish, token, null);
  if (first.taken !== null) return first.taken;

  const deadline = performance.now() + waitMs;
  let queued = await claims.queue.join(id, wish.agent);
  let beaten = performance.now();
  const bell = new Bell();
  const stopListening = claims.listen(() => bell.ring());
  let taken: ClaimRow | null = null;
  try {
    for (let refused = first.refused; ;) {
      if (call.signal.aborted) throw new ImiError("operation/cancelled", "Cancelled.", { cause: call.signal.reason });
      if (performance.now() - beaten > waiterBeatMs) {
        // Stopped for so long that others went on without it: it comes back at the end.
        if (!(await claims.queue.beat(queued))) queued = await claims.queue.join(id, wish.agent);
        beaten = performance.now();
      }
      const ahead = await claims.queue.tidy(id, queued);
      if (ahead === 0) {
        const attempt = await once(tools, place, wish, token, queued);
        if (attempt.taken !== null) {
          taken = attempt.taken;
          return taken;
        }
        refused = attempt.refused;
      }
      const left = deadline - performance.now();
      if (left <= 0) throw await given(tools, place, refused, ahead, waitMs);
      call.progress(`${refused.message} Waiting${ahead === 0 ? "" : `, ${ahead} before`}`, null);
      await bell.wait(Math.min(pauseMs, left), call.signal);
    }
  } finally {
    stopListening();
    if (taken === null || taken.agent !== wish.agent) await claims.queue.leave(queued).catch(() => undefined);
  }
};

const given = async (
  tools: Tools,
  { row }: Place,
  refused: ImiError,
  ahead: number,
  waitMs: number,
): Promise<ImiError> => {
  const claim = await tools.store.claims.of(row.id);
  const why = claim === null ? refused : heldBy(row.name, claim, ahead);
  const waited = `After ${Math.round(waitMs / 1000)} s: ${why.message}`;
  return new ImiError("claim/held", waited, why.hint === null ? {} : { hint: why.hint });
};
