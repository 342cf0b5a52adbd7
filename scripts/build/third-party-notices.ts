import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Metafile } from "esbuild";
import { inRoot } from "../paths.ts";

/** Collects the packages that went into the bundles, whose licences ask that their text goes with the copy. */
export class ThirdPartyNotices {
  readonly #packages = new Set<string>(["better-sqlite3"]);

  add(metafile: Metafile): void {
    for (const file of Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs))) {
      // The last one, because a package can carry packages of its own.
      const name = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(file);
      if (name !== null) this.#packages.add(name[0].replace(/^.*?node_modules\//u, "").replace(/\/$/u, ""));
    }
  }

  /** The text of third-party-notices.txt. Throws when a package has no licence. */
  text(): Buffer {
    return Buffer.from(
      [...this.#packages]
        .toSorted()
        .map(notice)
        .join(`\n${"-".repeat(80)}\n\n`),
    );
  }
}

function notice(name: string): string {
  const folder = inRoot("node_modules", ...name.split("/"));
  const about: { version: string; license?: string } = JSON.parse(
    readFileSync(path.join(folder, "package.json"), "utf8"),
  );
  const file = readdirSync(folder).find((each) => /^licen[cs]e/iu.test(each));
  if (about.license === undefined && file === undefined) throw new Error(`${name} has no licence`);
  const text =
    file !== undefined && existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), "utf8") : "";
  return `${name} ${about.version} (${about.license ?? "see below"})\n\n${text.trim()}\n`;
}
