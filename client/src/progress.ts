import { type CancellationToken, CancellationTokenSource, ProgressLocation, window } from "vscode";
import type { Progressed } from "../../protocol/rpc.ts";

/** Longer than this, and the user gets a notification with a Cancel button besides the view's progress bar. */
const patienceMs = 600;

export interface Work {
  readonly token: CancellationToken;
  readonly onProgress: (progress: Progressed) => void;
}

/** Shows that work goes on: in the view at once, as a cancellable notification when it takes long. */
export async function withProgress<T>(title: string, work: (work: Work) => Promise<T>): Promise<T> {
  const source = new CancellationTokenSource();
  const reports = new Reports();
  const result = work({ token: source.token, onProgress: (progress) => reports.add(progress) });
  const quiet = result.then(
    () => undefined,
    () => undefined,
  );
  void window.withProgress({ location: { viewId: "imi.worktrees" } }, () => quiet);
  const timer = setTimeout(() => {
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        token.onCancellationRequested(() => source.cancel());
        reports.follow((report) => progress.report(report));
        await quiet;
      },
    );
  }, patienceMs);
  try {
    return await result;
  } finally {
    clearTimeout(timer);
    source.dispose();
  }
}

/** Turns absolute fractions into the increments VS Code wants, and keeps the last for who listens later. */
class Reports {
  #last: Progressed | undefined;
  #shown = 0;
  #listener: ((report: { message: string; increment: number }) => void) | undefined;

  add(progress: Progressed): void {
    this.#last = progress;
    const percent = Math.max((progress.fraction ?? 0) * 100, this.#shown);
    if (this.#listener === undefined) return;
    this.#listener({ message: progress.message, increment: percent - this.#shown });
    this.#shown = percent;
  }

  follow(listener: (report: { message: string; increment: number }) => void): void {
    this.#listener = listener;
    if (this.#last !== undefined) this.add(this.#last);
  }
}
