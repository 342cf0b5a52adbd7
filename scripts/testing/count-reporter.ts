import type { TestEvent } from "node:test/reporters";

/** A reporter for `node --test` that prints one JSON line: how many tests passed, failed and were skipped. */
// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter as the module's default
export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    // The summary without a file is the one over all files.
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = data.counts;
    yield `${JSON.stringify({ passed, failed: tests - passed - skipped - todo, skipped: skipped + todo })}\n`;
  }
}
