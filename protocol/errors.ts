/**
 * Every error a room may raise, by code. Tests and faces decide by `code`, never by the sentence.
 * `user` errors are the user's to mend and are shown as they are; `fault`s are ours or the machine's and are logged too.
 */
export const errorCodes = {
  "usage/invalid": "user",
  "operation/unknown": "fault",
  "operation/cancelled": "user",
  "operation/untrusted": "user",
  "name/invalid": "user",
  "branch/invalid": "user",
  "branch/checked-out": "user",
  "base/unknown": "user",
  "path/taken": "user",
  "path/unsafe": "user",
  "path/permission": "user",
  "path/too-long": "user",
  "worktree/not-found": "user",
  "worktree/ambiguous": "user",
  "worktree/mismatch": "user",
  "worktree/dirty": "user",
  "worktree/locked": "user",
  "worktree/main": "user",
  "worktree/missing": "user",
  "worktree/nested": "user",
  "claim/held": "user",
  "claim/stale": "user",
  "agent/invalid": "user",
  "merge/unrelated": "user",
  "salvage/failed": "fault",
  "trash/not-found": "user",
  "trash/damaged": "user",
  "repository/not-found": "user",
  "repository/no-commit": "user",
  "repository/busy": "user",
  "repository/owner": "user",
  "repository/damaged": "fault",
  "review/not-found": "user",
  "remote/none": "user",
  "remote/unreachable": "user",
  "git/missing": "user",
  "git/too-old": "user",
  "git/failed": "fault",
  "git/timeout": "fault",
  "disk/full": "user",
  "config/invalid": "user",
  "store/corrupt": "fault",
  "store/empty": "fault",
  "store/newer": "user",
  "store/moved": "user",
  "store/read-only": "user",
  "store/network": "user",
  "store/full": "user",
  "store/busy": "fault",
  "store/failed": "fault",
  "lease/lost": "fault",
  "runtime/unsupported": "user",
  "server/stopped": "user",
  internal: "fault",
} as const satisfies Record<string, "user" | "fault">;

export type ErrorCode = keyof typeof errorCodes;

/** How an error crosses a process border: JSON-RPC `error.data`, and the `error` of `imi --json`. */
export interface ErrorShape {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** The one error class of the product: what went wrong in a sentence, and what the user can do about it. */
export class ImiError extends Error {
  override readonly name = "ImiError";
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
  }

  static is(error: unknown, ...codes: ErrorCode[]): error is ImiError {
    return error instanceof ImiError && (codes.length === 0 || codes.includes(error.code));
  }

  /** Anything thrown, as an ImiError; what is not one already becomes `internal`. */
  static from(error: unknown): ImiError {
    if (error instanceof ImiError) return error;
    if (error instanceof Error && error.name === "AbortError") {
      return new ImiError("operation/cancelled", "Cancelled.", { cause: error });
    }
    const message = error instanceof Error ? error.message : String(error);
    // Each bundle has a class of its own: one that another of ours has raised is known by its looks.
    if (error instanceof Error && error.name === "ImiError" && "code" in error && "hint" in error) {
      const { code, hint } = error;
      if (typeof code === "string" && code in errorCodes)
        return new ImiError(
          code as ErrorCode,
          message,
          typeof hint === "string" ? { hint, cause: error } : { cause: error },
        );
    }
    return new ImiError("internal", message, {
      hint: "This is a fault in iMi. `imi doctor` collects what a report needs.",
      cause: error,
    });
  }

  toJSON(): ErrorShape {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}
