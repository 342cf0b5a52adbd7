import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Claim } from "../../protocol/claims.ts";
import type { ResultOf } from "../../protocol/contract.ts";
import { ask, imi, startImi, told } from "../support/imi.ts";
import type { Place } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

interface Claimed {
  readonly claim: Claim;
}

describe("imi claim", () => {
  let scene: Scene;
  let place: Place;
  before(async () => {
    scene = makeScene();
    place = { cwd: scene.trunk, env: scene.env };
    await told(place, "feat", "one");
    await told(place, "feat", "two");
  });
  after(() => scene.remove());

  const waiting = async (name: string): Promise<string[]> => {
    const { claims } = await told<ResultOf<"claim.list">>(place, "claims");
    return (claims.find(({ worktree }) => worktree === name)?.waiting ?? []).map(({ agent }) => agent);
  };

  it("answers --json with the claim and nothing else", async () => {
    const { stdout } = await imi(place, "claim", "feat-one", "--agent", "A", "--json");
    const answer = JSON.parse(stdout) as Claimed;
    assert.deepEqual(Object.keys(answer), ["claim"]);
    assert.deepEqual(Object.keys(answer.claim), ["worktree", "agent", "token", "since", "expiresAt"]);
    assert.deepEqual([answer.claim.worktree, answer.claim.agent, answer.claim.token], ["feat-one", "A", 1]);
    assert.equal(Date.parse(answer.claim.expiresAt) - Date.parse(answer.claim.since), 1_800_000);
  });

  it("tells the second who holds it, and exits 1", async () => {
    const { code, stderr, stdout } = await imi(place, "claim", "one", "--agent", "B");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: feat-one is held by A since .* until .*\nhint: .*imi claim feat-one --wait/u);
    const { error } = await ask(place, "claim", "one", "--agent", "B");
    assert.equal(error?.code, "claim/held");
  });

  it("takes agent and token from the environment instead of the options", async () => {
    const holder: Place = { ...place, env: { ...scene.env, IMI_AGENT_ID: "A", IMI_CLAIM_TOKEN: "1" } };
    assert.equal((await told<Claimed>(holder, "heartbeat", "feat-one")).claim.token, 1);
    const { error } = await ask(holder, "heartbeat", "feat-two");
    assert.equal(error?.code, "claim/stale");
    const odd = await ask({ ...place, env: { ...scene.env, IMI_CLAIM_TOKEN: "seven" } }, "heartbeat", "feat-one");
    assert.match(odd.error?.message ?? "", /IMI_CLAIM_TOKEN is "seven"/u);
    assert.equal((await told<Claimed>(holder, "release", "feat-one")).claim.agent, "A");
    const { error: again } = await ask(holder, "release", "feat-one");
    assert.equal(again?.code, "claim/stale");
  });

  it("removes what is held in its holder's name only", async () => {
    await told(place, "feat", "three", "--agent-id", "A");
    const token = (await told<Claimed>(place, "claim", "three", "--agent", "A")).claim.token;
    assert.equal((await ask(place, "remove", "feat-three")).error?.code, "claim/held");
    const stranger = { ...place, env: { ...scene.env, IMI_AGENT_ID: "B", IMI_CLAIM_TOKEN: "1" } };
    assert.equal((await ask(stranger, "remove", "feat-three")).error?.code, "claim/held");
    assert.equal((await ask(stranger, "remove", "feat-two")).error, null, "what nobody holds is no matter of tokens");
    await told(place, "restore", "feat-two");
    const holder = { ...place, env: { ...scene.env, IMI_AGENT_ID: "A", IMI_CLAIM_TOKEN: String(token) } };
    await told(holder, "remove", "feat-three");
  });

  it("acts for a VS Code window in its terminals, on what that window holds", async () => {
    for (const name of ["mine", "theirs"]) await told(place, "feat", name);
    const mine = (await told<Claimed>(place, "claim", "mine", "--agent", "vscode:jane")).claim.token;
    const theirs = (await told<Claimed>(place, "claim", "theirs", "--agent", "A")).claim.token;
    const claims = `other:4711 vscode:jane:${mine} A:${theirs - 1} nonsense`;
    const terminal: Place = { ...place, env: { ...scene.env, IMI_CLAIMS: claims } };
    assert.equal((await told<Claimed>(terminal, "heartbeat", "mine")).claim.agent, "vscode:jane");
    assert.equal((await ask(terminal, "heartbeat", "theirs")).error?.code, "usage/invalid", "it was not said who");
    assert.equal((await ask(terminal, "remove", "theirs")).error?.code, "claim/held");
    // Who says who he is, is nobody else.
    const agent: Place = { ...place, env: { ...terminal.env, IMI_AGENT_ID: "A", IMI_CLAIM_TOKEN: String(theirs) } };
    assert.equal((await ask(agent, "remove", "mine")).error?.code, "claim/held");
    await told(agent, "release", "theirs");
    await told(terminal, "remove", "mine");
    assert.equal((await ask(terminal, "release", "none")).error?.code, "worktree/not-found");
  });

  it("waits with and without a number of seconds, and is told in the queue", async () => {
    const { token } = (await told<Claimed>(place, "claim", "two", "--agent", "A")).claim;
    const forever = startImi(place, "claim", "two", "--wait", "--agent", "B", "--json");
    await until(async () => (await waiting("feat-two")).length === 1);
    const short = await ask(place, "claim", "two", "--agent", "C", "--wait", "1");
    assert.match(short.error?.message ?? "", /^After 1 s: feat-two is held by A .* One other waits for it\.$/u);
    assert.deepEqual(await waiting("feat-two"), ["B"]);
    await told(place, "release", "two", "--agent", "A", "--token", String(token));
    const { claim } = JSON.parse((await forever.ended).stdout) as Claimed;
    assert.deepEqual([claim.agent, claim.token], ["B", token + 1]);
    await told(place, "release", "two", "--agent", "B", "--token", String(claim.token));
  });

  it("stopped by Ctrl+C leaves the queue, and killed it is passed over", async () => {
    const { token } = (await told<Claimed>(place, "claim", "two", "--agent", "A")).claim;
    const queued = [];
    for (const [index, agent] of ["stopped", "killed", "third"].entries()) {
      queued.push(startImi(place, "claim", "two", "--agent", agent, "--wait", "--json"));
      await until(async () => (await waiting("feat-two")).length === index + 1);
    }
    const [stopped, killed, third] = queued;
    stopped?.child.kill("SIGINT");
    assert.equal((await stopped?.ended)?.code, 130);
    assert.deepEqual(await waiting("feat-two"), ["killed", "third"]);
    killed?.child.kill("SIGKILL");
    await killed?.ended;
    await told(place, "release", "two", "--agent", "A", "--token", String(token));
    const { claim } = JSON.parse((await third?.ended)?.stdout ?? "{}") as Claimed;
    assert.equal(claim.agent, "third");
    await told(place, "release", "two", "--agent", "third", "--token", String(claim.token));
  });

  it("has one winner of twenty that come at once", async () => {
    const agents = Array.from({ length: 20 }, (_, index) => `agent-${index}`);
    const answers = await Promise.all(agents.map((agent) => ask<Claimed>(place, "claim", "one", "--agent", agent)));
    const winners = answers.flatMap(({ value }) => (value === null ? [] : [value.claim]));
    assert.equal(winners.length, 1);
    assert.deepEqual(
      [...new Set(answers.flatMap(({ error }) => (error === null ? [] : [error.code])))],
      ["claim/held"],
    );
    const [winner] = winners;
    await told(place, "release", "one", "--agent", winner?.agent ?? "", "--token", String(winner?.token));
  });

  it("lists holders in `imi list` and `imi claims`, agents in `imi agents`", async () => {
    const { token } = (
      await told<Claimed>(place, "claim", "two", "--agent", "A", "--task", "T-1", "--provider", "claude")
    ).claim;
    const list = (await imi(place, "list", "--no-status")).stdout;
    assert.match(list, /NAME +TYPE +BRANCH +HELD BY +USED/u);
    assert.match(list, /feat-two +feat +feat\/two +A +now/u);
    assert.match((await imi(place, "claims")).stdout, /feat-two +A +now +30 min +T-1/u);
    assert.match((await imi(place, "agents")).stdout, /^A +ai-writer +claude +feat-two +now$/mu);
    await told(place, "release", "two", "--agent", "A", "--token", String(token));
    assert.doesNotMatch((await imi(place, "list", "--no-status")).stdout, /HELD BY/u);
    assert.match((await imi(place, "claims")).stderr, /Nobody holds a worktree/u);
  });

  it("refuses bad input with a sentence, and takes a worktree over only with --yes where nobody can be asked", async () => {
    for (const [words, text] of [
      [["claim", "two"], /not said who/u],
      [["claim", "two", "--agent", "a b"], /cannot be an agent's id/u],
      [["claim", "two", "--agent", "A", "--ttl", "0"], /--ttl must be 1 or more/u],
      [["claim", "two", "--agent", "A", "--ttl", "-5"], /--ttl must be 1 or more/u],
      [["claim", "two", "--agent", "A", "--ttl", "99999999"], /--ttl must be 604800 or less/u],
      [["claim", "two", "--agent", "A", "--wait", "-1"], /--wait must be 0 or more/u],
      [["claim", "two", "--agent", "A", "--pid", "0"], /--pid must be 1 or more/u],
      [["claim", "two", "--agent", "A", "--kind", "robot"], /must be one of human/u],
      [["release", "two", "--agent", "A"], /token is missing/u],
      [["release", "two", "--agent", "A", "--token", "0"], /--token must be 1 or more/u],
      [["heartbeat", "nothing", "--agent", "A", "--token", "1"], /no worktree "nothing"/u],
    ] as const) {
      const { error } = await ask(place, ...words);
      assert.match(error?.message ?? "", text, words.join(" "));
    }
    await told(place, "claim", "two", "--agent", "A");
    assert.match((await ask(place, "take-over", "two", "--agent", "jane")).error?.hint ?? "", /--yes/u);
    const { stdout, stderr } = await imi(place, "take-over", "two", "--agent", "jane", "--yes", "--reason", "it hangs");
    assert.match(stdout, /^Held feat-two by jane for 30 min, token \d+$/mu);
    assert.match(stderr, /^note: Taken from A, who held it since /mu);
    const log = readFileSync(join(scene.root, "home/.local/share/imi/imi.log"), "utf8");
    assert.match(log, /took feat-two over from A for jane: it hangs/u);
  });

  it(
    "changes nothing in a registry that can only be read",
    { skip: process.getuid?.() !== 0 && "needs root, who acts as another user" },
    async () => {
      const data = join(scene.root, "home/.local/share/imi");
      scene.git(scene.root, "config", "--global", "--add", "safe.directory", "*");
      for (const each of [
        scene.root,
        join(scene.root, "home"),
        join(scene.root, "home/.local"),
        join(scene.root, "home/.local/share"),
      ])
        chmodSync(each, 0o755);
      chmodSync(data, 0o555);
      chmodSync(join(data, "worktrees.db"), 0o444);
      const { error } = await ask({ ...place, uid: 65_534 }, "claim", "feat-one", "--agent", "A");
      assert.match(error?.code ?? "", /^store\/(?:read-only|failed)$/u);
      chmodSync(data, 0o700);
      chmodSync(join(data, "worktrees.db"), 0o600);
      const { claims } = await told<ResultOf<"claim.list">>(place, "claims");
      assert.equal(
        claims.some(({ worktree }) => worktree === "feat-one"),
        false,
      );
    },
  );
});

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 300) throw new Error("it did not come to be");
    await delay(50);
  }
};
