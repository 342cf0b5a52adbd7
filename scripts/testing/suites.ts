import { globSync } from "node:fs";
import { root } from "../paths.ts";

export interface Suite {
  readonly name: string;
  /** Repository-relative test files. */
  readonly files: readonly string[];
  /** What runs it: plain `node --test`, the extension host, or `node --test` against a packed extension. */
  readonly kind: "node" | "host" | "ui";
}

/** From the inside outwards: who breaks the contract wants to read that first. */
const order = ["scripts", "contract", "rooms", "services", "faces", "host", "ui"];

/** Finds all suites: each folder of test/ that has test files, and the tests of the scripts themselves. */
export function findSuites(): Suite[] {
  const files = globSync(["test/**/*.test.ts", "scripts/**/*.test.ts"], { cwd: root }).map((file) =>
    file.replaceAll("\\", "/"),
  );
  const byName = Map.groupBy(files.toSorted(), suiteOf);
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.indexOf("host") - 0.5);
  return Array.from(byName, ([name, found]) => ({ name, files: found, kind: kindOf(name) })).toSorted(
    (a, b) => rank(a.name) - rank(b.name),
  );
}

function suiteOf(file: string): string {
  const [top, folder, rest] = file.split("/");
  if (top === "scripts") return "scripts";
  return rest === undefined ? "test" : (folder ?? "test");
}

function kindOf(name: string): Suite["kind"] {
  return name === "host" || name === "ui" ? name : "node";
}
