import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LogLevel } from "../log.ts";
import type { Lease, Leases } from "../store/index.ts";
import { standBy } from "./ask.ts";
import { makeRuntimeDir, meetingPlace } from "./meeting.ts";
import type { Common, Greeting, Request } from "./meeting.ts";

/** Longest request, in bytes. */
const longest = 64 * 1024;
/** Shortest and longest pause before trying again to serve, in ms, where somebody holds the lease and cannot be met. */
const pauses = [100, 200, 500, 1_000] as const;

export interface ServeOptions {
  readonly runtimeDir: string;
  readonly leases: Leases;
  readonly log: (level: LogLevel, message: string) => void;
  /** What this server is; asked anew for each request, because settings change. */
  readonly common: () => Common;
  /** The answer; raising leaves the caller to find out itself, and to show the error as its own. */
  readonly list: (params: NonNullable<Request["params"]>, signal: AbortSignal) => Promise<unknown>;
}

/**
 * One server of a repository answers the others' processes, by a lease; the others wait connected to it, at no cost, and
 * one of them takes over within milliseconds of its end.
 */
export class Serving {
  readonly #options: ServeOptions;
  readonly #stopped = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #running: Promise<void>;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) options.log("warn", `Not serving other processes: ${String(error)}`);
    });
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    for (const socket of this.#sockets) socket.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { runtimeDir, leases, log, common } = this.#options;
    const { signal } = this.#stopped;
    const { gitDir, database } = common();
    const place = meetingPlace(runtimeDir, gitDir, database);
    if (place === null || !makeRuntimeDir(runtimeDir)) {
      log("info", `Other processes are not served: ${runtimeDir} cannot be used for that.`);
      return;
    }
    for (let misses = 0; !signal.aborted;) {
      const lease = await leases.tryTake(`live:${place}`, `answer for ${gitDir}`);
      if (lease !== null) {
        await this.#serve(place, lease);
        misses = 0;
        continue;
      }
      const met = await standBy(runtimeDir, place, { ...common(), operation: "stand-by", params: null }, signal);
      misses = met ? 0 : misses + 1;
      const pause = pauses[Math.min(misses, pauses.length - 1)] ?? 1_000;
      if (!met || misses > 0) await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Until this server stops or loses its lease. */
  async #serve(place: string, lease: Lease): Promise<void> {
    const over = AbortSignal.any([this.#stopped.signal, lease.lost]);
    const server = createServer((socket) => this.#receive(socket));
    server.unref();
    try {
      if (over.aborted) return;
      rmSync(place, { force: true }); // of a server that was killed; nobody else is here while we hold the lease
      await listening(server, place);
      chmodSync(place, 0o600);
      this.#options.log("info", `Answering other processes at ${place}.`);
      await new Promise<void>((resolve) => {
        if (over.aborted) resolve();
        else over.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      for (const socket of this.#sockets) socket.destroy();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve())); // unlinks the socket
      await lease.release().catch(() => undefined);
    }
  }

  #receive(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    let text = "";
    const gone = new AbortController();
    socket.on("close", () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    socket.on("error", () => undefined);
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      if (text.includes("\n")) return; // one request for each connection
      text += part;
      if (text.length > longest) socket.destroy();
      else if (text.includes("\n")) void this.#answer(socket, text, gone.signal);
    });
  }

  async #answer(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
    const request = read(text);
    const refusal = request === null ? "it does not understand the question" : this.#whyNot(request);
    const outcome = refusal === null ? "accepted" : "refused";
    const greeting: Greeting = { outcome, pid: process.pid, reason: refusal };
    socket.write(`${JSON.stringify(greeting)}\n`);
    if (request?.operation === "stand-by") return;
    if (request === null || refusal !== null) return void socket.end();
    try {
      const result = request.params === null ? {} : await this.#options.list(request.params, signal);
      socket.end(`${JSON.stringify(result)}\n`);
    } catch {
      socket.end("\n");
    }
  }

  #whyNot(request: Request): string | null {
    if (request.operation === "stand-by") return null;
    const mine = this.#options.common();
    if (request.version !== mine.version) return `it is iMi ${mine.version}`;
    if (request.gitDir !== mine.gitDir || request.database !== mine.database) return "it serves another repository";
    if (request.settings !== mine.settings) return "its settings are others";
    return request.environment === mine.environment ? null : "git's environment there is another";
  }
}

const listening = (server: Server, place: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });

const read = (text: string): Request | null => {
  try {
    const request = JSON.parse(text) as Record<keyof Request, unknown>;
    const { operation, version, gitDir, database, settings, environment } = request;
    const strings = [version, gitDir, database, settings, environment];
    if (!strings.every((each) => typeof each === "string")) return null;
    if (operation === "hello" || operation === "stand-by") return { ...request, operation, params: null } as Request;
    // Another than that has not been heard of yet.
    const params = (request.params ?? {}) as Record<string, unknown>;
    const { repository, status } = params;
    if (operation !== "worktree.list" || typeof repository !== "string" || typeof status !== "boolean") return null;
    return { ...request, operation, params: { repository, status } } as Request;
  } catch {
    return null;
  }
};
