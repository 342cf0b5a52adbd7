import { join } from "node:path";
import type { Git, WorktreePlace } from "../git/index.ts";
import { fingerprint, folderIdentity, isOld, textOf } from "./fingerprint.ts";
import { readSettingsFiles, stateOf } from "./settings-files.ts";
import type { SettingsFiles } from "./settings-files.ts";

/** Where settings differ between worktrees: its own, and the branch they were read on. */
export interface OwnSettings {
  readonly head: string;
  readonly settings: SettingsFiles;
}

/** What decides how git looks at the worktrees of one repository, kept for as long as the files it came from are as they were. */
export class SharedSettings {
  readonly #git: Git;
  readonly #commonDir: string;
  #known: SettingsFiles | null = null;
  #reading: Promise<SettingsFiles | null> | null = null;
  #packed = { print: "", replaces: false };

  constructor(git: Git, commonDir: string) {
    this.#git = git;
    this.#commonDir = commonDir;
  }

  /** What all worktrees share; null when it is not known, or has changed. */
  current(): SettingsFiles | null {
    if (this.#known !== null && stateOf(this.#known.files) !== this.#known.state) this.#known = null;
    return this.#known;
  }

  /** Those of one worktree, where they are known. */
  of(place: WorktreePlace, own: OwnSettings | null, shared: SettingsFiles): SettingsFiles | null {
    if (!shared.perWorktree) return shared;
    if (own === null || own.head !== headOf(place)) return null;
    return stateOf(own.settings.files) === own.settings.state ? own.settings : null;
  }

  /** Asks git where they are not known. Null while a file of them is being written. */
  async read(
    place: WorktreePlace,
    own: OwnSettings | null,
    signal: AbortSignal,
  ): Promise<{ readonly settings: SettingsFiles; readonly own: OwnSettings | null } | null> {
    const shared = this.current() ?? (await this.#readShared(signal));
    if (shared === null) return null;
    const known = this.of(place, own, shared);
    if (known !== null) return { settings: known, own };
    const head = headOf(place);
    const settings = await readSettingsFiles(this.#git, place.gitDir, this.#commonDir, signal);
    return settings === null ? null : { settings, own: { head, settings } };
  }

  /** With `git replace` a commit's files are others than its id says. */
  replacesObjects(): boolean {
    const packed = join(this.#commonDir, "packed-refs");
    const print = fingerprint(packed);
    if (print !== this.#packed.print || !isOld(print))
      this.#packed = { print, replaces: textOf(packed).includes(" refs/replace/") };
    return this.#packed.replaces || folderIdentity(join(this.#commonDir, "refs", "replace")) !== null;
  }

  async #readShared(signal: AbortSignal): Promise<SettingsFiles | null> {
    this.#reading ??= readSettingsFiles(this.#git, this.#commonDir, this.#commonDir, signal).finally(() => {
      this.#reading = null;
    });
    this.#known = await this.#reading;
    return this.#known;
  }
}

const headOf = ({ gitDir }: WorktreePlace): string => textOf(join(gitDir, "HEAD"));
