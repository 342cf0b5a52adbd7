import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { Claim, ClaimHolder } from "../../protocol/claims.ts";
import type { Worktree } from "../../protocol/worktrees.ts";
import { heldInWords, holderInWords, holdingLines, leftInWords } from "../../client/src/claims/labels.ts";
import type { ImiApi } from "../../client/src/extension.ts";

/** What the test uses of VS Code's own Git extension. */
interface GitExtension {
  getAPI(version: 1): {
    getRepository(uri: vscode.Uri): GitRepository | null;
    openRepository(root: vscode.Uri): Promise<GitRepository | null>;
  };
}
interface GitRepository {
  commit(message: string, options: { readonly empty: boolean }): Promise<void>;
}

const folder = (): string => {
  const first = vscode.workspace.workspaceFolders?.[0];
  assert.ok(first, "the suite runs in a folder");
  return first.uri.fsPath;
};

/** Waits until an answer is there: the window follows the log of the server. */
const eventually = async <T>(what: string, look: () => T | undefined): Promise<T> => {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
};

describe("what is said of a claim", () => {
  const now = Date.parse("2026-03-01T12:00:00.000Z");
  const claim: ClaimHolder = {
    agent: "codex-1",
    since: "2026-03-01T11:51:00.000Z",
    expiresAt: "2026-03-01T12:13:10.000Z",
    task: "new login",
  };

  it("names who holds it and how long that lasts", () => {
    assert.equal(heldInWords({ by: "other", claim }, now), "held by codex-1, 14 min left");
    assert.equal(heldInWords({ by: "me", claim }, now), "held by you, 14 min left");
    assert.equal(heldInWords({ by: "expired", claim }, now), "claim of codex-1 ran out");
    assert.equal(heldInWords({ by: "nobody" }, now), null);
  });

  it("counts minutes, hours or days", () => {
    const left = [1, 59, 60, 125, 3 * 24 * 60].map((minutes) =>
      leftInWords(new Date(now + minutes * 60_000).toISOString(), now),
    );
    assert.deepEqual(left, ["1 min left", "59 min left", "1 h 0 min left", "2 h 5 min left", "3 days left"]);
  });

  it("has agent, since, until and task in the tooltip", () => {
    const lines = holdingLines({ by: "other", claim }, now);
    assert.deepEqual(
      lines.map(([name]) => name),
      ["Held by", "Held since", "Held until", "Task"],
    );
    assert.equal(lines[0]?.[1], "codex-1");
    assert.match(lines[2]?.[1] ?? "", /:13.*, 14 min left$/u);
    assert.equal(holdingLines({ by: "me", claim }, now)[0]?.[1], "you, as codex-1");
    assert.deepEqual(holdingLines({ by: "nobody" }, now), []);
    assert.match(holderInWords(claim, now), /^codex-1 holds it since .*:51.*, 14 min left\.$/u);
  });
});

describe("claims, from another extension's point of view", () => {
  let imi: ImiApi;
  const trunk = (): Worktree => {
    const found = imi.worktrees.at(folder());
    assert.ok(found);
    return found;
  };
  before(async () => {
    const extension = vscode.extensions.getExtension<ImiApi>("imi.imi");
    assert.ok(extension, "VS Code did not load imi.imi");
    imi = await extension.activate();
    await imi.worktrees.ready();
  });

  it("a command with a name and an agent claims without asking, and the window says so", async () => {
    const claim: Claim = await vscode.commands.executeCommand("imi.claimWorktree", {
      ...{ name: trunk().name, agent: "jane", task: "release" },
    });
    assert.equal(claim.agent, "jane");
    const text = await eventually("the status bar says it", () => imi.claimStatusBar.text ?? undefined);
    assert.match(text, /^held by you, \d+ min left$/u);
    assert.equal(imi.worktrees.holding(trunk()).by, "me");
    assert.deepEqual(imi.worktrees.credentials(trunk()), { agent: "jane", token: claim.token });
    assert.ok(imi.clock.running, "the time left is kept up to date");
    const [agent] = await imi.agents.fresh();
    assert.deepEqual([agent?.id, agent?.kind, agent?.worktree?.path], ["jane", "human", folder()]);
  });

  it("Source Control commits where git refuses everybody else", async () => {
    const git = vscode.extensions.getExtension<GitExtension>("vscode.git");
    assert.ok(git, "VS Code has its Git extension");
    const api = (await git.activate()).getAPI(1);
    const repository =
      api.getRepository(vscode.Uri.file(folder())) ?? (await api.openRepository(vscode.Uri.file(folder())));
    assert.ok(repository);
    await imi.connection.request("enforcement.set", { repository: folder(), on: true });
    try {
      await repository.commit("by its holder", { empty: true });
      const claims = process.env["IMI_CLAIMS"];
      assert.match(claims ?? "", /^jane:\d+$/u);
      delete process.env["IMI_CLAIMS"];
      await assert.rejects(repository.commit("by somebody else", { empty: true }));
      process.env["IMI_CLAIMS"] = claims;
    } finally {
      await imi.connection.request("enforcement.set", { repository: folder(), on: false });
    }
  });

  it("a restarted server goes on with the claim", async () => {
    await vscode.commands.executeCommand("imi.restartServer");
    await eventually("the list is there again", () => imi.claimStatusBar.text ?? undefined);
    const { claims } = await imi.connection.request("claim.list", { repository: folder() });
    assert.deepEqual(
      claims.map(({ agent, task }) => [agent, task]),
      [["jane", "release"]],
    );
  });

  it("a command releases it, and nothing is left to be kept up to date", async () => {
    await vscode.commands.executeCommand("imi.releaseClaim", { name: trunk().name });
    await eventually("the status bar is empty", () => (imi.claimStatusBar.text === null ? true : undefined));
    assert.equal(imi.worktrees.holding(trunk()).by, "nobody");
    assert.deepEqual(imi.worktrees.credentials(trunk()), {});
    assert.equal(process.env["IMI_CLAIMS"], undefined);
    assert.ok(!imi.clock.running);
  });

  it("what another holds is not released", async () => {
    const request = { repository: folder(), name: trunk().name, agent: "codex-1" };
    const { claim } = await imi.connection.request("claim.take", request);
    await eventually("the window knows", () => (imi.worktrees.holding(trunk()).by === "other" ? true : undefined));
    assert.match(imi.claimStatusBar.text ?? "", /^held by codex-1, /u);
    const result: unknown = await vscode.commands.executeCommand("imi.releaseClaim", { name: trunk().name });
    assert.equal(result, undefined);
    const { claims } = await imi.connection.request("claim.list", { repository: folder() });
    assert.deepEqual(
      claims.map(({ agent }) => agent),
      ["codex-1"],
    );
    await imi.connection.request("claim.release", { ...request, token: claim.token });
    await eventually("it is free", () => (imi.claimStatusBar.text === null ? true : undefined));
  });
});
