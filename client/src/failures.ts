import { l10n } from "vscode";
import { type ErrorCode, ImiError, errorCodes } from "../../protocol/errors.ts";
import { fatalExitCodes } from "../../protocol/rpc.ts";

type FatalCode = keyof typeof fatalExitCodes;

/** Why the server will not be started again, read from its exit code or its answer to `initialize`; else null. */
export function fatalFailure(exitCode: number | null, cause: unknown): ImiError | null {
  const data: unknown = cause instanceof Error && "data" in cause ? cause.data : undefined;
  const answered = typeof data === "object" && data !== null && "code" in data ? data.code : undefined;
  const found = (Object.keys(fatalExitCodes) as FatalCode[]).find(
    (code) => fatalExitCodes[code] === exitCode || code === answered,
  );
  return found === undefined ? null : describe(found);
}

function describe(code: FatalCode): ImiError {
  switch (code) {
    case "runtime/unsupported":
      return new ImiError(code, l10n.t("iMi cannot run in this version of VS Code or on this system."), {
        hint: l10n.t("Update VS Code to 1.125 or later. The log names what is missing."),
      });
    case "store/newer":
      return new ImiError(
        code,
        l10n.t("A newer iMi has changed the database, and this window still runs the old one."),
        {
          hint: l10n.t("Reload the window to use the new one."),
        },
      );
    case "store/corrupt":
      return new ImiError(code, l10n.t("iMi's database is damaged. Your worktrees are not touched by this."), {
        hint: l10n.t("The log names the file and the backup that can take its place."),
      });
    case "store/empty":
      return new ImiError(
        code,
        l10n.t("iMi's database has lost its content. Your worktrees are not touched by this."),
        {
          hint: l10n.t("The log names the file and the backup that can take its place."),
        },
      );
  }
}

/** The server crashed too often. */
export function failureToServe(message: string | undefined): ImiError {
  return new ImiError("server/stopped", l10n.t("The iMi server crashed several times and is not started again."), {
    hint: l10n.t('The log says why; then use "iMi: Restart Server".'),
    ...(message === undefined ? {} : { cause: message }),
  });
}

/** What a request gets that nobody can answer. */
export function serverStopped(failure: ImiError | null): ImiError {
  if (failure !== null) return failure;
  return new ImiError("server/stopped", l10n.t("The iMi server is not running."), {
    hint: l10n.t('Use "iMi: Restart Server".'),
  });
}

export function isUserError(code: ErrorCode): boolean {
  return errorCodes[code] === "user";
}
