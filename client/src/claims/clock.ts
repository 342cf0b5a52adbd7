import { type Disposable, EventEmitter } from "vscode";
import { Disposables } from "../disposables.ts";

/** A tick comes this much late, so that what was due is past by every clock, in ms. */
const afterMs = 50;

/**
 * The one timer of everything that says how long something lasts or how long ago it was. It rings when the first of those
 * texts changes, and there is none while nobody looks at one.
 */
export class MinuteClock implements Disposable {
  readonly #scope = new Disposables();
  readonly #ticked = this.#scope.add(new EventEmitter<void>());
  readonly #wanted = new Map<string, () => readonly (number | null)[]>();
  #timer: NodeJS.Timeout | undefined;

  readonly onDidTick = this.#ticked.event;

  /** Says in how many milliseconds the texts of a viewer change; null for one that stays. */
  want(viewer: string, due: () => readonly (number | null)[]): void {
    this.#wanted.set(viewer, due);
    this.look();
  }

  /** The answer of a viewer may have changed: somebody began or ceased to look, or a text came or went. */
  look(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const due = [...this.#wanted.values()].flatMap((each) => each()).filter((each) => each !== null);
    if (due.length === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#ticked.fire();
        this.look();
      },
      Math.min(...due) + afterMs,
    );
  }

  /** Whether a timer runs. */
  get running(): boolean {
    return this.#timer !== undefined;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#wanted.clear();
    this.#scope.dispose();
  }
}
