import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import type { ResultOf } from "../../protocol/contract.ts";
import { obtainClaudeCode } from "../support/claude-code.ts";
import { told } from "../support/imi.ts";
import { program as imiProgram } from "../support/imi.ts";
import { Model } from "../support/model.ts";
import type { ToolAnswer, Turn } from "../support/model.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

interface Line {
  readonly type: string;
  readonly subtype?: string;
  readonly mcp_servers?: readonly { readonly name: string; readonly status: string }[];
  readonly is_error?: boolean;
  readonly result?: string;
}

const minutes = 60_000;
const agentId = "claude-test";

/** One run of Claude Code without a terminal; resolves to the lines it printed. */
const runClaude = async (program: string, scene: Scene, model: Model): Promise<readonly Line[]> => {
  const config = join(scene.root, "mcp.json");
  const server = { command: imiProgram, args: ["mcp"], env: scene.env };
  writeFileSync(config, JSON.stringify({ mcpServers: { imi: server } }));
  const child = spawn(
    program,
    [
      ...["-p", "Write a greeting.", "--output-format", "stream-json", "--verbose"],
      ...["--mcp-config", config, "--strict-mcp-config", "--allowedTools", "mcp__imi,Bash"],
    ],
    {
      cwd: scene.trunk,
      env: {
        ...scene.env,
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_API_KEY: "stub",
        CLAUDE_CONFIG_DIR: join(scene.root, "claude"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1",
        CLAUDE_CODE_MAX_RETRIES: "1",
        // Else tools of MCP servers are left out until the model searches for them.
        ENABLE_TOOL_SEARCH: "false",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), 3 * minutes);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  clearTimeout(timer);
  return stdout
    .trim()
    .split("\n")
    .map((line): Line => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw new Error(`Claude Code printed: ${line}\n${stderr}`, { cause: error });
      }
    });
};

it("a real agent program claims a worktree, works, commits and releases it, led by a model on loopback", async (test) => {
  const claude = await obtainClaudeCode();
  if ("reason" in claude) {
    test.skip(claude.reason);
    return;
  }
  const scene = makeScene();
  let made: ResultOf<"worktree.create"> | undefined;
  const next = (answers: readonly ToolAnswer[]): Turn => {
    const last = answers.at(-1);
    if (last?.failed === true) return { text: `A tool failed: ${last.text}` };
    switch (answers.length) {
      case 0:
        return { tool: "mcp__imi__worktree_create", input: { type: "feat", name: "greeting", agentId } };
      case 1: {
        // The model gets text, whatever the client made of the structured answer.
        made = answerIn(last?.text ?? "");
        const { worktree, claim } = made;
        const holder = `IMI_AGENT_ID=${agentId} IMI_CLAIM_TOKEN=${claim?.token}`;
        const command = `cd '${worktree.path}' && echo hello > greeting.txt && git add -A && ${holder} git commit -q -m 'Greet'`;
        return { tool: "Bash", input: { command, description: "Write and commit the greeting" } };
      }
      case 2:
        return {
          tool: "mcp__imi__claim_release",
          input: { name: made?.worktree.name, agent: agentId, token: made?.claim?.token },
        };
      default:
        return { text: "The greeting is on feat/greeting." };
    }
  };
  await using model = await Model.start(next);
  const lines = await runClaude(claude.program, scene, model);

  const begun = lines.find(({ subtype }) => subtype === "init");
  assert.deepEqual(
    begun?.mcp_servers?.map(({ name }) => name),
    ["imi"],
  );
  assert.ok(model.tools.has("mcp__imi__claim_take") && !model.tools.has("mcp__imi__trash_empty"));
  const ended = lines.find(({ type }) => type === "result");
  assert.deepEqual([ended?.is_error, ended?.result], [false, "The greeting is on feat/greeting."]);

  assert.equal(scene.git(scene.trunk, "show", "feat/greeting:greeting.txt"), "hello\n");
  assert.equal(scene.git(scene.trunk, "status", "--porcelain"), "", "the trunk is as it was");
  const place = { cwd: scene.trunk, env: scene.env };
  const { events } = await told<ResultOf<"event.list">>(place, "events");
  const own = events.filter(({ subject }) => subject === made?.worktree.id).map(({ name }) => name);
  const order = ["worktree.created", "worktree.claimed", "worktree.released"] as const;
  assert.deepEqual(
    own.filter((name) => (order as readonly string[]).includes(name)),
    order,
  );
  const { claims } = await told<ResultOf<"claim.list">>(place, "claims");
  assert.deepEqual(claims, []);
  scene.remove();
});

/** The result in a tool's answer: as a client shows structured content, or the first of the texts. */
const answerIn = (answer: string): ResultOf<"worktree.create"> => {
  const parsed: unknown = JSON.parse(answer);
  if (!Array.isArray(parsed)) return parsed as ResultOf<"worktree.create">;
  const [first] = parsed as readonly { readonly text: string }[];
  return JSON.parse(first?.text ?? "");
};
