// Watches and records in a process of its own, so that it can be killed: argv is the repository's folder.
import { Git } from "../../server/src/git/index.ts";
import { LiveStatuses } from "../../server/src/monitor/index.ts";
import { Observer } from "../../server/src/monitor/observe/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import { isolateGit } from "./git.ts";

const [database = "", commonDir = "", runtimeDir = ""] = process.argv.slice(2);
isolateGit();
const git = new Git();
const log = (): void => undefined;
const store = await openStore({ path: database, role: "cli" });
const repository = await store.repositories.byGitDir(commonDir);
if (repository === null) throw new Error("no such repository");
const lease = await store.leases.take("observe", { purpose: "record", waitMs: 20_000 });
const watching = await new LiveStatuses({ git, runtimeDir, log }).follow(commonDir);
if (watching === undefined) throw new Error("closed");
new Observer({
  ...{ git, repository, store, lease, log, watching, memory: watching },
  settings: () => ({ refreshIntervalMs: 1_000, trackAgentActivity: true, excludePatterns: [] }),
});
process.send?.("observing");
setInterval(() => undefined, 1_000);
