import { join } from "node:path";
import type { Repository } from "../../protocol/repositories.ts";
import type { Work, WorkKind } from "../../protocol/work.ts";
import { addWorktree } from "../../server/src/git/index.ts";
import type { Checkout } from "../../server/src/worktrees/checkout.ts";
import { examine } from "../../server/src/worktrees/work/index.ts";
import type { ExamineOptions } from "../../server/src/worktrees/work/index.ts";
import type { TestRepository } from "./git.ts";

/** A worktree that can be asked what it holds. */
export interface Examined {
  readonly path: string;
  /** git's record of it. */
  readonly record: string;
  /** Runs git in it. */
  run(...args: string[]): Promise<string>;
  work(options?: Partial<ExamineOptions> & Partial<Checkout>): Promise<Work>;
  /** How many of each kind; a reason why it is unknown goes by that name. */
  holds(
    options?: Partial<ExamineOptions> & Partial<Checkout>,
  ): Promise<Partial<Record<WorkKind | "unknown", number | string>>>;
  examples(kind: WorkKind): Promise<readonly string[]>;
}

/** A new worktree on `feat/<name>`, from main. */
export const addExamined = async (
  repository: TestRepository,
  name = "a",
  base: string | null = "main",
): Promise<Examined> => {
  const path = join(repository.root, name);
  const branch = `feat/${name}`;
  await addWorktree(repository.git, repository.commonDir, { path, branch, startPoint: "main", createBranch: true });
  return examined(repository, { name, path, gitDir: join(repository.commonDir, "worktrees", name), branch, base });
};

export const examined = (repository: TestRepository, checkout: Checkout): Examined => {
  const entity: Repository = {
    ...{ id: "r", name: "r", gitDir: repository.commonDir, trunk: repository.trunk },
    ...{ container: repository.root, layout: "container" as const },
  };
  const work: Examined["work"] = ({ depth = "removal", signal, patienceMs, ...other } = {}) =>
    examine({ git: repository.git }, entity, { ...checkout, ...other }, { depth, signal, patienceMs });
  return {
    path: checkout.path,
    record: checkout.gitDir,
    run: (...args) => repository.run(args, checkout.path),
    work,
    holds: async (options) => {
      const { items, reason } = await work(options);
      return {
        ...Object.fromEntries(items.map(({ kind, count }) => [kind, count])),
        ...(reason === null ? {} : { unknown: reason }),
      };
    },
    examples: async (kind) => (await work({ depth: "full" })).items.find((item) => item.kind === kind)?.examples ?? [],
  };
};
