import { ImiError } from "../../../protocol/errors.ts";
import type { SettingOrigin } from "../../../protocol/settings.ts";

/** Something wrong with what the user set. An `error` was not used; a `warning` has no effect on any setting. */
export interface ConfigProblem {
  readonly severity: "error" | "warning";
  readonly origin: Exclude<SettingOrigin, "default">;
  /** The setting's key where it was set: in config.toml, in VS Code, or the variable; null when the file is unreadable. */
  readonly key: string | null;
  /** Line in config.toml, from 1. */
  readonly line: number | null;
  /** A whole sentence that names the place. */
  readonly message: string;
}

/** The errors among the problems as one `config/invalid`, or null when there is none. */
export const configError = (problems: readonly ConfigProblem[]): ImiError | null => {
  const errors = problems.filter((problem) => problem.severity === "error");
  const first = errors[0];
  if (first === undefined) return null;
  return new ImiError("config/invalid", errors.map((problem) => problem.message).join("\n"), { hint: hintFor(first) });
};

const hintFor = ({ origin, key }: ConfigProblem): string => {
  switch (origin) {
    case "config.toml":
      return "`imi config edit` opens the file.";
    case "environment":
      return `Set ${key ?? "the variable"} to something else, or unset it.`;
    case "vscode":
      return `Change ${key ?? "the setting"} in VS Code's settings.`;
  }
};
