import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { faultPoints } from "../../server/src/faults.ts";
import type { FaultPoint } from "../../server/src/faults.ts";
import { assertAgreement, assertTrash, listed } from "../support/agreement.ts";
import { startImi, told } from "../support/imi.ts";
import { assertUnharmed, deeds, faces, killedDoing } from "../support/killed.ts";
import type { Face, Held } from "../support/killed.ts";
import { lostObjects, preciousObjects } from "../support/precious-objects.ts";
import { randomFrom, seeded } from "../support/random.ts";
import { freshScene, groundAt, groundIn, text } from "../support/removal-corpus.ts";
import type { Ground } from "../support/removal-corpus.ts";
import { Server } from "../support/server.ts";
import type { Scene } from "../support/workspace.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

const { seed, rounds } = seeded(8);
/** Where somebody takes the time, every point is tried by both faces. */
const thorough = rounds >= 100;

after(() => Server.endAll());

/** Something of everything: commits of its own, a merge in conflict, staged, changed, untracked and ignored files. */
const fill = ({ write, git, commit, stops, at }: Ground): void => {
  commit("mine", { "src/a.txt": text({ 5: "mine" }), "mine.txt": "mine\n" });
  commit("to be amended", { "mine.txt": "first try\n" });
  git("commit", "-q", "--amend", "-m", "amended", "--allow-empty");
  stops("merge", "origin/other");
  write("staged.txt", "staged\n");
  git("add", "staged.txt");
  write("staged.txt", "changed since\n");
  write("src/b.txt", "changed\n");
  write("note\n.txt", "untracked\n");
  write(".env", "SECRET=1\n");
  write("node_modules/x/index.js", "ignored\n");
  mkdirSync(at("empty"));
};

/** Others that differ in what git has in hand; which one is a matter of chance. */
const fillings: readonly ((ground: Ground) => void)[] = [
  fill,
  () => undefined,
  ({ git, commit, write }) => {
    git("checkout", "-q", "--detach");
    commit("on no branch", { "detached.txt": "1\n" });
    write("detached.txt", "2\n");
  },
  (ground) => {
    ground.commit("mine", { "src/a.txt": text({ 5: "mine" }) });
    ground.stops("rebase", "--merge", "origin/other");
    ground.write("note.txt", "in the middle of it\n");
  },
  ({ scene, at, path }) => {
    mkdirSync(at("tool"));
    scene.git(path, "init", "-q", "tool");
    writeFileSync(at("tool/one.txt"), "1\n");
    scene.git(at("tool"), "add", "-A");
    scene.git(at("tool"), "commit", "-q", "-m", "inside");
  },
];

const hold = (ground: Ground): Held => ({
  ground,
  snapshot: snapshotWorktree({ path: ground.path, env: ground.scene.env }),
  precious: preciousObjects(ground.path, ground.scene.env),
});

/** A worktree on another file system than git directory and registry: it has to be copied. */
const away = (scene: Scene, name: string): Ground | null => {
  const other = mkdtempSync(join(tmpdir(), "imi-away-"));
  if (statSync(other).dev === statSync(scene.root).dev) {
    rmSync(other, { recursive: true });
    return null;
  }
  const path = join(other, name);
  scene.git(scene.trunk, "worktree", "add", "-q", "--no-track", "-b", name.replace("-", "/"), path);
  return groundAt(scene, path, name, name.replace("-", "/"));
};

describe(`killed by SIGKILL at a named point (seed ${seed}):`, { concurrency: 2 }, () => {
  /** What passes each point, and what has to be so before. */
  const passing = (point: FaultPoint): readonly (keyof typeof deeds)[] => {
    const [room] = point.split(".", 1);
    if (room === "salvage") return ["salvage", "remove"];
    if (["remove.copying", "remove.copied", "remove.aside"].includes(point)) return ["remove", "restore"];
    if (room === "create" || room === "remove" || room === "restore" || room === "empty") return [room];
    throw new Error(`${point} is of no operation known here`);
  };
  const copies = (point: FaultPoint): boolean => ["remove.copying", "remove.copied", "remove.aside"].includes(point);

  const dies = async (point: FaultPoint, doing: keyof typeof deeds, face: Face): Promise<string | null> => {
    const scene = freshScene();
    try {
      const place = { cwd: scene.trunk, env: scene.env };
      if (doing === "create") {
        await told(place, "list", "--no-status");
        assert.equal(await killedDoing(place, face, deeds.create("quartz"), { at: point }), "killed");
        await assertAgreement(scene);
        await told(place, "feat", "quartz");
        await assertAgreement(scene);
        return null;
      }
      const ground = copies(point) ? away(scene, "feat-quartz") : await groundIn(scene);
      if (ground === null) return "there is no second file system here";
      fill(ground);
      await told(place, "list", "--no-status");
      const held = hold(ground);
      if (doing === "restore" || doing === "empty") await told(place, "remove", ground.name, "--yes");
      assert.equal(
        await killedDoing(place, face, deeds[doing](ground.name), { at: point }),
        "killed",
        `${doing} did not pass ${point}`,
      );
      const where = await assertUnharmed(held, doing === "empty" ? "go" : "stay");
      if (!copies(point) && where !== "emptied") await assertAgreement(scene);
      if (doing === "salvage") {
        await told(place, "salvage", ground.name);
        assert.deepEqual(lostObjects(scene.trunk, scene.env, held.precious), []);
      }
      if (where === "emptied") return null;
      // And all of it works as if nothing had happened.
      await told(place, "remove", ground.name, "--yes");
      await told(place, "restore", ground.name);
      assert.deepEqual(hold(ground).snapshot, held.snapshot);
      if (copies(point)) rmSync(join(ground.path, ".."), { recursive: true });
      return null;
    } finally {
      scene.remove();
    }
  };

  const points = faultPoints.filter((point) => !point.startsWith("claim.")); // claims-killed.test.ts
  for (const [at, point] of points.entries())
    for (const [turn, doing] of passing(point).entries())
      for (const face of thorough ? faces : faces.filter((_, index) => (at + turn + seed) % 2 === index))
        it(`${point}: ${doing} by the ${face}`, async (test) => {
          const missing = await dies(point, doing, face);
          if (missing !== null) test.skip(missing);
        });
});

describe("killed by SIGKILL at any moment", () => {
  let scene: Scene;
  before(async () => {
    scene = freshScene();
    await told({ cwd: scene.trunk, env: scene.env }, "list", "--no-status");
  });
  after(() => scene.remove());

  it(`create, remove, restore, salvage and empty, by both faces: nothing is lost (seed ${seed})`, async (test) => {
    const random = randomFrom(seed);
    const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] ?? assert.fail();
    const place = { cwd: scene.trunk, env: scene.env };
    const doings = Object.keys(deeds) as (keyof typeof deeds)[]; // the keys of a record
    const counts = { killed: 0, ended: 0, "in place": 0, "in the trash": 0, emptied: 0, "killed again": 0 };
    /** How long each takes here, in milliseconds; learnt from those that ended before they were killed. */
    const whole: Record<string, number> = {};
    const started = performance.now();

    for (let round = 0; round < rounds; round += 1) {
      const doing = doings[round % doings.length] ?? assert.fail();
      const face = one(faces);
      const name = `feat-round-${round}`;
      const key = `${doing} ${face}`;
      const at = random() * (whole[key] ?? 400) * 1.1;
      const again = random() < 0.3 ? random() * 250 : null;
      const what = `round ${round} of seed ${seed}: ${doing} by the ${face}, killed after ${Math.round(at)} ms${again === null ? "" : `, and the look after ${Math.round(again)} ms`}`;
      try {
        const held = doing === "create" ? null : await prepared(name, one(fillings), doing);
        const call = doing === "create" ? deeds.create(name.slice("feat-".length)) : deeds[doing](name);
        const begun = performance.now();
        const outcome = await killedDoing(place, face, call, { after: at });
        counts[outcome] += 1;
        // Whoever is told so early learns that it may take longer; the start of a server is not counted.
        whole[key] = outcome === "ended" ? Math.min(performance.now() - begun, 2_000) : (whole[key] ?? 400) * 1.03;
        if (again !== null && (await lookKilled(again))) counts["killed again"] += 1;
        await listed(scene);
        if (held === null) {
          await told(place, "feat", name.slice("feat-".length));
          await assertAgreement(scene, keptBranches(), "connected");
        } else {
          const where = await assertUnharmed(held, doing === "empty" ? "go" : "stay");
          counts[where] += 1;
          if (doing === "salvage") {
            await told(place, "salvage", name);
            assert.deepEqual(lostObjects(scene.trunk, scene.env, held.precious), []);
          }
          await assertAgreement(scene, keptBranches(), "connected");
        }
        await tidied(name);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
    }
    await assertAgreement(scene, keptBranches());
    assert.deepEqual(await assertTrash(scene), []);
    const seconds = Math.round((performance.now() - started) / 1000);
    test.diagnostic(`seed ${seed}: ${rounds} rounds in ${seconds} s, ${JSON.stringify(counts)}`);
  });

  const prepared = async (name: string, filling: (ground: Ground) => void, doing: string): Promise<Held> => {
    const ground = await groundIn(scene, name);
    filling(ground);
    const held = hold(ground);
    if (doing === "restore" || doing === "empty") await told(ground.place, "remove", name, "--yes");
    return held;
  };

  const lookKilled = async (afterMs: number): Promise<boolean> => {
    const { child, ended } = startImi({ cwd: scene.trunk, env: scene.env }, "list", "--json");
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    const { signal } = await ended;
    clearTimeout(timer);
    return signal === "SIGKILL";
  };

  /** Branches of worktrees that are gone are kept; here they are of no more use. */
  const keptBranches = (): string[] =>
    scene
      .git(scene.trunk, "for-each-ref", "--format=%(refname:short)", "refs/heads")
      .split("\n")
      .filter((branch) => branch.startsWith("feat/round-"));

  const tidied = async (name: string): Promise<void> => {
    const place = { cwd: scene.trunk, env: scene.env };
    if (existsSync(join(scene.container, name))) await told(place, "remove", name, "--yes");
    if ((await assertTrash(scene)).length > 0) await told(place, "trash", "empty", "--yes");
    const refs = scene.git(
      scene.trunk,
      "for-each-ref",
      "--format=delete %(refname)",
      "refs/salvage",
      "refs/heads/feat",
    );
    for (const line of refs.split("\n").filter((each) => each !== ""))
      scene.git(scene.trunk, "update-ref", "-d", line.slice("delete ".length));
  };
});
