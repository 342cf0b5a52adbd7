import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { makeRuntimeDir } from "./meeting.ts";
import type { Common, Greeting, Question, Report, Request, StatusesRead } from "./meeting.ts";

/** Longest request, in bytes: one names every worktree of a repository. */
const longest = 8 * 1024 * 1024;
/** How often one who waits for an answer is told that it is being worked on, in ms. */
const signMs = 1_000;
/** How often it is looked whether the socket is still at its place, in ms: temporary folders are tidied up. */
const lookMs = 5_000;

let drafts = 0;

type ParamsOf<Name extends Question["operation"]> = Extract<Question, { operation: Name }>["params"];

export interface Answers {
  /** What this server is; asked anew for each request, because settings change. */
  readonly common: () => Common;
  /** Why it has no answers of its own; null when it has. */
  readonly blind: () => string | null;
  readonly hello: () => Report;
  /** The answer; raising leaves the caller to find out itself, and to show the error as its own. */
  readonly list: (params: ParamsOf<"worktree.list">, signal: AbortSignal) => Promise<unknown>;
  readonly read: (params: ParamsOf<"status.read">, signal: AbortSignal) => Promise<StatusesRead>;
}

/** The socket at which the process that watches a repository answers others. */
export class Serving {
  readonly #runtimeDir: string;
  readonly #place: string;
  readonly #answers: Answers;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #identity: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #making: Promise<void> = Promise.resolve();

  private constructor(runtimeDir: string, place: string, answers: Answers) {
    this.#runtimeDir = runtimeDir;
    this.#place = place;
    this.#answers = answers;
  }

  /** Only for whoever holds the lease. Raises where no socket can be made. */
  static async at(runtimeDir: string, place: string, answers: Answers, everyMs = lookMs): Promise<Serving> {
    const self = new Serving(runtimeDir, place, answers);
    await self.#listen();
    self.#timer = setInterval(() => self.#look(), everyMs).unref();
    return self;
  }

  /** Before the lease is given back. */
  async close(): Promise<void> {
    clearInterval(this.#timer ?? undefined);
    await this.#making;
    for (const socket of this.#sockets) socket.destroy();
    try {
      if (this.#identity !== null && identityOf(this.#place) === this.#identity) rmSync(this.#place);
    } catch {
      // It could not be taken away: whoever serves next puts its own there.
    }
    await new Promise<void>((resolve) => (this.#server === null ? resolve() : this.#server.close(() => resolve())));
  }

  async #listen(): Promise<void> {
    const server = createServer((socket) => this.#receive(socket));
    server.unref();
    // Under a name of its own first: on closing, the name it was made by is deleted, whoever has that by then.
    const draft = join(this.#runtimeDir, `w${process.pid}-${++drafts}`);
    rmSync(draft, { force: true });
    await listening(server, draft);
    this.#server?.close(); // it is met no more; who is connected stays so
    this.#server = server;
    chmodSync(draft, 0o600);
    this.#identity = identityOf(draft);
    renameSync(draft, this.#place); // over that of a server that was killed, or stopped
  }

  /** Another one's stays: then we may have lost the lease, and not know it yet. */
  #look(): void {
    if (identityOf(this.#place) !== null || !makeRuntimeDir(this.#runtimeDir)) return;
    this.#making = this.#making.then(() => this.#listen()).catch(() => undefined); // again at the next look
  }

  #receive(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    let text: string | null = "";
    const gone = new AbortController();
    socket.on("close", () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    socket.on("error", () => undefined);
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      if (text === null) return void socket.write("\n"); // one request for each connection; more asks for a sign of life
      text += part;
      if (text.length > longest) return void socket.destroy();
      if (!part.includes("\n")) return;
      const request = text;
      text = null;
      void this.#answer(socket, request, gone.signal);
    });
  }

  async #answer(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
    const request = requestIn(text);
    const refusal = request === null ? "it does not understand the question" : this.#whyNot(request);
    const outcome = refusal === null ? "accepted" : "refused";
    const greeting: Greeting = { outcome, pid: process.pid, reason: refusal };
    socket.write(`${JSON.stringify(greeting)}\n`);
    if (request?.operation === "stand-by") return;
    if (request === null || refusal !== null) return void socket.end();
    const sign = setInterval(() => socket.write(" "), signMs).unref();
    try {
      const result = await this.#resultOf(request, signal);
      socket.end(`${JSON.stringify(result)}\n`);
    } catch {
      socket.end("\n");
    } finally {
      clearInterval(sign);
    }
  }

  #resultOf(request: Request, signal: AbortSignal): unknown {
    if (request.operation === "worktree.list") return this.#answers.list(request.params, signal);
    if (request.operation === "status.read") return this.#answers.read(request.params, signal);
    return this.#answers.hello();
  }

  #whyNot(request: Request): string | null {
    if (request.operation === "stand-by") return null;
    const mine = this.#answers.common();
    if (request.version !== mine.version) return `it is iMi ${mine.version}`;
    if (request.gitDir !== mine.gitDir || request.database !== mine.database) return "it serves another repository";
    if (request.environment !== mine.environment) return "git's environment there is another";
    // What git says of a worktree depends on none of iMi's settings.
    if (request.operation !== "status.read" && request.settings !== mine.settings) return "its settings are others";
    return request.operation === "hello" ? null : this.#answers.blind();
  }
}

/** Which socket it is: its number is given to no other while it is listened to. Null where there is none. */
const identityOf = (place: string): number | null => {
  try {
    return lstatSync(place, { throwIfNoEntry: false })?.ino ?? null;
  } catch {
    return null;
  }
};

const listening = (server: Server, place: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });

const requestIn = (text: string): Request | null => {
  try {
    const { params, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const { operation, version, gitDir, database, settings, environment } = rest;
    const common = { version, gitDir, database, settings, environment };
    if (!Object.values(common).every((each) => typeof each === "string")) return null;
    const question = questionIn(operation, (params ?? {}) as Record<string, unknown>);
    return question === null ? null : { ...(common as unknown as Common), ...question }; // all strings, as checked
  } catch {
    return null;
  }
};

/** Null for one that has not been heard of yet. */
const questionIn = (
  operation: unknown,
  { repository, status, worktrees }: Record<string, unknown>,
): Question | null => {
  if (operation === "hello" || operation === "stand-by") return { operation, params: null };
  if (operation === "worktree.list" && typeof repository === "string" && typeof status === "boolean")
    return { operation, params: { repository, status } };
  if (operation !== "status.read" || !Array.isArray(worktrees)) return null;
  const wanted = worktrees.filter(isWanted);
  return wanted.length === worktrees.length ? { operation, params: { worktrees: wanted } } : null;
};

const isWanted = (each: unknown): each is readonly [string, string | null] =>
  Array.isArray(each) && typeof each[0] === "string" && (each[1] === null || typeof each[1] === "string");
