import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Git } from "../../server/src/git/index.ts";

const execute = promisify(execFile);

/** A real folder of its own, gone at the end of the test. */
export interface Scratch extends AsyncDisposable {
  readonly root: string;
}

export const scratch = (name = "imi"): Scratch => {
  const root = realpathSync.native(mkdtempSync(join(tmpdir(), `${name}-`)));
  return {
    root,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
};

let isolated = false;

/** From here on this process's git reads no configuration of the machine or its user, and has a name to commit by. */
export const isolateGit = (): void => {
  if (isolated) return;
  isolated = true;
  const folder = mkdtempSync(join(tmpdir(), "imi-git-home-"));
  process.once("exit", () => void rm(folder, { recursive: true, force: true }).catch(() => undefined));
  const config = join(folder, "gitconfig");
  writeFileSync(
    config,
    "[user]\n\tname = Test\n\temail = test@example.invalid\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdefaultBranchName = false\n",
  );
  process.env["GIT_CONFIG_GLOBAL"] = config;
  process.env["GIT_CONFIG_NOSYSTEM"] = "1";
  for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"]) delete process.env[name];
};

/** A real repository in a scratch folder; `trunk` is its main checkout. */
export interface TestRepository extends Scratch {
  readonly trunk: string;
  readonly commonDir: string;
  readonly git: Git;
  /** What `Git` ran, one line each. */
  readonly log: string[];
  /** Runs git as a user would, by default in the trunk; answers stdout without its last line end. */
  run(args: readonly string[], cwd?: string): Promise<string>;
  write(path: string, text: string): void;
  commit(message: string, files?: Readonly<Record<string, string>>, cwd?: string): Promise<string>;
}

export interface RepositoryOptions {
  /** Name of the main checkout's folder; default `trunk-main`. */
  readonly folder?: string;
  /** How many small files the first commit holds, ten to a folder; default one. */
  readonly files?: number;
  /** Another folder to make it in instead of a scratch folder of its own. */
  readonly root?: string;
}

export const makeRepository = async (options: RepositoryOptions = {}): Promise<TestRepository> => {
  isolateGit();
  const own =
    options.root === undefined ? scratch() : { root: options.root, [Symbol.asyncDispose]: () => Promise.resolve() };
  const trunk = join(own.root, options.folder ?? "trunk-main");
  mkdirSync(trunk, { recursive: true });
  const log: string[] = [];
  const repository: TestRepository = {
    ...own,
    trunk,
    commonDir: join(trunk, ".git"),
    git: new Git({ log: (line) => log.push(line) }),
    log,
    run: (args, cwd = trunk) => plainGit(args, cwd),
    write: (path, text) => {
      const file = join(trunk, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
    commit: async (message, files = {}, cwd = trunk) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        writeFileSync(join(cwd, path), text);
      }
      await plainGit(["add", "-A"], cwd);
      await plainGit(["commit", "-q", "--allow-empty", "-m", message], cwd);
      return plainGit(["rev-parse", "HEAD"], cwd);
    },
  };
  await repository.run(["init", "-q", "-b", "main"]);
  for (let at = 0; at < (options.files ?? 1); at++)
    repository.write(`src/${Math.floor(at / 10)}/file-${at}.txt`, `line ${at}\n`);
  await repository.commit("first");
  return repository;
};

export const plainGit = async (args: readonly string[], cwd: string): Promise<string> => {
  isolateGit();
  const running = execute("git", [...args], { cwd, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
  running.child.stdin?.end(); // a hook that reads it would wait for ever
  const { stdout } = await running;
  return stdout.replace(/\n$/, "");
};

/** A bare copy to serve as the remote `origin`, with its HEAD known. */
export const addRemote = async (repository: TestRepository, name = "origin"): Promise<string> => {
  const path = join(repository.root, `${name}.git`);
  await repository.run(["clone", "-q", "--bare", repository.trunk, path]);
  await repository.run(["remote", "add", name, path]);
  await repository.run(["fetch", "-q", name]);
  await repository.run(["remote", "set-head", name, "main"]);
  return path;
};
