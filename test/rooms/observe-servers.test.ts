import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import type { Event } from "../../protocol/events.ts";
import type { CreateResult } from "../../protocol/worktrees.ts";
import { told } from "../support/imi.ts";
import { until } from "../support/observe.ts";
import { Server } from "../support/server.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

describe("two servers of one repository", { skip: process.platform !== "linux" }, () => {
  let scene: Scene;
  let place: { cwd: string; env: NodeJS.ProcessEnv };
  let one: Server;
  let two: Server;
  let path: string;
  beforeEach(async () => {
    scene = makeScene();
    place = { cwd: scene.trunk, env: scene.env };
    path = (await told<CreateResult>(place, "feat", "x")).worktree.path;
    one = await Server.start(scene.env, scene.trunk);
    await one.call("repository.open", { repository: scene.trunk });
    two = await Server.start(scene.env, scene.trunk);
    await two.call("repository.open", { repository: scene.trunk });
  });
  afterEach(() => {
    Server.endAll();
    scene.remove();
  });
  after(() => Server.endAll());

  /** The event that tells of a file, once both have it; it is the same one. */
  const bothSee = async (file: string): Promise<Event> => {
    const sees = ({ events }: Server): Event | null =>
      events.find(({ name, data }) => name === "worktree.touched" && JSON.stringify(data["files"]).includes(file)) ??
      null;
    const [first, second] = [
      await until(`one sees ${file}`, () => sees(one)),
      await until(`two sees ${file}`, () => sees(two)),
    ];
    assert.equal(first.id, second.id);
    return first;
  };

  it("both tell of what happened, once", async () => {
    writeFileSync(join(path, "a.txt"), "1\n");
    const event = await bothSee("a.txt");
    assert.deepEqual(event.data["files"], [{ path: "a.txt", change: "added" }]);
    scene.git(path, "add", "-A");
    scene.git(path, "commit", "-q", "-m", "second");
    const commits = ({ events }: Server): Event[] => events.filter(({ name }) => name === "worktree.commit");
    await until("both see the commit", () => commits(one).length > 0 && commits(two).length > 0);
    assert.deepEqual([commits(one).length, commits(two).length], [1, 1]);
    const { activities } = await two.call("activity.list", { repository: scene.trunk, name: "feat-x", type: "commit" });
    assert.deepEqual(
      activities.map(({ details }) => [details["subject"], details["commits"]]),
      [["second", 1]],
    );
  });

  it("both tell of what is written into a worktree as soon as it is made", async () => {
    const made = await told<CreateResult>(place, "feat", "y");
    writeFileSync(join(made.worktree.path, "at-once.txt"), "1\n");
    appendFileSync(join(made.worktree.path, "file-0.txt"), "1\n");
    await bothSee("at-once.txt");
    await bothSee("file-0.txt");
    await told<CreateResult>(place, "feat", "z");
    const kept = async (): Promise<boolean> => {
      const { worktrees } = await two.call("worktree.list", { repository: scene.trunk });
      const { activities } = await two.call("activity.list", { repository: scene.trunk, type: "file_change" });
      return worktrees.length === 4 && activities.length === 2;
    };
    await until("no more than that is recorded", kept);
  });

  it("what happens while the one that watches is killed is told by the other, and nothing twice", async () => {
    writeFileSync(join(path, "first.txt"), "1\n");
    await bothSee("first.txt");
    const killed = once(one.process, "exit");
    one.process.kill("SIGKILL");
    one.connection.dispose();
    for (let at = 0; at < 20; at++) writeFileSync(join(path, `new-${at}.txt`), "1\n");
    appendFileSync(join(path, "first.txt"), "2\n");
    rmSync(join(path, "new-3.txt"));
    await killed;
    appendFileSync(join(path, "new-7.txt"), "2\n");
    const recorded = async (): Promise<string[]> =>
      (
        await two.call("activity.list", { repository: scene.trunk, name: "feat-x", type: "file_change", limit: 500 })
      ).activities
        .map(({ file, details }) => `${String(details["change"])} ${file ?? ""}`)
        .toReversed();
    await until("all is told", async () => {
      const said = await recorded();
      return Array.from({ length: 20 }, (_, at) => at).every((at) => at === 3 || said.includes(`added new-${at}.txt`));
    });
    assert.equal((await recorded()).filter((words) => words === "added first.txt").length, 1);
    await until("the status told last is git's", async () => {
      const status = two.events.findLast(({ name }) => name === "worktree.touched")?.data["status"];
      return typeof status === "object" && status !== null && "untracked" in status && status.untracked === 20;
    });
  });
});
