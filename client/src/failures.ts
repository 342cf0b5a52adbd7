import { l10n } from "vscode";
import { type ErrorCode, type ErrorShape, ImiError, errorCodes } from "../../protocol/errors.ts";
import { fatalExitCodes } from "../../protocol/rpc.ts";

type FatalCode = keyof typeof fatalExitCodes;

/**
 * Why the server will not be started again, read from its answer to `initialize` or its exit code; else null. What is
 * the user's to mend (a setting, a registry on a network disk) would fail in the same way again.
 */
export function fatalFailure(exitCode: number | null, cause: unknown): ImiError | null {
  const answer: unknown = cause instanceof Error && "data" in cause ? cause.data : undefined;
  if (isErrorShape(answer) && (isUserError(answer.code) || answer.code in fatalExitCodes)) {
    return imiError(answer, cause);
  }
  const found = (Object.keys(fatalExitCodes) as FatalCode[]).find((code) => fatalExitCodes[code] === exitCode);
  return found === undefined ? null : describe(found);
}

/** Whether something that came over the connection is an error of the protocol. */
export function isErrorShape(data: unknown): data is ErrorShape {
  return typeof data === "object" && data !== null && "code" in data && String(data.code) in errorCodes;
}

/** An error of the protocol as the one that is thrown. */
export function imiError({ code, message, hint }: ErrorShape, cause: unknown): ImiError {
  return new ImiError(code, message, { cause, ...(hint === null ? {} : { hint }) });
}

/** For a server that died before it could say more. */
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
    case "store/moved":
      return new ImiError(
        code,
        l10n.t("iMi's database was moved, deleted or replaced. Your worktrees are not touched by this."),
        {
          hint: l10n.t('Put the file back if it should be there, then use "iMi: Restart Server". The log names it.'),
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

/** What a request gets whose server died under it. The next server finishes or undoes what this one had begun. */
export function serverDied(): ImiError {
  return new ImiError("server/stopped", l10n.t("The iMi server ended before it answered, and is started again."), {
    hint: l10n.t("What it had begun is finished or taken back. Look, then try once more."),
  });
}

export function isUserError(code: ErrorCode): boolean {
  return errorCodes[code] === "user";
}
