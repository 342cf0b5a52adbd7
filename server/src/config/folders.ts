import os from "node:os";
import path from "node:path";

/** Where iMi keeps what, by the XDG base directory specification; all paths are absolute. */
export interface Folders {
  /** config.toml, whether it exists or not. */
  readonly file: string;
  readonly dataDir: string;
  /** Sockets and other things that end with the login. Whoever makes it makes it 0700. */
  readonly runtimeDir: string;
}

export const foldersOf = (env: NodeJS.ProcessEnv, homedir: string): Folders => ({
  file: path.join(xdg(env["XDG_CONFIG_HOME"]) ?? path.join(homedir, ".config"), "iMi", "config.toml"),
  dataDir: path.join(xdg(env["XDG_DATA_HOME"]) ?? path.join(homedir, ".local", "share"), "imi"),
  runtimeDir: runtimeDirOf(env),
});

// "All paths set in these environment variables must be absolute. If relative, consider it invalid and ignore it."
const xdg = (value: string | undefined): string | null =>
  value !== undefined && path.isAbsolute(value) ? value : null;

const runtimeDirOf = (env: NodeJS.ProcessEnv): string => {
  const runtime = xdg(env["XDG_RUNTIME_DIR"]);
  if (runtime !== null) return path.join(runtime, "imi");
  // The temporary folder is shared: the user's number keeps people apart. Windows' is the user's own.
  const user = process.getuid?.();
  return path.join(os.tmpdir(), user === undefined ? "imi" : `imi-${user}`);
};

/** `~` and `~/x` as the user's home; everything else as it is. */
export const expandHome = (value: string, homedir: string): string => {
  if (value === "~") return homedir;
  return value.startsWith("~/") || value.startsWith(`~${path.sep}`) ? path.join(homedir, value.slice(2)) : value;
};
