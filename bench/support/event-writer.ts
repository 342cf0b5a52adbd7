// A process of events.ts: commits events, and writes a plain file beside each, for what follows both.
import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../server/src/store/index.ts";
import { type EventStamp, type WriterOrder, now } from "./event-messages.ts";

const [database = "", plainFile = ""] = process.argv.slice(2);

const store = await openStore({ path: database, role: "cli", log: () => undefined });
const file = openSync(plainFile, "w");

const append = (kind: EventStamp["kind"]): Promise<unknown> => {
  const data: Record<keyof EventStamp, string> = { kind, before: now() };
  return store.events.append({ name: "worktree.changed", repositoryId: null, subject: "bench", data });
};

/** Now and then long enough that whoever follows has stopped expecting anything. */
const pause = (index: number): Promise<void> => delay(index % 20 === 0 ? 300 : 2 + Math.random() * 10);

process.once("message", (order: WriterOrder) => void write(order));
process.send?.("ready");

async function write({ events, bursts }: WriterOrder): Promise<void> {
  for (let index = 0; index < events; index += 1) {
    await append("single");
    await pause(index);
    writeSync(file, `${now()}\n`, 0);
    await pause(index + 1);
  }
  for (let index = 0; index < bursts; index += 1) {
    await append("burst");
    if (index % 10 === 9) await delay(20);
  }
  closeSync(file);
  store.close();
  process.send?.("done");
  process.disconnect();
}
