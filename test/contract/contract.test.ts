import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { operations } from "../../protocol/contract.ts";
import { ImiError, errorCodes } from "../../protocol/errors.ts";
import { event, eventNames } from "../../protocol/events.ts";
import type { Operation } from "../../protocol/operation.ts";
import { settings } from "../../protocol/settings.ts";
import { hinted } from "../../server/src/hints.ts";
import { readOnly } from "../../server/src/workspace.ts";

const declared: readonly Operation[] = operations;

describe("the contract", () => {
  it("names every operation once, as <entity>.<verb>, with a summary", () => {
    const names = declared.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, summary } of declared) {
      assert.match(name, /^[a-z]+\.[a-z]+(?:-[a-z]+)*$/);
      assert.ok(summary.length > 10 && !summary.endsWith("."), `${name}: ${summary}`);
    }
  });

  it("names every command once, with an example that begins with it", () => {
    const lines = declared.flatMap(({ cli }) => cli);
    assert.equal(new Set(lines.map(({ command }) => command)).size, lines.length);
    for (const { command, examples } of lines)
      assert.ok(
        examples.some((example) => example.includes(`imi ${command}`)),
        command,
      );
  });

  it("takes positionals and fixed values only for parameters that are declared", () => {
    for (const { name, params, cli } of declared) {
      for (const { positionals = [], fixed = {} } of cli) {
        for (const key of [...positionals.map((entry) => entry.replace(/\?$|\.{3}$/u, "")), ...Object.keys(fixed)]) {
          assert.ok(key in params.shape, `${name}: ${key}`);
        }
      }
    }
  });

  it("calls the values of parameters that are declared something short", () => {
    for (const { name, params, valueNames = {} } of declared) {
      for (const [key, called] of Object.entries(valueNames)) {
        assert.ok(key in params.shape, `${name}: ${key}`);
        assert.match(called, /^[A-Z]+$/u);
      }
    }
  });

  it("describes every parameter that stands on the command line", () => {
    for (const { name, params, cli } of declared) {
      if (cli.length === 0) continue;
      for (const [key, schema] of Object.entries(params.shape)) {
        const fixedEverywhere = cli.every(({ fixed = {} }) => key in fixed);
        assert.ok(fixedEverywhere || ((schema as z.ZodType).description ?? "") !== "", `${name}: ${key}`);
      }
    }
  });

  it("can be told as JSON Schema, parameters and results alike", () => {
    for (const { name, params, result } of declared) {
      assert.equal(z.toJSONSchema(params, { io: "input" }).type, "object", name);
      assert.equal(z.toJSONSchema(result).type, "object", name);
    }
  });

  it("is what a restricted workspace goes by: it reads, and changes nothing", () => {
    const reading = declared.filter(({ access }) => access === "read").map(({ name }) => name);
    assert.deepEqual([...readOnly].toSorted(), reading.toSorted());
  });

  it("offers agents as reading exactly what only reads, and says of nothing else that it may be repeated or reaches out", () => {
    for (const { name, access, agents, repeatable, remote } of declared) {
      if (agents !== null) assert.equal(agents === "read", access === "read", name);
      if (agents === null || agents === "read")
        assert.deepEqual([repeatable, remote], [undefined, undefined], `${name}: marks without a use`);
    }
  });

  it("keeps from agents what deletes for good", () => {
    assert.equal(declared.find(({ name }) => name === "trash.empty")?.agents, null);
  });

  it("has dotted event names that an event may carry", () => {
    for (const name of Object.keys(eventNames)) assert.ok(event.shape.name.safeParse(name).success, name);
  });

  it("gives each setting a key of its own in every place it can be set", () => {
    for (const place of ["toml", "vscode", "env"] as const) {
      const keys = Object.values(settings)
        .map((entry) => entry[place])
        .filter((key) => key !== null);
      assert.equal(new Set(keys).size, keys.length, place);
    }
  });
});

describe("an error", () => {
  it("keeps code, sentence and hint on its way through JSON", () => {
    const error = new ImiError("path/taken", "Taken.", { hint: "Choose another." });
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      code: "path/taken",
      message: "Taken.",
      hint: "Choose another.",
    });
  });

  it("says what to do about it, by whatever way it comes out of a workspace", () => {
    for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
      const { hint } = hinted(new ImiError(code, "It went wrong."));
      if (code === "operation/cancelled") assert.equal(hint, null);
      else assert.match(hint ?? "", /^[^ ].{10,}/u, code);
    }
    assert.equal(hinted(new ImiError("path/taken", "Taken.", { hint: "Choose another." })).hint, "Choose another.");
    assert.equal(hinted(new TypeError("x")).code, "internal");
  });

  it("made from anything else is internal, and from an abort is cancelled", () => {
    assert.equal(ImiError.from(new TypeError("x")).code, "internal");
    assert.equal(ImiError.from("x").code, "internal");
    assert.equal(ImiError.from(new DOMException("x", "AbortError")).code, "operation/cancelled");
    assert.ok(Object.keys(errorCodes).every((code) => /^[a-z]+(\/[a-z-]+)?$/.test(code)));
  });
});

describe("the pages", () => {
  const page = (name: string): string => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

  it("explain every setting, with its default", () => {
    const text = page("settings.md");
    for (const { toml, env, summary } of Object.values(settings)) {
      for (const part of [toml, env, summary])
        assert.ok(part === null || text.includes(part), `${toml}: ${part ?? ""}`);
    }
  });

  it("explain every error code, and none that there is not", () => {
    const named = new Set(
      page("errors.md")
        .split("\n")
        .filter((line) => line.startsWith("| `"))
        .flatMap((line) => [...(line.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/gu)].map(([, code]) => code ?? "")),
    );
    assert.deepEqual([...named].toSorted(), Object.keys(errorCodes).toSorted());
  });

  it("of the README are there", () => {
    const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
    for (const [, target] of readme.matchAll(/\]\(([^)#:]+)\)/gu)) {
      assert.ok(existsSync(join(import.meta.dirname, "../..", target ?? "")), target);
    }
  });
});
