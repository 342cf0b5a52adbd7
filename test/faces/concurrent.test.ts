import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Event } from "../../protocol/events.ts";
import type { CreateResult } from "../../protocol/worktrees.ts";
import { assertAgreement } from "../support/agreement.ts";
import { ask, told } from "../support/imi.ts";
import type { Answer, Place } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const processes = 8;
const each = 5;

/** Eight command lines side by side, each making its five one after the other. */
const createAtOnce = async (
  place: Place,
  nameOf: (process: number, turn: number) => string,
): Promise<Answer<CreateResult>[]> => {
  const rows = await Promise.all(
    Array.from({ length: processes }, async (_, process) => {
      const answers: Answer<CreateResult>[] = [];
      for (let turn = 0; turn < each; turn += 1)
        answers.push(await ask<CreateResult>(place, "feat", nameOf(process, turn)));
      return answers;
    }),
  );
  return rows.flat();
};

const failures = (answers: readonly Answer<CreateResult>[]): string[] =>
  answers.flatMap(({ error }) => (error === null ? [] : [`${error.code}: ${error.message}`]));

describe("many command lines at once on one repository", () => {
  let scene: Scene;
  let place: Place;
  beforeEach(() => {
    scene = makeScene({ files: 20 });
    place = { cwd: scene.trunk, env: scene.env };
  });
  afterEach(() => scene.remove());

  it("make forty worktrees, and registry, git and disk agree", async () => {
    const answers = await createAtOnce(place, (process, turn) => `work-${process}-${turn}`);
    assert.deepEqual(failures(answers), []);
    assert.equal(answers.filter(({ value }) => value?.created === true).length, processes * each);
    const { events } = await told<{ events: Event[] }>(place, "events");
    assert.equal(events.filter(({ name }) => name === "worktree.created").length, processes * each);
    assert.deepEqual(
      events.filter(({ name }) => name === "worktree.create-failed"),
      [],
    );
    assert.equal(
      events.filter(({ name }) => name === "worktree.adopted").length,
      1,
      "the trunk alone was met, not made",
    );
    assert.equal((await assertAgreement(scene)).length, processes * each + 1);
  });

  it("make each worktree once when they ask for the same five", async () => {
    const answers = await createAtOnce(place, (_, turn) => `same-${turn}`);
    assert.deepEqual(failures(answers), []);
    assert.equal(answers.filter(({ value }) => value?.created === true).length, each);
    assert.equal(new Set(answers.map(({ value }) => value?.worktree.id)).size, each);
    assert.equal((await assertAgreement(scene)).length, each + 1);
  });

  it("list and reconcile while others create and remove, and nobody fails or sees a ghost", async () => {
    await told(place, "list", "--no-status");
    let working = true;
    const churn = async (process: number): Promise<void> => {
      for (let turn = 0; turn < 4; turn += 1) {
        await told(place, "feat", `churn-${process}`);
        await told(place, "remove", `feat-churn-${process}`);
      }
    };
    const watch = async (...args: string[]): Promise<void> => {
      while (working) await told(place, ...args);
    };
    const watching = Promise.all([watch("list", "--no-status"), watch("list"), watch("reconcile")]);
    await Promise.all([0, 1, 2].map(churn)).finally(() => {
      working = false;
    });
    await watching;
    await assertAgreement(scene, ["feat/churn-0", "feat/churn-1", "feat/churn-2"]);
    const { events } = await told<{ events: Event[] }>(place, "events");
    const ghosts = events.filter(({ name, data }) => name === "worktree.adopted" && data["type"] !== "trunk");
    assert.deepEqual(ghosts, [], "a worktree of ours was taken for another tool's");
  });
});
