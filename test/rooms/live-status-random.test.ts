import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { askGit, gitDirsOf } from "../../server/src/git/index.ts";
import type { StatusWanted } from "../../server/src/git/index.ts";
import { makeRepository } from "../support/git.ts";
import type { TestRepository } from "../support/git.ts";
import { fresh, live } from "../support/live-status.ts";
import { randomFrom, seeded } from "../support/random.ts";

const count = 4;

/** Somebody at work in the worktrees of one repository: anything that may change what `git status` says. */
class Worker {
  readonly #repository: TestRepository;
  readonly #random: () => number;
  readonly #wanted: StatusWanted[];
  #made = 0;

  constructor(repository: TestRepository, wanted: StatusWanted[], random: () => number) {
    this.#repository = repository;
    this.#wanted = wanted;
    this.#random = random;
  }

  /** Does something somewhere, `mostly` these things; says what, for who reads of a failure. */
  async work(mostly: readonly string[] = []): Promise<string> {
    const at = Math.floor(this.#random() * this.#wanted.length);
    const root = this.#wanted[at]?.path ?? "";
    const names = mostly.length > 0 && this.#random() < 0.9 ? mostly : Object.keys(this.#deeds);
    const name = names[Math.floor(this.#random() * names.length)] ?? "";
    await this.#deeds[name]?.(root, at);
    return `${name} in ${at}`;
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }

  /** git may refuse what makes no sense now; that changes nothing, and is fine. */
  async #git(root: string, ...args: string[]): Promise<void> {
    await this.#repository.run(args, root).catch(() => undefined);
  }

  #all(root: string, kind: "file" | "folder"): string[] {
    const found: string[] = [];
    const waiting = [root];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.name === ".git") continue;
        const below = join(path, entry.name);
        if (entry.isDirectory()) waiting.push(below);
        if (entry.isDirectory() === (kind === "folder")) found.push(below);
      }
    }
    return found;
  }

  #file(root: string): string {
    return this.#pick(this.#all(root, "file")) ?? this.#fresh(root);
  }

  #folder(root: string): string {
    return this.#pick([root, ...this.#all(root, "folder")]) ?? root;
  }

  #fresh(root: string): string {
    return join(this.#folder(root), `new-${this.#made++}${this.#pick(["", ".txt", ".tmp", ".o"]) ?? ""}`);
  }

  #write(path: string, text: string): void {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    } catch {
      // A link to nowhere, or a file where a folder should be.
    }
  }

  readonly #deeds: Record<string, (root: string, at: number) => Promise<void> | void> = {
    write: (root) => this.#write(this.#fresh(root), `${this.#made}`),
    "edit to the same size": (root) => {
      const file = this.#file(root);
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return;
      this.#write(
        file,
        readFileSync(file, "latin1").replaceAll(/[a-z0-9]/g, () => `${Math.floor(this.#random() * 10)}`),
      );
    },
    append: (root) => {
      const file = this.#file(root);
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) appendFileSync(file, "more\n");
    },
    "save as editors do": (root) => {
      const file = this.#file(root);
      this.#write(`${file}~`, `${this.#made++}`);
      if (existsSync(`${file}~`)) renameSync(`${file}~`, file);
    },
    delete: (root) => rmSync(this.#file(root), { force: true }),
    "delete a folder": (root) => {
      const folder = this.#folder(root);
      if (folder !== root) rmSync(folder, { recursive: true, force: true });
    },
    "make folders with a file in them at once": (root) => {
      this.#write(join(this.#folder(root), `d${this.#made++}`, "e", "f", "file"), "x");
    },
    "make empty folders": (root) => {
      mkdirSync(join(this.#folder(root), `d${this.#made++}`, "e"), { recursive: true });
    },
    "rename a folder": (root) => {
      const folder = this.#folder(root);
      if (folder !== root) renameSync(folder, join(root, `moved-${this.#made++}`));
    },
    "replace a folder by another at once": (root) => {
      const folder = this.#folder(root);
      if (folder === root) return;
      rmSync(folder, { recursive: true });
      this.#write(join(folder, "again", `file-${this.#made++}`), "x");
    },
    "make executable": (root) => {
      const file = this.#file(root);
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true)
        chmodSync(file, this.#random() < 0.5 ? 0o755 : 0o644);
    },
    "swap for a link": (root) => {
      const file = this.#file(root);
      rmSync(file, { force: true });
      symlinkSync(this.#random() < 0.5 ? "elsewhere" : root, file);
    },
    "swap a folder for a link": (root) => {
      const folder = this.#folder(root);
      if (folder === root) return;
      rmSync(folder, { recursive: true });
      symlinkSync(root, folder);
    },
    touch: (root) => {
      const file = this.#file(root);
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) utimesSync(file, new Date(), new Date());
    },
    add: (root) => this.#git(root, "add", "-A"),
    "add one that is ignored": (root) => this.#git(root, "add", "-f", "--", this.#file(root)),
    commit: (root) => this.#git(root, "commit", "-q", "-a", "-m", `${this.#made++}`),
    "commit nothing": (root) => this.#git(root, "commit", "-q", "--allow-empty", "-m", `${this.#made++}`),
    reset: (root) => this.#git(root, "reset", "-q", "--hard"),
    "reset to the commit before": (root) =>
      this.#git(root, "reset", "-q", this.#random() < 0.5 ? "--soft" : "--mixed", "HEAD~1"),
    clean: (root) => this.#git(root, "clean", "-q", "-f", "-d", "-x"),
    checkout: (root) => this.#git(root, "checkout", "-q", "--detach", "main"),
    "another branch": (root, at) => this.#git(root, "checkout", "-q", `feat/${at}`),
    merge: (root) => this.#git(root, "merge", "-q", "main"),
    "stop in a merge": async (root) => {
      this.#write(join(root, "src/0/file-0.txt"), `ours ${this.#made++}\n`);
      await this.#git(root, "commit", "-q", "-a", "-m", "ours");
      await this.#git(root, "merge", "-q", "main");
    },
    rebase: (root) => this.#git(root, "rebase", "-q", "main"),
    abort: async (root) => {
      await this.#git(root, "merge", "--abort");
      await this.#git(root, "rebase", "--abort");
    },
    stash: (root) => this.#git(root, "stash", "-q", "-u"),
    "stash pop": (root) => this.#git(root, "stash", "pop", "-q"),
    "trunk goes on": () =>
      this.#repository.commit(`trunk ${this.#made++}`, { "src/0/file-0.txt": `${this.#made}\n` }).then(() => undefined),
    "move a branch from elsewhere": (_, at) =>
      this.#git(this.#repository.trunk, "update-ref", `refs/heads/feat/${at}`, "main"),
    "pack refs": () => this.#git(this.#repository.trunk, "pack-refs", "--all"),
    ignore: (root) => this.#write(join(this.#folder(root), ".gitignore"), this.#rules()),
    "ignore no more": (root) => {
      for (const file of this.#all(root, "file")) if (file.endsWith("/.gitignore")) rmSync(file);
    },
    "write into an ignored folder": (root) =>
      this.#write(join(root, "out", `deep-${this.#made % 3}`, `f${this.#made++}`), "x"),
    "write into an excluded folder": (root) => {
      const folder = join(root, "deps");
      if (this.#random() < 0.5) this.#write(join(folder, `file-${this.#made % 2}`), "x");
      this.#write(join(folder, `deep-${this.#made % 3}`, "e", `f${this.#made++}`), "x");
    },
    "take away from an excluded folder": (root) => {
      const folder = join(root, "deps");
      if (!existsSync(folder) || !lstatSync(folder).isDirectory()) return;
      const name = this.#pick(readdirSync(folder));
      if (name !== undefined) rmSync(join(folder, name), { recursive: true });
    },
    "add an excluded folder": (root) => this.#git(root, "add", "deps"),
    "ignore in an excluded folder": (root) => {
      if (existsSync(join(root, "deps"))) this.#write(join(root, "deps", ".gitignore"), "*\n");
    },
    "exclude for all": () => this.#write(join(this.#repository.commonDir, "info/exclude"), this.#rules()),
    "exclude by configuration": async (root) => {
      const file = join(this.#repository.root, "excludes");
      this.#write(file, this.#rules());
      await this.#git(root, "config", "core.excludesFile", file);
    },
    attributes: (root) =>
      this.#write(join(root, ".gitattributes"), this.#random() < 0.5 ? "* text=auto\n" : "*.txt eol=crlf\n"),
    "file mode": (root) => this.#git(root, "config", "core.fileMode", this.#random() < 0.5 ? "true" : "false"),
    sparse: (root) => this.#git(root, "sparse-checkout", "set", "src/0"),
    "sparse no more": (root) => this.#git(root, "sparse-checkout", "disable"),
    "intent to add": (root) => this.#git(root, "add", "-N", "."),
    "look without looking": (root) => this.#git(root, "update-index", "--assume-unchanged", "--", this.#file(root)),
    "look again": (root) => this.#git(root, "update-index", "--really-refresh"),
    move: async (root, at) => {
      const target = join(this.#repository.root, `moved-${at}-${this.#made++}`);
      await this.#git(this.#repository.trunk, "worktree", "move", root, target);
      const wanted = this.#wanted[at];
      if (existsSync(target) && wanted !== undefined) this.#wanted[at] = { ...wanted, path: target };
    },
    "make it anew": async (root, at) => {
      await this.#git(this.#repository.trunk, "worktree", "remove", "-f", root);
      await this.#git(this.#repository.trunk, "worktree", "add", "-q", "-f", "-B", `feat/${at}`, root, "main");
    },
    nothing: () => undefined,
  };

  #rules(): string {
    return ["*.tmp\n", "out/\n", "*.o\nd*/\n", "/src/1\n", "", "!*.tmp\n"].filter(() => this.#random() < 0.4).join("");
  }
}

/** What is done to a file or two in worktrees in which git is at rest. */
const withFiles = [
  ...["write", "edit to the same size", "append", "save as editors do", "delete", "make executable", "touch"],
  ...["swap for a link", "write into an excluded folder", "write into an ignored folder", "delete a folder"],
];

const skip = process.platform !== "linux";

const worktreesOf = async (repository: TestRepository): Promise<StatusWanted[]> => {
  const wanted: StatusWanted[] = [];
  for (let at = 0; at < count; at++) {
    const path = join(repository.root, `feat-${at}`);
    await repository.run(["worktree", "add", "-q", "--no-track", "-b", `feat/${at}`, path, "main"]);
    wanted.push({ id: `${at}`, path, branch: `feat/${at}`, head: null, base: "main" });
  }
  return wanted;
};

test("live status is what git says, whatever is done in the worktrees", { skip }, async (context) => {
  const { seed, rounds } = seeded(150);
  context.diagnostic(`IMI_TEST_SEED=${seed} IMI_TEST_ROUNDS=${rounds}`);
  const random = randomFrom(seed);
  await using repository = await makeRepository({ files: 30 });
  const wanted = await worktreesOf(repository);
  await using server = await live(repository, { excludePatterns: ["deps/"] });
  await server.warm(wanted);
  const worker = new Worker(repository, wanted, random);
  const done: string[] = [];
  let remembered = 0;
  for (let round = 0; round < rounds; round++) {
    const deeds = 1 + Math.floor(random() * 4);
    for (let deed = 0; deed < deeds; deed++) done.push(await worker.work());
    // Now and then everything is old enough to be remembered, and put under watch.
    if (round % 4 === 0) {
      await delay(60);
      await server.warm(wanted);
    }
    const before = repository.log.length;
    const answer = await server.answers(wanted);
    remembered += count - repository.log.slice(before).filter((line) => line.includes("--porcelain=v2")).length;
    const expected = await fresh(repository, wanted);
    const said = `seed ${seed}, round ${round}: …, ${done.slice(-12).join(", ")}`;
    assert.deepEqual(answer, expected, said);
    // Not the counts alone: every file, its letters and their order.
    const gitDirOf = await gitDirsOf(repository.commonDir);
    for (const [path, read] of await server.watching.recall(wanted.map((each) => each.path))) {
      const gitDir = (await gitDirOf(path)) ?? "";
      const now = await askGit(repository.git, repository.commonDir, { path, gitDir }, undefined);
      assert.deepEqual(read, now, `${path}: ${said}`);
    }
  }
  const narrow = repository.log.filter((line) => line.includes("--porcelain=v2") && line.includes(" -- ")).length;
  context.diagnostic(`${remembered} of ${rounds * count} answers were from memory, ${narrow} were put together`);
  assert.ok(remembered > rounds, "hardly anything was remembered: this shows nothing");
});

test("an answer put together from what changed and what did not is git's own", { skip }, async (context) => {
  const { seed, rounds } = seeded(20);
  context.diagnostic(`IMI_TEST_SEED=${seed} IMI_TEST_ROUNDS=${rounds}`);
  const random = randomFrom(seed);
  let narrow = 0;
  // Each in a repository of its own: a sparse checkout, say, is from then on asked as a whole.
  for (let round = 0; round < rounds; round++) {
    await using repository = await makeRepository({ files: 30 });
    const wanted = await worktreesOf(repository);
    await using server = await live(repository, { excludePatterns: ["deps/"] });
    const worker = new Worker(repository, wanted, random);
    const done: string[] = [];
    for (let deed = 0; deed < 5; deed++) done.push(await worker.work());
    await server.warm(wanted);
    for (let look = 0; look < 10; look++) {
      for (let deeds = 1 + Math.floor(random() * 3); deeds > 0; deeds--) done.push(await worker.work(withFiles));
      const gitDirOf = await gitDirsOf(repository.commonDir);
      for (const { path } of wanted) {
        const gitDir = await gitDirOf(path).catch(() => null);
        if (gitDir === null) continue;
        const place = { path, gitDir };
        const read = (await server.watching.read([place], new AbortController().signal)).get(path);
        const now = await askGit(repository.git, repository.commonDir, place, undefined).catch(() => undefined);
        assert.deepEqual(read, now, `${path}: seed ${seed}, round ${round}: …, ${done.slice(-12).join(", ")}`);
      }
    }
    narrow += repository.log.filter((line) => line.includes("--porcelain=v2") && line.includes(" -- ")).length;
  }
  context.diagnostic(`${narrow} of ${rounds * 10 * count} answers were put together`);
  assert.ok(narrow > rounds, "hardly anything was put together: this shows nothing");
});

test("whatever changes a status is told, and told rightly to another process", { skip }, async (context) => {
  const { seed, rounds } = seeded(100);
  context.diagnostic(`IMI_TEST_SEED=${seed} IMI_TEST_ROUNDS=${rounds}`);
  const random = randomFrom(seed);
  await using repository = await makeRepository({ files: 30 });
  const wanted = await worktreesOf(repository);
  await using server = await live(repository, { excludePatterns: ["deps/"], through: "socket" });
  const { watching } = server;
  const told = new Set<string>();
  watching.onHappened((path) => void told.add(path));
  const worker = new Worker(repository, wanted, random);
  const done: string[] = [];
  let known: Record<string, unknown> = {};
  let asked = 0;
  for (let round = 0; round < rounds; round++) {
    const gitDirOf = await gitDirsOf(repository.commonDir);
    const places = await Promise.all(
      wanted.map(async ({ path, base }) => ({ path, base, gitDir: (await gitDirOf(path).catch(() => null)) ?? "" })),
    );
    watching.hold(places.filter(({ gitDir }) => gitDir !== ""));
    const before = repository.log.length;
    known = await server.answers(wanted);
    asked += repository.log.slice(before).filter((line) => line.includes("--porcelain=v2")).length;
    const said = `seed ${seed}, round ${round}: …, ${done.slice(-12).join(", ")}`;
    assert.deepEqual(known, await fresh(repository, wanted), said);
    await watching.recall([]);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    told.clear();

    const deeds = Math.floor(random() * 3);
    for (let deed = 0; deed < deeds; deed++) done.push(await worker.work());
    const now = await fresh(repository, wanted);
    for (const { id, path } of wanted) {
      if (places.every((place) => place.path !== path || place.gitDir === "")) continue; // moved just now
      const changed = JSON.stringify(now[id]) !== JSON.stringify(known[id]);
      // One that was not wholly watched at that moment is told of as soon as it is.
      for (let waited = 0; changed && !told.has(path); waited++, await delay(20)) {
        await watching.recall([]);
        assert.ok(waited < 1_000, `${path} is not told of: ${said}, ${done.slice(-2).join(", ")}`);
      }
    }
  }
  context.diagnostic(`git was asked ${asked} times for ${rounds * count} statuses`);
  assert.ok(asked < rounds * count * 0.8, "hardly anything was remembered: this shows nothing");
});
