import type { Event } from "./events.ts";
import type { Settings } from "./settings.ts";

/**
 * The JSON-RPC face, beside the operations (whose method is their name).
 * The client is a VS Code window; the server is its own process over ipc.
 */
export interface InitializationOptions {
  /** False in a restricted workspace: the server then refuses every `write` operation. */
  readonly trusted: boolean;
  /** Values set by the user in VS Code, by setting name; unset ones are left out. */
  readonly settings: Partial<Settings>;
  /** VS Code's `git.worktreeIncludeFiles`. */
  readonly worktreeIncludeFiles: readonly string[];
}

/** Of a window's options, those that an MCP server it starts goes by too. */
export type WindowOptions = Pick<InitializationOptions, "settings" | "worktreeIncludeFiles">;

/** The environment variable in which it gets them, as JSON. */
export const windowVariable = "IMI_VSCODE_WINDOW";

/** Client to server: settings or trust changed. Same shape as the initialization options. */
export const optionsChanged = "imi/optionsChanged";

/** Server to client: events as they are appended, whoever appended them, in order of `seq`. */
export const eventsAppended = "imi/events";
export interface EventsAppended {
  readonly events: readonly Event[];
}

/** Server to client: how far a request is; `token` is the one the request carried as `progressToken`. */
export const progressed = "imi/progress";
export interface Progressed {
  readonly token: string;
  readonly message: string;
  /** 0 to 1, or null when unknown. */
  readonly fraction: number | null;
}

/** Client to server, as a request: what the server knows about itself, for *iMi: Show Diagnostics*. */
export const diagnostics = "imi/diagnostics";
export interface Diagnostics {
  readonly version: string;
  readonly pid: number;
  readonly node: string;
  readonly git: string;
  readonly sqlite: string;
  readonly database: string;
  readonly residentBytes: number;
  readonly uptimeSeconds: number;
  readonly repositories: readonly string[];
}

/** Exit codes of a server that cannot serve; the client does not restart it and shows what to do. */
export const fatalExitCodes = {
  "runtime/unsupported": 71,
  "store/newer": 72,
  "store/corrupt": 73,
  "store/empty": 74,
  "store/moved": 75,
} as const;
