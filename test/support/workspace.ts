import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperationName, ParamsOf, ResultOf } from "../../protocol/contract.ts";
import { operations } from "../../protocol/contract.ts";
import type { CallContext, Workspace } from "../../server/src/workspace.ts";
import { openWorkspace } from "../../server/src/workspace.ts";

/** A private corner of the disk: home, registry, and a remote with a container cloned from it. */
export interface Scene {
  readonly root: string;
  readonly container: string;
  readonly trunk: string;
  readonly remote: string;
  readonly env: NodeJS.ProcessEnv;
  git(cwd: string, ...args: string[]): string;
  remove(): void;
}

export const gitEnv = (root: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: join(root, "home"),
  XDG_CONFIG_HOME: join(root, "home/.config"),
  XDG_DATA_HOME: join(root, "home/.local/share"),
  XDG_RUNTIME_DIR: join(root, "home/run"),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: join(root, "home/gitconfig"),
  LC_ALL: "C",
});

/** A bare remote with one commit on main, cloned to <root>/app/trunk-main. */
export const makeScene = (options: { readonly files?: number; readonly under?: string } = {}): Scene => {
  const root = realpathSync(mkdtempSync(join(options.under ?? tmpdir(), "imi test ü ")));
  const env = gitEnv(root);
  mkdirSync(join(root, "home/run"), { recursive: true, mode: 0o700 });
  writeFileSync(
    join(root, "home/gitconfig"),
    '[user]\n\tname = Test\n\temail = test@example.invalid\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[gc]\n\tauto = 0\n',
  );
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync("git", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const remote = join(root, "remote.git");
  const container = join(root, "app");
  const trunk = join(container, "trunk-main");
  git(root, "init", "-q", "--bare", remote);
  mkdirSync(container);
  git(root, "clone", "-q", remote, trunk);
  writeFileSync(join(trunk, "README.md"), "# App\n");
  for (let index = 0; index < (options.files ?? 3); index += 1)
    writeFileSync(join(trunk, `file-${index}.txt`), `${index}\n`);
  git(trunk, "add", "-A");
  git(trunk, "commit", "-q", "-m", "first");
  git(trunk, "push", "-q", "-u", "origin", "HEAD");
  git(trunk, "remote", "set-head", "origin", "-a");
  return { root, container, trunk, remote, env, git, remove: () => rmSync(root, { recursive: true, force: true }) };
};

const quiet: CallContext = { signal: new AbortController().signal, progress: () => undefined };

/** The operations of a workspace, typed; every answer is checked against its declaration, as a face would show it. */
export class Caller {
  readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  static async in(scene: Scene, cwd = scene.trunk, role: "cli" | "server" = "cli"): Promise<Caller> {
    return new Caller(await openWorkspace({ role, cwd, env: scene.env }));
  }

  async call<Name extends OperationName>(name: Name, params: ParamsOf<Name>, context = quiet): Promise<ResultOf<Name>> {
    const declared = operations.find((operation) => operation.name === name);
    if (declared === undefined) throw new Error(`no operation ${name}`);
    const result = await this.workspace.call(name, declared.params.parse(params), context);
    return declared.result.strict().parse(result) as ResultOf<Name>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace.close();
  }
}
