/**
 * Variables that would point git at another repository, another index or other behaviour than asked for; a server
 * started from a git hook or alias inherits them (`git rev-parse --local-env-vars`, and what changes paths and output).
 */
const dropped = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_CEILING_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_CONFIG",
  "GIT_CONFIG_PARAMETERS",
  "GIT_DEFAULT_REF_FORMAT",
  "GIT_DIR",
  "GIT_DISCOVERY_ACROSS_FILESYSTEM",
  "GIT_EXTERNAL_DIFF",
  "GIT_GLOB_PATHSPECS",
  "GIT_GRAFT_FILE",
  "GIT_ICASE_PATHSPECS",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INDEX_VERSION",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_LITERAL_PATHSPECS",
  "GIT_NAMESPACE",
  "GIT_NOGLOB_PATHSPECS",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_REFLOG_ACTION",
  "GIT_REF_FORMAT",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
  "LANGUAGE",
]);

/** GIT_TRACE=1 and the like write into stderr, curl's with credentials; traces into a file are the user's wish. */
const tracesToStderr = (name: string, value: string): boolean =>
  (name.startsWith("GIT_TRACE") || name === "GIT_CURL_VERBOSE") && !/^([/\\]|[a-z]:|af_unix:)/i.test(value);

/**
 * The environment git runs in: English, never asking on a terminal, about no other repository than told. Credentials
 * (GIT_ASKPASS, SSH_AUTH_SOCK, GIT_SSH_COMMAND) and configuration by GIT_CONFIG_COUNT stay: they are the user's.
 */
export const gitEnvironment = (
  access: "read" | "write",
  extra: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv => {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    const key = process.platform === "win32" ? name.toUpperCase() : name;
    if (value !== undefined && !dropped.has(key) && !tracesToStderr(key, value)) env[name] = value;
  }
  if (access === "read") {
    env["LC_ALL"] = "C";
    env["GIT_OPTIONAL_LOCKS"] = "0";
    env["GIT_NO_LAZY_FETCH"] = "1"; // reading never starts a partial clone's transport (git 2.45)
  } else {
    // Hooks run in this environment: they keep the user's character set, only messages are English.
    if (env["LC_ALL"] !== undefined && env["LC_ALL"] !== "") env["LC_CTYPE"] = env["LC_ALL"];
    delete env["LC_ALL"];
    env["LC_MESSAGES"] = "C";
  }
  env["GIT_TERMINAL_PROMPT"] = "0";
  env["GIT_ADVICE"] = "0";
  env["GIT_PAGER"] = "cat";
  env["GIT_EDITOR"] = "true";
  return { ...env, ...extra };
};

/** Configuration for one call, exact for any key (a subsection may hold `=`), after what the user gave the same way. */
export const configEnvironment = (
  entries: readonly (readonly [key: string, value: string])[],
): Record<string, string> => {
  if (entries.length === 0) return {};
  const given = Number(process.env["GIT_CONFIG_COUNT"] ?? 0);
  const first = Number.isInteger(given) && given > 0 ? given : 0;
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(first + entries.length) };
  entries.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${first + index}`] = key;
    env[`GIT_CONFIG_VALUE_${first + index}`] = value;
  });
  return env;
};

const nowhere = process.platform === "win32" ? "NUL" : "/dev/null";

/** Before the command's name. Hooks of the user run on writes (a post-checkout hook is expected to), never on reads. */
export const gitPrefix = (access: "read" | "write"): string[] => [
  "--no-pager",
  ...(access === "read" ? ["--no-optional-locks", "-c", `core.hooksPath=${nowhere}`] : []),
  ...["-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never", "-c", "protocol.fd.allow=never"],
];
