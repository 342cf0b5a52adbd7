import { ImiError } from "../../../../protocol/errors.ts";

export const root = "refs/salvage/";

/** A file's name may have 255 bytes, and git adds `.lock`. */
const longest = 240;

/**
 * A worktree's name as one part of a ref. Names of worktrees made by other tools may hold anything: every byte that refs
 * do not allow there, and `%`, is written as `%` and two hex digits, so that `decodeName` gives the name back. What would
 * be too long for a file's name (only names nobody can have made a folder of) is cut by git with an error.
 */
export const encodeName = (name: string): string => {
  const bytes = Buffer.from(name, "utf8");
  let text = "";
  for (const [at, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const before = at === 0 ? "" : String.fromCharCode(bytes[at - 1] ?? 0);
    const last = at === bytes.length - 1;
    const plain =
      /[A-Za-z0-9_+=,@-]/.test(character) ||
      (character === "." && at > 0 && !last && before !== "." && !/^\.lock$/i.test(name.slice(-5)));
    const option = character === "-" && at === 0;
    const alone = character === "@" && bytes.length === 1;
    text += plain && !option && !alone ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  if (text.length > longest || text === "") {
    throw new ImiError("salvage/failed", `A worktree's name of ${bytes.length} bytes cannot be part of a ref.`);
  }
  return text;
};

export const decodeName = (encoded: string): string =>
  Buffer.from(
    encoded.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("utf8");

/** `20261121T050102345Z`: sorts by time, and refs allow it. */
export const timeStamp = (at: Date): string => at.toISOString().replaceAll(/[-:.]/g, "");

/** null when it is no such time. */
export const timeOf = (stamp: string): string | null => {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(stamp) ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`;
  return year === undefined || Number.isNaN(Date.parse(text)) ? null : text;
};

/** `refs/salvage/<worktree>` */
export const rootOf = (name: string): string => `${root}${encodeName(name)}`;

/** `refs/salvage/<worktree>/<time>` */
export const prefixOf = (name: string, at: Date): string => `${rootOf(name)}/${timeStamp(at)}`;

/** The worktree and time of a salvage's ref or prefix; null when it is none. */
export const parsePrefix = (ref: string): { worktree: string; at: string; prefix: string } | null => {
  const [, name, stamp] = /^refs\/salvage\/([^/]+)\/([^/]+)(?:\/|$)/.exec(ref) ?? [];
  const at = stamp === undefined ? null : timeOf(stamp);
  if (name === undefined || stamp === undefined || at === null) return null;
  return { worktree: decodeName(name), at, prefix: `${root}${name}/${stamp}` };
};
