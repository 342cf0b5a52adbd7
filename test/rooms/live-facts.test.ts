import assert from "node:assert/strict";
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { LiveFacts, Worktree } from "../../protocol/worktrees.ts";
import { openStore } from "../../server/src/store/index.ts";
import { openWorkspace } from "../../server/src/workspace.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const gitRuns: string[] = [];

const open = async (scene: Scene, role: "cli" | "server", cwd = scene.trunk): Promise<Caller> => {
  const env = { ...scene.env, IMI_LOG_LEVEL: "debug" };
  const log = (_: string, message: string): void => void (message.startsWith("git ") && gitRuns.push(message));
  return new Caller(await openWorkspace({ role, cwd, env, log }));
};

/** As a call of the command line finds them: nothing remembered but by the registry. */
const factsOf = async (scene: Scene, cwd = scene.trunk): Promise<Record<string, LiveFacts>> => {
  await using imi = await open(scene, "cli", cwd);
  return named((await imi.call("worktree.list", {})).worktrees);
};

const named = (worktrees: readonly Worktree[]): Record<string, LiveFacts> =>
  Object.fromEntries(worktrees.flatMap(({ name, live }) => (live === undefined ? [] : [[name, live]])));

const addWorktree = (scene: Scene, name: string, from = "main"): string => {
  const path = join(scene.container, `feat-${name}`);
  scene.git(scene.trunk, "worktree", "add", "-q", "--no-track", "-b", `feat/${name}`, path, from);
  return path;
};

const commit = (scene: Scene, cwd: string, message: string, files: Readonly<Record<string, string>> = {}): string => {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(cwd, path), text);
  scene.git(cwd, "add", "-A");
  scene.git(cwd, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message);
  return scene.git(cwd, "rev-parse", "HEAD").trim();
};

/** git stops in the middle, and says so by its exit code. */
const stops = (scene: Scene, cwd: string, ...args: string[]): void => {
  assert.throws(() => scene.git(cwd, ...args), `git ${args.join(" ")} went through`);
};

let scene: Scene;
beforeEach(() => {
  scene = makeScene();
  gitRuns.length = 0;
});
afterEach(() => scene.remove());

describe("the subject of a worktree's commit", () => {
  it("is the first line of its message, in whatever encoding it was written", async () => {
    const messages = {
      plain: "Add the login page\n\nIt was missing.",
      folded: "A first line that goes on\nin the next one\n\nBody",
      late: "\n\nAfter two empty lines",
      empty: "",
      wide: "Größer als 🐘, \u0007 and \u001b[31mred",
    };
    for (const [name, message] of Object.entries(messages)) commit(scene, addWorktree(scene, name), message);
    const latin = addWorktree(scene, "latin");
    writeFileSync(join(scene.root, "message"), Buffer.from("Gr\u00f6\u00dfer\n", "latin1"));
    scene.git(
      latin,
      ...["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-F", join(scene.root, "message")],
    );
    const facts = await factsOf(scene);
    assert.equal(facts["feat-plain"]?.subject, "Add the login page");
    assert.equal(facts["feat-latin"]?.subject, "Größer");
    assert.equal(facts["feat-empty"]?.subject, "");
    for (const name of [...Object.keys(messages), "latin"]) {
      const said = scene.git(join(scene.container, `feat-${name}`), "log", "-1", "--format=%s").replace(/\n$/, "");
      assert.equal(facts[`feat-${name}`]?.subject, said, name);
    }
    assert.deepEqual(await factsOf(scene), facts, "as kept in the registry");
  });

  it("is looked up once for all commits together, and not at all for those that are known", async () => {
    const paths = ["a", "b", "c"].map((name) => addWorktree(scene, name));
    for (const path of paths) commit(scene, path, `Work in ${path}`);
    const lookUps = (): string[] => gitRuns.splice(0).filter((run) => run.includes("rev-list --no-walk"));
    await factsOf(scene);
    assert.equal(lookUps().length, 1);
    await factsOf(scene);
    assert.deepEqual(lookUps(), []);
    commit(scene, paths[0] ?? "", "More");
    assert.equal((await factsOf(scene))["feat-a"]?.subject, "More");
    assert.equal(lookUps().length, 1);
    scene.git(paths[1] ?? "", "reset", "-q", "--hard", "feat/a");
    assert.equal((await factsOf(scene))["feat-b"]?.subject, "More");
    assert.deepEqual(lookUps(), [], "another worktree was there");
    assert.equal((await factsOf(scene))["feat-b"]?.subject, "More");
    scene.git(paths[0] ?? "", "reset", "-q", "--hard", "main");
    await factsOf(scene);
    assert.equal((await factsOf(scene))["feat-b"]?.subject, "More");
    assert.deepEqual(lookUps(), [], "each worktree keeps its own");
  });

  it("is remembered by a server whose registry is not to be written", async () => {
    await using server = await open(scene, "server");
    await server.call("worktree.list", {});
    await server.workspace.reconfigure({ trusted: false });
    commit(scene, scene.trunk, "Seen, not kept");
    gitRuns.length = 0;
    for (let round = 0; round < 3; round++) {
      const { worktrees } = await server.call("worktree.list", {});
      assert.equal(worktrees[0]?.live?.subject, "Seen, not kept");
    }
    assert.equal(gitRuns.filter((run) => run.includes("rev-list --no-walk")).length, 1);
  });

  it("is that of the commit itself, whatever replaces it", async () => {
    const path = addWorktree(scene, "replaced");
    const one = commit(scene, path, "One");
    const two = commit(scene, path, "Two");
    scene.git(path, "replace", two, one);
    assert.equal((await factsOf(scene))["feat-replaced"]?.subject, "Two");
  });
});

describe("the upstream of a worktree's branch", () => {
  it("is told with how far apart the two are, or not at all", async () => {
    const pushed = addWorktree(scene, "pushed");
    scene.git(pushed, "push", "-q", "-u", "origin", "feat/pushed");
    const apart = addWorktree(scene, "apart");
    commit(scene, apart, "theirs");
    scene.git(apart, "push", "-q", "-u", "origin", "feat/apart");
    scene.git(apart, "reset", "-q", "--hard", "HEAD~1");
    for (const message of ["ours", "ours too"]) commit(scene, apart, message);
    const gone = addWorktree(scene, "gone");
    scene.git(gone, "push", "-q", "-u", "origin", "feat/gone");
    scene.git(gone, "push", "-q", "origin", "--delete", "feat/gone");
    addWorktree(scene, "none");
    const local = addWorktree(scene, "local");
    scene.git(local, "branch", "-q", "--set-upstream-to", "feat/apart");
    const detached = addWorktree(scene, "detached");
    scene.git(detached, "push", "-q", "-u", "origin", "feat/detached");
    scene.git(detached, "checkout", "-q", "--detach");

    const facts = await factsOf(scene);
    assert.deepEqual(facts["trunk-main"]?.upstream, { name: "origin/main", ahead: 0, behind: 0 });
    assert.deepEqual(facts["feat-pushed"]?.upstream, { name: "origin/feat/pushed", ahead: 0, behind: 0 });
    assert.deepEqual(facts["feat-apart"]?.upstream, { name: "origin/feat/apart", ahead: 2, behind: 1 });
    assert.deepEqual(facts["feat-local"]?.upstream, { name: "feat/apart", ahead: 0, behind: 2 });
    for (const name of ["gone", "none", "detached"]) assert.equal(facts[`feat-${name}`]?.upstream, null, name);
  });

  it("is read from packed refs, and is not mistaken for a branch or tag of that name", async () => {
    const path = addWorktree(scene, "packed");
    scene.git(path, "push", "-q", "-u", "origin", "feat/packed");
    const upstream = { name: "origin/feat/packed", ahead: 0, behind: 0 };
    scene.git(path, "pack-refs", "--all");
    assert.deepEqual((await factsOf(scene))["feat-packed"]?.upstream, upstream);
    commit(scene, scene.trunk, "elsewhere");
    for (const kind of ["branch", "tag"]) {
      scene.git(scene.trunk, kind, "origin/feat/packed");
      assert.deepEqual((await factsOf(scene))["feat-packed"]?.upstream, upstream, kind);
    }
  });

  it("is none on a branch without a commit", async () => {
    const path = join(scene.container, "feat-unborn");
    addWorktree(scene, "unborn");
    scene.git(path, "push", "-q", "-u", "origin", "feat/unborn");
    scene.git(path, "update-ref", "-d", "refs/heads/feat/unborn");
    const facts = (await factsOf(scene))["feat-unborn"];
    assert.deepEqual([facts?.subject, facts?.upstream], [null, null]);
  });
});

/** Each leaves git in the middle of something, in a worktree whose branch and `feat/other` both changed one line. */
const begun: Readonly<Record<string, readonly [LiveFacts["operation"], (cwd: string) => void, (cwd: string) => void]>> =
  {
    "a merge": [
      "merge",
      (cwd) => stops(scene, cwd, "merge", "-q", "feat/other"),
      (cwd) => void scene.git(cwd, "merge", "--abort"),
    ],
    "a merge that only waits for its commit": [
      "merge",
      (cwd) => void scene.git(cwd, "merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "feat/other"),
      (cwd) => void scene.git(cwd, "commit", "-q", "-m", "merged"),
    ],
    "a rebase": [
      "rebase",
      (cwd) => stops(scene, cwd, "rebase", "-q", "feat/other"),
      (cwd) => void scene.git(cwd, "rebase", "--abort"),
    ],
    "a rebase by patches": [
      "rebase",
      (cwd) => stops(scene, cwd, "rebase", "-q", "--apply", "feat/other"),
      (cwd) => void scene.git(cwd, "rebase", "--skip"),
    ],
    "a rebase that stops for its user": [
      "rebase",
      (cwd) => void scene.git(cwd, "-c", "sequence.editor=sed -i 1s/pick/edit/", "rebase", "-q", "-i", "HEAD~1"),
      (cwd) => void scene.git(cwd, "rebase", "--continue"),
    ],
    "a cherry-pick": [
      "cherry-pick",
      (cwd) => stops(scene, cwd, "cherry-pick", "feat/other"),
      (cwd) => void scene.git(cwd, "cherry-pick", "--abort"),
    ],
    "several cherry-picks, between two of them": [
      "cherry-pick",
      (cwd) => {
        stops(scene, cwd, "cherry-pick", "feat/other", "feat/other~1");
        scene.git(cwd, "checkout", "-q", "--ours", ".");
        scene.git(cwd, "commit", "-q", "--allow-empty", "-a", "-m", "solved");
      },
      (cwd) => void scene.git(cwd, "cherry-pick", "--quit"),
    ],
    "a revert": [
      "revert",
      (cwd) => {
        commit(scene, cwd, "on top", { "README.md": "again\n" });
        stops(scene, cwd, "revert", "--no-edit", "HEAD~1");
      },
      (cwd) => void scene.git(cwd, "revert", "--abort"),
    ],
    "several reverts, between two of them": [
      "revert",
      (cwd) => {
        commit(scene, cwd, "on top", { "README.md": "again\n" });
        stops(scene, cwd, "revert", "--no-edit", "HEAD~1", "HEAD");
        scene.git(cwd, "checkout", "-q", "--ours", ".");
        scene.git(cwd, "commit", "-q", "--allow-empty", "-a", "-m", "solved");
      },
      (cwd) => void scene.git(cwd, "revert", "--quit"),
    ],
    "a bisection": [
      "bisect",
      (cwd) => void scene.git(cwd, "bisect", "start"),
      (cwd) => void scene.git(cwd, "bisect", "reset"),
    ],
    "a series of mails": [
      "am",
      (cwd) => {
        writeFileSync(join(scene.root, "mail"), scene.git(cwd, "format-patch", "-1", "--stdout", "feat/other"));
        stops(scene, cwd, "am", join(scene.root, "mail"));
      },
      (cwd) => void scene.git(cwd, "am", "--abort"),
    ],
  };

describe("the operation a worktree is in the middle of", () => {
  const prepare = (): string => {
    const path = addWorktree(scene, "busy");
    const other = addWorktree(scene, "other");
    commit(scene, other, "first of theirs", { "theirs.txt": "theirs\n" });
    commit(scene, other, "theirs", { "README.md": "theirs\n" });
    commit(scene, path, "ours", { "README.md": "ours\n" });
    return path;
  };

  for (const [what, [operation, begin, end]] of Object.entries(begun)) {
    it(`is told of ${what}, until its end`, async () => {
      const path = prepare();
      begin(path);
      const facts = await factsOf(scene);
      assert.equal(facts["feat-busy"]?.operation, operation);
      assert.equal(facts["feat-other"]?.operation, null);
      assert.equal(facts["trunk-main"]?.operation, null);
      end(path);
      assert.equal((await factsOf(scene))["feat-busy"]?.operation, null);
    });
  }

  it("is told of the main checkout too", async () => {
    prepare();
    commit(scene, scene.trunk, "trunk", { "README.md": "trunk\n" });
    stops(scene, scene.trunk, "merge", "-q", "feat/other");
    scene.git(join(scene.container, "feat-busy"), "bisect", "start");
    const facts = await factsOf(scene);
    assert.equal(facts["trunk-main"]?.operation, "merge");
    assert.equal(facts["feat-busy"]?.operation, "bisect");
  });
});

describe("who was at work in a worktree, and when it last changed", () => {
  it("is what the activity log and the last look say", async () => {
    addWorktree(scene, "busy");
    await using imi = await open(scene, "cli");
    const before = named((await imi.call("worktree.list", {})).worktrees)["feat-busy"];
    assert.deepEqual([before?.lastChange, before?.recentAgents], [null, []]);
    const began = Date.now();
    await imi.call("claim.take", { name: "feat-busy", agent: "claude-1" });
    const store = await openStore({ path: imi.workspace.config.databasePath, role: "cli" });
    const { worktrees } = await imi.call("worktree.list", {});
    const busy = worktrees.find(({ name }) => name === "feat-busy");
    assert.ok(busy !== undefined && busy.status !== undefined);
    const lease = await store.leases.take("test", { purpose: "watch", waitMs: 1_000 });
    const { id: worktreeId, name, head, branch, status } = busy;
    const now = { head, branch, status, files: { notes: { code: "??", print: "1" } } };
    const files = [{ path: "notes", change: "added" }] as const;
    const seen = { worktreeId, name, files, commit: null, switched: null, now };
    await store.activities.record({ ...seen, files: [] }, lease, { attribute: true }); // the first look tells nothing
    await store.activities.record(seen, lease, { attribute: true });
    await lease.release();
    store.close();

    const facts = named((await imi.call("worktree.list", {})).worktrees);
    const times = [facts["feat-busy"]?.lastChange, facts["feat-busy"]?.recentAgents[0]?.at];
    for (const at of times)
      assert.ok(Date.parse(at ?? "") >= began && Date.parse(at ?? "") <= Date.now(), at ?? "none");
    assert.deepEqual(
      facts["feat-busy"]?.recentAgents.map(({ agent }) => agent),
      ["claude-1"],
    );
    assert.deepEqual([facts["trunk-main"]?.lastChange, facts["trunk-main"]?.recentAgents], [null, []]);
  });
});

describe("live facts", () => {
  it("are told by worktree.status as by worktree.list, of those that could be looked at", async () => {
    const path = addWorktree(scene, "gone");
    addWorktree(scene, "there");
    await using imi = await open(scene, "cli");
    await imi.call("worktree.list", {});
    rmSync(path, { recursive: true });
    const { worktrees } = await imi.call("worktree.list", {});
    const { statuses, live } = await imi.call("worktree.status", { ids: worktrees.map(({ id }) => id) });
    for (const worktree of worktrees) {
      assert.deepEqual(statuses[worktree.id], worktree.status);
      assert.deepEqual(live[worktree.id], worktree.live);
      assert.equal(worktree.live === undefined, worktree.name === "feat-gone");
    }
    const { worktrees: plain } = await imi.call("worktree.list", { status: false });
    assert.ok(plain.every((worktree) => worktree.live === undefined));
  });

  it("are told where the counts are unknown because the base is gone", async () => {
    const path = addWorktree(scene, "based");
    await using imi = await open(scene, "cli");
    await imi.call("worktree.list", {});
    scene.git(path, "update-ref", "-d", "refs/remotes/origin/main");
    const { worktrees } = await imi.call("worktree.list", {});
    const based = worktrees.find(({ name }) => name === "feat-based");
    assert.deepEqual(based?.status, { unknown: "its base origin/main is gone" });
    assert.equal(based?.live?.subject, "first");
  });

  it("are told of worktrees of a bare repository, and where ids are longer", async () => {
    for (const format of ["sha1", "sha256"]) {
      const root = join(scene.root, format);
      mkdirSync(root);
      scene.git(root, "init", "-q", "--bare", `--object-format=${format}`, "app.git");
      const bare = join(root, "app.git");
      const path = join(root, "feat-one");
      const tree = scene.git(bare, "mktree").trim();
      const first = scene.git(bare, "commit-tree", "-m", "In a bare one", tree).trim();
      scene.git(bare, "update-ref", "refs/heads/main", first);
      scene.git(bare, "worktree", "add", "-q", "-b", "feat/one", path, "main");
      scene.git(path, "bisect", "start");
      const facts = await factsOf(scene, path);
      assert.equal(facts["feat-one"]?.subject, "In a bare one");
      assert.equal(facts["feat-one"]?.operation, "bisect");
      assert.equal(facts["feat-one"]?.upstream, null);
    }
  });
});

describe("a server that remembers", { skip: process.platform !== "linux" }, () => {
  let server: Caller;
  beforeEach(async () => {
    server = await open(scene, "server");
  });
  afterEach(() => server.workspace.close());

  const answered = async (): Promise<Record<string, LiveFacts>> =>
    named((await server.call("worktree.list", {})).worktrees);

  /** Without when it last changed: the server notes that a moment after it happened. */
  const untimed = (facts: Record<string, LiveFacts>): Record<string, Omit<LiveFacts, "lastChange">> =>
    Object.fromEntries(Object.entries(facts).map(([name, { lastChange: _, ...rest }]) => [name, rest]));

  /** Asked until git is asked no more. */
  const warm = async (): Promise<void> => {
    await server.call("repository.open", {});
    for (const deadline = performance.now() + 20_000; ; await delay(100)) {
      await answered();
      gitRuns.length = 0;
      await answered();
      if (gitRuns.length === 0) return;
      assert.ok(performance.now() < deadline, `git is asked again and again: ${gitRuns.join("\n")}`);
    }
  };

  it("tells the facts a call without one finds, and asks git about nothing that stood still", async () => {
    const path = addWorktree(scene, "busy");
    const other = addWorktree(scene, "other");
    commit(scene, other, "theirs", { "README.md": "theirs\n" });
    commit(scene, path, "ours", { "README.md": "ours\n" });
    scene.git(path, "push", "-q", "-u", "origin", "feat/busy");
    await warm();
    assert.deepEqual(untimed(await answered()), untimed(await factsOf(scene)));

    const steps: Readonly<Record<string, () => void>> = {
      bisect: () => void scene.git(path, "bisect", "start"),
      "end of it": () => void scene.git(path, "bisect", "reset"),
      merge: () => stops(scene, path, "merge", "-q", "feat/other"),
      "end of the merge": () => void scene.git(path, "merge", "--abort"),
      am: () => {
        writeFileSync(join(scene.root, "mail"), scene.git(path, "format-patch", "-1", "--stdout", "feat/other"));
        stops(scene, path, "am", join(scene.root, "mail"));
      },
      "made a rebase by somebody's hand": () =>
        unlinkSync(join(scene.trunk, ".git/worktrees/feat-busy/rebase-apply/applying")),
      "end of am": () => rmSync(join(scene.trunk, ".git/worktrees/feat-busy/rebase-apply"), { recursive: true }),
      commit: () => void commit(scene, path, "again"),
      "push that another made": () => void scene.git(other, "push", "-q", "origin", "feat/other:feat/busy", "--force"),
      "upstream gone": () => void scene.git(other, "push", "-q", "origin", "--delete", "feat/busy"),
      "upstream unset": () => void scene.git(path, "branch", "--unset-upstream"),
      "upstream set": () => void scene.git(path, "branch", "-q", "--set-upstream-to", "origin/main"),
      "a branch of the upstream's name": () => void scene.git(scene.trunk, "branch", "origin/main", "feat/other"),
      switch: () => void scene.git(path, "switch", "-q", "--detach", "feat/other"),
    };
    for (const [what, step] of Object.entries(steps)) {
      step();
      const fresh = untimed(await factsOf(scene));
      assert.deepEqual(untimed(await answered()), fresh, what);
      await warm();
      assert.deepEqual(untimed(await answered()), fresh, `${what}, warm`);
    }
  });

  it("sees an operation that began or ended a moment ago, every time", async () => {
    addWorktree(scene, "busy");
    await warm();
    const log = join(scene.trunk, ".git/worktrees/feat-busy/BISECT_LOG");
    for (let round = 0; round < 50; round++) {
      writeFileSync(log, "");
      assert.equal((await answered())["feat-busy"]?.operation, "bisect", `round ${round}`);
      rmSync(log);
      assert.equal((await answered())["feat-busy"]?.operation, null, `round ${round}, ended`);
    }
  });

  it("follows a remote that is described in a file of its own", async () => {
    const path = addWorktree(scene, "busy");
    scene.git(scene.trunk, "config", "branch.feat/busy.remote", "ancient");
    scene.git(scene.trunk, "config", "branch.feat/busy.merge", "refs/heads/main");
    await warm();
    assert.equal((await answered())["feat-busy"]?.upstream, null);
    mkdirSync(join(scene.trunk, ".git/remotes"), { recursive: true });
    const described = (to: string): void =>
      writeFileSync(join(scene.trunk, ".git/remotes/ancient"), `URL: ${scene.remote}\nPull: refs/heads/main:${to}\n`);
    described("refs/remotes/origin/main");
    assert.equal((await answered())["feat-busy"]?.upstream?.name, "origin/main");
    await warm();
    scene.git(path, "branch", "-q", "elsewhere");
    described("refs/heads/elsewhere");
    assert.equal((await answered())["feat-busy"]?.upstream?.name, "elsewhere");
    assert.deepEqual(untimed(await answered()), untimed(await factsOf(scene)));
  });
});
