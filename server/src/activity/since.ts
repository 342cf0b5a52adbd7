import { ImiError } from "../../../protocol/errors.ts";

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A time ISO 8601 knows; Date alone also takes "1" and "May". */
const time = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/u;

/** When `30m`, `2h`, `7d` or a time by ISO 8601 was, in ms since 1970. Raises usage/invalid. */
export const sinceOf = (text: string, now: number): number => {
  const said = text.trim();
  const age = /^(\d{1,6})\s*([smhdw])$/u.exec(said);
  const unit = age?.[2] as keyof typeof units | undefined;
  if (age?.[1] !== undefined && unit !== undefined) return now - Number(age[1]) * units[unit];
  const at = time.test(said) ? Date.parse(said) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ImiError("usage/invalid", `"${text}" is neither an age nor a time.`, {
    hint: `Write a number and s, m, h, d or w, such as 30m, 2h or 7d; or a time, such as ${new Date(now).toISOString().slice(0, 16)}Z.`,
  });
};
