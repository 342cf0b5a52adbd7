// When VS Code's views read again what they show, with a server that the test plays.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../protocol/errors.ts";
import type { Event, EventName } from "../../protocol/events.ts";
import { Pace } from "../../client/src/rereading/pace.ts";
import { Rereading, type RereadingOptions, type Told } from "../../client/src/rereading/rereading.ts";

type State = Told["state"];

/** One thing that can be read, and the server that has it. */
class Scene implements Told {
  state: State = "running";
  readonly logged: string[] = [];
  readonly log = { error: (message: string) => void this.logged.push(message) };
  readonly #states = new Set<(state: State) => unknown>();
  readonly #events = new Set<(events: readonly Event[]) => unknown>();
  /** What is asked and not answered yet. */
  readonly asked: (PromiseWithResolvers<void> & { readonly signal: AbortSignal })[] = [];
  /** How often it was asked, and how often what came of it was shown. */
  questions = 0;
  shown = 0;
  visible = false;

  readonly onDidChangeState: Told["onDidChangeState"] = (listener) => {
    this.#states.add(listener);
    return { dispose: () => void this.#states.delete(listener) };
  };
  readonly onEvents: Told["onEvents"] = (listener) => {
    this.#events.add(listener);
    return { dispose: () => void this.#events.delete(listener) };
  };

  reading(more: Partial<RereadingOptions> = {}): Rereading {
    return new Rereading(this, {
      doing: "Reading it",
      concerns: ({ name }) => name === "trash.changed",
      read: (signal) => {
        const question = { ...Promise.withResolvers<void>(), signal };
        this.asked.push(question);
        this.questions++;
        return question.promise;
      },
      onRead: () => this.shown++,
      ...more,
    });
  }

  happen(name: EventName): void {
    const event: Event = { seq: 1, id: "1", name, repository: "r", subject: "r", at: "", data: {} };
    for (const listener of this.#events) listener([event]);
  }

  enter(state: State): void {
    this.state = state;
    for (const listener of this.#states) listener(state);
  }

  /** Answers the oldest question, with an error where one is given. */
  async answer(error?: ImiError): Promise<void> {
    await this.until(() => this.asked.length > 0);
    const question = this.asked.shift();
    if (error === undefined) question?.resolve();
    else question?.reject(error);
    await delay(1); // whatever follows from it has its turn
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await delay(1);
  }

  look(reading: Rereading): void {
    this.visible = true;
    reading.watch(() => this.visible);
  }

  lookAway(reading: Rereading): void {
    this.visible = false;
    reading.watch(() => this.visible);
  }
}

describe("reading again what is shown", { timeout: 60_000 }, () => {
  it("begins when somebody looks, and goes on when something happened to it", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.happen("trash.changed");
    assert.equal(scene.questions, 0);
    scene.look(reading);
    await scene.answer();
    assert.deepEqual([scene.questions, scene.shown, reading.stale], [1, 1, false]);
    scene.happen("agent.changed");
    scene.look(reading);
    await delay(1);
    assert.equal(scene.questions, 1);
    scene.happen("trash.changed");
    await scene.answer();
    assert.deepEqual([scene.questions, scene.shown, reading.stale], [2, 2, false]);
  });

  it("reads nothing while nobody looks, and says that it is old", async () => {
    const scene = new Scene();
    let old = 0;
    const reading = scene.reading({ onStale: () => old++ });
    scene.look(reading);
    await scene.answer();
    scene.lookAway(reading);
    scene.happen("trash.changed");
    await delay(1);
    assert.deepEqual([scene.questions, old, reading.stale], [1, 1, true]);
  });

  it("reads once more what happened to it meanwhile, however often", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.until(() => scene.questions === 1);
    for (let times = 0; times < 3; times++) scene.happen("trash.changed");
    await scene.answer();
    await scene.answer();
    assert.deepEqual([scene.questions, scene.asked.length, reading.stale], [2, 0, false]);
  });

  it("says why it could not be read until it could, and does not ask again by itself", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.answer(new ImiError("git/failed", "git has failed."));
    assert.equal(reading.failure?.code, "git/failed");
    assert.deepEqual([scene.questions, scene.shown, scene.logged], [1, 1, ["Reading it failed: git has failed."]]);
    scene.happen("trash.changed");
    await scene.answer();
    assert.equal(reading.failure, null);
  });

  it("waits for the next server where there is none, and asks that one at once", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.until(() => scene.questions === 1);
    scene.enter("starting");
    await scene.answer(new ImiError("server/stopped", "The server ended."));
    assert.deepEqual([scene.questions, scene.logged, reading.stale], [1, [], true]);
    scene.enter("running");
    await scene.answer();
    assert.deepEqual([scene.questions, reading.failure, reading.stale], [2, null, false]);
  });

  it("gives up what nobody waits for any more, and asks again when somebody looks", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.until(() => scene.questions === 1);
    scene.lookAway(reading);
    assert.ok(scene.asked[0]?.signal.aborted);
    await scene.answer(new ImiError("operation/cancelled", "Cancelled."));
    assert.deepEqual([scene.shown, reading.failure, reading.stale], [0, null, true]);
    scene.look(reading);
    await scene.answer();
    assert.deepEqual([scene.questions, scene.shown, reading.stale], [2, 1, false]);
  });

  it("answers who needs it now with a reading that began after he asked, watched or not", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    const first = reading.renew();
    await scene.until(() => scene.questions === 1);
    const second = reading.renew();
    await scene.answer();
    await first;
    await scene.until(() => scene.questions === 2);
    await scene.answer();
    await second;
    assert.equal(reading.stale, false);
  });

  it("does not give up what is needed now because nobody looks any more", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.answer();
    const renewing = reading.renew();
    await scene.until(() => scene.questions === 2);
    scene.lookAway(reading);
    assert.equal(scene.asked[0]?.signal.aborted, false);
    reading.dispose();
    assert.equal(scene.asked[0]?.signal.aborted, true);
    await scene.answer(new ImiError("operation/cancelled", "Cancelled."));
    await renewing;
  });

  it("refreshes with a reading that began after it was asked for", async () => {
    const scene = new Scene();
    const reading = scene.reading();
    scene.look(reading);
    await scene.until(() => scene.questions === 1);
    let refreshed = false;
    const refreshing = reading.refresh().then(() => (refreshed = true));
    await scene.answer();
    await scene.until(() => scene.questions === 2);
    assert.equal(refreshed, false);
    await scene.answer();
    await refreshing;
    assert.deepEqual([scene.questions, reading.stale], [2, false]);
  });

  it("forgets the failure of what is not asked for any more, and asks for the other at once", async () => {
    const scene = new Scene();
    const reading = scene.reading({ pace: new Pace({ soonMs: 3_600_000, restFactor: 0 }) });
    scene.look(reading);
    await scene.answer(new ImiError("git/failed", "git has failed."));
    reading.startOver();
    assert.equal(reading.failure, null);
    await scene.answer();
    assert.equal(scene.questions, 2);
  });

  it("asks nothing where there is nothing to read, and after its end", async () => {
    const scene = new Scene();
    scene.look(scene.reading({ exists: () => false }));
    const ended = scene.reading();
    scene.look(ended);
    await scene.answer();
    ended.dispose();
    scene.happen("trash.changed");
    scene.enter("running");
    await delay(1);
    assert.equal(scene.questions, 1);
  });
});

describe("the pace of reading", { timeout: 60_000 }, () => {
  it("is that of whoever looks when something happens, and nobody who comes to look waits for another's", async () => {
    const scene = new Scene();
    let soonMs = 3_600_000;
    const reading = scene.reading({ pace: new Pace({ soonMs: () => soonMs, restFactor: 0 }) });
    scene.look(reading);
    await scene.answer();
    scene.happen("trash.changed");
    await delay(20);
    assert.equal(scene.questions, 1, "not yet");
    soonMs = 1;
    scene.look(reading);
    await scene.answer();
    scene.happen("trash.changed");
    await scene.answer();
    assert.equal(scene.questions, 3);
  });

  it("lets what comes in a burst be read once", async () => {
    const scene = new Scene();
    const reading = scene.reading({ pace: new Pace({ soonMs: 20, restFactor: 0 }) });
    scene.look(reading);
    await scene.answer();
    for (let times = 0; times < 5; times++) scene.happen("trash.changed");
    assert.equal(scene.questions, 1);
    await scene.answer();
    assert.deepEqual([scene.questions, reading.stale], [2, false]);
  });

  it("is one for all that share it: they are read one after the other", async () => {
    const scene = new Scene();
    const pace = new Pace({ soonMs: 0, restFactor: 0 });
    const [one, other] = [scene.reading({ pace }), scene.reading({ pace })];
    scene.look(one);
    scene.look(other);
    await scene.until(() => scene.questions === 1);
    await delay(1);
    assert.equal(scene.asked.length, 1);
    await scene.answer();
    await scene.answer();
    assert.deepEqual([scene.questions, one.stale, other.stale], [2, false, false]);
  });

  it("has a rest as long as readings took, but for one that was given up", async () => {
    const hour = 3_600_000;
    const pace = new Pace({ soonMs: 1, restFactor: hour });
    await pace.inTurn(AbortSignal.abort(), () => delay(5));
    assert.equal(pace.pauseMs, 1);
    await pace.inTurn(new AbortController().signal, () => delay(5));
    assert.ok(pace.pauseMs > hour, `${pace.pauseMs}`);
  });
});
