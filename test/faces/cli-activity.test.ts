import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { loadConfig } from "../../server/src/config/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import { look, modified, said } from "../support/activity.ts";
import { ask, imi } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("imi activity", () => {
  let scene: Scene;
  let place: Place;
  let feature: string;

  /** What whoever watches the repository would write. */
  const record = async (name: string, found: Parameters<typeof look>[1]): Promise<void> => {
    const config = await loadConfig({ env: scene.env, homedir: join(scene.root, "home") });
    const store = await openStore({ path: config.databasePath, role: "cli" });
    try {
      const lease = await store.leases.take("watch", { purpose: "record", waitMs: 10_000 });
      const [repository] = await store.repositories.all();
      const row = (await store.worktrees.of(repository?.id ?? "")).find((each) => each.name === name);
      assert.ok(row, name);
      await store.activities.record(look(row, found), lease, { attribute: true });
      await lease.release();
    } finally {
      store.close();
    }
  };

  const lines = async (from: Place, ...args: string[]): Promise<string[]> => {
    const { value, error } = await ask<ResultOf<"activity.list">>(from, "activity", ...args);
    assert.equal(error, null);
    return said(value?.activities ?? []);
  };

  before(async () => {
    scene = makeScene();
    place = { cwd: scene.trunk, env: scene.env };
    feature = join(scene.container, "feat-x");
  });
  after(() => scene.remove());

  it("says at first that there is nothing, and what there could be", async () => {
    const { code, stdout, stderr } = await imi(place, "activity");
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /Nothing was recorded yet\..*imi monitor/u);
    assert.deepEqual(await lines(place), []);
  });

  it("shows who made, held and changed what, newest first", async () => {
    await ask(place, "feat", "x", "--agent-id", "ada");
    mkdirSync(join(feature, "src/auth"), { recursive: true });
    writeFileSync(join(feature, "src/auth/a.ts"), "a\n");
    await record("feat-x", { files: modified("src/auth/a.ts", "src/b.ts") });
    await record("feat-x", { commit: { from: "c0ffee", subject: "Say hello", commits: 1, dropped: 0 } });
    assert.deepEqual(await lines(place), [
      "commit feat-x by ada",
      "file_change feat-x by ada src/b.ts",
      "file_change feat-x by ada src/auth/a.ts",
      "agent_claimed feat-x by ada",
      "worktree_created feat-x",
    ]);
    const { stdout, stderr } = await imi(place, "activity", "x", "--limit", "3");
    assert.match(stdout, /feat-x {2}ada {2}committed c0ffee Say hello\n.* modified src\/auth\/a\.ts, src\/b\.ts\n$/u);
    assert.match(stderr, /Older ones: `imi activity --limit 3 --before \d+ x`/u);
    const [, , , next] = stderr.match(/(`)(imi activity )([^`]*)`/u) ?? [];
    assert.deepEqual(await lines(place, ...(next ?? "").split(" ")), [
      "agent_claimed feat-x by ada",
      "worktree_created feat-x",
    ]);
  });

  it("takes filters: agent, type, file and time", async () => {
    assert.deepEqual(await lines(place, "--agent", "ada", "--type", "commit"), ["commit feat-x by ada"]);
    assert.deepEqual(await lines(place, "--agent", "nobody"), []);
    assert.deepEqual(await lines(place, "--file", "src/auth", "--since", "1h"), [
      "file_change feat-x by ada src/auth/a.ts",
    ]);
    assert.deepEqual(await lines(place, "--since", "2100-01-01"), []);
    assert.equal((await lines(place, "--since", "2000-01-01T00:00Z")).length, 5);
  });

  it("takes a file as it is typed where one stands, and else from the worktree's top", async () => {
    const inside = { ...place, cwd: join(feature, "src") };
    const both = ["file_change feat-x by ada src/b.ts", "file_change feat-x by ada src/auth/a.ts"];
    assert.deepEqual(await lines(inside, "--file", "auth/a.ts"), both.slice(1));
    assert.deepEqual(await lines(inside, "--file", "./auth/"), both.slice(1));
    assert.deepEqual(await lines(inside, "--file", "."), both);
    assert.deepEqual(await lines(inside, "--file", ".."), both);
    assert.deepEqual(await lines(inside, "--file", "src/b.ts"), both.slice(0, 1)); // it is not there, but was
    assert.deepEqual(await lines(inside, "--file", join(feature, "src/auth")), both.slice(1));
    const elsewhere = { ...place, cwd: scene.root };
    assert.deepEqual(await lines(elsewhere, "--repo", scene.trunk, "--file", "src/auth/"), both.slice(1));
    const { error } = await ask(place, "activity", "--file", "/etc/passwd");
    assert.deepEqual(
      [error?.code, error?.message],
      ["usage/invalid", "/etc/passwd lies in no worktree of this repository."],
    );
    const { error: above } = await ask(place, "activity", "--file", "../../..");
    assert.equal(above?.code, "usage/invalid");
  });

  it("says what is wrong with a time, a type, or a worktree that never was", async () => {
    const { error } = await ask(place, "activity", "--since", "yesterday");
    assert.equal(error?.code, "usage/invalid");
    assert.match(error.hint ?? "", /30m, 2h or 7d; or a time, such as \d{4}-/u);
    for (const wrong of ["12", "2026-13-45", "May", "-5m", "1.5h"])
      assert.equal((await ask(place, "activity", `--since=${wrong}`)).error?.code, "usage/invalid", wrong);
    const { error: type } = await ask(place, "activity", "--type", "files");
    assert.equal(type?.code, "usage/invalid");
    const { error: unknown } = await ask(place, "activity", "nothing-of-that-name");
    assert.equal(unknown?.code, "worktree/not-found");
    assert.match(unknown.hint ?? "", /feat-x/u);
  });

  it("offers types, agents and worktrees to Tab", async () => {
    const offered = async (...words: string[]): Promise<string[]> =>
      (await imi(place, "__complete", "bash", "activity", ...words)).stdout
        .split("\n")
        .map((line) => line.split("\t")[0] ?? "");
    assert.ok((await offered("--type", "")).includes("agent_released"));
    assert.deepEqual((await offered("--agent", "")).filter(Boolean), ["ada"]);
    assert.ok((await offered("")).includes("feat-x"));
    assert.deepEqual((await offered("--file", "")).filter(Boolean), ["@files"]);
  });

  it("still knows a worktree that is removed, and one that has its name later", async () => {
    rmSync(join(feature, "src"), { recursive: true });
    const { error } = await ask(place, "remove", "feat-x", "--agent", "ada", "--token", "1", "--yes");
    assert.equal(error, null);
    assert.deepEqual((await lines(place, "feat-x")).slice(0, 3), [
      "worktree_removed feat-x",
      "agent_released feat-x by ada",
      "commit feat-x by ada",
    ]);
    assert.deepEqual((await lines(place, "x")).length, 7);
    await ask(place, "restore", "feat-x");
    assert.deepEqual(await lines(place, "feat-x", "--limit", "1"), ["worktree_restored feat-x"]);
  });

  it("names no agent where agents are not to be tracked", async () => {
    const config = join(scene.root, "home/.config/iMi");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "config.toml"), "[monitoring_settings]\ntrack_agent_activity = false\n");
    await ask(place, "claim", "feat-x", "--agent", "bob");
    assert.deepEqual(await lines(place, "--limit", "1"), ["agent_claimed feat-x"]);
  });
});
