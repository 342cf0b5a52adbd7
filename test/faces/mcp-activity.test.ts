import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { Agent } from "../support/mcp.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

let scene: Scene;
before(() => {
  scene = makeScene();
});
after(() => scene.remove());

it("an agent asks what happened in a worktree, page by page", async () => {
  await using agent = await Agent.start({ cwd: scene.trunk, env: scene.env });
  const { worktree, claim } = await agent.told("worktree.create", { type: "feat", name: "x", agentId: "ada" });
  await agent.told("claim.release", { name: worktree.name, agent: "ada", token: claim?.token });
  const first = await agent.told("activity.list", { name: worktree.name, limit: 2 });
  assert.deepEqual(
    first.activities.map(({ type, agent: by }) => [type, by]),
    [
      ["agent_released", "ada"],
      ["agent_claimed", "ada"],
    ],
  );
  assert.equal(first.more, true);
  const rest = await agent.told("activity.list", { name: worktree.name, before: first.activities.at(-1)?.id });
  assert.deepEqual(
    rest.activities.map(({ type, worktree: where }) => [type, where.name]),
    [["worktree_created", worktree.name]],
  );
  assert.equal(rest.more, false);
  const refused = await agent.refused("activity_list", { since: "yesterday" });
  assert.equal(refused.code, "usage/invalid");
  assert.match(refused.hint ?? "", /30m, 2h or 7d/u);
});
