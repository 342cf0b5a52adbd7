#!/usr/bin/env node
// The entry of `imi`. Everything else is loaded by way of the code cache: compiled afresh, it takes 24 ms of a processor
// before it starts to work, from the cache 5.
import { keepCode } from "../code-cache.ts";
import { flushed } from "./standard-streams.ts";

// Electron was asked to be Node for this process alone; editors and hooks started from here are not to be.
delete process.env["ELECTRON_RUN_AS_NODE"];

const argv = process.argv.slice(2);

/** Calls of one kind run much the same functions: the command's first word and the names of its options. */
const kindOf = ([first = "", ...rest]: readonly string[]): string =>
  [first, ...rest.filter((word) => word.startsWith("-")).map((word) => word.split("=", 1)[0])].join(" ");

void import("./run.ts")
  .then(({ runCommandLine }) => runCommandLine(argv))
  .then(async (code) => {
    await flushed();
    if (code === 0) keepCode(kindOf(argv));
    // Not waiting for what a room may have left open: the answer is written, the workspace is closed.
    process.exit(code);
  });
