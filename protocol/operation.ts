import { z } from "zod";

/** How an operation appears on the command line: one entry per command word. */
export interface CommandLine {
  /** The word after `imi`. */
  readonly command: string;
  readonly summary: string;
  /**
   * Parameters taken by position, in order; a trailing `?` makes one optional, and `...`, of the last alone, takes all
   * words that are left as a list. All others are `--kebab-case` options.
   */
  readonly positionals?: readonly string[];
  /** Parameters this command fixes (`imi feat` is `worktree.create` with type `feat`). */
  readonly fixed?: Readonly<Record<string, unknown>>;
  readonly examples: readonly string[];
  /** The answer is a place to be: the shell function of `imi shell-init` changes into `worktree.path`. */
  readonly changesDirectory?: true;
}

/**
 * One thing iMi can do, declared once. Every face is derived from this: JSON-RPC uses `name` as its method, the
 * command line reads `cli`, agents get what is marked for them by `agents`.
 */
export interface Operation<Params extends z.ZodObject = z.ZodObject, Result extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly params: Params;
  readonly result: Result;
  /** `write` operations are refused in untrusted workspaces. */
  readonly access: "read" | "write";
  /**
   * What an agent may do with it: `read` changes nothing; `add` takes nothing away from anybody, it brings something new or
   * gives back what is the caller's own; `change` may alter or take away what is there. `null` is not offered to agents:
   * what only a person decides, and what has no use without one.
   */
  readonly agents: "read" | "add" | "change" | null;
  /** Called again with the same parameters it changes nothing more; what only reads never does. */
  readonly repeatable?: true;
  /** It may reach beyond this machine: a remote, a forge. */
  readonly remote?: true;
  /** What help calls a parameter's value, where the parameter's own name does not say it: `{ idleDays: "DAYS" }`. */
  readonly valueNames?: Readonly<Record<string, string>>;
  readonly cli: readonly CommandLine[];
}

/** Where to look for the repository. Faces fill in their working directory. */
export const repositoryParam = { repository: z.string().optional().describe("any path inside the repository") };

export const operation = <const Name extends string, Params extends z.ZodObject, Result extends z.ZodObject>(
  declaration: Operation<Params, Result> & { readonly name: Name },
): Operation<Params, Result> & { readonly name: Name } => declaration;
