import { readFile } from "node:fs/promises";
import { sep } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";

/** What is mounted below a folder, such as a container's volume; nothing where the system does not tell (it is not Linux). */
const mountsBelow = async (folder: string): Promise<string[]> => {
  const table = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  return table
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) => path.replace(/\\([0-7]{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((path) => path.startsWith(folder + sep));
};

/** Deleting would go on into what is mounted there, which is somebody else's. Raises path/permission. */
export const refuseMounts = async (folder: string): Promise<void> => {
  const [mounted] = await mountsBelow(folder);
  if (mounted === undefined) return;
  throw new ImiError("path/permission", `Something is mounted at ${mounted}, so ${folder} is not deleted.`, {
    hint: `Stop the container that uses it, or: umount ${mounted}`,
  });
};
