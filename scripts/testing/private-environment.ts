import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

export interface PrivateEnvironment {
  /** Holds the home folder and everything the programs under test keep. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Removes the folder. */
  dispose(): void;
}

const gitConfig = `[user]
\tname = Test
\temail = test@example.invalid
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[commit]
\tgpgSign = false
[maintenance]
\tauto = false
`;

// What would reach from the developer's shell into a test: a git hook's GIT_DIR, iMi's own variables, the tmux the
// tests are watched in, VS Code's.
const foreign = /^(?:GIT_|IMI_|TMUX|ZELLIJ|VSCODE_|ELECTRON_|XDG_|NODE_OPTIONS$)/u;
const kept = /^(?:IMI_CHROMIUM|IMI_VSCODE_SERVER_DIR|IMI_TEST_\w+)$/u;

/** Makes a home of its own for a suite, so that it neither reads nor touches what the user has. */
export function privateEnvironment(extra: NodeJS.ProcessEnv = {}): PrivateEnvironment {
  // Short, because sockets live in it and their paths may have about 100 characters (macOS's own TMPDIR has 50).
  const parent = process.platform === "win32" ? os.tmpdir() : "/tmp";
  const folder = mkdtempSync(path.join(parent, "imi-t-"));
  // Tests that play another user have to get to the files they made for him.
  chmodSync(folder, 0o711);
  const make = (name: string, mode = 0o700): string => {
    const made = path.join(folder, name);
    mkdirSync(made);
    chmodSync(made, mode); // mkdir's own mode would be narrowed by the umask
    return made;
  };
  const home = make("home");
  const gitConfigFile = path.join(folder, "gitconfig");
  writeFileSync(gitConfigFile, gitConfig);
  const inherited = Object.entries(process.env).filter(([name]) => kept.test(name) || !foreign.test(name));
  return {
    folder,
    env: {
      ...Object.fromEntries(inherited),
      HOME: home,
      USERPROFILE: home,
      XDG_CONFIG_HOME: make("config"),
      XDG_DATA_HOME: make("data"),
      XDG_STATE_HOME: make("state"),
      XDG_CACHE_HOME: make("cache"),
      XDG_RUNTIME_DIR: make("run"),
      TMPDIR: make("tmp", 0o1777),
      GIT_CONFIG_GLOBAL: gitConfigFile,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      ...extra,
    },
    dispose: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
