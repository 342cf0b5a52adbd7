import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { runtime } from "../../server/src/doctor/index.ts";
import { carried } from "../../server/src/runtime.ts";

const read = (file: string): string => readFileSync(path.join(import.meta.dirname, "../..", file), "utf8");

describe("the doctor", () => {
  it("is content with the Node that iMi is tested with, and with newer ones", () => {
    assert.equal(runtime(process.versions).result, "ok");
    assert.equal(runtime({ node: `${carried.node + 2}.1.0`, napi: "11" }).result, "ok");
  });

  it("says which Node and which VS Code to use instead of one that is older", () => {
    const untested = runtime({ node: "22.14.0", napi: "10" });
    const tooOld = runtime({ node: "20.20.2", napi: "9" });
    assert.deepEqual([untested.result, tooOld.result], ["warning", "failure"]);
    for (const { hint } of [untested, tooOld]) {
      assert.equal(hint, `Use Node ${carried.node} or newer, or VS Code ${carried.vscode} or newer, which brings it.`);
    }
    assert.equal(runtime({ node: "1.0.0" }).result, "failure");
  });

  it("speaks of the versions the product declares", () => {
    const manifest = JSON.parse(read("package.json")) as {
      readonly engines: { readonly vscode: string };
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    assert.equal(manifest.engines.vscode, `^${carried.vscode}.0`);
    assert.match(manifest.devDependencies["@types/node"] ?? "", new RegExp(`^\\^?${carried.node}\\.`, "u"));
    assert.ok(read("client/src/failures.ts").includes(`Update VS Code to ${carried.vscode} or later`));
  });
});
