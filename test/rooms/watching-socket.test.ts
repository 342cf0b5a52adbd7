import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { askServer } from "../../server/src/monitor/ask.ts";
import { makeRuntimeDir, meetingPlace } from "../../server/src/monitor/meeting.ts";
import { Serving } from "../../server/src/monitor/serve.ts";
import type { Answers } from "../../server/src/monitor/serve.ts";
import { scratch } from "../support/git.ts";
import { until } from "../support/servers.ts";

const skip = process.platform === "win32";
const common = { version: "1", gitDir: "/app/.git", database: "", settings: "", environment: "" };
const answers: Answers = {
  common: () => common,
  blind: () => null,
  hello: () => ({ watched: 1, folders: 2, reasons: [] }),
  list: () => Promise.reject(new Error("not here")),
  read: () => Promise.reject(new Error("not here")),
};

const placeIn = (root: string): { readonly run: string; readonly place: string } => {
  const run = join(root, "run");
  assert.ok(makeRuntimeDir(run));
  return { run, place: meetingPlace(run, common.gitDir, "") ?? assert.fail("the path is too long for a socket") };
};

const isAnswered = async ({ run, place }: ReturnType<typeof placeIn>): Promise<boolean> =>
  (await askServer(run, place, { ...common, operation: "hello", params: null }, new AbortController().signal)).answered;

test("the one that watches is met again after somebody tidied up the folder of its socket", { skip }, async () => {
  await using folder = scratch();
  const where = placeIn(folder.root);
  const serving = await Serving.at(where.run, where.place, answers, 20);
  try {
    assert.ok(await isAnswered(where));
    for (const gone of [where.place, where.run]) {
      rmSync(gone, { recursive: true });
      await until("it is met again", () => isAnswered(where));
    }
  } finally {
    await serving.close();
  }
  assert.deepEqual(readdirSync(where.run), []);
});
