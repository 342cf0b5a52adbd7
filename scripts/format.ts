// Formats the files named as arguments, or all of them.
import { runTool } from "./run.ts";

const { code } = await runTool("oxfmt/bin/oxfmt", process.argv.slice(2), { output: "show" });
process.exitCode = code;
