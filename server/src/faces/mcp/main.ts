import { Console } from "node:console";
import { setTimeout as delay } from "node:timers/promises";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { version } from "../../version.ts";
import { openWorkspace } from "../../workspace.ts";
import { Face } from "./face.ts";
import { instructions } from "./instructions.ts";
import { ofWindow } from "./window.ts";

export interface McpOptions {
  /** What `--repo` says, absolute. */
  readonly repository: string | null;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by a signal to the process. */
  readonly signal: AbortSignal;
}

/** When stdin closes: how long what runs may still finish, and then how long it may take to clean up. Two seconds in all. */
const graceMs = 800;
const cleanUpMs = 900;

/** Serves one MCP client on stdin and stdout; resolves when the client has gone. */
export const serveMcp = async ({ repository, cwd, env, signal }: McpOptions): Promise<void> => {
  // Nothing but the protocol may reach stdout, whatever a library thinks it has to print.
  globalThis.console = new Console(process.stderr);
  const log = (message: string): void => console.error(`imi mcp: ${message}`);

  const { settings, worktreeIncludeFiles } = ofWindow(env);
  const workspace = await openWorkspace({
    role: "cli",
    cwd,
    env: { ...env, IMI_CLAIMS: "" }, // the claims of whoever sits at the window are not the agent's
    ...(settings === undefined ? {} : { settings }),
    ...(worktreeIncludeFiles === undefined ? {} : { includeGlobs: worktreeIncludeFiles }),
    log: (level, message) => {
      if (level === "warn" || level === "error") log(message);
    },
  });
  for (const { message } of workspace.config.problems) log(message);
  const ending = new AbortController();
  // Not the SDK's McpServer: it words errors of input by itself, and knows no subscriptions.
  const server = new Server(
    { name: "imi", title: "iMi", version },
    {
      instructions,
      capabilities: { tools: {}, prompts: {}, resources: { subscribe: true, listChanged: true } },
    },
  );
  const face = new Face(server, { workspace, cwd, repository, ending: ending.signal, log });
  // What could not be read may be long, and reported on many lines.
  server.onerror = ({ message }) => log(message.replaceAll(/\s+/gu, " ").slice(0, 300));

  const gone = Promise.withResolvers<void>();
  // The SDK does not look for the end of stdin.
  for (const end of ["end", "close", "error"] as const) process.stdin.once(end, () => gone.resolve());
  process.stdout.on("error", () => gone.resolve());
  server.onclose = () => gone.resolve();
  signal.addEventListener("abort", () => gone.resolve(), { once: true });
  if (process.stdin.isTTY) log("an agent program starts this and speaks to it here; Ctrl+C ends it.");
  await server.connect(new StdioServerTransport());
  if (signal.aborted) gone.resolve();
  await gone.promise;

  if (!signal.aborted) await atMost(graceMs, face.settled());
  ending.abort();
  await atMost(
    cleanUpMs,
    face
      .settled()
      .then(() => face.stop())
      .then(() => workspace.close()),
  );
};

/** What has not ended by then is ended with the process, as by `kill -9`: whoever looks next finishes or undoes it. */
const atMost = (ms: number, work: Promise<unknown>): Promise<unknown> => Promise.race([work, delay(ms)]);
