import { l10n } from "vscode";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { inRepository } from "../repositories.ts";
import type { WorktreeList } from "./list.ts";
import { askOpen } from "./pick.ts";
import { type Question, keep, write } from "./steps.ts";

/** What may be known before the questions. */
export interface ReviewRequest {
  readonly repository?: Repository | undefined;
  readonly number?: number | undefined;
}

interface Answers {
  repository: Repository | undefined;
  number: number | undefined;
}

/** Asks for the number of a pull or merge request and makes a worktree on it. */
export async function reviewPullRequest(
  connection: Connection,
  list: WorktreeList,
  request: ReviewRequest,
): Promise<CreateResult> {
  const answers: Answers = { repository: request.repository, number: request.number };
  await askOpen(l10n.t("Review Pull Request"), list, answers, request.number === undefined ? [askNumber(list)] : []);
  const { repository, number = 0 } = answers;
  return withProgress(l10n.t("Fetching pull request {0}", number), ({ token, onProgress }) =>
    connection.request("worktree.review", { ...inRepository(repository), number }, { token, onProgress }),
  );
}

const askNumber =
  (list: WorktreeList): Question<Answers> =>
  async (place, state) => {
    const answer = await write(
      { ...place, placeholder: l10n.t("Number, such as {0}", "123") },
      {
        value: state.number === undefined ? "" : String(state.number),
        prompt: l10n.t("Number of the pull or merge request"),
        check: (value) => {
          const number = numberIn(value);
          if (number === null)
            return { kind: "problem", text: l10n.t("Type a number such as 123, or paste its address.") };
          const same = list.worktrees(state.repository?.id).find((each) => each.pullRequest === number);
          return same === undefined
            ? null
            : { kind: "note", text: l10n.t("{0} exists already; Enter opens it.", same.name) };
        },
      },
    );
    return keep(answer, (value) => (state.number = numberIn(value) ?? undefined));
  };

/** `123`, `#123`, or an address ending in `/pull/123` or `/merge_requests/123`. */
function numberIn(value: string): number | null {
  const found =
    /^#?(?<plain>[1-9]\d{0,8})$|\/(?:pull|pulls|pull-requests|merge_requests)\/(?<linked>[1-9]\d{0,8})(?:[/?#]|$)/u.exec(
      value,
    );
  const digits = found?.groups?.["plain"] ?? found?.groups?.["linked"];
  return digits === undefined ? null : Number(digits);
}
