import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** What the model says in one turn. */
export type Turn =
  | { readonly text: string }
  | { readonly tool: string; readonly input: Readonly<Record<string, unknown>> };

/** A tool's answer as the model gets it. */
export interface ToolAnswer {
  readonly text: string;
  readonly failed: boolean;
}

interface Block {
  readonly type: string;
  readonly content?: unknown;
  readonly is_error?: boolean;
}

interface Request {
  readonly model: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[];
}

/**
 * A model on loopback, speaking Anthropic's Messages API as far as an agent program needs it: `next` decides each turn of
 * the conversation that has tools from the answers so far. What a program asks beside it (a title) gets a word.
 */
export class Model implements AsyncDisposable {
  readonly #server: Server;
  readonly url: string;
  /** Tools the program offered in the conversation, by name. */
  readonly tools: ReadonlySet<string>;

  private constructor(server: Server, tools: ReadonlySet<string>) {
    this.#server = server;
    this.tools = tools;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the model has no port");
    this.url = `http://127.0.0.1:${address.port}`;
  }

  static async start(next: (answers: readonly ToolAnswer[]) => Turn): Promise<Model> {
    const tools = new Set<string>();
    const server = createServer((request, response) => {
      answer(request, response, tools, next).catch((error: unknown) => {
        response.writeHead(400, { "content-type": "application/json" });
        response.end(
          JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: String(error) } }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Model(server, tools);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  offered: Set<string>,
  next: (answers: readonly ToolAnswer[]) => Turn,
): Promise<void> => {
  const body = await text(request);
  const path = request.url?.split("?")[0];
  if (request.method !== "POST" || path !== "/v1/messages") {
    response.writeHead(path === "/v1/messages/count_tokens" ? 200 : 404, { "content-type": "application/json" });
    response.end('{"input_tokens":1}');
    return;
  }
  const asked: Request = JSON.parse(body);
  const names = (asked.tools ?? []).map(({ name }) => name);
  const conversation = names.length > 0;
  for (const name of names) offered.add(name);
  const turn = conversation ? next(answersIn(asked)) : { text: "Work" };
  const message = messageOf(asked.model, turn);
  if (asked.stream === true) stream(response, message);
  else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(message));
};

const answersIn = ({ messages }: Request): ToolAnswer[] =>
  messages
    .flatMap(({ content }) => (typeof content === "string" ? [] : content))
    .filter(({ type }) => type === "tool_result")
    .map(({ content, is_error: failed }) => ({
      text: typeof content === "string" ? content : JSON.stringify(content),
      failed: failed === true,
    }));

let made = 0;

const messageOf = (model: string, turn: Turn) => {
  made += 1;
  const content =
    "text" in turn
      ? [{ type: "text", text: turn.text }]
      : [{ type: "tool_use", id: `toolu_${made}`, name: turn.tool, input: turn.input }];
  return {
    ...{ id: `msg_${made}`, type: "message", role: "assistant", model, content },
    stop_reason: "text" in turn ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  };
};

const stream = (response: ServerResponse, message: ReturnType<typeof messageOf>): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const say = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  say("message_start", { message: { ...message, content: [], stop_reason: null } });
  for (const [index, block] of message.content.entries()) {
    if ("text" in block) {
      say("content_block_start", { index, content_block: { type: "text", text: "" } });
      say("content_block_delta", { index, delta: { type: "text_delta", text: block.text } });
    } else {
      say("content_block_start", { index, content_block: { ...block, input: {} } });
      say("content_block_delta", {
        index,
        delta: { type: "input_json_delta", partial_json: JSON.stringify("input" in block ? block.input : {}) },
      });
    }
    say("content_block_stop", { index });
  }
  say("message_delta", {
    delta: { stop_reason: message.stop_reason, stop_sequence: null },
    usage: { output_tokens: 1 },
  });
  say("message_stop", {});
  response.end();
};
