import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { ImiError } from "../../../../protocol/errors.ts";
import { paintFor } from "../cli/colour.ts";
import { render } from "../cli/output.ts";

/** Where a tool's error carries its code, message and hint for programs; what a model reads is the text. */
export const errorKey = "imi/error";

/** Longest sentence of an error that is passed on: it may quote what it was given. */
const longestText = 2000;

/**
 * An operation's answer: its result as declared, the same as text for clients that know nothing of structured content,
 * and what the command line would have printed, for people.
 */
export const answer = (
  operation: string,
  result: unknown,
  { asked, cwd }: { readonly asked: Readonly<Record<string, unknown>>; readonly cwd: string },
): CallToolResult => {
  const { lines, notes = [] } = render(operation, result, {
    paint: paintFor(false),
    terminal: false,
    now: new Date(),
    cwd,
    asked,
  });
  const text = [...lines, ...notes].join("\n");
  return {
    // Every result of the contract is an object.
    structuredContent: result as Record<string, unknown>,
    content: [
      { type: "text", text: JSON.stringify(result), annotations: { audience: ["assistant"] } },
      { type: "text", text, annotations: { audience: ["user"] } },
    ],
  };
};

/** What kept an operation from being done, so that a model can mend it. */
export const refusal = (error: unknown): CallToolResult => {
  const { code, message, hint } = ImiError.from(error);
  const said = { code, message: shortened(message), hint: hint === null ? null : shortened(hint) };
  const text = [`${said.code}: ${said.message}`, ...(said.hint === null ? [] : [said.hint])].join("\n");
  return { isError: true, content: [{ type: "text", text }], _meta: { [errorKey]: said } };
};

const shortened = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText)}…`);
