#!/usr/bin/env node
// The entry of `imi`. What it imports up here is what every call pays for before it starts to work; the rest is lazy.
import { runCommandLine } from "./run.ts";

// Whoever reads us may stop reading (`imi events | head`); that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
process.stderr.on("error", () => undefined);

void runCommandLine(process.argv.slice(2)).then((code) => {
  // Not waiting for what a room may have left open: the answer is written, the workspace is closed.
  process.stdout.write("", () => process.exit(code));
});
