import type { Socket } from "node:net";
import { isTrusted } from "./meeting.ts";
import type { Greeting, Request } from "./meeting.ts";

/** How long a server may take to greet, in ms: one that is stopped, or busy, is not waited for. */
const greetingMs = { once: 250, always: 1_000 } as const;
/** How long it may be silent while it works on an answer, in ms: it sends something each second. */
const silentMs = 4_000;

/** What became of a question: the text of the result, or why one has to find out oneself. */
export type Asked =
  | { readonly answered: true; readonly pid: number; readonly text: string }
  | { readonly answered: false; readonly pid: number | null; readonly reason: string };

/** The reason where nobody is there to be asked. */
export const noServer = "no server runs";

/** Loading node:net takes 3 ms; where no server runs nobody needs it. */
const connect = (place: string): Socket => process.getBuiltinModule("node:net").connect(place);

/**
 * Asks the server of a repository, where one runs and would answer as one would oneself. Never raises. A process that keeps
 * running (`always`) is more patient: what it would do itself everybody else would do too, on a machine that is busy already.
 */
export const askServer = (
  runtimeDir: string,
  place: string,
  request: Request,
  signal: AbortSignal,
  who: keyof typeof greetingMs = "once",
): Promise<Asked> => {
  if (!isTrusted(runtimeDir, place)) return Promise.resolve({ answered: false, pid: null, reason: noServer });
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let greeting: Greeting | null = null;
    const socket = connect(place);
    const end = (asked: Asked): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve(asked);
    };
    const without = (reason: string): void => end({ answered: false, pid: greeting?.pid ?? null, reason });
    const stop = (): void => without("it was cancelled");
    let timer = setTimeout(() => without("it did not answer in time"), greetingMs[who]);
    signal.addEventListener("abort", stop, { once: true });
    socket.on("error", () => without(noServer));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      if (greeting !== null) return void timer.refresh();
      greeting = greetingIn(Buffer.concat(parts).toString("utf8"));
      if (greeting === null) return;
      if (greeting.outcome === "refused") return without(greeting.reason ?? "it refused");
      clearTimeout(timer);
      timer = setTimeout(() => without("it did not answer in time"), silentMs);
    });
    socket.on("end", () => {
      const lines = Buffer.concat(parts).toString("utf8").split("\n");
      const text = (lines[1] ?? "").trimStart();
      // Whole only with the line end after it: a server that dies has sent a part.
      if (greeting === null || lines.length !== 3 || text === "") return without("it has no answer");
      end({ answered: true, pid: greeting.pid, text });
    });
  });
};

export const greetingIn = (text: string): Greeting | null => {
  const end = text.indexOf("\n");
  if (end === -1) return null;
  try {
    const { outcome, pid, reason } = JSON.parse(text.slice(0, end)) as Record<string, unknown>;
    if ((outcome !== "accepted" && outcome !== "refused") || typeof pid !== "number") return null;
    return { outcome, pid, reason: typeof reason === "string" ? reason : null };
  } catch {
    return null;
  }
};
