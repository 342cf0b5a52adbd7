/** Colours by meaning; each returns its text unchanged where colours are off. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly name: (text: string) => string;
}

export const paintFor = (colours: boolean): Paint => {
  const sgr = (on: number, off: number) => (text: string) =>
    colours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    strong: sgr(1, 22),
    faint: sgr(2, 22),
    good: sgr(32, 39),
    warning: sgr(33, 39),
    bad: sgr(31, 39),
    name: sgr(36, 39),
  };
};

/** no-color.org and FORCE_COLOR as Node reads it; otherwise only on a terminal that can do more than print. */
export const wantsColour = (isTerminal: boolean, env: NodeJS.ProcessEnv): boolean => {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
};
