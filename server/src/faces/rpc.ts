import { setTimeout as delay } from "node:timers/promises";
import { ProposedFeatures, ResponseError, createConnection } from "vscode-languageserver/node";
import type { CancellationToken, InitializeResult } from "vscode-languageserver/node";
import { operations } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { diagnostics, eventsAppended, fatalExitCodes, optionsChanged, progressed } from "../../../protocol/rpc.ts";
import type { Diagnostics, InitializationOptions } from "../../../protocol/rpc.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { version } from "../version.ts";
import { openWorkspace } from "../workspace.ts";
import type { Workspace } from "../workspace.ts";

/**
 * The JSON-RPC face: one server per VS Code window, over ipc. Every operation of the contract is a request by its own
 * name; events of the log are pushed as they are appended, whoever appended them.
 */

/** JSON-RPC's reserved range for application errors; the ImiError travels in `data`. */
const applicationError = -32_000;

/** How long a client may take to read the answer to `initialize`; a busy extension host takes a second at times. */
const answerReadMs = 10_000;

/** How long what runs may take to end when the registry is gone, in ms; who asked for it is answered meanwhile. */
const closeMs = 1_000;

// VS Code asks Electron to be Node for this process alone; git's hooks and gh are not to be.
delete process.env["ELECTRON_RUN_AS_NODE"];

const connection = createConnection(ProposedFeatures.all);
let workspace: Workspace | null = null;
let stopEvents: (() => void) | null = null;

connection.onInitialize(async ({ initializationOptions }): Promise<InitializeResult> => {
  const options = initializationOptions as InitializationOptions;
  workspace = await openWorkspace({
    role: "server",
    cwd: process.cwd(),
    env: process.env,
    settings: options.settings,
    includeGlobs: options.worktreeIncludeFiles,
    trusted: options.trusted,
    log: (level, message) => connection.console[level](message),
  });
  workspace.lost.addEventListener("abort", () => void endWithoutRegistry(workspace?.lost.reason), { once: true });
  try {
    stopEvents = await workspace.onEvents((events) => void connection.sendNotification(eventsAppended, { events }));
  } catch (error) {
    const { code, message, hint } = ImiError.from(error);
    connection.console.error(`${message} ${hint ?? ""}`);
    // The client ends this process when it has read the answer. One that does not, reads the cause from the exit code:
    // it must not restart what would fail in the same way again.
    if (code in fatalExitCodes)
      setTimeout(() => process.exit(fatalExitCodes[code as keyof typeof fatalExitCodes]), answerReadMs);
    throw new ResponseError(applicationError, message, ImiError.from(error).toJSON());
  }
  return { capabilities: {}, serverInfo: { name: "iMi", version } };
});

connection.onNotification(optionsChanged, async (options: InitializationOptions) => {
  await workspace?.reconfigure({
    settings: options.settings,
    includeGlobs: options.worktreeIncludeFiles,
    trusted: options.trusted,
  });
});

/**
 * What others do is not seen any more, and what is done here would be seen by nobody. Not by itself with whatever lies there
 * next: somebody may be putting a backup in its place.
 */
async function endWithoutRegistry(reason: unknown): Promise<void> {
  const { message, hint } = ImiError.from(reason);
  connection.console.error(`${message} ${hint ?? ""}`);
  stopEvents?.();
  await Promise.race([workspace?.close(), delay(closeMs)]);
  process.exit(fatalExitCodes["store/moved"]);
}

/** Leases are given back and the database closed; what a killed server leaves is found by the next one. */
connection.onShutdown(async () => {
  stopEvents?.();
  await workspace?.close();
  workspace = null;
});

for (const declared of operations) serve(declared);

function serve(declared: Operation): void {
  const params = declared.params.strict(); // once: a schema is compiled when it is first used
  connection.onRequest(declared.name, async (given: unknown, cancellation: CancellationToken) => {
    if (workspace === null) throw refused(new ImiError("server/stopped", "The server is stopping."));
    const { progressToken, ...rest } = (given ?? {}) as Record<string, unknown>;
    const parsed = params.safeParse(rest);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw refused(
        new ImiError(
          "usage/invalid",
          `${declared.name}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "invalid"}`.trim(),
        ),
      );
    }
    const abort = new AbortController();
    const listener = cancellation.onCancellationRequested(() => abort.abort());
    try {
      return await workspace.call(declared.name, parsed.data, {
        signal: abort.signal,
        progress: (message, fraction) => {
          if (typeof progressToken === "string")
            void connection.sendNotification(progressed, { token: progressToken, message, fraction });
        },
      });
    } catch (error) {
      throw refused(ImiError.from(error));
    } finally {
      listener.dispose();
    }
  });
}

function refused(error: ImiError): ResponseError<ReturnType<ImiError["toJSON"]>> {
  if (error.code === "internal") connection.console.error(error.stack ?? error.message);
  return new ResponseError(applicationError, error.message, error.toJSON());
}

connection.onRequest(diagnostics, async (): Promise<Diagnostics> => {
  if (workspace === null) throw refused(new ImiError("server/stopped", "The server is stopping."));
  const { git, sqlite, database, repositories } = await workspace.inspect();
  return {
    version,
    pid: process.pid,
    node: process.version,
    git,
    sqlite,
    database,
    residentBytes: process.memoryUsage.rss(),
    uptimeSeconds: Math.round(process.uptime()),
    repositories,
  };
});

connection.listen();
