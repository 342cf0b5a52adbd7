// A process of events.ts: follows the log as a server does, and a plain file by fs.watch.
import { readFileSync, watch } from "node:fs";
import { openStore } from "../../server/src/store/index.ts";
import { type Arrivals, type EventStamp, millisecondsSince } from "./event-messages.ts";

const [database = "", plainFile = ""] = process.argv.slice(2);

const store = await openStore({ path: database, role: "server", log: () => undefined });
const arrivals = { events: { single: [] as number[], burst: [] as number[] }, files: [] as number[] };

const stop = store.events.follow(await store.events.last(), (events) => {
  for (const { data } of events) {
    // The writer of this bench is the only one on this log, and this is what it puts in.
    const { kind, before } = data as unknown as EventStamp;
    arrivals.events[kind].push(millisecondsSince(before));
  }
});

let seen = "";
const watcher = watch(plainFile, () => {
  const stamp = readFileSync(plainFile, "utf8").trimEnd();
  if (stamp === "" || stamp === seen) return;
  seen = stamp;
  arrivals.files.push(millisecondsSince(stamp));
});

process.once("message", () => {
  stop();
  watcher.close();
  store.close();
  const report: Arrivals = arrivals;
  process.send?.(report);
  process.disconnect();
});
process.send?.("ready");
