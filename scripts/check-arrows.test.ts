import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importsOf, objection } from "./check-arrows.ts";

/** The objection to the only import of a source. */
function objectionTo(from: string, source: string): string | undefined {
  const [arrow, ...more] = importsOf(from, source);
  assert.ok(arrow, `no import found in ${source}`);
  assert.deepEqual(more, []);
  return objection(arrow);
}

describe("the import arrows", () => {
  it("let a room use the ground floor, a lower floor and its own files", () => {
    const from = "server/src/claims/take.ts";
    assert.equal(objectionTo(from, 'import { claim } from "../../../protocol/claims.ts";'), undefined);
    assert.equal(objectionTo(from, 'import { open } from "../store/index.ts";'), undefined);
    assert.equal(objectionTo(from, 'import { token } from "./token.ts";'), undefined);
    assert.equal(objectionTo(from, 'import { randomUUID } from "node:crypto";'), undefined);
  });

  it("let a room know another room of its floor by the type at its door only", () => {
    const from = "server/src/sessions/start.ts";
    assert.equal(objectionTo(from, 'import type { Claims } from "../claims/index.ts";'), undefined);
    assert.match(objectionTo(from, 'import { take } from "../claims/index.ts";') ?? "", /constructor/u);
    assert.match(objectionTo(from, 'import type { Row } from "../claims/row.ts";') ?? "", /door/u);
  });

  it("never point upwards", () => {
    assert.match(objectionTo("server/src/git/run.ts", 'import "../claims/index.ts";') ?? "", /floor 1 .* floor 2/u);
    assert.match(objectionTo("server/src/claims/a.ts", 'import { w } from "../workspace.ts";') ?? "", /floor 3/u);
    assert.match(objectionTo("server/src/workspace.ts", 'export * from "./faces/rpc.ts";') ?? "", /face/u);
    assert.equal(objectionTo("server/src/faces/rpc.ts", 'import { w } from "../workspace.ts";'), undefined);
  });

  it("keep the sides apart", () => {
    assert.match(objectionTo("client/src/a.ts", 'import { x } from "../../server/src/git/index.ts";') ?? "", /client/u);
    assert.match(objectionTo("server/src/git/a.ts", 'import * as vscode from "vscode";') ?? "", /only client/u);
    assert.match(objectionTo("protocol/claims.ts", 'import { join } from "node:path";') ?? "", /only zod/u);
    assert.equal(objectionTo("protocol/claims.ts", 'import { z } from "zod";'), undefined);
  });

  it("are seen over several lines and when they are dynamic", () => {
    const lines = 'import {\n  type A,\n  b,\n} from "../tasks/queue.ts";';
    assert.match(objectionTo("server/src/claims/a.ts", lines) ?? "", /door/u);
    assert.match(objectionTo("server/src/git/a.ts", 'const t = await import("../tasks/index.ts");') ?? "", /floor 2/u);
  });

  it("refuse a room that has no floor", () => {
    assert.match(objectionTo("server/src/helpers/a.ts", 'import { b } from "../git/index.ts";') ?? "", /no floor/u);
  });
});
