import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { longestRead } from "../../../protocol/limits.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Call, Tools } from "./index.ts";
import { inRepository } from "./place.ts";
import type { Ask } from "./place.ts";

/** One content that git keeps. Raises usage/invalid where there is none of that id. */
export const readVersion = async (
  tools: Tools,
  repository: Repository,
  { id }: ParsedOf<"file.read">,
  { signal }: Call,
): Promise<ResultOf<"file.read">> => {
  if (!/^[0-9a-f]{40,64}$/.test(id)) throw notThere(id);
  const said = await beginningOf(await inRepository(tools.git, repository, signal), id);
  const end = said.indexOf("\n");
  const [, type, size = ""] = said.subarray(0, end).toString("latin1").split(" ");
  if (type !== "blob") throw notThere(id);
  const bytes = Number(size);
  if (bytes > longestRead) return { bytes, base64: null };
  return { bytes, base64: said.subarray(end + 1, end + 1 + bytes).toString("base64") };
};

/** What git says of an object: a line with its type and size, then its content, as far as that is wanted; in one process. */
const beginningOf = async (ask: Ask, id: string): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  const enough = new Error("enough was read");
  const receive = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > longestRead + longestLine) throw enough; // ends git
  };
  await ask(["cat-file", "--batch"], { input: `${id}\n`, receive }).catch((error: unknown) => {
    if (error !== enough) throw error;
  });
  return Buffer.concat(chunks);
};

/** An id, a type and a size. */
const longestLine = 128;

const notThere = (id: string): ImiError =>
  new ImiError("usage/invalid", `The repository has no content ${id}.`, {
    hint: "Where it is a partial clone, `git fetch` gets it.",
  });
