import { ErrorCode, type GetPromptResult, McpError, type Prompt } from "@modelcontextprotocol/sdk/types.js";

export const prompts: readonly Prompt[] = [
  {
    name: "work",
    description: "Do a piece of work in a worktree of its own",
    arguments: [{ name: "task", description: "what is to be done", required: true }],
  },
];

export const prompt = (name: string, given: Readonly<Record<string, string>>): GetPromptResult => {
  const task = given["task"]?.trim() ?? "";
  if (name !== "work") throw new McpError(ErrorCode.InvalidParams, "There is no such prompt.");
  if (task === "") throw new McpError(ErrorCode.InvalidParams, "The prompt `work` needs `task`: what is to be done.");
  const text = `Do this in a Git worktree of its own: ${task}

Make the worktree with \`worktree_create\` (type feat, fix, aiops or devops, a short name for the work, and an \`agentId\` of your own, which claims it for you). Work only in the folder it answers and commit there in small steps with IMI_AGENT_ID and IMI_CLAIM_TOKEN set. The claim is renewed for you; after something long \`claim_heartbeat\` tells whether you still have it. At the end give it back with \`claim_release\`, and say which branch the work is on.`;
  return { messages: [{ role: "user", content: { type: "text", text } }] };
};
