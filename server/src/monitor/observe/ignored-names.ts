import type { Git, WorktreePlace } from "../../git/index.ts";
import { touchRules } from "./names.ts";
import type { Names } from "./names.ts";

/** Excludes outside the worktree may change without a sign: after this long, in ms, git is asked again. */
const believedMs = 60_000;
/** More names than this are not a log that is written to all the time. */
const askedAtMost = 200;
const keptAtMost = 2_000;

/**
 * Names that changed in a worktree without a difference, because git ignores them. While only these change, nothing needs to
 * be looked at: a log that is written to all the time starts no process.
 */
export class IgnoredNames {
  readonly #ignored = new Map<string, boolean>();
  #standing: string | null = null;
  #since = 0;

  /** Whether these are all known to be ignored; is asked about everything that happens, because much of it means that nothing is known any more. */
  cover(names: Names): boolean {
    if (this.#ignored.size === 0) return false;
    // Without a name it was one of git's own files: the index (`git add --force`), the excludes.
    const rulesMayDiffer = names === null || names.size === 0 || touchRules(names);
    if (rulesMayDiffer || performance.now() - this.#since > believedMs) {
      this.#ignored.clear();
      return false;
    }
    for (const name of names) if (this.#ignored.get(name) !== true) return false;
    return true;
  }

  /** HEAD and the index at a look; where they are others than at the last one, nothing is known any more. */
  stand(standing: string | null): void {
    if (this.#standing !== standing) this.#ignored.clear();
    this.#standing = standing;
  }

  /** After a look that found nothing new: asks git which of these it ignores; those it was asked about are known. */
  async learn(git: Git, place: WorktreePlace, names: Names, signal: AbortSignal): Promise<void> {
    if (this.#ignored.size > keptAtMost) this.#ignored.clear();
    const asked = [...(names ?? [])].filter((name) => !this.#ignored.has(name));
    if (asked.length === 0 || asked.length > askedAtMost) return;
    if (this.#ignored.size === 0) this.#since = performance.now();
    const { stdout } = await git.run(
      place.path,
      [`--git-dir=${place.gitDir}`, `--work-tree=${place.path}`, "check-ignore", "-z", "--stdin"],
      // 128: one of them lies beyond a link, or in a repository of its own; then none counts as ignored.
      { access: "read", accept: [0, 1, 128], input: `${asked.join("\0")}\0`, signal },
    );
    const ignored = new Set(stdout.split("\0"));
    for (const name of asked) this.#ignored.set(name, ignored.has(name));
  }
}
