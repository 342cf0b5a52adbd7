import { existsSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import type { Bench, BenchOptions } from "./bench.ts";
import type { Line } from "./line.ts";
import { machineFacts, machineLine } from "./machine.ts";
import { type Measured, json, table } from "./report.ts";

const usage = (benches: readonly Bench[]): string => `npm run bench -- [name…] [options]
${benches.map(({ name, summary }) => `  ${name.padEnd(16)} ${summary}`).join("\n")}

  --json           print machine facts and lines as JSON
  --dir FOLDER     work there; by default in memory (/dev/shm) where there is such a place
  --rounds N       measure each side so many times
  --files LIST     sizes of the repositories, e.g. 2000,20000
  --worktrees LIST numbers of worktrees, e.g. 100,1000
  --events N       events to follow`;

/** Runs all benches, or those named, and prints what they measured. Slowness is printed, never an exit code. */
export async function runBenches(benches: readonly Bench[], args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      dir: { type: "string" },
      rounds: { type: "string" },
      files: { type: "string" },
      worktrees: { type: "string" },
      events: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `bench: there is no ${unknown.join(", ")}\n${usage(benches)}` : usage(benches));
    if (unknown.length > 0) process.exitCode = 1;
    return;
  }
  const options: BenchOptions = {
    dir: values.dir ?? folderInMemory(),
    rounds: numbers("rounds", values.rounds)?.[0],
    files: numbers("files", values.files),
    worktrees: numbers("worktrees", values.worktrees),
    events: numbers("events", values.events)?.[0],
    say: (text) => console.error(`  … ${text}`),
  };
  const machine = machineFacts(options.dir);
  // What a bench calls (packing, installing) reports on the console; a program that reads us wants JSON and nothing else.
  if (values.json) console.log = console.error;
  if (!values.json) console.log(machineLine(machine));
  const measured: Measured[] = [];
  for (const bench of benches) {
    if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
    if (!values.json) console.log(`\n== ${bench.name}: ${bench.summary}`);
    const lines = await collect(bench, options);
    measured.push({ name: bench.name, lines });
    if (!values.json) console.log(table(lines));
  }
  if (values.json) process.stdout.write(`${json(machine, measured)}\n`);
}

/** What was measured before a bench broke down is still worth reading. */
async function collect(bench: Bench, options: BenchOptions): Promise<Line[]> {
  const lines: Line[] = [];
  try {
    for await (const line of bench.measure(options)) lines.push(line);
  } catch (error) {
    console.error(
      `${bench.name} broke down: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    process.exitCode = 1;
  }
  return lines;
}

function folderInMemory(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
}

function numbers(option: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const list = text.split(",").map(Number);
  if (list.every((value) => Number.isInteger(value) && value > 0)) return list;
  throw new Error(`--${option} takes whole numbers above 0, not ${text}`);
}
