/** The system's code of an error (ENOENT, EACCES, …); null where it has none. */
export const codeOf = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;

/** The same for a sentence: the message where there is no code. */
export const codeOrMessage = (error: unknown): string =>
  codeOf(error) ?? (error instanceof Error ? error.message : String(error));

/** Nothing is there by that name. What cannot be looked at for another reason is not known to be absent. */
export const isAbsent = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
