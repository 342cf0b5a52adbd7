import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";

export const renderConfig = ({ file, settings }: ResultOf<"config.show">, { paint }: View): Rendered => ({
  lines: [
    ...table([
      ["KEY", "VALUE", "FROM"].map((text) => ({ text, paint: paint.faint })),
      ...settings.map(({ key, value, origin }): Cell[] => [
        { text: key },
        { text: printable(JSON.stringify(value)) },
        origin === "default" ? { text: origin, paint: paint.faint } : { text: origin, paint: paint.name },
      ]),
    ]),
    "",
    paint.faint(`config.toml is ${printable(file)}`),
  ],
});
