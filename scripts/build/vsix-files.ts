import { readFile } from "node:fs/promises";

const endRecord = 0x06054b50;
const directoryEntry = 0x02014b50;

/** The names of the files in a VSIX, read from what was really packed: the central directory of the ZIP file. */
export async function filesInVsix(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  // The end record is 22 bytes and a comment of at most 65535.
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== endRecord) end -= 1;
  if (end < 0) throw new Error(`${file} is not a ZIP file`);

  const names: string[] = [];
  let at = bytes.readUInt32LE(end + 16);
  while (bytes.readUInt32LE(at) === directoryEntry) {
    const nameLength = bytes.readUInt16LE(at + 28);
    names.push(bytes.toString("utf8", at + 46, at + 46 + nameLength));
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return names;
}
