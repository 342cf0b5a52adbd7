import { env, l10n } from "vscode";

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes as file managers count them, by thousands: `1.2 GB`, `640 kB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What rounds to 1000 is the next unit's.
  while (Math.round(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && Math.round(value * 10) < 100 ? 1 : 0;
  const number = value.toLocaleString(env.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number} ${units[unit] ?? ""}`;
}

/** `12,345`, as the user's language groups digits. */
export function grouped(count: number): string {
  return count.toLocaleString(env.language);
}

const steps = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How long ago a time was: `3 days ago`; of the last minute `just now`. */
export function ago(time: string): string {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  const step = steps.find(([, length]) => seconds >= length);
  if (step === undefined) return l10n.t("just now");
  return new Intl.RelativeTimeFormat(env.language, { numeric: "auto" }).format(-Math.floor(seconds / step[1]), step[0]);
}

/** A day as the user's language writes it. */
export function dayOf(time: string): string {
  return new Date(time).toLocaleDateString(env.language, { dateStyle: "medium" });
}

/** `a, b, c, …`: as many as one takes in at a glance. */
export function some(names: readonly string[], total = names.length, most = 3): string {
  const shown = names.slice(0, most).map(printable);
  return [...shown, ...(total > shown.length ? ["…"] : [])].join(", ");
}

/** A file's name may hold a line break or a character that turns the text around: they are shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return "\\n";
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
