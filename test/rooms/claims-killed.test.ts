import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Claims, claimService } from "../../server/src/claims/index.ts";
import { loadConfig } from "../../server/src/config/index.ts";
import { Git } from "../../server/src/git/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Store } from "../../server/src/store/store.ts";
import { ask, told } from "../support/imi.ts";
import { killedDoing } from "../support/killed.ts";
import type { Deed } from "../support/killed.ts";
import { Caller, makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("killed between the registry and the mirror of a claim", () => {
  let scene: Scene;
  let record: string;
  const place = () => ({ cwd: scene.trunk, env: scene.env });
  const lock = (): string | null => {
    const file = join(record, "locked");
    return existsSync(file) ? readFileSync(file, "utf8").trim() : null;
  };
  const hooksRead = (): string | null => {
    const file = join(record, "imi-claim");
    return existsSync(file) ? (readFileSync(file, "utf8").split("\n")[0] ?? null) : null;
  };
  /** Some process that keeps running stands in for the dead one. */
  const comesToBe = async (holder: string | null): Promise<void> => {
    for (
      const deadline = performance.now() + 10_000;
      hooksRead() !== holder || (lock() === null) !== (holder === null);
    ) {
      if (performance.now() > deadline)
        assert.fail(`git's lock is ${lock() ?? "none"}, hooks read ${hooksRead() ?? "nobody"}`);
      await delay(20);
    }
    assert.equal(lock()?.startsWith(`iMi: held by ${holder ?? ""} until `) ?? false, holder !== null);
  };
  const claiming: Deed = {
    args: ["claim", "feat-x", "--agent", "A"],
    ask: (server, repository) => server.call("claim.take", { repository, name: "feat-x", agent: "A" }),
  };

  beforeEach(async () => {
    scene = makeScene();
    await told(place(), "feat", "x");
    record = join(scene.trunk, ".git", "worktrees", "feat-x");
  });
  afterEach(() => scene.remove());

  for (const face of ["cli", "server"] as const)
    it(`by the ${face}: a server that runs mirrors what was claimed, and what was released`, async () => {
      const caller = await Caller.in(scene, scene.trunk, "server");
      try {
        await caller.call("repository.open", {});
        assert.equal(await killedDoing(place(), face, claiming, { at: "claim.registered" }), "killed");
        await comesToBe("A");
        const { claim } = await caller.call("claim.take", { name: "feat-x", agent: "A" });
        const releasing: Deed = {
          args: ["release", "feat-x", "--agent", "A", "--token", String(claim.token)],
          ask: (server, repository) =>
            server.call("claim.release", { repository, name: "feat-x", agent: "A", token: claim.token }),
        };
        assert.equal(await killedDoing(place(), face, releasing, { at: "claim.registered" }), "killed");
        await comesToBe(null);
      } finally {
        await caller.workspace.close();
      }
    });

  it("without a server: the next one that opens the repository mirrors it", async () => {
    assert.equal(await killedDoing(place(), "cli", claiming, { at: "claim.registered" }), "killed");
    assert.equal(lock(), null);
    const caller = await Caller.in(scene, scene.trunk, "server");
    try {
      await caller.call("repository.open", {});
      await comesToBe("A");
    } finally {
      await caller.workspace.close();
    }
  });

  /** The scene's registry; `said` has whom git's hooks read at each look at who holds the worktree. */
  const looking = async (t: TestContext, between: (claims: Store["claims"]) => Partial<Store["claims"]>) => {
    const { databasePath, settings } = await loadConfig({ env: scene.env, homedir: join(scene.root, "home") });
    const store = await openStore({ path: databasePath, role: "cli" });
    t.after(() => store.close());
    const said: (string | null)[] = [];
    const of: Store["claims"]["of"] = (worktreeId) => {
      said.push(hooksRead());
      return store.claims.of(worktreeId);
    };
    const claims = { ...store.claims, of, ...between(store.claims) };
    const [repository] = await store.repositories.all();
    const row = repository && (await store.worktrees.byName(repository.id, "feat-x"));
    assert.ok(row);
    return {
      said,
      repository,
      row,
      tools: { store: { ...store, claims }, settings: () => settings, log: () => undefined },
    };
  };

  it("what was claimed while mirrors were looked at keeps its own all the time", async (t) => {
    const { said, repository, tools } = await looking(t, (claims) => ({
      in: async (repositoryId) => {
        const before = await claims.in(repositoryId);
        await told(place(), "claim", "feat-x", "--agent", "A");
        return before;
      },
    }));
    await claimService(tools).mend(repository);
    assert.deepEqual(new Set(said), new Set(["A"]));
    await comesToBe("A");
  });

  it("whoever was stopped between the two leaves the mirror of the next holder alone", async (t) => {
    const takeOver = () => told(place(), "take-over", "feat-x", "--agent", "B", "--yes");
    const { said, repository, row, tools } = await looking(t, (claims) => ({
      take: async (...args) => {
        const outcome = await claims.take(...args);
        await takeOver();
        said.length = 0;
        return outcome;
      },
      release: async (...args) => {
        const claim = await claims.release(...args);
        await takeOver();
        said.length = 0;
        return claim;
      },
    }));
    const call = { signal: new AbortController().signal, progress: () => undefined };
    const room = new Claims({
      ...tools,
      git: new Git(),
      open: () => Promise.resolve(repository),
      locate: () => Promise.resolve({ repository, row }),
    });
    await room.take(scene.trunk, { name: "feat-x", agent: "A" }, call);
    assert.deepEqual(new Set(said), new Set(["B"]));
    const { token } = (await tools.store.claims.of(row.id)) ?? assert.fail();
    await room.release(scene.trunk, { name: "feat-x", agent: "B", token }, call);
    assert.deepEqual(new Set(said), new Set(["B"]));
    await comesToBe("B");
  });

  it("a removal by its holder that is taken back leaves it as he held it", async () => {
    const { claim } = await told<{ claim: { token: number } }>(place(), "claim", "feat-x", "--agent", "A");
    const inTheWay = join(scene.trunk, ".git", "imi-trash");
    writeFileSync(inTheWay, "");
    const removing = ["remove", "feat-x", "--yes", "--agent", "A", "--token", String(claim.token)] as const;
    assert.notEqual((await ask(place(), ...removing)).error, null);
    assert.equal(hooksRead(), "A");
    assert.match(lock() ?? "", /^iMi: held by A until /u);
    rmSync(inTheWay);
    await told(place(), ...removing);
    await told(place(), "restore", "feat-x");
    assert.deepEqual([hooksRead(), lock()], [null, null]);
  });
});
