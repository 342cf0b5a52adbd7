import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { greetingIn } from "./ask.ts";
import { isTrusted } from "./meeting.ts";
import type { Request } from "./meeting.ts";

/** How it ended: nobody was met there; the server met there ended; it lives (`pid`), and says nothing any more. */
export type StoodBy = { readonly ended: "unmet" | "gone" } | { readonly ended: "silent"; readonly pid: number };

/** How often the server is looked at, in ms: the state of its process, some microseconds. */
const lookMs = 1_000;
/** Every how many looks it is asked for a sign of life. */
const looksPerSign = 5;
/** Without a sign for this long it counts as silent, in ms; one whose process is stopped, at once. */
const silentMs = 10_000;

/**
 * Stays connected to the server of a repository, and resolves when it ends or falls silent. Taking over from one that
 * lives is right because whatever it would still write is fenced by its lease; it is done only where it is stopped
 * (SIGSTOP), or says nothing for ten seconds, so that a busy machine is not made busier by watching everything anew.
 * `holder` is the process that holds the lease: it may be stopped before it greets.
 */
export const standBy = (
  runtimeDir: string,
  place: string,
  request: Request,
  signal: AbortSignal,
  holder: number | null,
): Promise<StoodBy> => {
  if (signal.aborted || !isTrusted(runtimeDir, place)) return Promise.resolve({ ended: "unmet" });
  return new Promise((resolve) => {
    let pid: number | null = null;
    let text = "";
    let looks = 0;
    let asked: number | null = null;
    let lookedAt = performance.now();
    const socket = connect(place);
    const end = (how: StoodBy): void => {
      clearInterval(timer);
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve(how);
    };
    const stop = (): void => end({ ended: "gone" });
    const sign = (now: number): void => {
      asked ??= now;
      socket.write("\n");
    };
    const look = (): void => {
      const now = performance.now();
      const slept = now - lookedAt > 3 * lookMs; // we did, or the whole machine: its silence proves nothing
      lookedAt = now;
      looks++;
      if (slept) asked = null;
      const server = pid ?? holder;
      const stopped = server !== null && isStopped(server);
      const silent = asked !== null && now - asked >= (stopped ? lookMs * 0.9 : silentMs);
      if (silent) end(server === null ? { ended: "unmet" } : { ended: "silent", pid: server });
      else if (asked === null && (stopped || slept || looks % looksPerSign === 0)) sign(now);
    };
    const timer = setInterval(look, lookMs).unref();
    signal.addEventListener("abort", stop, { once: true });
    socket.unref();
    socket.setEncoding("utf8");
    socket.on("connect", () => {
      asked = performance.now(); // the greeting is the first sign
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on("data", (part: string) => {
      asked = null;
      if (pid !== null) return;
      text += part;
      pid = greetingIn(text)?.pid ?? null;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => end({ ended: pid === null ? "unmet" : "gone" }));
  });
};

/** Whether a process was stopped; false where that cannot be known. */
const isStopped = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything; the state follows it.
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
};
