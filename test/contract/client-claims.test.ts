// What VS Code's side of claims works out by itself, and what it repeats of the contract because it does without zod.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { agentId, suggestedId } from "../../client/src/claims/agent-id.ts";
import { type Kept, holdingOf } from "../../client/src/claims/holding.ts";
import {
  longestWait,
  minutesLeft,
  untilHeartbeat,
  untilLess,
  untilMinuteOlder,
} from "../../client/src/claims/times.ts";
import { agentIdPattern, longestSeconds } from "../../protocol/claims.ts";

const now = Date.parse("2026-03-01T12:00:00.000Z");
const minute = 60_000;
const inMs = (ms: number): string => new Date(now + ms).toISOString();

describe("the time left of a claim", () => {
  it("is told in begun minutes, and is over when it is over", () => {
    const left = [14 * minute, 13 * minute + 1, 1, 0, -minute].map((ms) => minutesLeft(inMs(ms), now));
    assert.deepEqual(left, [14, 14, 1, 0, 0]);
  });

  it("is drawn again when its minutes change, and not at all once it is over", () => {
    for (const ms of [14 * minute, 13 * minute + 20_000, 20_000, 1]) {
      const wait = untilLess(inMs(ms), now);
      assert.ok(wait !== null);
      assert.equal(minutesLeft(inMs(ms), now + wait), minutesLeft(inMs(ms), now) - 1);
      assert.equal(minutesLeft(inMs(ms), now + wait - 1), minutesLeft(inMs(ms), now));
    }
    assert.equal(untilLess(inMs(0), now), null);
  });

  it("is enough for two heartbeats that fail", () => {
    assert.equal(untilHeartbeat(inMs(30 * minute), now), 10 * minute);
    assert.equal(untilHeartbeat(inMs(7 * 24 * 60 * minute), now), 20 * minute, "never too seldom");
    assert.equal(untilHeartbeat(inMs(-minute), now), 1000, "never without a pause");
  });
});

describe("when an agent was last seen", () => {
  it("is drawn again when a minute more has passed, also where its clock goes ahead", () => {
    assert.equal(untilMinuteOlder(inMs(-20_000), now), 40_000);
    assert.equal(untilMinuteOlder(inMs(-2 * minute), now), minute);
    assert.equal(untilMinuteOlder(inMs(5000), now), minute);
  });
});

describe("who holds a worktree", () => {
  const claim = { agent: "jane", since: inMs(-minute), expiresAt: inMs(minute), task: null };
  const kept: Kept = {
    ...{ agent: "jane", since: claim.since, token: 7, worktree: "feat-x" },
    ...{ repository: "/app/trunk-main", window: "a" },
  };
  it("is the user only where it is the very claim he took", () => {
    assert.equal(holdingOf(null, kept, now).by, "nobody");
    assert.equal(holdingOf(claim, kept, now).by, "me");
    assert.equal(holdingOf(claim, undefined, now).by, "other");
    assert.equal(holdingOf(claim, { ...kept, agent: "codex-1" }, now).by, "other");
    assert.equal(holdingOf(claim, { ...kept, since: inMs(-2 * minute) }, now).by, "other", "a later one of that name");
  });
  it("is not known for certain when the time is over", () => {
    assert.equal(holdingOf(claim, kept, now + minute).by, "expired");
  });
});

describe("the name a person claims under", () => {
  it("is made from the first name that leaves something of itself", () => {
    assert.equal(suggestedId("Jane Doé", "jd"), "jane-doe");
    assert.equal(suggestedId("王小明", "xiaoming"), "xiaoming");
    assert.equal(suggestedId(undefined, "…", ""), "me");
    assert.equal(suggestedId("-- O'Neil --"), "o-neil");
    for (const name of ["x".repeat(300), "a b".repeat(80)]) assert.match(suggestedId(name), agentId);
  });
});

describe("what the extension repeats of the contract", () => {
  it("is the same there", () => {
    assert.equal(agentId.source, new RegExp(agentIdPattern, "u").source);
    assert.equal(longestWait, longestSeconds);
  });
});

describe("the colours of claims", () => {
  // The side bar of VS Code's own themes.
  const grounds = { dark: "#181818", light: "#f8f8f8", highContrast: "#000000", highContrastLight: "#ffffff" };
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly contributes: {
      readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
    };
  };
  for (const id of ["imi.mineForeground", "imi.heldForeground"]) {
    it(`can be read in every kind of theme: ${id}`, () => {
      const defaults = manifest.contributes.colors.find((each) => each.id === id)?.defaults;
      for (const [kind, ground] of Object.entries(grounds)) {
        // WCAG 2.2: 4.5 for text, 7 where contrast is to be enhanced.
        const enough = kind.startsWith("highContrast") ? 7 : 4.5;
        const ratio = contrast(defaults?.[kind] ?? "", ground);
        assert.ok(ratio >= enough, `${kind}: ${ratio.toFixed(1)}`);
      }
    });
  }
});

/** WCAG 2.2, "contrast ratio" of two colours as #rrggbb. */
const contrast = (a: string, b: string): number => {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

const luminance = (colour: string): number => {
  assert.match(colour, /^#[0-9a-f]{6}$/u);
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
