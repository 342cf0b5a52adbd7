import { fork } from "node:child_process";
import type { ChildProcess, ForkOptions } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { openStore } from "../../server/src/store/index.ts";
import type { NewWorktree, Store } from "../../server/src/store/index.ts";
import type { Answer } from "./store-process.ts";

export const temporaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), "imi-store-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const open = async (t: TestContext, file: string, log?: (message: string) => void): Promise<Store> => {
  const store = await openStore({ path: file, role: "cli", log });
  t.after(() => store.close());
  return store;
};

export const registryIn = (folder: string): string => path.join(folder, "data", "worktrees.db");

/** A new registry with one repository, open. */
export const registry = async (t: TestContext): Promise<{ store: Store; file: string; repositoryId: string }> => {
  const file = registryIn(temporaryFolder(t));
  const store = await open(t, file);
  const { id } = await store.repositories.meet(repository);
  return { store, file, repositoryId: id };
};

export const repository = {
  name: "app",
  gitDir: "/app/.git",
  layout: "beside",
  container: "/app.wt",
  trunk: "/app",
} as const;

export const worktree = (repositoryId: string, name: string): NewWorktree => ({
  repositoryId,
  name,
  type: "feat",
  path: `/app.wt/${name}`,
  branch: `feat/${name}`,
  base: "origin/main",
  head: null,
  agentId: null,
  pullRequest: null,
  metadata: {},
});

export const intention = { baseCommit: "c0ffee", createsBranch: true, fence: 7 };

/** A process running store-process.ts, killed at the end of the test; `next` waits for its next answer. */
export class Process {
  readonly child: ChildProcess;
  readonly answers: Answer[] = [];
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #read = 0;

  constructor(t: TestContext, argv: readonly string[], options: ForkOptions = {}) {
    this.child = fork(path.join(import.meta.dirname, "store-process.ts"), argv, { execArgv: [], ...options });
    this.child.on("message", (answer: Answer) => {
      this.answers.push(answer);
      if (this.#waiting.length > 0) {
        this.#read += 1;
        this.#waiting.shift()?.(answer);
      }
    });
    t.after(() => this.kill());
  }

  async next(): Promise<Answer> {
    const known = this.answers[this.#read];
    if (known !== undefined) {
      this.#read += 1;
      return known;
    }
    const ended = new AbortController();
    const exit = once(this.child, "close", { signal: ended.signal }).then(
      () => ({ exited: this.child.exitCode ?? this.child.signalCode }),
      () => ({}),
    );
    const answer = await Promise.race([new Promise<Answer>((resolve) => this.#waiting.push(resolve)), exit]);
    ended.abort();
    return answer;
  }

  /** SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exit;
  }
}

/** Resolves when `condition` holds, looked at after each event loop turn; the test's own timeout is the limit. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};
