import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { CreateResult, Worktree } from "../../protocol/worktrees.ts";
import { assertAgreement, listed } from "../support/agreement.ts";
import { ask, imi, told } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { giveAway, isRoot, mountSmall, nobody } from "../support/odd-scenes.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const needsRoot = isRoot ? false : "only root can give files away";

/** Refused with this code, a sentence and no trace; nothing is `internal`. */
const refused = async (code: ErrorCode, place: Place, ...args: string[]): Promise<string> => {
  const { error } = await ask(place, ...args);
  assert.equal(error?.code, code, `imi ${args.join(" ")}: ${error?.message ?? "was not refused"}`);
  assert.ok(error.message.length > 0);
  return `${error.message} ${error.hint ?? ""}`;
};

const feat = async (place: Place, name: string, ...args: string[]): Promise<CreateResult> =>
  told(place, "feat", name, ...args);

const codes = ({ notes }: CreateResult): string[] => notes.map(({ code }) => code);

const rowsAt = async (place: Place): Promise<Worktree[]> =>
  (await told<{ worktrees: Worktree[] }>(place, "list")).worktrees;

const names = async (place: Place): Promise<string[]> => (await rowsAt(place)).map(({ name }) => name);

/** Nothing of an attempt that failed is left, and the next one is free to work. */
const nothingLeft = (scene: Scene, cwd: string, name: string): void => {
  assert.equal(scene.git(cwd, "branch", "--list", `feat/${name}`), "");
  assert.ok(!scene.git(cwd, "worktree", "list").includes(`feat-${name}`));
};

describe("an odd repository", () => {
  let scene: Scene;
  before(() => {
    scene = makeScene();
  });
  after(() => scene.remove());
  const at = (cwd: string): Place => ({ cwd, env: scene.env });
  const folder = (name: string): string => {
    const path = join(scene.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  };

  it("that is bare, met from a worktree whose sparse checkout moved core.bare away, keeps its place", async () => {
    const home = folder("bare");
    const bare = join(home, ".bare");
    scene.git(home, "clone", "-q", "--bare", scene.remote, bare);
    scene.git(bare, "worktree", "add", "-q", "-b", "feat/first", join(home, "feat-first"));
    scene.git(join(home, "feat-first"), "sparse-checkout", "set", "nothing");
    assert.equal(scene.git(bare, "config", "--local", "--get-all", "extensions.worktreeConfig").trim(), "true");
    const { worktree } = await feat(at(join(home, "feat-first")), "second");
    assert.equal(worktree.path, join(home, "feat-second"));
    assert.deepEqual(await names(at(home)), ["feat-first", "feat-second"]);
  });

  it("with submodules says that they are empty, and its worktree is kept from removal as git keeps it", async () => {
    const home = folder("with-submodule");
    const trunk = join(home, "trunk-main");
    scene.git(home, "clone", "-q", scene.remote, trunk);
    scene.git(trunk, "-c", "protocol.file.allow=always", "submodule", "add", "-q", scene.remote, "libs/dep");
    scene.git(trunk, "commit", "-q", "-m", "a submodule");
    const made = await feat(at(trunk), "x", "--base", "main");
    assert.ok(codes(made).includes("submodules/empty"));
    assert.equal((await rowsAt(at(trunk))).find(({ name }) => name === "feat-x")?.state, "ready");

    // Inside the submodule the submodule is meant, from wherever in it.
    const dep = join(trunk, "libs/dep");
    const inside = await feat(at(dep), "y");
    assert.equal(inside.worktree.path, join(trunk, "libs/dep.worktrees/feat-y"));
    const rows = await rowsAt(at(inside.worktree.path));
    assert.deepEqual(
      rows.map(({ name, type, path }) => [name, type, path]),
      [
        ["dep", "trunk", dep],
        ["feat-y", "feat", inside.worktree.path],
      ],
    );
    for (const { name, status } of rows)
      assert.ok(status !== undefined && "ahead" in status, `${name}: ${JSON.stringify(status)}`);
    await told(at(dep), "remove", "feat-y");
    assert.deepEqual(await names(at(dep)), ["dep"]);

    // A repository of its own inside a submodule is the nearest one.
    const nested = join(dep, "nested");
    scene.git(dep, "clone", "-q", scene.remote, nested);
    assert.equal((await feat(at(nested), "z")).worktree.path, join(dep, "nested.worktrees/feat-z"));
  });

  it("whose submodule was met first from a worktree of it gets the same places", async () => {
    const trunk = join(folder("submodule-inside"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    scene.git(trunk, "-c", "protocol.file.allow=always", "submodule", "add", "-q", scene.remote, "dep");
    const elsewhere = join(scene.root, "submodule-inside/elsewhere");
    scene.git(join(trunk, "dep"), "worktree", "add", "-q", "-b", "other", elsewhere);
    assert.equal((await feat(at(elsewhere), "x")).worktree.path, join(trunk, "dep.worktrees/feat-x"));
    assert.deepEqual(
      (await rowsAt(at(elsewhere))).map(({ name, type }) => [name, type]),
      [
        ["dep", "trunk"],
        ["feat-x", "feat"],
        ["elsewhere", "other"],
      ],
    );
  });

  it("with a separate git directory has its trunk where the checkout is", async () => {
    const home = folder("separate");
    scene.git(
      home,
      "clone",
      "-q",
      `--separate-git-dir=${join(home, "store.git")}`,
      scene.remote,
      join(home, "trunk-main"),
    );
    const { worktree } = await feat(at(join(home, "trunk-main")), "x");
    assert.equal(worktree.path, join(home, "feat-x"));
    const rows = await rowsAt(at(worktree.path));
    assert.deepEqual(
      rows.map(({ name, path }) => [name, path]),
      [
        ["trunk-main", join(home, "trunk-main")],
        ["feat-x", worktree.path],
      ],
    );
    for (const { name, status } of rows)
      assert.ok(status !== undefined && "ahead" in status, `${name}: ${JSON.stringify(status)}`);
    await refused("worktree/main", at(worktree.path), "remove", "trunk-main");
  });

  it("with a sparse checkout, shallow, or partial makes whole worktrees", async () => {
    const sparse = join(folder("sparse"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, sparse);
    scene.git(sparse, "sparse-checkout", "set", "nothing");
    const first = await feat(at(sparse), "x");
    assert.equal(scene.git(first.worktree.path, "status", "--porcelain"), "");
    assert.deepEqual(await names(at(first.worktree.path)), ["trunk-main", "feat-x"]);

    const shallow = join(folder("shallow"), "trunk-main");
    scene.git(scene.root, "clone", "-q", "--depth=1", `file://${scene.remote}`, shallow);
    assert.ok(existsSync(join((await feat(at(shallow), "x")).worktree.path, "README.md")));

    const partial = join(folder("partial"), "trunk-main");
    scene.git(scene.remote, "config", "uploadpack.allowFilter", "true");
    scene.git(scene.root, "clone", "-q", "--no-checkout", "--filter=blob:none", `file://${scene.remote}`, partial);
    const lazily = await feat(at(partial), "x");
    assert.equal(readFileSync(join(lazily.worktree.path, "README.md"), "utf8"), "# App\n");
    const row = (await rowsAt(at(partial))).find(({ name }) => name === "feat-x");
    assert.ok(row?.status !== undefined && "ahead" in row.status);
  });

  it("whose partial clone cannot reach its remote says so, and leaves nothing", async () => {
    const remote = join(scene.root, "going.git");
    scene.git(scene.root, "clone", "-q", "--bare", scene.remote, remote);
    scene.git(remote, "config", "uploadpack.allowFilter", "true");
    const trunk = join(folder("gone-partial"), "trunk-main");
    scene.git(scene.root, "clone", "-q", "--no-checkout", "--filter=blob:none", `file://${remote}`, trunk);
    renameSync(remote, `${remote}.away`);
    await refused("remote/unreachable", at(trunk), "feat", "x");
    nothingLeft(scene, trunk, "x");
    renameSync(`${remote}.away`, remote);
    assert.equal((await feat(at(trunk), "x")).created, true);
  });

  it("with pointers of LFS and no LFS says that large files are not there", async () => {
    const trunk = join(folder("lfs"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    writeFileSync(join(trunk, ".gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    writeFileSync(
      join(trunk, "large.bin"),
      `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`,
    );
    scene.git(trunk, "add", "-A");
    scene.git(trunk, "commit", "-q", "-m", "large");
    assert.ok(codes(await feat(at(trunk), "x", "--base", "main")).includes("lfs/pointers"));
  });

  it("with a detached trunk works, and its trunk is listed without a branch", async () => {
    const trunk = join(folder("detached"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    scene.git(trunk, "switch", "-q", "--detach");
    const { worktree } = await feat(at(trunk), "x");
    assert.equal(worktree.base, "origin/main");
    assert.equal((await rowsAt(at(trunk)))[0]?.branch, null);
  });

  it("without a commit says so; on an unborn branch it works when the remote has one", async () => {
    const empty = join(folder("empty"), "trunk-main");
    scene.git(scene.root, "init", "-q", empty);
    await refused("repository/no-commit", at(empty), "feat", "x");
    assert.deepEqual(await names(at(empty)), ["trunk-main"]);
    scene.git(empty, "remote", "add", "origin", scene.remote);
    scene.git(empty, "fetch", "-q");
    assert.equal((await feat(at(empty), "x")).worktree.state, "ready");

    const orphan = join(folder("orphan"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, orphan);
    scene.git(orphan, "switch", "-q", "--orphan", "nothing-yet");
    assert.equal((await feat(at(orphan), "x")).worktree.base, "origin/main");
    assert.equal((await rowsAt(at(orphan)))[0]?.head, null);
  });

  for (const [what, name] of [
    ["spaces", " two  spaces "],
    ["newlines", "line\nworktree \nlocked fake\n"],
    ["a trailing newline", "ends\n"],
    ["every script", "ünï-用户-🚀-e\u0301"],
    ["quotes and dollars", `it's "$HOME" \`id\` \\n`],
    ["a leading hyphen", "--upload-pack=id"],
  ] as const) {
    it(`in a folder with ${what} in its name works`, async () => {
      const home = join(scene.root, name);
      const trunk = join(home, "trunk-main");
      mkdirSync(home);
      scene.git(scene.root, "clone", "-q", scene.remote, trunk);
      const { worktree } = await feat(at(trunk), "x");
      assert.equal(worktree.path, join(home, "feat-x"));
      assert.equal((await feat(at(worktree.path), "x")).created, false);
      assert.deepEqual(await names(at(home)), ["trunk-main", "feat-x"]);
      await told(at(trunk), "remove", "feat-x");
      assert.ok(!existsSync(worktree.path));
    });
  }

  it("in a folder whose name is not UTF-8 explains itself", async () => {
    const raw = Buffer.concat([Buffer.from(join(scene.root, "raw-")), Buffer.from([0xff, 0xfe])]);
    mkdirSync(raw);
    scene.git(scene.root, "clone", "-q", scene.remote, join(scene.root, "raw-source"));
    renameSync(Buffer.from(join(scene.root, "raw-source")), Buffer.concat([raw, Buffer.from("/trunk-main")]));
    const { code, stdout } = await imi(
      { cwd: "/", env: scene.env },
      "list",
      "--repo",
      `${scene.root}/raw-\ufffd\ufffd/trunk-main`,
      "--json",
    );
    assert.equal(code, 1);
    assert.match(stdout, /"repository\/not-found"/);
  });

  it("with names of 250 bytes in its path works, and a path too long is refused with nothing left", async () => {
    const deep = join(scene.root, "d".repeat(250), "ü".repeat(125));
    const trunk = join(deep, "trunk-main");
    mkdirSync(deep, { recursive: true });
    scene.git(deep, "clone", "-q", scene.remote, trunk);
    const { worktree } = await feat(at(trunk), "n".repeat(100));
    assert.ok(existsSync(join(worktree.path, "README.md")));
    await refused("name/invalid", at(trunk), "feat", "n".repeat(101));

    // Deep enough that the trunk fits into 4 096 bytes, and a worktree with a long name does not.
    let far = join(scene.root, "far");
    while (far.length + 201 < 4_020) far = join(far, "f".repeat(200));
    far = join(far, "e".repeat(4_020 - far.length - 1));
    mkdirSync(far, { recursive: true });
    scene.git(scene.root, "clone", "-q", scene.remote, join(scene.root, "near"));
    renameSync(join(scene.root, "near"), join(far, "trunk-main"));
    await refused(
      "path/too-long",
      { cwd: "/", env: scene.env },
      "feat",
      "n".repeat(100),
      "--repo",
      join(far, "trunk-main"),
    );
    nothingLeft(scene, join(far, "trunk-main"), "n".repeat(100));
  });

  it("takes names that differ in case for two where the file system does", async () => {
    const trunk = join(folder("case"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    const [lower, upper] = [await feat(at(trunk), "auth"), await feat(at(trunk), "Auth")];
    assert.notEqual(lower.worktree.id, upper.worktree.id);
    assert.equal((await names(at(trunk))).length, 3);
  });

  it("with a branch in the way of a branch says which", async () => {
    const trunk = join(folder("in-the-way"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    scene.git(trunk, "branch", "feat");
    assert.match(await refused("branch/invalid", at(trunk), "feat", "x"), /\bfeat\b/);
    assert.ok(!existsSync(join(dirname(trunk), "feat-x")));
    assert.deepEqual(await names(at(trunk)), ["trunk-main"]);
    assert.equal(scene.git(trunk, "rev-parse", "feat"), scene.git(trunk, "rev-parse", "main"));
  });

  it("whose core.bare was set in an ordinary clone still shows its trunk", async () => {
    const trunk = join(folder("core-bare"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    await feat(at(trunk), "x");
    scene.git(trunk, "config", "core.bare", "true");
    assert.deepEqual(
      (await rowsAt(at(trunk))).map(({ name, branch }) => [name, branch]),
      [
        ["trunk-main", "main"],
        ["feat-x", "feat/x"],
      ],
    );
    assert.equal((await feat(at(join(dirname(trunk), "feat-x")), "y")).worktree.path, join(dirname(trunk), "feat-y"));
    await refused("worktree/main", at(trunk), "remove", "trunk-main");
  });

  it("with a locked worktree keeps it, also when its folder is gone", async () => {
    const trunk = join(folder("locked"), "trunk-main");
    scene.git(scene.root, "clone", "-q", scene.remote, trunk);
    const { worktree } = await feat(at(trunk), "x");
    scene.git(trunk, "worktree", "lock", "--reason", "on a stick", worktree.path);
    assert.match(await refused("worktree/locked", at(trunk), "remove", "feat-x"), /on a stick/);
    renameSync(worktree.path, `${worktree.path}.unplugged`);
    assert.match(await refused("worktree/locked", at(trunk), "feat", "x"), /on a stick/);
    renameSync(`${worktree.path}.unplugged`, worktree.path);
    assert.equal((await feat(at(trunk), "x")).created, false);
  });
});

describe("what a worktree's own files say", () => {
  let scene: Scene;
  beforeEach(() => {
    scene = makeScene();
  });
  afterEach(() => scene.remove());

  it("runs nothing: a swapped .git, a filter, a file system monitor, a hook, a worktree of its own config", async () => {
    const place = { cwd: scene.trunk, env: scene.env };
    const proof = join(scene.root, "pwned");
    const { worktree } = await feat(place, "evil");
    const evil = join(scene.root, "evil.git");
    scene.git(scene.root, "init", "-q", evil);
    for (const dir of [join(evil, ".git"), join(scene.trunk, ".git")]) {
      scene.git(scene.root, `--git-dir=${dir}`, "config", "core.fsmonitor", `touch '${proof}'`);
      scene.git(scene.root, `--git-dir=${dir}`, "config", "filter.evil.clean", `touch '${proof}'; cat`);
      scene.git(scene.root, `--git-dir=${dir}`, "config", "filter.evil.smudge", `touch '${proof}'; cat`);
    }
    writeFileSync(join(worktree.path, ".gitattributes"), "* filter=evil\n");
    writeFileSync(join(worktree.path, "README.md"), "changed\n");
    await rowsAt(place);
    await refused("worktree/dirty", place, "remove", "feat-evil");
    const record = join(scene.trunk, ".git/worktrees/feat-evil");
    scene.git(scene.trunk, "config", "extensions.worktreeConfig", "true");
    writeFileSync(
      join(record, "config.worktree"),
      `[core]\n\tfsmonitor = touch '${proof}'\n\tworktree = ${scene.root}\n\thooksPath = ${evil}\n`,
    );
    await rowsAt(place);
    await ask(place, "remove", "feat-evil");
    assert.ok(existsSync(join(worktree.path, "README.md")));

    rmSync(join(worktree.path, ".git"));
    writeFileSync(join(worktree.path, ".git"), `gitdir: ${join(evil, ".git")}\n`);
    await rowsAt(place);
    await ask(place, "reconcile");
    await refused("path/unsafe", place, "remove", "feat-evil");
    await ask(place, "feat", "evil");
    assert.ok(!existsSync(proof), "something of the worktree's was run");
    assert.equal(readFileSync(join(worktree.path, "README.md"), "utf8"), "changed\n");
  });

  it("is not deleted with its link: whoever works in a folder without .git is told, and keeps everything", async () => {
    const place = { cwd: scene.trunk, env: scene.env };
    const { worktree } = await feat(place, "unlinked");
    writeFileSync(join(worktree.path, "work.txt"), "hours of it\n");
    rmSync(join(worktree.path, ".git"));
    assert.match(await refused("path/taken", place, "feat", "unlinked"), /repair/);
    await refused("path/unsafe", place, "remove", "feat-unlinked");
    await rowsAt(place);
    await refused("path/taken", place, "feat", "unlinked");
    assert.equal(readFileSync(join(worktree.path, "work.txt"), "utf8"), "hours of it\n");
    scene.git(scene.trunk, "worktree", "repair");
    assert.equal((await feat(place, "unlinked")).created, false);
  });

  it("is not removed while commits are on no branch", async () => {
    const place = { cwd: scene.trunk, env: scene.env };
    const { worktree } = await feat(place, "floating");
    scene.git(worktree.path, "switch", "-q", "--detach");
    await told(place, "remove", "feat-floating");
    await feat(place, "floating");
    scene.git(worktree.path, "switch", "-q", "--detach");
    scene.git(worktree.path, "commit", "-q", "--allow-empty", "-m", "nowhere else");
    assert.match(await refused("worktree/dirty", place, "remove", "feat-floating"), /on no branch/);
    scene.git(worktree.path, "branch", "kept");
    await told(place, "remove", "feat-floating");
  });
});

describe("a folder iMi may not use", () => {
  it("read-only: refused, nothing left, and it works once it may be written", { skip: needsRoot }, async () => {
    const scene = makeScene();
    giveAway(scene.root, nobody);
    const place = { cwd: scene.trunk, env: scene.env, uid: nobody };
    await told(place, "list", "--no-status");
    giveAway(scene.container, nobody);
    const locked = (mode: number) => import("node:fs").then(({ chmodSync }) => chmodSync(scene.container, mode));
    await locked(0o555);
    await refused("path/permission", place, "feat", "x");
    await locked(0o755);
    const asNobody = ["-c", `safe.directory=*`] as const;
    assert.equal(scene.git(scene.trunk, ...asNobody, "branch", "--list", "feat/x"), "");
    assert.equal((await feat(place, "x")).created, true);
    scene.remove();
  });

  it(
    "of another user: git's refusal is explained, with what to do; safe.directory opens it",
    { skip: needsRoot },
    async () => {
      const scene = makeScene();
      giveAway(scene.container, nobody);
      const place = { cwd: scene.trunk, env: scene.env };
      for (const command of [["list"], ["feat", "x"], ["reconcile"], ["init"]]) {
        assert.match(await refused("repository/owner", place, ...command), /safe\.directory/);
      }
      assert.ok(!existsSync(join(scene.container, "feat-x")));
      scene.git(scene.root, "config", "--global", "--add", "safe.directory", scene.trunk);
      scene.git(scene.root, "config", "--global", "--add", "safe.directory", join(scene.trunk, ".git"));
      assert.equal((await feat(place, "x")).worktree.state, "ready");
      scene.remove();
    },
  );

  it("on a full disk: said so, undone, and it works once there is room", async (test) => {
    const scene = makeScene();
    const small = join(scene.root, "small");
    mkdirSync(small);
    const mounted = mountSmall(small, 3_000);
    if (mounted === null) {
      scene.remove();
      test.skip("a small disk can be mounted only by root");
      return;
    }
    try {
      const trunk = join(small, "trunk-main");
      scene.git(small, "clone", "-q", scene.remote, trunk);
      writeFileSync(join(trunk, "large.bin"), Buffer.alloc(900_000, 1));
      scene.git(trunk, "add", "-A");
      scene.git(trunk, "commit", "-q", "-m", "large");
      const filler = join(small, "filler");
      writeFileSync(filler, Buffer.alloc(1_300_000));
      const place = { cwd: trunk, env: scene.env };
      await refused("disk/full", place, "feat", "x", "--base", "main");
      nothingLeft(scene, trunk, "x");
      assert.ok(!existsSync(join(small, "feat-x")));
      rmSync(filler);
      assert.equal((await feat(place, "x", "--base", "main")).created, true);
    } finally {
      mounted.unmount();
      scene.remove();
    }
  });

  it("that was deleted under the shell is said to be gone", async () => {
    const scene = makeScene();
    const { execFileSync } = await import("node:child_process");
    const script = `mkdir gone && cd gone && rmdir ../gone && "$1" list --json; "$1" list --json --repo "$2"`;
    const bin = join(import.meta.dirname, "../../bin/imi");
    const answer = execFileSync("bash", ["-c", script, "bash", bin, scene.trunk], {
      cwd: scene.root,
      env: scene.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [first, second] = answer.trim().split("\n");
    assert.match(first ?? "", /"repository\/not-found"/);
    assert.match(second ?? "", /trunk-main/);
    scene.remove();
  });
});

describe("a container that changes on disk", () => {
  it("renamed: the same worktrees are at their new places, with their ids and history", async () => {
    const scene = makeScene();
    await feat({ cwd: scene.trunk, env: scene.env }, "x");
    await feat({ cwd: scene.trunk, env: scene.env }, "y", "--agent-id", "a-1");
    const before = await listed(scene);
    const container = join(scene.root, "renamed app");
    renameSync(scene.container, container);
    const moved: Scene = { ...scene, container, trunk: join(container, "trunk-main") };
    const after = await listed(moved, join(container, "feat-x"));
    assert.deepEqual(
      after.map(({ id, path, agentId }) => [id, basename(path), agentId]),
      before.map(({ id, path, agentId }) => [id, basename(path), agentId]),
    );
    assert.ok(after.every(({ path }) => path.startsWith(container)));
    await assertAgreement(moved);
    assert.equal((await feat({ cwd: container, env: scene.env }, "x")).created, false);
    scene.remove();
  });

  it("whose trunk alone was renamed, or that moved out of reach, is found again", async () => {
    const scene = makeScene();
    await feat({ cwd: scene.trunk, env: scene.env }, "x");
    const trunk = join(scene.container, "trunk-develop");
    renameSync(scene.trunk, trunk);
    assert.deepEqual(await names({ cwd: join(scene.container, "feat-x"), env: scene.env }), [
      "trunk-develop",
      "feat-x",
    ]);
    await assertAgreement({ ...scene, trunk });
    scene.remove();
  });

  it("copied: the copy does not take the original's worktrees for its own", async () => {
    const scene = makeScene();
    const { worktree } = await feat({ cwd: scene.trunk, env: scene.env }, "x");
    const copy = join(scene.root, "copy");
    const { cpSync } = await import("node:fs");
    cpSync(scene.container, copy, { recursive: true });
    const place = { cwd: join(copy, "trunk-main"), env: scene.env };
    assert.deepEqual(
      (await rowsAt(place)).map(({ name, state }) => [name, state]),
      [
        ["trunk-main", "ready"],
        ["feat-x", "missing"],
      ],
    );
    await ask(place, "feat", "x");
    await ask(place, "remove", "feat-x");
    assert.ok(existsSync(join(worktree.path, ".git")));
    await assertAgreement(scene);
    scene.remove();
  });

  it("whose repository was deleted and cloned anew: old worktrees are no more, and what lies there is not touched", async () => {
    const scene = makeScene();
    const place = { cwd: scene.trunk, env: scene.env };
    const { worktree } = await feat(place, "x");
    writeFileSync(join(worktree.path, "work.txt"), "work\n");
    rmSync(scene.trunk, { recursive: true });
    scene.git(scene.root, "clone", "-q", scene.remote, scene.trunk);
    await refused("path/taken", place, "feat", "x");
    assert.deepEqual(await names(place), ["trunk-main"]);
    assert.equal(readFileSync(join(worktree.path, "work.txt"), "utf8"), "work\n");
    rmSync(worktree.path, { recursive: true });
    assert.equal((await feat(place, "x")).created, true);
    await assertAgreement(scene);
    scene.remove();
  });

  it("with a link at a worktree's place is refused, and nothing is written through it", async () => {
    const scene = makeScene();
    const victim = join(scene.root, "victim");
    mkdirSync(victim);
    symlinkSync(victim, join(scene.container, "feat-x"));
    await refused("path/unsafe", { cwd: scene.trunk, env: scene.env }, "feat", "x");
    assert.deepEqual(readdirSync(victim), []);
    nothingLeft(scene, scene.trunk, "x");
    scene.remove();
  });
});
