import { readFileSync } from "node:fs";
import { inRoot } from "../paths.ts";
import { placeFile } from "./place-file.ts";
import { type Target, prebuiltSqlite } from "./targets.ts";

/** Puts the native modules of one platform beside the bundles. */
export function placeNatives(target: Target): void {
  placeFile(inRoot("dist", "native", "better-sqlite3.node"), readFileSync(prebuiltSqlite(target)));
}
