import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { pathToFileURL } from "node:url";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.cjs");

const streams = path.resolve(import.meta.dirname, "../../server/src/faces/cli/standard-streams.ts");

let home: string;
let cache: string;

const environment = (): NodeJS.ProcessEnv => ({ HOME: home, PATH: process.env["PATH"], XDG_CACHE_HOME: home });

const imi = (...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: home,
    env: environment(),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
};

const caches = (): string[] => readdirSync(cache).map((name) => path.join(cache, name));

const onlyCache = (): string => {
  const [file, ...more] = caches();
  assert.ok(file !== undefined && more.length === 0, "one file");
  return file;
};

const usesOf = (file: string): string[] => {
  const bytes = readFileSync(file);
  const end = bytes.length - 8;
  return bytes
    .toString("utf8", end - bytes.readUInt32LE(end), end)
    .split("\n")
    .slice(1); // the first says how often V8 refused
};

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "imi-code-"));
  cache = path.join(home, "imi");
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

describe("the command line's compiled code", () => {
  it("is kept for the user alone, and each kind of call adds what it ran, once", () => {
    imi("--version");
    const file = onlyCache();
    if (process.platform !== "win32") {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(statSync(cache).mode & 0o777, 0o700);
    }
    const small = statSync(file).size;
    imi("config", "show", "--json");
    assert.equal(onlyCache(), file);
    assert.ok(statSync(file).size > small);
    assert.deepEqual(usesOf(file), ["--version", "config --json"]);
    const written = statSync(file).mtimeMs;
    imi("config", "show", "--json");
    imi("--version");
    assert.equal(statSync(file).mtimeMs, written);
  });

  it("is made anew where it is damaged, cut off, or was written for other code", () => {
    const said = imi("config", "show", "--json");
    const file = onlyCache();
    const good = readFileSync(file);
    const middle = good.length >> 1;
    for (const damaged of [
      Buffer.alloc(0),
      Buffer.alloc(4096),
      good.subarray(0, middle),
      good.subarray(middle),
      Buffer.concat([Buffer.alloc(64), good.subarray(64)]),
    ]) {
      writeFileSync(file, damaged);
      assert.equal(imi("config", "show", "--json"), said);
      assert.deepEqual(usesOf(onlyCache()), ["config --json"]);
    }
  });

  it("is given up where V8 will not have it", () => {
    imi("--version");
    const file = onlyCache();
    const spoil = (): Buffer => {
      const bytes = readFileSync(file).fill(0, 0, 64);
      writeFileSync(file, bytes);
      return bytes;
    };
    for (let time = 0; time < 3; time++) {
      const spoiled = spoil();
      imi("--version");
      assert.notDeepEqual(readFileSync(file), spoiled);
    }
    const spoiled = spoil();
    imi("--version");
    assert.deepEqual(readFileSync(file), spoiled);
  });

  it("is not read where others may write it", { skip: process.platform === "win32" }, () => {
    imi("--version");
    const file = onlyCache();
    chmodSync(file, 0o666);
    imi("--help");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(usesOf(file), ["--help"]);
  });

  it("is not missed where it cannot be kept", () => {
    writeFileSync(cache, "a file where the folder would be");
    assert.match(imi("--version"), /^imi /);
    assert.equal(readFileSync(cache, "utf8"), "a file where the folder would be");
  });

  it("of other builds and what was left half written go, but for a few", () => {
    mkdirSync(cache);
    for (let build = 0; build < 8; build++) writeFileSync(path.join(cache, `cli-${build}.code`), "old");
    writeFileSync(path.join(cache, "v24-of-node"), "not ours");
    imi("--version");
    assert.equal(caches().filter((file) => path.basename(file).startsWith("cli-")).length, 5);
    assert.ok(readdirSync(cache).includes("v24-of-node"));
  });
});

describe("what the command line prints", () => {
  it(
    "arrives whole where its reader is slow and the pipe does not wait",
    { skip: process.platform === "win32" },
    () => {
      // Node puts a pipe back as it was when it ends; killed, it leaves it for whoever comes next.
      const spoil = `new (require("node:net").Socket)({ fd: 1 }); process.kill(process.pid, "SIGKILL");`;
      const print = `
      const { standardOut, flushed } = await import(${JSON.stringify(pathToFileURL(streams).href)});
      standardOut.write("ü".repeat(500_000));
      standardOut.write("end\\n");
      await flushed();
      process.exit(0);
    `;
      const script = `{ "$0" -e "$1"; "$0" --input-type=module -e "$2"; } 2>&1 | { sleep 0.3; wc -c; }`;
      const { stdout } = spawnSync("sh", ["-c", script, process.execPath, spoil, print], {
        env: environment(),
        encoding: "utf8",
      });
      assert.match(stdout, /^\s*10000\d\d\s*$/);
    },
  );

  it("may go unread: that is no error", async () => {
    const child = spawn(process.execPath, [cli, "--help"], {
      cwd: home,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    const code = await new Promise((resolve) => {
      child.on("close", resolve);
    });
    assert.equal(code, 0);
    assert.equal(complaints, "");
  });
});
