export interface LiveOptions {
  /** What `--repo` says, absolute. */
  readonly repository: string | null;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly format: "human" | "json";
  readonly colour: "auto" | "never";
  /** Aborted by a signal to the process. */
  readonly signal: AbortSignal;
}
