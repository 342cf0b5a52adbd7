import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "../../process/index.ts";

const mark = "iMi salvage of process ";

/**
 * Brings what was written into a place apart into the repository's objects, where nothing refers to it yet. A repack
 * deletes the packs it saw when it began: so each comes with a `.keep`, which goes when its refs are there and verified.
 */
export const publish = (from: string, objects: string): Disposable => {
  const keeps: string[] = [];
  for (const folder of readdirSync(from)) {
    if (folder === "info") continue;
    mkdirSync(join(objects, folder), { recursive: true });
    // git takes a pack for one when it sees the index of it: that comes last.
    const names = readdirSync(join(from, folder)).toSorted(
      (a, b) => Number(a.endsWith(".idx")) - Number(b.endsWith(".idx")),
    );
    for (const name of names) {
      if (name.endsWith(".pack")) keeps.push(keep(join(objects, folder), name));
      place(join(from, folder, name), join(objects, folder, name));
    }
  }
  return {
    [Symbol.dispose]: () => {
      for (const file of keeps) rmSync(file, { force: true });
    },
  };
};

const keep = (folder: string, pack: string): string => {
  const file = join(folder, `${pack.slice(0, -".pack".length)}.keep`);
  writeFileSync(file, `${mark}${process.pid}\n`);
  return file;
};

const place = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return; // the same objects have the same name
    if (code !== "EPERM" && code !== "EXDEV" && code !== "ENOTSUP" && code !== "EMLINK") throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
};

/** Takes the `.keep` from packs of salvages that were killed: an ordinary repack may have them then. */
export const sweepKeeps = async (objects: string): Promise<void> => {
  const folder = join(objects, "pack");
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(".keep")) continue;
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    const pid = text.startsWith(mark) ? Number(text.slice(mark.length)) : Number.NaN;
    if (Number.isNaN(pid) || pid === process.pid || (await isAlive(pid, null))) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
};
