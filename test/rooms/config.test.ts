import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { showConfig, settings, type Settings } from "../../protocol/settings.ts";
import {
  configError,
  configTemplate,
  describeConfig,
  foldersOf,
  loadConfig,
  nearest,
  settingTable,
  type Config,
} from "../../server/src/config/index.ts";

let home: string;
let file: string;

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), "imi-config-"));
  file = path.join(home, ".config", "iMi", "config.toml");
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const write = (toml: string): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, toml);
};

const load = (env: NodeJS.ProcessEnv = {}, vscode?: Partial<Settings>): Promise<Config> =>
  loadConfig({ env, homedir: home, ...(vscode === undefined ? {} : { vscode }) });

describe("where things live", () => {
  test("in the XDG folders", async () => {
    const config = await load();
    assert.equal(config.file, path.join(home, ".config/iMi/config.toml"));
    assert.equal(config.dataDir, path.join(home, ".local/share/imi"));
    assert.equal(config.databasePath, path.join(home, ".local/share/imi/worktrees.db"));
    assert.equal(config.logFile, path.join(home, ".local/share/imi/imi.log"));
  });

  test("in those the environment names, when they are absolute", () => {
    const env = { XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d", XDG_RUNTIME_DIR: "/r" };
    assert.deepEqual(foldersOf(env, home), { file: "/c/iMi/config.toml", dataDir: "/d/imi", runtimeDir: "/r/imi" });
    assert.equal(foldersOf({ XDG_DATA_HOME: "d" }, home).dataDir, path.join(home, ".local/share/imi"));
  });

  test("sockets of two people without a runtime folder do not meet", () => {
    const { runtimeDir } = foldersOf({}, home);
    assert.ok(path.isAbsolute(runtimeDir));
    if (process.getuid !== undefined) assert.ok(runtimeDir.endsWith(`-${process.getuid()}`));
  });
});

describe("precedence", () => {
  test("everything is the default where nothing is set", async () => {
    const config = await load();
    assert.deepEqual(config.problems, []);
    assert.deepEqual(new Set(Object.values(config.origins)), new Set(["default"]));
    for (const row of settingTable()) {
      if (row.name !== "databasePath" && row.name !== "logFile")
        assert.deepEqual(config.settings[row.name], row.default);
    }
  });

  test("environment, then VS Code, then the file", async () => {
    write('log_level = "warn"\n[git_settings]\nremote_name = "file"\ndefault_branch = "file"\n');
    const config = await load({ IMI_LOG_LEVEL: "debug" }, { remoteName: "vscode", logLevel: "error" });
    assert.deepEqual(
      [config.settings.logLevel, config.settings.remoteName, config.settings.defaultBranch],
      ["debug", "vscode", "file"],
    );
    assert.deepEqual(
      [config.origins.logLevel, config.origins.remoteName, config.origins.defaultBranch, config.origins.autoFetch],
      ["environment", "vscode", "config.toml", "default"],
    );
  });

  test("a variable that is empty is not set", async () => {
    assert.equal((await load({ IMI_LOG_LEVEL: "" })).origins.logLevel, "default");
  });
});

describe("paths", () => {
  test("~ is the home folder, in the file and in the environment", async () => {
    write('database_path = "~/r/w.db"\nlog_file = "~"\n');
    const config = await load({ IMI_REPO_ROOT: "~/code" });
    assert.equal(config.databasePath, path.join(home, "r/w.db"));
    assert.equal(config.logFile, home);
    assert.equal(config.settings.repositoryRoot, path.join(home, "code"));
  });

  test("a relative one is relative to the working directory in the environment, and refused in the file", async () => {
    assert.equal((await load({ IMI_DB_PATH: "w.db" })).databasePath, path.resolve("w.db"));
    write('database_path = "w.db"\n');
    assert.match(configError((await load()).problems)?.message ?? "", /database_path must be an absolute path/u);
  });
});

describe("the file", () => {
  test("of seed 002 is read as it was meant", async () => {
    write(`[sync_settings]
enabled = true
user_sync_path = "sync/user"
local_sync_path = "sync/local"

[monitoring_settings]
enabled = true
refresh_interval_ms = 500

# Files to symlink across all worktrees
symlink_files = [".env", ".mise.toml"]

# Exclude patterns for monitoring
exclude_patterns = ["node_modules/"]
`);
    const { settings: values, origins, problems } = await load();
    assert.deepEqual(problems, []);
    assert.deepEqual(values.symlinkFiles, [".env", ".mise.toml"]);
    assert.deepEqual(values.excludePatterns, ["node_modules/"]);
    assert.equal(values.refreshIntervalMs, 500);
    assert.equal(values.userSyncPath, "sync/user");
    assert.equal(origins.symlinkFiles, "config.toml");
  });

  test("may begin with a byte order mark and have CRLF", async () => {
    write('\uFEFFlog_level = "debug"\r\n[git_settings]\r\nauto_fetch = false\r\n');
    const { settings: values, problems } = await load();
    assert.deepEqual(problems, []);
    assert.equal(values.logLevel, "debug");
    assert.equal(values.autoFetch, false);
  });

  test("that is not TOML is refused with its line", async () => {
    write('log_level = "debug"\n[git_settings\n');
    const error = configError((await load()).problems);
    assert.equal(error?.code, "config/invalid");
    assert.match(error.message, /config\.toml:2: not valid TOML: /u);
    assert.doesNotMatch(error.message, /\n/u);
    assert.match(error.hint ?? "", /imi config edit/u);
  });

  test("that cannot be read is refused", async () => {
    mkdirSync(file, { recursive: true });
    assert.match(configError((await load()).problems)?.message ?? "", /cannot be read/u);
  });

  test("with a wrong type is refused with line and key, and every mistake at once", async () => {
    write(`log_level = "loud"
symlink_files = ".env"

[git_settings]
auto_fetch = "yes"
auto_fetch_timeout_ms = -1
remote_name = 3
`);
    const config = await load();
    const error = configError(config.problems);
    assert.deepEqual(
      error?.message.split("\n").sort(),
      [
        `${file}:1: log_level must be one of error, warn, info, debug, not "loud"`,
        `${file}:2: symlink_files must be a list of strings such as ["a", "b"], not ".env"`,
        `${file}:5: git_settings.auto_fetch must be true or false, not "yes"`,
        `${file}:6: git_settings.auto_fetch_timeout_ms must be a whole number, 0 or more, not -1`,
        `${file}:7: git_settings.remote_name must be a string in quotes, not 3`,
      ].sort(),
    );
    assert.equal(config.settings.autoFetch, true);
    assert.equal(config.origins.autoFetch, "default");
  });

  test("with a table written as a value is refused", async () => {
    write("git_settings = true\n");
    assert.match(configError((await load()).problems)?.message ?? "", /:1: git_settings must be a table/u);
  });

  test("with an unknown key only warns, and says what was probably meant", async () => {
    write("[git_settings]\nauto_fecth = false\n[colours]\nx = 1\n[gti_settings]\n");
    const { problems } = await load();
    assert.equal(configError(problems), null);
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        `${file}:2: unknown key git_settings.auto_fecth; did you mean git_settings.auto_fetch?`,
        `${file}:3: unknown table colours`,
        `${file}:5: unknown table gti_settings; did you mean git_settings?`,
      ],
    );
  });
});

describe("wrong values elsewhere", () => {
  test("in the environment name the variable", async () => {
    const { problems } = await load({ IMI_LOG_LEVEL: "inof" });
    const error = configError(problems);
    assert.match(error?.message ?? "", /environment: IMI_LOG_LEVEL must be one of .* \(did you mean info\?\)/u);
    assert.match(error?.hint ?? "", /IMI_LOG_LEVEL/u);
  });

  test("in VS Code name the setting", async () => {
    // What arrives from VS Code was typed by a person and is not checked before.
    const { problems } = await load({}, { autoFetch: "no" } as unknown as Partial<Settings>);
    assert.match(configError(problems)?.message ?? "", /imi\.git\.autoFetch must be true or false, not "no"/u);
  });
});

test("config show answers as the contract declares, with the paths in force", async () => {
  const config = await load({ IMI_LOG_LEVEL: "debug" });
  const shown = describeConfig(config);
  assert.deepEqual(showConfig.result.parse(shown), shown);
  assert.equal(shown.settings.length, Object.keys(settings).length);
  assert.equal(shown.settings.find(({ key }) => key === "database_path")?.value, config.databasePath);
  assert.equal(shown.settings.find(({ key }) => key === "log_level")?.origin, "environment");
});

test("the template changes nothing, and names every setting", async () => {
  write(configTemplate());
  const untouched = await load();
  assert.deepEqual(untouched.problems, []);
  assert.deepEqual(new Set(Object.values(untouched.origins)), new Set(["default"]));

  write(configTemplate().replaceAll(/^# (?=[a-z_]+ = )/gmu, ""));
  const everything = await load();
  assert.deepEqual(everything.problems, []);
  assert.deepEqual(new Set(Object.values(everything.origins)), new Set(["config.toml"]));
  assert.deepEqual(everything.settings, untouched.settings);
});

test("the nearest name is one that may have been meant, or none", () => {
  assert.equal(nearest("faet", ["feat", "fix"]), "feat");
  assert.equal(nearest("x", ["feat", "fix"]), null);
  assert.equal(nearest("lsit", ["list", "events"]), "list");
});
