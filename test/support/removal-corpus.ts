import { changes } from "./removal-corpus/changes.ts";
import type { State } from "./removal-corpus/ground.ts";
import { heads } from "./removal-corpus/heads.ts";
import { names } from "./removal-corpus/names.ts";
import { operations } from "./removal-corpus/operations.ts";
import { repositories } from "./removal-corpus/repositories.ts";

export { fastFolder, freshScene, groundAt, groundIn, text } from "./removal-corpus/ground.ts";
export type { Ground, State } from "./removal-corpus/ground.ts";

/** Every state a worktree may be in when it is removed that we have heard of or could think of. */
export const removalCorpus: readonly State[] = [...changes, ...heads, ...operations, ...repositories, ...names];

/** Why a state is not tried here, or null. */
export const skipped = (state: State): string | null =>
  state.large === true && process.env["IMI_TEST_LARGE"] !== "1"
    ? "large; set IMI_TEST_LARGE=1"
    : (state.skip?.() ?? null);
