import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Claim } from "../../protocol/claims.ts";
import { ImiError } from "../../protocol/errors.ts";
import { SessionClaims } from "../../server/src/faces/mcp/session-claims.ts";
import { eventually } from "../support/mcp.ts";

const claimFor = (ms: number): Claim => {
  const now = Date.now();
  const [since, expiresAt] = [new Date(now).toISOString(), new Date(now + ms).toISOString()];
  return { worktree: "feat-x", agent: "A", token: 1, since, expiresAt };
};

describe("the claims of an MCP session", () => {
  it("are renewed again in time where that failed for a moment, also short ones", async () => {
    const beats: number[] = [];
    const start = Date.now();
    const claims = new SessionClaims(() => {
      beats.push(Date.now() - start);
      return beats.length === 1
        ? Promise.reject(new ImiError("store/busy", "for a moment"))
        : Promise.resolve(claimFor(60_000));
    });
    claims.hear("claim.take", {}, { claim: claimFor(3_000) });
    await eventually("a second heartbeat", () => beats.length === 2);
    claims.stop();
    // A pause for all claims alike was ten times as long as this one lasts.
    assert.ok((beats[1] ?? 0) < 20_000, `heartbeats after ${beats.join(" and ")} ms`);
  });

  it("are renewed no more when they are lost, given back, or the session ends", async () => {
    let beats = 0;
    const claims = new SessionClaims(() => {
      beats += 1;
      return Promise.reject(new ImiError("claim/stale", "taken over"));
    });
    claims.hear("claim.take", {}, { claim: claimFor(1) });
    await eventually("a heartbeat", () => beats === 1);
    claims.hear("claim.take", {}, { claim: claimFor(1) });
    claims.hear("claim.release", {}, { claim: claimFor(1) });
    await delay(1100);
    claims.hear("claim.take", {}, { claim: claimFor(1) });
    claims.stop();
    claims.hear("claim.take", {}, { claim: claimFor(1) });
    await delay(1100);
    assert.equal(beats, 1);
  });
});
