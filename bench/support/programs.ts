import { existsSync } from "node:fs";
import { inRoot } from "../../scripts/paths.ts";
import { run } from "../../scripts/run.ts";
import { timed } from "./numbers.ts";

/** A file of dist/; throws when it was not built, because measuring an old or a missing one says nothing. */
export function built(name: "cli.cjs" | "server.cjs"): string {
  const file = inRoot("dist", name);
  if (!existsSync(file)) throw new Error(`dist/${name} is missing; run npm run build`);
  return file;
}

export interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program that must succeed; its output with the milliseconds from start to end. */
export async function measured(
  program: string,
  args: readonly string[],
  where: Where,
): Promise<{ readonly output: string; readonly milliseconds: number }> {
  let result = { code: 1, output: "" };
  const milliseconds = await timed(async () => {
    result = await run(program, args, where);
  });
  if (result.code !== 0) throw new Error(`${args.join(" ")} exited with ${result.code}: ${result.output}`);
  return { output: result.output, milliseconds };
}

export const git = (where: Where, ...args: string[]) => measured("git", args, where);

/** The command line as a shell would start it, without bin/imi: this Node on the bundle. */
export const imi = (where: Where, ...args: string[]) => measured(process.execPath, [built("cli.cjs"), ...args], where);

/** The JSON that `imi … --json` printed. */
export async function imiJson<T>(where: Where, ...args: string[]): Promise<{ answer: T; milliseconds: number }> {
  const { output, milliseconds } = await imi(where, ...args, "--json");
  const answer: T = JSON.parse(output);
  return { answer, milliseconds };
}
