import { connect } from "node:net";
import type { Socket } from "node:net";
import { isTrusted } from "./meeting.ts";
import type { Greeting, Request } from "./meeting.ts";

/** How long a server may take to greet, in ms: one that is stopped, or busy, is not waited for. */
const greetingMs = 250;
/** How long it may work on an answer, in ms. */
const answerMs = 20_000;

/** What became of a question: the text of the result, or why one has to find out oneself. */
export type Asked =
  | { readonly answered: true; readonly pid: number; readonly text: string }
  | { readonly answered: false; readonly pid: number | null; readonly reason: string };

const none = "no server runs";

/** Asks the server of a repository, where one runs and would answer as one would oneself. Never raises. */
export const askServer = (runtimeDir: string, place: string, request: Request, signal: AbortSignal): Promise<Asked> => {
  if (!isTrusted(runtimeDir, place)) return Promise.resolve({ answered: false, pid: null, reason: none });
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
    let timer = setTimeout(() => without("it did not answer in time"), greetingMs);
    signal.addEventListener("abort", stop, { once: true });
    socket.on("error", () => without(none));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      if (greeting !== null) return;
      greeting = greetingIn(Buffer.concat(parts).toString("utf8"));
      if (greeting === null) return;
      if (greeting.outcome === "refused") return without(greeting.reason ?? "it refused");
      clearTimeout(timer);
      timer = setTimeout(() => without("it did not answer in time"), answerMs);
    });
    socket.on("end", () => {
      const lines = Buffer.concat(parts).toString("utf8").split("\n");
      const text = lines[1] ?? "";
      // Whole only with the line end after it: a server that dies has sent a part.
      if (greeting === null || lines.length !== 3 || text === "") return without("it has no answer");
      end({ answered: true, pid: greeting.pid, text });
    });
  });
};

const greetingIn = (text: string): Greeting | null => {
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

/** Stays connected to the server of a repository; resolves when that ends, with whether there was one. */
export const standBy = (runtimeDir: string, place: string, request: Request, signal: AbortSignal): Promise<boolean> => {
  if (signal.aborted || !isTrusted(runtimeDir, place)) return Promise.resolve(false);
  return new Promise((resolve) => {
    let met = false;
    const socket: Socket = connect(place);
    const stop = (): void => void socket.destroy();
    signal.addEventListener("abort", stop, { once: true });
    socket.unref();
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", () => {
      met = true;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      signal.removeEventListener("abort", stop);
      resolve(met);
    });
  });
};
