import {
  type InputBoxValidationMessage,
  InputBoxValidationSeverity,
  QuickInputButtons,
  type QuickPickItem,
  window,
} from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import { Disposables } from "../disposables.ts";

/** Where a question stands in its row of questions. */
export interface Place {
  readonly title: string;
  readonly step: number;
  readonly totalSteps: number;
}

/** `known`: nothing had to be asked, so Back passes over this question. */
export type Outcome = "asked" | "known" | "back";
/** One question of several; writes its answer into the state, rejects with `operation/cancelled` when the user leaves. */
export type Question<State> = (place: Place, state: State) => Promise<Outcome>;

/** The end of most questions: an answer goes into the state. */
export function keep<Value>(answer: { readonly value: Value } | "back", put: (value: Value) => void): Outcome {
  if (answer === "back") return "back";
  put(answer.value);
  return "asked";
}

/** Asks one question after another; Back leads to the last one that was really asked. */
export async function askInTurn<State>(
  title: string,
  state: State,
  questions: readonly Question<State>[],
): Promise<void> {
  const asked: number[] = [];
  for (let at = 0; at < questions.length;) {
    const outcome = await questions[at]?.({ title, step: at + 1, totalSteps: questions.length }, state);
    if (outcome === "back") {
      at = asked.pop() ?? at;
      continue;
    }
    if (outcome === "asked") asked.push(at);
    at += 1;
  }
}

/** A choice from a list. With `typed`, what the user types can become an item too. Resolves with `back` or an item. */
export function choose<Item extends QuickPickItem>(
  place: Place & { readonly placeholder: string },
  items: readonly Item[],
  options: { readonly active?: Item | undefined; readonly typed?: (value: string) => Item | undefined } = {},
): Promise<Item | "back"> {
  const scope = new Disposables();
  const pick = scope.add(window.createQuickPick<Item>());
  Object.assign(pick, place, { ignoreFocusOut: true, matchOnDescription: true });
  pick.items = items;
  if (options.active !== undefined) pick.activeItems = [options.active];
  pick.buttons = place.step > 1 ? [QuickInputButtons.Back] : [];
  return new Promise<Item | "back">((resolve, reject) => {
    scope.add(
      pick.onDidChangeValue((value) => {
        const own = options.typed?.(value.trim());
        pick.items = own === undefined ? items : [...items, own];
      }),
    );
    scope.add(
      pick.onDidAccept(() => {
        const [item] = pick.selectedItems;
        if (item !== undefined) resolve(item);
      }),
    );
    scope.add(pick.onDidTriggerButton(() => resolve("back")));
    scope.add(pick.onDidHide(() => reject(cancelled())));
    pick.show();
  }).finally(() => scope.dispose());
}

/** What validation says while one types; only `problem` keeps Enter from working. */
export type Remark =
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "warning"; readonly text: string };

/** A line of text, checked at every key. Resolves with `back` or `{ value }`, trimmed and never empty. */
export function write(
  place: Place & { readonly placeholder: string },
  options: { readonly value: string; readonly prompt: string; readonly check: (value: string) => Remark | null },
): Promise<{ readonly value: string } | "back"> {
  const scope = new Disposables();
  const box = scope.add(window.createInputBox());
  Object.assign(box, place, { ignoreFocusOut: true, value: options.value, prompt: options.prompt });
  box.buttons = place.step > 1 ? [QuickInputButtons.Back] : [];
  const remark = (): Remark | null => {
    const value = box.value.trim();
    const found = value === "" ? null : options.check(value);
    box.validationMessage = found === null ? undefined : message(found);
    return found;
  };
  remark();
  return new Promise<{ readonly value: string } | "back">((resolve, reject) => {
    scope.add(box.onDidChangeValue(remark));
    scope.add(
      box.onDidAccept(() => {
        const value = box.value.trim();
        if (value !== "" && remark()?.kind !== "problem") resolve({ value });
      }),
    );
    scope.add(box.onDidTriggerButton(() => resolve("back")));
    scope.add(box.onDidHide(() => reject(cancelled())));
    box.show();
  }).finally(() => scope.dispose());
}

function message({ kind, text }: Remark): InputBoxValidationMessage {
  switch (kind) {
    case "problem":
      return { message: text, severity: InputBoxValidationSeverity.Error };
    case "warning":
      return { message: text, severity: InputBoxValidationSeverity.Warning };
    case "note":
      return { message: text, severity: InputBoxValidationSeverity.Info };
  }
}

export function cancelled(): ImiError {
  return new ImiError("operation/cancelled", "Cancelled.");
}
