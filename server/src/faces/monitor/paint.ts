import type { TextProps } from "ink";
import type { Tone } from "./lines.ts";

type Look = Pick<TextProps, "color" | "dimColor" | "bold" | "inverse">;

/** How tones look; colours are the terminal's own, so that they fit its background. */
export const coloured: Readonly<Record<Tone, Look>> = {
  plain: {},
  strong: { bold: true },
  faint: { dimColor: true },
  good: { color: "green" },
  warning: { color: "yellow" },
  bad: { color: "red", bold: true },
  name: { color: "cyan" },
  chosen: { inverse: true },
};

/** Without colours only what is not one. */
export const uncoloured: Readonly<Record<Tone, Look>> = {
  ...{ plain: {}, faint: {}, good: {}, warning: {}, name: {} },
  strong: { bold: true },
  bad: { bold: true },
  chosen: { inverse: true },
};
