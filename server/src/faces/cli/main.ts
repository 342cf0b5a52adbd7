#!/usr/bin/env node
// The entry of `imi`. Everything else is loaded after the compile cache is on: compiled afresh, the rest takes 24 ms of
// a processor before it starts to work, from the cache 8.
import { useCompileCache } from "../compile-cache.ts";

// Electron was asked to be Node for this process alone; editors and hooks started from here are not to be.
delete process.env["ELECTRON_RUN_AS_NODE"];

useCompileCache();

// Whoever reads us may stop reading (`imi events | head`); that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
process.stderr.on("error", () => undefined);

void import("./run.ts")
  .then(({ runCommandLine }) => runCommandLine(process.argv.slice(2)))
  .then((code) => {
    // Not waiting for what a room may have left open: the answer is written, the workspace is closed.
    process.stdout.write("", () => process.exit(code));
  });
