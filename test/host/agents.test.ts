import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as vscode from "vscode";
import { agentTable } from "../../client/src/agents/table.ts";
import { OperationTool } from "../../client/src/agents/tools.ts";
import type { ImiApi } from "../../client/src/extension.ts";
import { windowVariable } from "../../protocol/rpc.ts";

interface Manifest {
  readonly contributes: { readonly languageModelTools: readonly { readonly name: string }[] };
}

const extension = (): vscode.Extension<ImiApi> => {
  const found = vscode.extensions.getExtension<ImiApi>("imi.imi");
  assert.ok(found);
  return found;
};
const folder = (): string => {
  const [first] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(first);
  return first.uri.fsPath;
};

/** Waits until an answer is there: VS Code takes up tools and repositories after the extension is active. */
const eventually = async <T>(what: string, look: () => T | undefined): Promise<T> => {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
};

const invoke = async (name: string, input: object): Promise<unknown> => {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  const [part] = content;
  assert.ok(part instanceof vscode.LanguageModelTextPart);
  return JSON.parse(part.value);
};

describe("agents in VS Code", () => {
  let api: ImiApi;
  before(async () => {
    api = await extension().activate();
    await eventually("the repository is known", () => api.mcpServers.definitions()[0]);
  });

  it("have every tool of the manifest", async () => {
    // What the manifest says was checked against the contract by `npm run check`.
    const { contributes } = extension().packageJSON as Manifest;
    assert.ok(contributes.languageModelTools.length > 10);
    await eventually("all are offered", () => {
      const there = new Set(vscode.lm.tools.map(({ name }) => name));
      return contributes.languageModelTools.every(({ name }) => there.has(name)) ? true : undefined;
    });
    assert.ok(!vscode.lm.tools.some(({ name }) => name === "imi_trash_empty"));
  });

  it("are answered by a tool that reads without anybody being asked", async () => {
    const { worktrees } = (await invoke("imi_worktree_list", { status: false })) as {
      readonly worktrees: readonly { readonly path: string; readonly type: string }[];
    };
    assert.ok(worktrees.some(({ path, type }) => type === "trunk" && path === folder()));
  });

  it("have what changes something confirmed by a person, who sees what was asked for", () => {
    const input = { name: "feat-`x`", note: "</code><b>" };
    for (const row of agentTable()) {
      const tool = new OperationTool(row, api.connection, api.repositories);
      const { confirmationMessages, invocationMessage } = tool.prepareInvocation({ input });
      assert.equal(invocationMessage, row.summary);
      assert.equal(confirmationMessages === undefined, row.effect === "read", row.operation);
      const message = confirmationMessages?.message;
      if (message === undefined) continue;
      assert.ok(message instanceof vscode.MarkdownString && !message.isTrusted);
      assert.ok(message.value.includes(JSON.stringify(input, null, 2)), row.operation);
    }
  });

  it("are told why a tool could not", async () => {
    await assert.rejects(invoke("imi_worktree_path", { name: "nobody-made-this" }), /worktree\/not-found/u);
  });

  it("get an MCP server anew when a setting of the window is another", async () => {
    const said = (): unknown => JSON.parse(String(api.mcpServers.definitions()[0]?.env[windowVariable]));
    const settings = vscode.workspace.getConfiguration("imi");
    await settings.update("worktree.branchTemplate", "mcp/{name}", vscode.ConfigurationTarget.Global);
    try {
      assert.partialDeepStrictEqual(said(), { settings: { branchTemplate: "mcp/{name}" } });
    } finally {
      await settings.update("worktree.branchTemplate", undefined, vscode.ConfigurationTarget.Global);
    }
    assert.doesNotMatch(JSON.stringify(said()), /branchTemplate/u);
  });

  it("get an MCP server that starts and serves this repository", async () => {
    const [definition, ...more] = api.mcpServers.definitions();
    assert.ok(definition && more.length === 0);
    const env = { ...process.env };
    for (const [name, value] of Object.entries(definition.env)) {
      if (value === null) delete env[name];
      else env[name] = String(value);
    }
    const { cwd } = definition;
    assert.ok(cwd);
    const child = spawn(definition.command, definition.args, {
      cwd: cwd.fsPath,
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "host", version: "1" } };
    const path = { name: "worktree_list", arguments: { status: false } };
    const closed = once(child, "close");
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: path })}\n`);
    await eventually("both are answered", () => (stdout.trim().split("\n").length === 2 ? true : undefined));
    child.stdin.end();
    const [code] = (await closed) as [number | null];
    assert.equal(code, 0);
    assert.ok(stdout.includes(JSON.stringify(folder())), stdout);
  });
});
