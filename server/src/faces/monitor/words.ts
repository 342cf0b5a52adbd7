import type { Watcher } from "./board.ts";

/** Who tells of changes of files, in words; nothing while it is not known. */
export const watcherText = (watcher: Watcher | null): string => {
  if (watcher === null) return "";
  const why = watcher.reason === null ? "" : `: ${watcher.reason}`;
  switch (watcher.who) {
    case "here":
      return `watching files here${why}`;
    case "other":
      return `process ${watcher.pid ?? "elsewhere"} watches files${why}`;
    case "nobody":
      return `files are not watched${why}`;
  }
};

/** Words as a sentence. */
export const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
