import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { sizesOf } from "./differences.ts";
import type { Call, Tools } from "./index.ts";
import { inRepository } from "./place.ts";

/** Contents larger than this are not read, in bytes: an editor would not show them either. */
export const longestRead = 16 * 1024 * 1024;

/** One content that git keeps. Raises usage/invalid where there is none of that id. */
export const readVersion = async (
  tools: Tools,
  repository: Repository,
  { id }: ParsedOf<"file.read">,
  { signal }: Call,
): Promise<ResultOf<"file.read">> => {
  const ask = await inRepository(tools.git, repository, signal);
  const bytes = /^[0-9a-f]{40,64}$/.test(id) ? (await sizesOf(ask, new Set([id]))).get(id) : undefined;
  if (bytes === undefined) {
    throw new ImiError("usage/invalid", `The repository has no content ${id}.`, {
      hint: "Where it is a partial clone, `git fetch` gets it.",
    });
  }
  if (bytes > longestRead) return { bytes, base64: null };
  const { stdout } = await ask(["cat-file", "blob", id]);
  return { bytes, base64: stdout.toString("base64") };
};
