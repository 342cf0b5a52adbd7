// What a call of `imi` loads of Node: each of these parts costs it 2 to 10 ms, and creeps in by one import (decision 0007).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { makeScene } from "../support/workspace.ts";
import type { Scene } from "../support/workspace.ts";

const bundle = fileURLToPath(new URL("../../dist/cli.cjs", import.meta.url));

describe("a call of the command line from nothing", { skip: process.platform === "win32" }, () => {
  let scene: Scene;
  let spy: string;
  before(() => {
    scene = makeScene();
    mkdirSync(join(scene.root, "spy"));
    spy = join(scene.root, "spy/parts.cjs");
    const list = `process.moduleLoadList.filter((name) => name.startsWith("NativeModule ")).map((name) => name.slice(13))`;
    writeFileSync(
      spy,
      `process.on("exit", () => require("node:fs").writeFileSync(process.env.SPY_FILE, JSON.stringify(${list})));`,
    );
  });
  after(() => scene.remove());

  /** The parts of Node that are there at the end of a call. */
  const loadedBy = (...args: string[]): Set<string> => {
    const told = join(scene.root, "spy/told.json");
    const env = { ...scene.env, SPY_FILE: told };
    execFileSync(process.execPath, ["--require", spy, bundle, ...args], { cwd: scene.trunk, env, stdio: "pipe" });
    // process.moduleLoadList is Node's own list of names.
    return new Set(JSON.parse(readFileSync(told, "utf8")) as string[]);
  };
  const dear = ["crypto", "net", "child_process", "stream", "fs/promises", "timers/promises", "http", "readline"];

  it("loads no dear part of Node for a list without status", () => {
    loadedBy("list", "--json"); // meets the repository
    const loaded = loadedBy("list", "--json", "--no-status");
    assert.deepEqual(
      dear.filter((name) => loaded.has(name)),
      [],
    );
  });

  it("loads of them only what starts git for a list with status", () => {
    const loaded = loadedBy("list", "--json");
    const ofProcesses = new Set(["net", "child_process", "stream"]);
    assert.deepEqual(
      dear.filter((name) => loaded.has(name) && !ofProcesses.has(name)),
      [],
    );
  });
});
