import type { ImiError } from "../../../../protocol/errors.ts";
import { paintFor, wantsColour, type Paint } from "./colour.ts";
import { standardError, standardOut, type Out } from "./standard-streams.ts";
import { printableLines } from "./text.ts";

export type ColourWish = "auto" | "never";

/** The answer. */
export const print = (text: string): void => {
  standardOut.write(`${text}\n`);
};

/** What one should also know. */
export const tell = (label: "note" | "warning" | "error", text: string, wish: ColourWish): void => {
  const paint = paintOf(standardError, wish);
  const colour = { note: paint.faint, warning: paint.warning, error: paint.bad }[label];
  standardError.write(`${colour(`${label}:`)} ${printableLines(text)}\n`);
};

export const complain = ({ message, hint }: ImiError, wish: ColourWish): void => {
  tell("error", message, wish);
  if (hint === null) return;
  standardError.write(`${paintOf(standardError, wish).strong("hint:")} ${printableLines(hint)}\n`);
};

/** The colours for what goes to a stream. */
export const paintOf = (stream: Out, wish: ColourWish): Paint =>
  paintFor(wish === "auto" && wantsColour(stream.isTTY, process.env));
