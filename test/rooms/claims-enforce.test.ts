import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const execute = promisify(execFile);

interface Ground {
  readonly scene: Scene;
  readonly imi: Caller;
  readonly path: string;
  readonly hooks: string;
  /** git as somebody else's shell runs it: exit code and what it said. */
  readonly git: (
    cwd: string,
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
  ) => Promise<{ code: number; stderr: string }>;
  readonly claim: (name?: string) => Promise<NodeJS.ProcessEnv>;
}

const ground = async (t: TestContext): Promise<Ground> => {
  const scene = makeScene();
  const imi = await Caller.in(scene);
  t.after(async () => {
    await imi.workspace.close();
    scene.remove();
  });
  const { worktree } = await imi.call("worktree.create", { type: "feat", name: "x" });
  return {
    ...{ scene, imi, path: worktree.path, hooks: join(scene.trunk, ".git/hooks") },
    git: (cwd, args, env = {}) =>
      execute("git", [...args], { cwd, env: { ...scene.env, ...env } }).then(
        ({ stderr }) => ({ code: 0, stderr }),
        (error: unknown) => {
          const { code, stderr } = error as { readonly code: number; readonly stderr: string }; // execFile's own
          return { code, stderr };
        },
      ),
    claim: async (name = "feat-x") => {
      const { claim } = await imi.call("claim.take", { name, agent: "A" });
      return { IMI_AGENT_ID: "A", IMI_CLAIM_TOKEN: String(claim.token) };
    },
  };
};

const empty = ["commit", "-q", "--allow-empty", "-m", "work"] as const;

/** Every file of a folder: name, mode, times and bytes. */
const snapshot = (folder: string): unknown =>
  readdirSync(folder)
    .toSorted()
    .map((name) => {
      const { mode, mtimeMs } = statSync(join(folder, name));
      return [name, mode, mtimeMs, readFileSync(join(folder, name), "latin1")];
    });

describe("enforcement", () => {
  it("lets a plain git commit through for the holder, and for nobody else, with a sentence that says what to do", async (t) => {
    const { imi, path, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    assert.equal((await git(path, empty)).code, 0, "nobody holds it");
    const holder = await claim();
    const refused = await git(path, empty);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^iMi: feat-x is held by A since 2\S+, until 2\S+\. Nothing was changed\.\niMi: .*imi claim feat-x/mu,
    );
    assert.equal((await git(path, [...empty, "--no-verify"])).code, 128, "nor by leaving out the first hook");
    assert.equal((await git(path, empty, holder)).code, 0);
  });

  it("refuses every other way to change the held branch, and nothing else", async (t) => {
    const { scene, imi, path, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    const holder = await claim();
    writeFileSync(join(path, "README.md"), "changed\n");
    for (const args of [
      ["stash"],
      ["branch", "-f", "other"],
      ["checkout", "-q", "--detach"],
      ["update-ref", "refs/heads/feat/x", "HEAD", "HEAD"],
      ["commit", "-q", "-a", "--amend", "-m", "other"],
    ]) {
      const { code, stderr } = await git(path, args);
      assert.notEqual(code, 0, args.join(" "));
      assert.match(stderr, /held by A/u, args.join(" "));
    }
    const fromTrunk = await git(scene.trunk, ["update-ref", "refs/heads/feat/x", "HEAD"]);
    assert.match(fromTrunk.stderr, /feat-x is held by A/u, "from another worktree too");
    for (const args of [["status"], ["log", "-1"], ["fetch", "-q", "origin"], ["tag", "t"], ["diff"]])
      assert.equal((await git(path, args)).code, 0, args.join(" "));
    for (const args of [empty, ["branch", "free"], ["worktree", "add", "-q", "-b", "free2", "../free2"]])
      assert.equal((await git(scene.trunk, args)).code, 0, args.join(" "));
    assert.equal((await git(path, ["commit", "-q", "-a", "-m", "mine"], holder)).code, 0);
    const { worktree } = await imi.call("worktree.create", { type: "feat", name: "beside" });
    assert.equal((await git(worktree.path, empty)).code, 0, "one that nobody holds");
  });

  it("says that nothing was changed only where that is so: git resets files before it asks", async (t) => {
    const { scene, imi, path, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    const holder = await claim();
    assert.equal((await git(path, empty, holder)).code, 0);
    writeFileSync(join(path, "README.md"), "not committed\n");
    const committing = await git(path, ["commit", "-q", "-a", "-m", "another's"]);
    assert.match(committing.stderr, /held by A .* Nothing was changed\./u);
    assert.equal(readFileSync(join(path, "README.md"), "utf8"), "not committed\n");
    const head = scene.git(path, "rev-parse", "HEAD");
    const { code, stderr } = await git(path, ["reset", "-q", "--hard", "HEAD~1"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /held by A .* No branch was changed; git may have changed files before it asked\./u);
    assert.equal(scene.git(path, "rev-parse", "HEAD"), head);
    assert.notEqual(
      readFileSync(join(path, "README.md"), "utf8"),
      "not committed\n",
      "git has a hook that is sooner now",
    );
  });

  it("refuses a stale token after a takeover", async (t) => {
    const { imi, path, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    const before = await claim();
    const { claim: taken } = await imi.call("claim.take-over", { name: "feat-x", agent: "jane", yes: true });
    const refused = await git(path, empty, before);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /A does not hold feat-x with token 1: jane holds it since .*\n.*Stop working in it/u);
    assert.equal((await git(path, empty, { IMI_AGENT_ID: "jane", IMI_CLAIM_TOKEN: String(taken?.token) })).code, 0);
    await imi.call("claim.release", { name: "feat-x", agent: "jane", token: taken?.token ?? 0 });
    assert.equal((await git(path, empty)).code, 0, "nobody holds it any more");
  });

  it(
    "lets everybody commit when a claim's time is over, and nobody looked",
    { skip: process.platform !== "linux" },
    async (t) => {
      const { imi, path, git } = await ground(t);
      await imi.call("enforcement.set", { on: true });
      await imi.call("claim.take", { name: "feat-x", agent: "A", ttl: 2 });
      assert.equal((await git(path, empty)).code, 1);
      await new Promise((resolve) => setTimeout(resolve, 3100));
      assert.equal((await git(path, empty)).code, 0);
    },
  );

  it("holds the main checkout without keeping others from making worktrees", async (t) => {
    const { scene, imi, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    const holder = await claim("trunk-main");
    assert.match((await git(scene.trunk, empty)).stderr, /trunk-main is held by A/u);
    assert.equal((await git(scene.trunk, empty, holder)).code, 0);
    const { created } = await imi.call("worktree.create", { type: "feat", name: "others" });
    assert.equal(created, true);
  });

  it("keeps hooks that are there working, and puts them back to the byte", async (t) => {
    const { scene, imi, path, hooks, git, claim } = await ground(t);
    const seen = join(scene.root, "seen");
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "pre-commit"), `#!/bin/sh\necho pre-commit "$#" >> '${seen}'\n`, { mode: 0o755 });
    writeFileSync(join(hooks, "reference-transaction"), `#!/bin/sh\necho "$1" >> '${seen}'\ncat >> '${seen}'\n`, {
      mode: 0o751,
    });
    const before = [snapshot(hooks), readFileSync(join(scene.trunk, ".git/config"), "latin1")];
    const { enforcement } = await imi.call("enforcement.set", { on: true });
    assert.deepEqual(enforcement, { on: true, hooks, before: null, problems: [] });
    const holder = await claim();
    assert.equal((await git(path, empty, holder)).code, 0);
    const said = readFileSync(seen, "utf8");
    assert.match(said, /^pre-commit 0$/mu);
    assert.match(said, /^prepared\n[0-9a-f]{40} [0-9a-f]{40} (?:HEAD|refs\/heads\/feat\/x)$/mu);
    assert.match(said, /^committed$/mu);
    writeFileSync(join(hooks, "pre-commit.imi-before"), "#!/bin/sh\nexit 3\n");
    assert.equal((await git(path, empty, holder)).code, 1, "a hook that refuses still does");
    writeFileSync(join(hooks, "pre-commit.imi-before"), `#!/bin/sh\necho pre-commit "$#" >> '${seen}'\n`);
    await imi.call("enforcement.set", { on: true });
    const off = await imi.call("enforcement.set", { on: false });
    assert.deepEqual(off.enforcement, { on: false, hooks: null, before: null, problems: [] });
    const after = [snapshot(hooks), readFileSync(join(scene.trunk, ".git/config"), "latin1")];
    const untimed = (each: unknown): string =>
      JSON.stringify(each).replaceAll(/\["pre-commit",(\d+),[\d.]+/gu, '["pre-commit",$1');
    assert.equal(untimed(after), untimed(before));
    assert.equal((await git(path, empty)).code, 0);
  });

  it("keeps core.hooksPath working, also a relative one, and puts the configuration back to the byte", async (t) => {
    const { scene, imi, path, git, claim } = await ground(t);
    const config = join(scene.trunk, ".git/config");
    for (const where of [scene.trunk, path]) {
      mkdirSync(join(where, ".my hooks"));
      for (const hook of ["pre-commit", "commit-msg"])
        writeFileSync(join(where, ".my hooks", hook), `#!/bin/sh\necho ${hook} "$#" >> seen\n`, { mode: 0o755 });
    }
    writeFileSync(config, `${readFileSync(config, "utf8")}# a remark\n[core]\n\thooksPath = ".my hooks" # mine\n`);
    const before = readFileSync(config, "latin1");
    const { enforcement } = await imi.call("enforcement.set", { on: true });
    assert.deepEqual([enforcement.on, enforcement.before, enforcement.problems], [true, ".my hooks", []]);
    const holder = await claim();
    assert.equal((await git(path, empty)).code, 1);
    assert.equal((await git(path, empty, holder)).code, 0);
    assert.equal(readFileSync(join(path, "seen"), "utf8"), "pre-commit 0\ncommit-msg 1\n");
    await imi.call("enforcement.set", { on: true });
    await imi.call("enforcement.set", { on: false });
    assert.equal(readFileSync(config, "latin1"), before);
    assert.equal(existsSync(join(scene.trunk, ".git/imi/hooks")), false);
    assert.equal((await git(path, empty)).code, 0);
  });

  it("lets through who shows several claims, as VS Code does for all that a window holds", async (t) => {
    const { imi, path, git, claim } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    const token = (await claim())["IMI_CLAIM_TOKEN"];
    assert.equal((await git(path, empty, { IMI_CLAIMS: `B:1 A:${token} B:2` })).code, 0);
    assert.equal((await git(path, empty, { IMI_CLAIMS: `B:1 A:${token}0 AA:${token}` })).code, 1);
  });

  it("leaves the configuration's other changes alone when it is turned off", async (t) => {
    const { scene, imi } = await ground(t);
    scene.git(scene.trunk, "config", "core.hooksPath", "/nowhere/hooks");
    await imi.call("enforcement.set", { on: true });
    scene.git(scene.trunk, "config", "user.nickname", "J");
    await imi.call("enforcement.set", { on: false });
    assert.equal(scene.git(scene.trunk, "config", "core.hooksPath"), "/nowhere/hooks\n");
    assert.equal(scene.git(scene.trunk, "config", "user.nickname"), "J\n");
  });

  it("says when something else has taken its hooks away", async (t) => {
    const { scene, imi, hooks } = await ground(t);
    await imi.call("enforcement.set", { on: true });
    assert.deepEqual((await imi.call("enforcement.show", {})).enforcement.problems, []);
    writeFileSync(join(hooks, "pre-commit"), "#!/bin/sh\n");
    assert.match((await imi.call("enforcement.show", {})).enforcement.problems[0] ?? "", /replaced/u);
    scene.git(scene.trunk, "config", "core.hooksPath", ".husky/_");
    assert.match((await imi.call("enforcement.show", {})).enforcement.problems[0] ?? "", /core\.hooksPath is \.husky/u);
    const { enforcement } = await imi.call("enforcement.set", { on: true });
    assert.deepEqual([enforcement.problems, enforcement.before], [[], ".husky/_"]);
    await imi.call("enforcement.set", { on: false });
    assert.equal(readFileSync(join(hooks, "pre-commit"), "utf8"), "#!/bin/sh\n", "his own stays");
  });

  it("finishes what was cut off, and keeps a hook that is a link", async (t) => {
    const { scene, imi, hooks, path, git, claim } = await ground(t);
    mkdirSync(hooks, { recursive: true });
    const real = join(scene.root, "real-hook");
    writeFileSync(real, "#!/bin/sh\nexit 0\n");
    chmodSync(real, 0o755);
    symlinkSync(real, join(hooks, "pre-commit"));
    await imi.call("enforcement.set", { on: true });
    execFileSync("rm", [join(hooks, "reference-transaction")]);
    await imi.call("enforcement.set", { on: true });
    await claim();
    assert.equal((await git(path, empty)).code, 1);
    await imi.call("enforcement.set", { on: false });
    assert.equal(execFileSync("readlink", [join(hooks, "pre-commit")], { encoding: "utf8" }), `${real}\n`);
    assert.deepEqual(
      readdirSync(hooks).filter((name) => !name.endsWith(".sample")),
      ["pre-commit"],
    );
  });
});
