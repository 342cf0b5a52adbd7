import { l10n } from "vscode";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "./list.ts";
import { askRepository, theOnly } from "./pick.ts";
import { type Question, askInTurn, write } from "./steps.ts";

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
  const answers: Answers = {
    repository: request.repository ?? theOnly(list.repositories),
    number: request.number,
  };
  if (answers.repository === undefined || answers.number === undefined) {
    await askInTurn(l10n.t("Review Pull Request"), answers, [
      ...(answers.repository === undefined ? [askRepository(list)] : []),
      ...(answers.number === undefined ? [askNumber(list)] : []),
    ]);
  }
  const { repository, number = 0 } = answers;
  return withProgress(l10n.t("Fetching pull request {0}", number), ({ token, onProgress }) =>
    connection.request(
      "worktree.review",
      {
        ...(repository === undefined ? {} : { repository: pathIn(repository) }),
        number,
      },
      { token, onProgress },
    ),
  );
}

const askNumber =
  (list: WorktreeList): Question<Answers> =>
  async (place, state) => {
    const answer = await write(
      { ...place, placeholder: "123" },
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
    if (answer === "back") return "back";
    state.number = numberIn(answer.value) ?? undefined;
    return "asked";
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
