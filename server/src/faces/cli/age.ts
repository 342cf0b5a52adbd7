const units = [
  ["y", 365 * 24 * 3_600_000],
  ["mo", 30 * 24 * 3_600_000],
  ["d", 24 * 3_600_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** How long ago a time (ISO 8601) was, in one unit: `3 d ago`. Clocks differ: the future is `now`. */
export const ageOf = (time: string, now: Date): string => {
  const passed = now.getTime() - Date.parse(time);
  if (Number.isNaN(passed)) return "";
  const unit = units.find(([, length]) => passed >= length);
  return unit === undefined ? "now" : `${Math.floor(passed / unit[1])} ${unit[0]} ago`;
};
