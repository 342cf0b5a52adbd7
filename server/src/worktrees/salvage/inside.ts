import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { repositoriesInside } from "../nested/repositories-inside.ts";
import type { Place } from "../nested/repositories-inside.ts";
import { bytesOf, pathIn, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { textOf } from "./files.ts";
import { readSettings } from "./settings.ts";
import type { Job, Subject } from "./subject.ts";
import type { Survey } from "./survey.ts";

/** A repository inside a working tree. */
export interface Inside extends Pick<Place, "path" | "tree" | "ownsRefs"> {
  readonly subject: Subject;
  /**
   * Why its objects cannot live among ours (another format, a history cut short), or why it is no repository at all. Then
   * its files are kept as plain files, and its git directory too.
   */
  readonly opaque: { readonly reason: string; readonly files: string | null } | null;
  /** `always`: the tree around it has nothing of it. `own`: only what exists nowhere else, as in a submodule. */
  readonly keep: "always" | "own";
  /** Whether the tree around it names its commit; not where it is ignored. */
  readonly visible: boolean;
}

/**
 * Repositories inside a surveyed tree. What is ignored and cannot be read stays in the trash like all that is ignored; before
 * that is deleted salvage/failed is raised.
 */
export const findInside = async (job: Job, { subject, status, gitlinks }: Survey): Promise<Inside[]> => {
  const around = {
    ...{ path: subject.path, gitDir: subject.gitDir, top: job.top, record: job.record },
    folderOf: (path: Bytes) => spellable(job, subject.path, path),
  };
  const said = { gitlinks: [...gitlinks, ...status.gitlinks], nested: status.nested, ignored: status.ignored };
  const { places, closed } = await repositoriesInside(around, said, { signal: job.signal });
  const [first] = closed;
  if (first !== undefined && job.before === "deletion") {
    throw new ImiError("salvage/failed", `The ignored folder ${shown(first.path)} cannot be read (${first.code}).`, {
      hint: "There may be a repository in it. Make it readable, or delete it, then try again.",
    });
  }
  const insides: Inside[] = [];
  for (const place of places) insides.push(await inside(job, subject, place));
  return insides;
};

const inside = async (job: Job, around: Subject, place: Place): Promise<Inside> => {
  const { path, how, tree, gitDir, commonDir, ownsRefs } = place;
  const folder = tree === "none" ? emptyFolder(job) : spellable(job, around.path, path);
  const name = `${around.name}/${shown(path)}`;
  const visible = how === "gitlink" || how === "untracked";
  const common = { path, tree, visible };
  if (gitDir === null || commonDir === null) {
    const reason = place.damaged === null ? "no repository is in its folder" : "its git directory is damaged or gone";
    const opaque = { reason, files: place.damaged };
    return { ...common, subject: plainly(job, folder, name), ownsRefs: false, keep: "always", opaque };
  }
  const keep = how === "untracked" ? "always" : "own";
  const settings = await readSettings(job.git, commonDir, gitDir);
  const files = ownsRefs ? commonDir : null;
  const shallow = commonDir !== job.home && textOf(join(commonDir, "shallow")) !== null;
  const reason =
    settings.format !== job.homeSettings.format
      ? `its object format is ${settings.format}`
      : commonDir !== job.home && (settings.partial || shallow)
        ? "its history is not all here"
        : null;
  const opaque = reason === null ? null : { reason, files };
  return { ...common, subject: { path: folder, gitDir, commonDir, settings, name }, ownsRefs, keep, opaque };
};

/** The same folder as files alone. */
export const plainly = (job: Job, path: string, name: string): Subject => ({
  path,
  gitDir: null,
  commonDir: job.home,
  settings: job.homeSettings,
  name,
});

/** The working tree of a repository that has none. */
export const emptyFolder = ({ drafts }: Pick<Job, "drafts">): string => {
  const nothing = join(drafts, "nothing");
  mkdirSync(nothing, { recursive: true });
  return nothing;
};

let links = 0;

/** A path git and we can be told in UTF-8; a folder whose name is none is reached through a link of ours. */
const spellable = (job: Job, root: string, path: Bytes): string => {
  if (bytesOf(shown(path)) === path) return join(root, shown(path));
  links += 1;
  const link = join(job.drafts, `link-${links}`);
  symlinkSync(pathIn(root, path), link);
  return link;
};
