import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { operations } from "../../protocol/contract.ts";
import type { OperationName } from "../../protocol/contract.ts";
import type { Event } from "../../protocol/events.ts";
import type { Operation } from "../../protocol/operation.ts";
import { windowVariable } from "../../protocol/rpc.ts";
import type { WindowOptions } from "../../protocol/rpc.ts";
import type { Worktree } from "../../protocol/worktrees.ts";
import { startTimeOf } from "../../server/src/process/index.ts";
import { instructions } from "../../server/src/faces/mcp/instructions.ts";
import { prompt } from "../../server/src/faces/mcp/prompts.ts";
import { imi, program, told } from "../support/imi.ts";
import { Agent, eventually, textOf } from "../support/mcp.ts";
import { appears, slowHook } from "../support/slow-hook.ts";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const declared: readonly Operation[] = operations;
const forAgents = declared.filter(({ agents }) => agents !== null);
const toolOf = (operation: string): string => operation.replace(".", "_");

const scenes: Scene[] = [];
const newScene = (): Scene => {
  const scene = makeScene();
  scenes.push(scene);
  return scene;
};
const placeOf = (scene: Scene) => ({ cwd: scene.trunk, env: scene.env });
after(() => {
  for (const scene of scenes) scene.remove();
});

describe("imi mcp, to a client of the official SDK", () => {
  let scene: Scene;
  let agent: Agent;
  before(async () => {
    scene = newScene();
    agent = await Agent.start(placeOf(scene));
  });
  after(() => agent.client.close());

  it("says who it is and how to work with it", () => {
    assert.equal(agent.client.getServerVersion()?.name, "imi");
    assert.equal(agent.client.getInstructions(), instructions);
    assert.ok(instructions.length < 2000, "clients cut what is longer");
  });

  it("names tools that are there, in its instructions and its prompt", async () => {
    const { tools } = await agent.client.listTools();
    const there = new Set(tools.map(({ name }) => name));
    const { messages } = prompt("work", { task: "x" });
    for (const [, name = ""] of `${instructions}${JSON.stringify(messages)}`.matchAll(/`([a-z]+_[a-z-]+)`/gu))
      assert.ok(there.has(name), name);
  });

  it("has a tool for every operation that is marked for agents, and for no other", async () => {
    const { tools } = await agent.client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      forAgents.map(({ name }) => toolOf(name)),
    );
    for (const name of ["trash.empty", "worktree.prune", "repository.clone"])
      assert.ok(!tools.some((tool) => tool.name === toolOf(name)), name);
  });

  it("describes each tool by its declaration", async () => {
    const { tools } = await agent.client.listTools();
    for (const operation of forAgents) {
      const tool = tools.find(({ name }) => name === toolOf(operation.name));
      assert.ok(tool !== undefined && tool.outputSchema !== undefined);
      assert.match(tool.name, /^[\w-]{1,50}$/u);
      assert.equal(tool.description, `${operation.summary}.`);
      assert.deepEqual(Object.keys(tool.inputSchema.properties ?? {}), Object.keys(operation.params.shape));
      assert.deepEqual(Object.keys(tool.outputSchema.properties ?? {}), Object.keys(operation.result.shape));
      assert.deepEqual(tool.annotations, {
        readOnlyHint: operation.access === "read",
        destructiveHint: operation.agents === "change",
        idempotentHint: operation.access === "read" || operation.repeatable === true,
        openWorldHint: operation.remote === true,
      });
    }
  });

  it("makes, lists, examines, removes and restores a worktree without losing what is in it", async () => {
    const { worktree, created } = await agent.told("worktree.create", { type: "feat", name: "whole-life" });
    assert.deepEqual([worktree.name, created], ["feat-whole-life", true]);
    writeFileSync(join(worktree.path, "work.txt"), "precious\n");

    const { worktrees } = await agent.told("worktree.list", {});
    const listed = worktrees.find(({ id }) => id === worktree.id);
    assert.ok(listed?.status !== undefined && "untracked" in listed.status && listed.status.untracked === 1);
    const { statuses } = await agent.told("worktree.status", { ids: [worktree.id] });
    assert.deepEqual(statuses[worktree.id], listed.status);
    const { work } = await agent.told("worktree.work", { name: worktree.name });
    assert.equal(work.answer, "work");

    const { code, hint } = await agent.refused("worktree_remove", { name: worktree.name });
    assert.equal(code, "worktree/dirty");
    assert.ok(hint !== null);
    assert.ok(existsSync(join(worktree.path, "work.txt")));

    const removed = await agent.told("worktree.remove", { name: worktree.name, yes: true });
    assert.ok(removed.trash?.salvaged, "the work was salvaged");
    assert.ok(!existsSync(worktree.path));
    const { entries } = await agent.told("trash.list", {});
    assert.deepEqual(
      entries.map(({ name }) => name),
      [worktree.name],
    );

    const restored = await agent.told("worktree.restore", { name: worktree.name });
    assert.equal(restored.worktree.id, worktree.id);
    assert.equal(readFileSync(join(worktree.path, "work.txt"), "utf8"), "precious\n");
  });

  it("answers as declared, as JSON and in words", async () => {
    const answered = await agent.call("worktree_path", { name: "trunk-main" });
    assert.deepEqual(answered.structuredContent, { path: scene.trunk });
    const [json, words] = answered.content;
    assert.ok(json?.type === "text" && words?.type === "text");
    assert.deepEqual(JSON.parse(json.text), answered.structuredContent);
    assert.deepEqual(json.annotations?.audience, ["assistant"]);
    assert.equal(words.text, scene.trunk);
    assert.deepEqual(words.annotations?.audience, ["user"]);
  });

  describe("in every tool", () => {
    /** What each is called with here, in the contract's order; each must succeed. */
    const samples: Partial<Record<OperationName, (made: Worktree) => Record<string, unknown>>> = {
      "worktree.list": () => ({}),
      "worktree.status": ({ id }) => ({ ids: [id] }),
      "worktree.path": ({ name }) => ({ name }),
      "worktree.work": ({ name }) => ({ name }),
      "worktree.salvage": ({ name }) => ({ name }),
      "salvage.list": () => ({}),
      "worktree.disk-use": () => ({ fresh: true }),
      "worktree.reconcile": () => ({}),
      "sync.apply": () => ({}),
      "worktree.remove": ({ name }) => ({ name, yes: true }),
      "trash.list": () => ({}),
      "trash.show": ({ name }) => ({ name }),
      "worktree.restore": ({ name }) => ({ name }),
      "event.list": () => ({ newest: true, limit: 50 }),
    };

    it("answers what its output schema says", async () => {
      const { worktree } = await agent.told("worktree.create", { type: "fix", name: "samples" });
      writeFileSync(join(worktree.path, "new.txt"), "new\n");
      for (const [operation, params] of Object.entries(samples)) {
        // The SDK's client compares the answer with the schema, and throws.
        const answered = await agent.call(toolOf(operation), params(worktree));
        assert.ok(!answered.isError, `${operation}: ${textOf(answered)}`);
        assert.ok(answered.structuredContent !== undefined, operation);
      }
    });

    it("refuses what its input schema does not know, and changes nothing", async () => {
      const before = await agent.told("event.list", { newest: true, limit: 1 });
      for (const { name } of forAgents) {
        const { code, hint } = await agent.refused(toolOf(name), { surprise: 1 });
        assert.deepEqual([code, hint !== null], ["usage/invalid", true], name);
      }
      assert.deepEqual(await agent.told("event.list", { newest: true, limit: 1 }), before);
    });
  });

  it("says what is wrong with bad input, and goes on", async () => {
    const long = "x".repeat(1_000_000);
    const cases: readonly (readonly [tool: string, args: Record<string, unknown>, code: string])[] = [
      ["worktree_create", { type: "feat" }, "usage/invalid"],
      ["worktree_create", { type: "feature", name: "x" }, "usage/invalid"],
      ["worktree_create", { type: "feat", name: 7 }, "usage/invalid"],
      ["worktree_create", { type: "feat", name: null }, "usage/invalid"],
      ["worktree_create", { type: "feat", name: ["x"] }, "usage/invalid"],
      ["worktree_create", { type: long, name: "x" }, "usage/invalid"],
      ["worktree_create", { type: "feat", name: "" }, "name/invalid"],
      ["worktree_create", { type: "feat", name: "../../outside" }, "name/invalid"],
      ["worktree_create", { type: "feat", name: "--upload-pack=touch x" }, "name/invalid"],
      ["worktree_create", { type: "feat", name: "a\u0000b" }, "name/invalid"],
      ["worktree_create", { type: "feat", name: "a\u202eb" }, "name/invalid"],
      ["worktree_create", { type: "feat", name: long }, "name/invalid"],
      ["worktree_create", { type: "feat", name: "x", base: "--output=x" }, "base/unknown"],
      ["worktree_create", { type: "feat", name: "x", repository: join(scene.root, "nowhere") }, "repository/not-found"],
      ["worktree_path", { name: "nobody-made-this" }, "worktree/not-found"],
      ["worktree_path", { name: long }, "worktree/not-found"],
      ["worktree_remove", { name: "trunk-main", yes: true }, "worktree/main"],
      ["worktree_restore", { name: "nobody-removed-this" }, "trash/not-found"],
      ["event_list", { limit: 1e9 }, "usage/invalid"],
      ["event_list", { since: -1 }, "usage/invalid"],
    ];
    for (const [tool, args, code] of cases) {
      const error = await agent.refused(tool, args);
      assert.equal(error.code, code, `${tool} ${JSON.stringify(args).slice(0, 100)}: ${error.message.slice(0, 200)}`);
      assert.ok(error.message.length <= 2001, "an error is a sentence, however long the input was");
    }
    const { worktrees } = await agent.told("worktree.list", { status: false });
    assert.ok(!worktrees.some(({ name }) => name.endsWith("-x")));
  });

  it("has no tool of another name, and says which it may be", async () => {
    await assert.rejects(agent.call("worktree_lst"), /no such tool.*worktree_list/iu);
    await assert.rejects(agent.call("worktree.list"), /no such tool/iu);
    await assert.rejects(agent.call("trash_empty", { yes: true }), /no such tool/iu);
    await assert.rejects(agent.call("x".repeat(1_000_000)), /no such tool/iu);
  });

  it("has a prompt that begins a piece of work", async () => {
    const { prompts } = await agent.client.listPrompts();
    assert.deepEqual(
      prompts.map(({ name }) => name),
      ["work"],
    );
    const { messages } = await agent.client.getPrompt({ name: "work", arguments: { task: "mend the login" } });
    assert.match(JSON.stringify(messages), /mend the login/u);
    await assert.rejects(agent.client.getPrompt({ name: "work" }), /task/u);
    await assert.rejects(agent.client.getPrompt({ name: "nonsense" }), /no such prompt/iu);
  });

  it("shows worktrees and events as resources", async () => {
    const { worktree } = await agent.told("worktree.create", { type: "aiops", name: "größe-1" });
    const { resources } = await agent.client.listResources();
    const uris = resources.map(({ uri }) => uri);
    const own = `imi://worktrees/${encodeURIComponent(worktree.name)}`;
    for (const uri of ["imi://worktrees", "imi://events", own]) assert.ok(uris.includes(uri), uri);
    const { resourceTemplates } = await agent.client.listResourceTemplates();
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate }) => uriTemplate),
      ["imi://worktrees/{name}"],
    );

    const listed = await agent.told("worktree.list", {});
    assert.deepEqual(await agent.read("imi://worktrees"), listed);
    assert.deepEqual(await agent.read(own), { worktree: listed.worktrees.find(({ id }) => id === worktree.id) });
    const { events } = (await agent.read("imi://events")) as { events: readonly Event[] };
    const newest = await agent.told("event.list", { newest: true, limit: 200 });
    assert.deepEqual(events, newest.events);
    for (const uri of ["imi://worktrees/nobody", "imi://nothing", "file:///etc/passwd", "imi://worktrees/%ff"])
      await assert.rejects(agent.client.readResource({ uri }), /no such resource/iu, uri);
  });

  it("tells who subscribed when another process changes something, and when the list is another", async () => {
    const { worktree } = await agent.told("worktree.create", { type: "feat", name: "watched" });
    const other = await agent.told("worktree.create", { type: "feat", name: "not-watched" });
    const own = `imi://worktrees/${worktree.name}`;
    for (const uri of ["imi://worktrees", "imi://events", own]) await agent.client.subscribeResource({ uri });
    await assert.rejects(agent.client.subscribeResource({ uri: "imi://worktrees/nobody" }), /no such resource/iu);
    const lists = agent.listChanges;
    agent.updated.length = 0;

    await told(placeOf(scene), "feat", "from-the-shell");
    await eventually("both lists are said to have changed", () =>
      ["imi://worktrees", "imi://events"].every((uri) => agent.updated.includes(uri)),
    );
    await eventually("the list of resources is another", () => agent.listChanges > lists);

    await agent.client.unsubscribeResource({ uri: "imi://worktrees" });
    agent.updated.length = 0;
    await told(placeOf(scene), "remove", other.worktree.name, "--yes");
    await told(placeOf(scene), "remove", worktree.name, "--yes");
    await eventually("the removed one is said to have changed", () => agent.updated.includes(own));
    assert.deepEqual(
      new Set(agent.updated.filter((uri) => uri !== own)),
      new Set(["imi://events"]),
      "and nothing else that nobody asked about",
    );
  });

  it("lets one agent at a time hold a worktree, and tells the other who it is", async () => {
    await using other = await Agent.start(placeOf(scene));
    const made = await agent.told("worktree.create", { type: "feat", name: "held", agentId: "one" });
    const { name } = made.worktree;
    const { token } = made.claim ?? {};
    assert.ok(token !== undefined, "made and claimed in one step");
    const held = await other.refused("claim_take", { name, agent: "two" });
    assert.equal(held.code, "claim/held");
    assert.match(held.message, /\bone\b/u);

    const kept = await agent.told("claim.heartbeat", { name, agent: "one", token });
    assert.equal(kept.claim.token, token);
    const { claims } = await other.told("claim.list", {});
    assert.deepEqual(
      claims.map(({ worktree, agent: holder }) => [worktree, holder]),
      [[name, "one"]],
    );
    assert.ok(!JSON.stringify(claims).includes("token"), "the token is its holder's alone");
    const { agents } = await other.told("agent.list", {});
    assert.ok(agents.some(({ id }) => id === "one"));

    const waiting = other.told("claim.take", { name, agent: "two", wait: 60 });
    await agent.told("claim.release", { name, agent: "one", token });
    const taken = await waiting;
    assert.ok(taken.claim.token > token);
    const stale = await agent.refused("claim_heartbeat", { name, agent: "one", token });
    assert.equal(stale.code, "claim/stale");
    await other.told("claim.release", { name, agent: "two", token: taken.claim.token });
  });

  it("renews what its client claims as long as the session lasts, and no longer", async () => {
    await using working = await Agent.start(placeOf(scene));
    const { worktree } = await working.told("worktree.create", { type: "feat", name: "long" });
    const { name } = worktree;
    const { claim } = await working.told("claim.take", { name, agent: "busy", ttl: 12 });
    const now = async () => (await agent.told("claim.list", {})).claims.find((each) => each.worktree === name);
    await eventually("it is renewed", async () => (await now())?.expiresAt !== claim.expiresAt);
    assert.equal((await now())?.since, claim.since, "and still the same claim");
    await working.client.close();
    const { claim: next } = await agent.told("claim.take", { name, agent: "next", wait: 60 });
    assert.ok(next.token > claim.token);
    await agent.told("claim.release", { name, agent: "next", token: next.token });
  });

  it("renews what its client claims also where git moves the worktree, which gives it another name", async () => {
    const { worktree } = await agent.told("worktree.create", { type: "feat", name: "to-be-moved" });
    const { claim } = await agent.told("claim.take", { name: worktree.name, agent: "moved", ttl: 12 });
    scene.git(
      scene.trunk,
      "worktree",
      "move",
      "-f",
      "-f",
      worktree.path,
      join(dirname(worktree.path), "feat-moved-on"),
    );
    await eventually("it is renewed under its new name", async () => {
      const { claims } = await agent.told("claim.list", {});
      const now = claims.find((each) => each.worktree === "feat-moved-on");
      return now !== undefined && now.since === claim.since && now.expiresAt !== claim.expiresAt;
    });
    await agent.told("claim.release", { name: "feat-moved-on", agent: "moved", token: claim.token });
  });

  it("does nothing in the name of the VS Code window that started it", async () => {
    const place = placeOf(scene);
    const { worktree } = await agent.told("worktree.create", { type: "feat", name: "of-a-person" });
    const { claim } = await agent.told("claim.take", { name: worktree.name, agent: "vscode:jane" });
    const env = { ...place.env, IMI_CLAIMS: `vscode:jane:${claim.token}` };
    await using started = await Agent.start({ ...place, env });
    assert.equal((await started.refused("worktree_remove", { name: worktree.name })).code, "claim/held");
    await told({ ...place, env }, "remove", worktree.name);
  });

  it("says how far it is to who wants to know", async () => {
    const steps: { readonly progress: number; readonly message: string | undefined }[] = [];
    await agent.told(
      "worktree.create",
      { type: "feat", name: "step-by-step" },
      { onprogress: ({ progress, message }) => steps.push({ progress, message }) },
    );
    assert.ok(steps.length > 0);
    for (const [index, { progress, message }] of steps.entries()) {
      assert.equal(progress, index + 1);
      assert.ok(message);
    }
  });

  it("keeps printing nothing but the protocol, and complains of nothing", () => {
    // A line that is no message would have been an error of the client's transport.
    assert.equal(agent.stderr, "");
  });
});

describe("imi mcp, started by a VS Code window", () => {
  const started = (scene: Scene, said: string): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } => ({
    cwd: scene.trunk,
    env: { ...scene.env, [windowVariable]: said },
  });

  it("goes by the window's settings", async () => {
    const said: WindowOptions = { settings: { branchTemplate: "by-window/{name}" }, worktreeIncludeFiles: [] };
    const agent = await Agent.start(started(newScene(), JSON.stringify(said)));
    const { worktree } = await agent.told("worktree.create", { type: "feat", name: "as-set" });
    await agent.client.close();
    assert.equal(worktree.branch, "by-window/as-set");
  });

  it("says so where the variable is nonsense", async () => {
    const { code, stderr } = await imi(started(newScene(), "[1"), "mcp");
    assert.notEqual(code, 0);
    assert.match(stderr, /IMI_VSCODE_WINDOW.*Unset/su);
  });
});

describe("imi mcp: which repository", () => {
  let scene: Scene;
  let elsewhere: string;
  let other: Scene;
  before(() => {
    [scene, other] = [newScene(), newScene()];
    elsewhere = join(scene.root, "elsewhere");
    mkdirSync(elsewhere);
  });

  const trunkOf = async (agent: Agent): Promise<string> => {
    const { worktrees } = await agent.told("worktree.list", { status: false });
    return worktrees.find(({ type }) => type === "trunk")?.path ?? "none";
  };

  it("is the working directory's", async () => {
    await using agent = await Agent.start(placeOf(scene));
    assert.equal(await trunkOf(agent), scene.trunk);
  });

  it("is rather that of the client's first root that has one", async () => {
    await using agent = await Agent.start(placeOf(scene), { roots: [elsewhere, other.trunk, scene.trunk] });
    assert.equal(await trunkOf(agent), other.trunk);
  });

  it("is the working directory's where no root has one", async () => {
    await using agent = await Agent.start(placeOf(scene), { roots: [elsewhere] });
    assert.equal(await trunkOf(agent), scene.trunk);
  });

  it("is the working directory's where the client does not say its roots", async () => {
    await using agent = await Agent.start(placeOf(scene), { roots: "fails" });
    assert.equal(await trunkOf(agent), scene.trunk);
  });

  it("is asked again when the client's roots are others", async () => {
    const roots = [scene.trunk];
    await using agent = await Agent.start({ cwd: elsewhere, env: scene.env }, { roots });
    assert.equal(await trunkOf(agent), scene.trunk);
    roots[0] = other.trunk;
    await agent.client.sendRootsListChanged();
    assert.equal(await trunkOf(agent), other.trunk);
  });

  it("is rather that of IMI_REPO_ROOT", async () => {
    const env = { ...scene.env, IMI_REPO_ROOT: other.trunk };
    await using agent = await Agent.start({ cwd: scene.trunk, env }, { roots: [scene.trunk] });
    assert.equal(await trunkOf(agent), other.trunk);
  });

  it("is rather that of --repo", async () => {
    const env = { ...scene.env, IMI_REPO_ROOT: other.trunk };
    await using agent = await Agent.start(
      { cwd: elsewhere, env },
      { roots: [other.trunk], args: ["--repo", scene.trunk] },
    );
    assert.equal(await trunkOf(agent), scene.trunk);
  });

  it("is what a call says, before everything else", async () => {
    await using agent = await Agent.start(placeOf(scene), { args: ["--repo", scene.trunk] });
    const { worktrees } = await agent.told("worktree.list", { repository: other.trunk, status: false });
    assert.ok(worktrees.some(({ path }) => path === other.trunk));
  });

  it("is missed with an error that says what to do; the server serves on", async () => {
    await using agent = await Agent.start({ cwd: elsewhere, env: scene.env }, { roots: [elsewhere] });
    const { code, hint } = await agent.refused("worktree_list");
    assert.equal(code, "repository/not-found");
    assert.match(hint ?? "", /`repository`.*--repo/u);
    const { resources } = await agent.client.listResources();
    assert.equal(resources.length, 2, "without the worktrees, which nobody knows");
    await assert.rejects(agent.client.readResource({ uri: "imi://worktrees" }), /no git repository/u);
    const { worktrees } = await agent.told("worktree.list", { repository: scene.trunk, status: false });
    assert.ok(worktrees.length > 0);
  });
});

describe("imi mcp: two agents at once", () => {
  it("both get the same worktree, and one of them made it", async () => {
    const scene = newScene();
    await using one = await Agent.start(placeOf(scene));
    await using two = await Agent.start(placeOf(scene));
    const params = { type: "feat", name: "shared" } as const;
    const [first, second] = await Promise.all([
      one.told("worktree.create", params),
      two.told("worktree.create", params),
    ]);
    assert.equal(first.worktree.id, second.worktree.id);
    assert.equal([first, second].filter(({ created }) => created).length, 1);
  });

  it("each sees what the other makes, twenty of them", async () => {
    const scene = newScene();
    await using one = await Agent.start(placeOf(scene));
    await using two = await Agent.start(placeOf(scene));
    const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
    await Promise.all(
      names.flatMap((name) => [
        one.told("worktree.create", { type: "feat", name }),
        two.told("worktree.create", { type: "fix", name }),
      ]),
    );
    const { worktrees } = await one.told("worktree.list", {});
    assert.deepEqual(await two.told("worktree.list", {}), { worktrees });
    assert.equal(worktrees.length, 21);
  });
});

describe("imi mcp: its end", () => {
  it("comes within two seconds when the client closes stdin, also while it works; nothing is left half made", async () => {
    const scene = newScene();
    await using agent = await Agent.start(placeOf(scene));
    const { started, go } = slowHook(scene);
    const { pid } = agent;
    const creating = agent.call("worktree_create", { type: "feat", name: "unfinished" });
    creating.catch(() => undefined); // nobody answers it
    await appears(started);
    const began = Date.now();
    // Private to the SDK's transport; closing it in public waits two seconds and then kills.
    const { _process: child } = agent.transport as unknown as { readonly _process: ReturnType<typeof spawn> };
    const exited = once(child, "exit");
    child.stdin?.end();
    const [code] = (await exited) as [number | null];
    const took = Date.now() - began;
    assert.equal(code, 0);
    assert.ok(took < 4000, `${took} ms on a busy machine; 2 s are promised`);
    assert.equal(await startTimeOf(pid), null);
    writeFileSync(go, "");
    const { worktrees } = await told<{ worktrees: readonly Worktree[] }>(placeOf(scene), "list");
    for (const { state } of worktrees) assert.equal(state, "ready");
  });

  it("comes with SIGTERM", async () => {
    const scene = newScene();
    const child = spawn(program, ["mcp"], { cwd: scene.trunk, env: scene.env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.write(`${initialize}\n`);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    assert.equal(code, 128 + 15);
  });

  it("by kill -9 loses nothing: the next one goes on", async () => {
    const scene = newScene();
    await using agent = await Agent.start(placeOf(scene));
    const { worktree } = await agent.told("worktree.create", { type: "feat", name: "kept" });
    writeFileSync(join(worktree.path, "work.txt"), "precious\n");
    const { started, go } = slowHook(scene);
    const creating = agent.call("worktree_create", { type: "feat", name: "survivor" });
    creating.catch(() => undefined); // nobody answers it
    await appears(started);
    process.kill(agent.pid, "SIGKILL");
    writeFileSync(go, "");

    await using next = await Agent.start(placeOf(scene));
    const again = await next.told("worktree.create", { type: "feat", name: "survivor" });
    assert.equal(again.worktree.state, "ready");
    assert.equal(scene.git(again.worktree.path, "status", "--porcelain"), "");
    assert.equal(readFileSync(join(worktree.path, "work.txt"), "utf8"), "precious\n");
  });

  it("is not brought about by a cancelled call, which leaves nothing half made", async () => {
    const scene = newScene();
    await using agent = await Agent.start(placeOf(scene));
    const { started, go } = slowHook(scene);
    const abort = new AbortController();
    const creating = agent.call("worktree_create", { type: "feat", name: "cancelled" }, { signal: abort.signal });
    await appears(started);
    abort.abort("changed my mind");
    await assert.rejects(creating);
    await eventually("it is undone", async () => {
      const { worktrees } = await agent.told("worktree.list", { status: false });
      return !worktrees.some(({ name }) => name === "feat-cancelled");
    });
    assert.ok(!existsSync(join(scene.container, "feat-cancelled")));
    writeFileSync(go, "");
    const { created } = await agent.told("worktree.create", { type: "feat", name: "cancelled" });
    assert.ok(created, "and can be made anew");
  });
});

const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
});

describe("imi mcp, to a client that speaks badly", () => {
  it("answers what it understands, one message a line, and nothing else", async () => {
    const scene = newScene();
    const child = spawn(program, ["mcp"], { cwd: scene.trunk, env: scene.env, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const lines = [
      "this is no JSON",
      "{}",
      "[]",
      JSON.stringify({ jsonrpc: "2.0", id: 2, method: "nonsense/method" }),
      initialize,
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
      JSON.stringify({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: 7 } }),
      JSON.stringify({ jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "worktree_list", arguments: [] } }),
      JSON.stringify({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "worktree_list" } }),
    ];
    // Without a newline at the end: what is not finished is not a message.
    child.stdin.write(`${lines.join("\n")}\n{"jsonrpc":"2.0","id":6,"meth`);
    const answers = (): { id?: unknown; result?: CallToolResult; error?: unknown }[] =>
      stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await eventually("the last whole line is answered", () => answers().some(({ id }) => id === 5));
    const exited = once(child, "exit");
    child.stdin.end();
    assert.equal(((await exited) as [number | null])[0], 0);
    assert.ok(answers().every((answer) => "jsonrpc" in answer));
    for (const id of [2, 3, 4]) assert.ok(answers().find((answer) => answer.id === id)?.error, `${id} is an error`);
    assert.ok(answers().find(({ id }) => id === 5)?.result?.structuredContent);
    assert.doesNotMatch(stderr, /^\s+at /mu, "no stack traces");
  });

  it("answers what was asked before stdin ended", async () => {
    const scene = newScene();
    const child = spawn(program, ["mcp"], { cwd: scene.trunk, env: scene.env, stdio: ["pipe", "pipe", "ignore"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const call = {
      jsonrpc: "2.0",
      id: 2,
      method: "tools/call",
      params: { name: "worktree_path", arguments: { name: "trunk-main" } },
    };
    const exited = once(child, "close");
    child.stdin.end(`${initialize}\n${JSON.stringify(call)}\n`);
    await exited;
    assert.ok(stdout.includes(JSON.stringify({ path: realpathSync(scene.trunk) })), stdout);
  });
});

describe("imi, when it is not asked to serve agents", () => {
  it("does not load that bundle, which holds the SDK and zod", async () => {
    const scene = newScene();
    const seen = join(scene.root, "loaded.json");
    const spy = join(scene.root, "spy.cjs");
    writeFileSync(
      spy,
      `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(seen)}, JSON.stringify(Object.keys(require.cache))));`,
    );
    const place = { cwd: scene.trunk, env: { ...scene.env, NODE_OPTIONS: `--require "${spy}"` } };
    for (const args of [["--help"], ["list"], ["mcp", "--help"]]) {
      assert.equal((await imi(place, ...args)).code, 0, args.join(" "));
      const loaded: string[] = JSON.parse(readFileSync(seen, "utf8"));
      assert.ok(
        loaded.some((file) => file.endsWith("cli.cjs")),
        "the spy sees",
      );
      assert.deepEqual(
        loaded.filter((file) => file.endsWith("mcp.cjs")),
        [],
        args.join(" "),
      );
    }
  });
});
