import { env, l10n } from "vscode";
import type { AgentKind, ClaimHolder } from "../../../protocol/claims.ts";
import type { Holding } from "./holding.ts";
import { minutesLeft } from "./times.ts";

/** `held by codex-1, 14 min left`; null where nobody holds it. */
export function heldInWords(holding: Holding, now = Date.now()): string | null {
  switch (holding.by) {
    case "nobody":
      return null;
    case "me":
      return l10n.t("held by you, {0}", leftInWords(holding.claim.expiresAt, now));
    case "other":
      return l10n.t("held by {0}, {1}", holding.claim.agent, leftInWords(holding.claim.expiresAt, now));
    case "expired":
      return l10n.t("claim of {0} ran out", holding.claim.agent);
  }
}

/** `14 min left`, `2 h 5 min left`, `3 days left`. */
export function leftInWords(expiresAt: string, now = Date.now()): string {
  const minutes = minutesLeft(expiresAt, now);
  if (minutes < 60) return l10n.t("{0} min left", minutes);
  if (minutes < 48 * 60) return l10n.t("{0} h {1} min left", Math.floor(minutes / 60), minutes % 60);
  return l10n.t("{0} days left", Math.floor(minutes / (24 * 60)));
}

/** `14:05`; of another day with its date. */
export function clockTime(time: string, now = Date.now()): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date(now).toDateString();
  return date.toLocaleString(
    env.language,
    today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" },
  );
}

/** `codex-1 holds it since 13:51, 14 min left`, for questions about a claim. */
export function holderInWords({ agent, since, expiresAt }: ClaimHolder, now = Date.now()): string {
  return l10n.t("{0} holds it since {1}, {2}.", agent, clockTime(since, now), leftInWords(expiresAt, now));
}

/** What a tooltip says of a claim, a name and a value for each line. */
export function holdingLines(holding: Holding, now = Date.now()): readonly (readonly [string, string])[] {
  if (holding.by === "nobody") return [];
  const { agent, since, expiresAt, task } = holding.claim;
  const until = clockTime(expiresAt, now);
  return [
    [l10n.t("Held by"), holding.by === "me" ? l10n.t("you, as {0}", agent) : agent],
    [l10n.t("Held since"), clockTime(since, now)],
    holding.by === "expired"
      ? [l10n.t("Ran out"), until]
      : [l10n.t("Held until"), `${until}, ${leftInWords(expiresAt, now)}`],
    ...(task === null ? [] : [[l10n.t("Task"), task] as const]),
  ];
}

export function holdingIcon(by: "me" | "other" | "expired"): string {
  switch (by) {
    case "me":
      return "key";
    case "other":
      return "lock";
    case "expired":
      return "watch";
  }
}

export function kindIcon(kind: AgentKind): string {
  switch (kind) {
    case "human":
      return "person";
    case "ai-writer":
      return "hubot";
    case "ai-reviewer":
      return "eye";
    case "ai-tester":
      return "beaker";
  }
}

export function kindInWords(kind: AgentKind): string {
  switch (kind) {
    case "human":
      return l10n.t("a person");
    case "ai-writer":
      return l10n.t("an AI that writes");
    case "ai-reviewer":
      return l10n.t("an AI that reviews");
    case "ai-tester":
      return l10n.t("an AI that tests");
  }
}
