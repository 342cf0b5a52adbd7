import { readFile, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Check } from "../../../protocol/doctor.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Config } from "../config/index.ts";
import type { Git } from "../git/index.ts";
import { findRepository } from "../git/index.ts";
import { run } from "../process/index.ts";
import { carried, oldestNodeApi, useNewer } from "../runtime.ts";
import type { Store } from "../store/index.ts";

interface Patient {
  readonly config: Config;
  readonly git: Git;
  readonly store: () => Promise<Store>;
  readonly where: string;
  readonly signal: AbortSignal;
  /** Which server answers for a repository's worktrees, in words, and what to do where it cannot watch some; null when none runs. */
  readonly liveStatus: (gitDir: string) => Promise<{ readonly detail: string; readonly hint: string | null } | null>;
}

/** Below this much free space a checkout may well fail, in bytes. */
const lowSpace = 500 * 1024 * 1024;

/** Every check on its own: one that cannot be made is a failure with its reason, and keeps no other from being made. */
export const examine = async (patient: Patient): Promise<Check[]> => {
  const checks: [name: string, check: () => Promise<Omit<Check, "name">>][] = [
    ["runtime", async () => runtime(process.versions)],
    ["git", () => git(patient)],
    ["config", () => config(patient)],
    ["registry", () => registry(patient)],
    ["disk", () => disk(patient)],
    ["repository", () => repository(patient)],
    ["file watching", () => watches()],
    ["live status", () => liveStatus(patient)],
    ["pull requests", () => forge(patient)],
    ["opening in VS Code", () => editor(patient)],
  ];
  return Promise.all(
    checks.map(async ([name, check]) => {
      try {
        return { name, ...(await check()) };
      } catch (error) {
        const { message, hint } = ImiError.from(error);
        return { name, result: "failure" as const, detail: message, hint };
      }
    }),
  );
};

const ok = (detail: string): Omit<Check, "name"> => ({ result: "ok", detail, hint: null });
const warning = (detail: string, hint: string): Omit<Check, "name"> => ({ result: "warning", detail, hint });

/** Whether this Node can run iMi, and whether it is one that iMi is tested with. */
export const runtime = ({ node, napi }: { readonly node: string; readonly napi?: string }): Omit<Check, "name"> => {
  if (!(Number(napi) >= oldestNodeApi))
    return { result: "failure", detail: `Node ${node} is too old.`, hint: `${useNewer}.` };
  const where = `Node ${node} on ${process.platform} ${process.arch}`;
  return Number(node.split(".")[0]) >= carried.node ? ok(where) : warning(`${where} serves, untested`, `${useNewer}.`);
};

const git = async ({ git: program }: Patient): Promise<Omit<Check, "name">> => {
  const version = await program.version();
  const modern = version.major > 2 || (version.major === 2 && version.minor >= 41);
  return modern
    ? ok(version.text)
    : warning(`${version.text} serves`, "git 2.41 or newer reads the status of many worktrees faster.");
};

const config = async ({ config: loaded }: Patient): Promise<Omit<Check, "name">> => {
  const [first] = loaded.problems;
  if (first === undefined) return ok(loaded.file);
  return warning(loaded.problems.map(({ message }) => message).join("; "), `Mend it with \`imi config edit\`.`);
};

const registry = async ({ store }: Patient): Promise<Omit<Check, "name">> => {
  const opened = await store();
  return ok(`${opened.path} (${opened.engine.name}, SQLite ${opened.engine.sqlite})`);
};

const disk = async ({ config: { databasePath } }: Patient): Promise<Omit<Check, "name">> => {
  const facts = await statfs(dirname(databasePath));
  const free = facts.bavail * facts.bsize;
  const text = `${Math.round(free / 1024 / 1024)} MB free for the registry`;
  return free < lowSpace ? warning(text, "Free some space before creating worktrees.") : ok(text);
};

const repository = async ({ where }: Patient): Promise<Omit<Check, "name">> => {
  const place = await findRepository(where);
  return ok(place.commonDir);
};

const watches = async (): Promise<Omit<Check, "name">> => {
  if (process.platform !== "linux") return ok("by the system's own service");
  const limit = Number(await readFile("/proc/sys/fs/inotify/max_user_watches", "utf8"));
  return limit < 65_536
    ? warning(`${limit} inotify watches per user`, "Raise it: `sysctl fs.inotify.max_user_watches=524288`.")
    : ok(`${limit} inotify watches per user`);
};

const liveStatus = async ({ where, liveStatus: serves }: Patient): Promise<Omit<Check, "name">> => {
  const served = await serves((await findRepository(where)).commonDir);
  if (served === null) return ok("no server runs; each worktree is asked of git");
  return served.hint === null ? ok(served.detail) : warning(served.detail, served.hint);
};

const forge = async ({ signal }: Patient): Promise<Omit<Check, "name">> => {
  try {
    const { exitCode } = await run("gh", ["auth", "token"], { cwd: "/", signal, timeoutMs: 5000 });
    if (exitCode === 0) return ok("gh is signed in");
    return warning(
      "The remote's own refs serve: gh is not signed in.",
      "Run `gh auth login` to push suggestions to forks.",
    );
  } catch {
    return warning("The remote's own refs serve: gh is not installed.", "Install gh to push suggestions to forks.");
  }
};

const editor = async ({ signal }: Patient): Promise<Omit<Check, "name">> => {
  try {
    const { stdout } = await run("code", ["--version"], { cwd: "/", signal, timeoutMs: 10_000 });
    return ok(`code ${stdout.split("\n")[0] ?? ""}`);
  } catch {
    return warning(
      "`--open` has nothing to open with: `code` is not on PATH.",
      "In VS Code: Shell Command: Install 'code' command in PATH.",
    );
  }
};
