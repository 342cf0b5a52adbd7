import { QuickPickItemKind, ThemeIcon, Uri, l10n } from "vscode";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult, NamedType } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { branchNames } from "../git-extension.ts";
import { withProgress } from "../progress.ts";
import { inRepository, pathIn } from "../repositories.ts";
import { type EffectiveSettings, readEffectiveSettings } from "../settings.ts";
import { typeChoice, typeIcon } from "./labels.ts";
import type { WorktreeList } from "./list.ts";
import { folderOf, remarkOn } from "./name.ts";
import { type Chosen, askOpen, theOnly } from "./pick.ts";
import { type Question, choose, keep, write } from "./steps.ts";

/** What may be known before the questions; a program that gives repository, type and name is asked nothing. */
export interface CreateRequest {
  readonly repository?: Repository | undefined;
  readonly type?: NamedType | undefined;
  readonly name?: string | undefined;
  readonly branch?: string | undefined;
  readonly base?: string | undefined;
}

/** Must stay as `namedTypes` of protocol/worktrees.ts, which would bring zod; the compiler compares the two. */
const types = Object.keys({ feat: 0, fix: 0, aiops: 0, devops: 0 } satisfies Record<NamedType, 0>) as NamedType[];

interface Answers {
  repository: Repository | undefined;
  type: NamedType | undefined;
  name: string;
  base: string | undefined;
  readonly settings: EffectiveSettings;
}

/** Asks what is not known (type, name, base; the repository where there are several) and creates the worktree. */
export async function createWorktree(
  connection: Connection,
  list: WorktreeList,
  request: CreateRequest,
): Promise<CreateResult> {
  const answers: Answers = {
    repository: request.repository ?? theOnly(list.repositories),
    type: request.type,
    name: request.name ?? "",
    base: request.base,
    settings: await readEffectiveSettings(connection),
  };
  // The trunk's remote is asked while the questions are answered, so that creating need not wait for it.
  if (answers.repository !== undefined) {
    connection.request("repository.open", { repository: pathIn(answers.repository) }).catch(() => undefined);
  }
  const known = request.type !== undefined && request.name !== undefined;
  const questions = known ? [] : [...(request.type === undefined ? [askType] : []), askName(list), askBase(list)];
  await askOpen(l10n.t("Create Worktree"), list, answers, questions);
  const { repository, type, name, base } = answers;
  return withProgress(l10n.t("Creating worktree {0}", name), ({ token, onProgress }) =>
    connection.request(
      "worktree.create",
      {
        ...inRepository(repository),
        type: type ?? "feat",
        name,
        ...(base === undefined ? {} : { base }),
        ...(request.branch === undefined ? {} : { branch: request.branch }),
      },
      { token, onProgress },
    ),
  );
}

const askType: Question<Answers> = async (place, state) => {
  const items = types.map((value): Chosen<NamedType> => ({
    ...typeChoice(value),
    iconPath: new ThemeIcon(typeIcon(value)),
    value,
  }));
  const answer = await choose({ ...place, placeholder: l10n.t("What kind of work is it?") }, items, {
    active: items.find(({ value }) => value === state.type),
  });
  return keep(answer, (value) => (state.type = value));
};

const askName =
  (list: WorktreeList): Question<Answers> =>
  async (place, state) => {
    const type = state.type ?? "feat";
    const answer = await write(
      { ...place, placeholder: l10n.t("Name, such as {0}", "user-auth") },
      {
        value: state.name,
        prompt: l10n.t("What is the work called?"),
        check: (value) => remarkOn(value, type, state.settings, list.worktrees(state.repository?.id)),
      },
    );
    return keep(answer, (value) => (state.name = value));
  };

const askBase =
  (list: WorktreeList): Question<Answers> =>
  async (place, state) => {
    const worktrees = list.worktrees(state.repository?.id);
    // Nothing to start from when it exists: the server opens it.
    const folder = folderOf(state.name, state.type ?? "feat", state.settings);
    if (worktrees.some(({ name }) => name === folder)) return "known";
    const item = (label: string, description: string, value: string | undefined): Chosen<string | undefined> => ({
      label,
      description,
      value,
      iconPath: new ThemeIcon(value === undefined ? "repo" : "git-branch"),
    });
    const trunk = worktrees.find(({ type }) => type === "trunk");
    const newest = item(l10n.t("Trunk's newest"), trunk?.base ?? trunk?.branch ?? "", undefined);
    const held = worktrees.flatMap((each) =>
      each.branch === null || each === trunk ? [] : [item(each.branch, each.name, each.branch)],
    );
    const heldNames = new Set(held.map(({ label }) => label));
    const others = (trunk === undefined ? [] : await branchNames(Uri.file(trunk.path)))
      .filter((name) => !heldNames.has(name))
      .map((name) => item(name, "", name));
    const heading = (label: string): Chosen<string | undefined> => ({
      label,
      kind: QuickPickItemKind.Separator,
      value: undefined,
    });
    const items = [
      newest,
      ...(held.length === 0 ? [] : [heading(l10n.t("worktrees")), ...held]),
      ...(others.length === 0 ? [] : [heading(l10n.t("branches")), ...others]),
    ];
    const answer = await choose({ ...place, placeholder: l10n.t("Start from…") }, items, {
      active: items.find(({ value }) => value !== undefined && value === state.base) ?? newest,
      typed: (value) =>
        value === "" || items.some(({ label }) => label === value)
          ? undefined
          : item(value, l10n.t("branch, tag or commit"), value),
    });
    return keep(answer, (value) => (state.base = value));
  };
