import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { after, describe, it } from "node:test";
import type { FaultPoint } from "../../server/src/faults.ts";
import { assertAgreement } from "../support/agreement.ts";
import { told } from "../support/imi.ts";
import { assertUnharmed, killedDoing } from "../support/killed.ts";
import type { Deed } from "../support/killed.ts";
import { preciousObjects } from "../support/precious-objects.ts";
import { freshScene, groundIn, text } from "../support/removal-corpus.ts";
import { Server } from "../support/server.ts";
import { snapshotWorktree } from "../support/worktree-snapshot.ts";

after(() => Server.endAll());

/** Whether a git was started ahead that pins HEAD, which is done for who was found clean and is watched since. */
const isCertified = (server: Server): boolean => {
  const pid = String(server.process.pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children.some((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, "utf8").includes("update-ref");
    } catch {
      return false; // it has ended
    }
  });
};

/** As in VS Code: the tree shows it, a dialog says that it is clean, and somebody says yes. */
const removedAfterLook = (name: string): Deed => ({
  args: [],
  ask: async (server, repository) => {
    await server.call("repository.open", { repository });
    for (const end = Date.now() + 60_000; ; await delay(100)) {
      await server.call("worktree.list", { repository, status: true });
      await server.call("worktree.remove", { repository, name, dryRun: true });
      await delay(20);
      if (isCertified(server)) break;
      assert.ok(Date.now() < end, "it is not watched");
    }
    return server.call("worktree.remove", { repository, name });
  },
});

const points: readonly FaultPoint[] = [
  ...(["remove.salvaged", "remove.intended", "remove.retired", "remove.trashed"] as const),
  ...(["remove.hiding", "remove.hidden", "remove.told"] as const),
];

describe(
  "killed while a worktree is removed that was just found clean,",
  { skip: process.platform !== "linux" },
  () => {
    for (const at of points)
      it(`at ${at}: it is in its place or in the trash, whole`, async () => {
        const scene = freshScene();
        try {
          const ground = await groundIn(scene);
          ground.commit("mine", { "src/a.txt": text({ 5: "mine" }) });
          ground.write(".env", "SECRET=1\n");
          const { path, place, name } = ground;
          await told(place, "list", "--no-status");
          const held = {
            ground,
            snapshot: snapshotWorktree({ path, env: scene.env }),
            precious: preciousObjects(path, scene.env),
          };
          assert.equal(await killedDoing(place, "server", removedAfterLook(name), { at }), "killed");
          await assertUnharmed(held, "stay");
          await assertAgreement(scene);
        } finally {
          scene.remove();
        }
      });
  },
);
