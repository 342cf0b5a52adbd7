import { workKinds } from "../../../../protocol/work-kinds.ts";
import type { Work, WorkItem, WorkKind } from "../../../../protocol/work.ts";

/** How many examples of a kind are told. */
const told = 100;

/** What was found so far, and why it may not be all. */
export class Findings {
  readonly #items = new Map<WorkKind, { count: number; readonly examples: string[] }>();
  readonly #reasons = new Set<string>();
  readonly #dependents = new Set<string>();
  #ignoredBytes: number | null | undefined;

  add(kind: WorkKind, example: string): void {
    const item = this.#items.get(kind) ?? { count: 0, examples: [] };
    this.#items.set(kind, item);
    item.count += 1;
    if (item.examples.length < told) item.examples.push(example);
  }

  /** What was told as one kind is another after all. */
  move(example: string, from: WorkKind, to: WorkKind): void {
    const item = this.#items.get(from);
    const at = item?.examples.indexOf(example) ?? -1;
    if (item !== undefined && at >= 0) {
      item.examples.splice(at, 1);
      item.count -= 1;
      if (item.count === 0) this.#items.delete(from);
    }
    this.add(to, example);
  }

  /** A checkout elsewhere whose repository is inside. */
  depends(path: string): void {
    this.#dependents.add(path);
  }

  get dependents(): string[] {
    return [...this.#dependents];
  }

  /** How much what is ignored takes; null: too much to be measured. */
  measured(bytes: number | null): void {
    this.#ignoredBytes = bytes;
  }

  /** Something could not be read or trusted: whatever else is found, the answer is `unknown`. */
  doubt(reason: string): void {
    this.#reasons.add(reason);
  }

  get reason(): string | null {
    return this.#reasons.size === 0 ? null : [...this.#reasons].join("; ");
  }

  /** In the order in which the kinds are declared. */
  get items(): WorkItem[] {
    return (Object.keys(workKinds) as WorkKind[]).flatMap((kind) => {
      const item = this.#items.get(kind);
      if (item === undefined) return [];
      const bytes = kind === "ignored" && this.#ignoredBytes !== undefined ? { bytes: this.#ignoredBytes } : {};
      return [{ kind, ...item, ...bytes }];
    });
  }

  get exposed(): boolean {
    return [...this.#items.keys()].some((kind) => workKinds[kind].weight === "exposed");
  }

  answer(merged: Work["merged"]): Work {
    const answer = this.#reasons.size > 0 ? "unknown" : this.exposed ? "work" : "clean";
    const dependents = this.#dependents.size === 0 ? {} : { dependents: this.dependents };
    return { answer, reason: this.reason, items: this.items, merged, ...dependents };
  }
}
