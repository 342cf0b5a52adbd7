import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { violations } from "../support/claims-history.ts";
import type { Entry, Told } from "../support/claims-history.ts";
import { unleash } from "../support/claims-nemesis.ts";
import type { Outcome } from "../support/claims-nemesis.ts";
import { seeded } from "../support/random.ts";

const { seed, rounds } = seeded(200);

const run = async (
  t: TestContext,
  more: { readonly mutant?: string; readonly attempt?: number } = {},
): Promise<Outcome> => {
  const folder = mkdtempSync(join(tmpdir(), "imi-claims-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { mutant, attempt = 0 } = more;
  const size =
    mutant === undefined ? { processes: 8, rounds, worktrees: 3 } : { processes: 6, rounds: 300, worktrees: 1, mutant };
  const outcome = await unleash({ folder, seed: seed + attempt, calmMs: 700, ...size });
  const { entries, kills, stops, milliseconds } = outcome;
  const grants = entries.filter(({ op }) => op === "taken").length;
  const spent = `${Math.round(milliseconds / 1000)} s`;
  t.diagnostic(
    `IMI_TEST_SEED=${seed}: ${outcome.rounds} rounds, ${grants} grants, ${kills} kills, ${stops} stops, ${spent}`,
  );
  return outcome;
};

const limit = { timeout: 30 * 60_000 };

describe("claims among processes that are killed and stopped", limit, () => {
  it("never have two holders", limit, async (t) => {
    const { entries, told } = await run(t);
    assert.ok(entries.filter(({ op }) => op === "taken").length > rounds / 4, "there was something to see");
    assert.deepEqual(violations(entries, told).slice(0, 10), []);
  });

  for (const mutant of ["check-then-act", "impatient", "fenceless"]) {
    it(`have two where they are broken on purpose (${mutant}), and the checker says so`, limit, async (t) => {
      let found: string[] = [];
      for (let attempt = 0; attempt < 6 && found.length === 0; attempt += 1) {
        const { entries, told } = await run(t, { mutant, attempt });
        found = violations(entries, told);
      }
      t.diagnostic(`${found.length} found, such as: ${found[0] ?? "none"}`);
      assert.ok(found.length > 0);
    });
  }
});

describe("the checker", () => {
  const taken = (
    agent: string,
    token: number,
    start: number,
    more: Partial<{ ttl: number; pid: number | null }> = {},
  ): Entry => ({
    ...{ op: "taken", worktree: "w", agent, token, start, end: start + 1, ttl: 100, pid: null },
    ...more,
  });
  const other = (op: "released" | "refused", agent: string, token: number, start: number): Entry => ({
    ...{ op, worktree: "w", agent, token, start, end: start + 1 },
  });
  const log = (...tokens: number[]): Told[] =>
    tokens.map((token) => ({
      name: token > 0 ? "worktree.claimed" : "worktree.released",
      worktree: "w",
      agent: "x",
      token: Math.abs(token),
    }));

  it("finds nothing where one comes after the other", () => {
    const after = [taken("A", 1, 0), other("released", "A", 1, 10), taken("B", 2, 20)];
    assert.deepEqual(violations(after, log(1, -1, 2)), []);
    assert.deepEqual(violations([taken("A", 1, 0), taken("B", 2, 101)], log(1, -1, 2)), [], "its time was over");
    const killed: Entry[] = [taken("A", 1, 0, { pid: 7 }), { op: "ended", pid: 7, start: 5 }, taken("B", 2, 10)];
    assert.deepEqual(violations(killed, log(1, -1, 2)), []);
    const shorter = [taken("A", 1, 0), taken("A", 1, 10, { ttl: 20 }), taken("B", 2, 40)];
    assert.deepEqual(violations(shorter, log(1, -1, 2)), [], "its holder wanted it for less");
    assert.deepEqual(violations([...after, other("refused", "A", 1, 50)], log(1, -1, 2)), []);
  });

  it("finds who was robbed, what was accepted from who had lost it, and what was given twice", () => {
    assert.match(
      violations([taken("A", 1, 0), taken("B", 2, 30)], log(1, -1, 2))[0] ?? "",
      /44 ms before the time of token 1/u,
    );
    assert.match(
      violations([taken("A", 1, 0), taken("B", 2, 200), other("released", "A", 1, 250)], log(1, -1, 2))[0] ?? "",
      /A released with token 1 after 2 was given/u,
    );
    assert.match(violations([taken("A", 1, 0), taken("B", 1, 200)], log(1, -1))[0] ?? "", /token 1 was given to A/u);
    assert.match(
      violations([taken("A", 2, 0), taken("B", 1, 200)], log(2, -2, 1))[0] ?? "",
      /token 1 was given after 2/u,
    );
    assert.match(violations([], log(1, 2))[0] ?? "", /while x held it/u);
    assert.match(violations([taken("A", 1, 0)], [])[0] ?? "", /is not told/u);
  });
});
