/** A number as people read it: `12,345`. Not Intl.NumberFormat, which takes longer to load than a list to print. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/gu, ",");

/** `1 worktree`, `2,000 worktrees`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes as file managers and disk makers count them, by thousands: `1.2 GB`, `640 kB`. */
export const size = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  // What rounds to 1000 is the next unit's.
  while (Math.round(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const tenths = unit > 0 && Math.round(value * 10) < 100;
  return `${tenths ? value.toFixed(1) : grouped(Math.round(value))} ${units[unit] ?? ""}`;
};

/** The day of a time where the reader is: `2026-02-01`. */
export const dayOf = (time: string): string => {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};

/** `a, b and c` */
export const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1) ?? ""}`;
