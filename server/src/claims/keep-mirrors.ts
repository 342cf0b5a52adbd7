import { ImiError } from "../../../protocol/errors.ts";
import type { EventName } from "../../../protocol/events.ts";
import type { Tools } from "./index.ts";
import { mendMirror } from "./mirror.ts";
import { placeOf } from "./place-of.ts";

/** Whoever takes or ends a claim mirrors it himself, within some milliseconds; killed before that, he is stood in for after this, in ms. */
const standInMs = 300;
/** The same after a look that failed: the registry was busy, or is gone. */
const againMs = 5_000;

const mirrored: ReadonlySet<EventName> = new Set<EventName>(["worktree.claimed", "worktree.released"]);

/**
 * In a process that keeps running: mirrors what was claimed or released by somebody who was killed between the registry and
 * the mirror. Without it git, and our hooks in it, would go by who held the worktree before. Returns what ends it.
 */
export const keepMirrors = async (tools: Tools): Promise<() => void> => {
  const touched = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    timer = undefined;
    for (const id of touched) {
      touched.delete(id); // before: what happens meanwhile is looked at once more
      try {
        const place = await placeOf(tools, id);
        if (stopped) return;
        if (place !== null) await mendMirror(tools, place);
      } catch (error) {
        if (stopped) return;
        tools.log("debug", `The mirror of a claim could not be looked at: ${ImiError.from(error).message}`);
        touched.add(id);
        return lookIn(againMs);
      }
    }
  };
  const lookIn = (ms: number): void => {
    if (touched.size === 0 || timer !== undefined) return;
    timer = setTimeout(() => void look(), ms);
    timer.unref();
  };
  const stopFollowing = tools.store.events.follow(await tools.store.events.last(), (events) => {
    for (const { name, subject } of events) if (mirrored.has(name)) touched.add(subject);
    lookIn(standInMs);
  });
  return () => {
    stopped = true;
    stopFollowing();
    clearTimeout(timer);
  };
};
