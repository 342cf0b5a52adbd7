/** What a client tells its model about this server. Clients cut what is longer than 2 kB, so it is short and the rules come first. */
export const instructions = `iMi gives every piece of work a Git worktree of its own, held by one agent at a time, so that people and agents do not get into each other's way.

- One worktree for one piece of work. \`worktree_create\` with \`agentId\` (an id of your own, the same all the time) makes or opens it and claims it for you. Work and commit in the folder it answers; leave all other worktrees alone, the trunk too.
- Claim before you edit: \`worktree_create\` does, \`claim_take\` does it for a worktree that is there. Keep the claim's \`token\`: tools that act in your name take it with your id, and your shell's commands get both by IMI_AGENT_ID and IMI_CLAIM_TOKEN (\`IMI_AGENT_ID=… IMI_CLAIM_TOKEN=… git commit …\`).
- This server renews your claim as long as your session lasts; afterwards it ends at \`expiresAt\`. \`claim_heartbeat\` tells you whether you still have it: call it after something long, and from a new session.
- \`claim/held\`: somebody else works there. Do not edit; wait with \`claim_take\` and \`wait\`, or take another worktree, or ask the person you work for. \`claim/stale\`: you have lost it. Stop editing, look at \`claim_list\`, and claim anew before you go on.
- When you are done: commit, then \`claim_release\`.
- \`worktree_remove\` loses nothing: work is salvaged first, the folder goes to the trash, \`worktree_restore\` brings it back. Deleting for good, and taking a worktree away from its holder, are a person's decisions and no tools.
- An error has a code, a sentence and a hint. Do what the hint says rather than the same again.`;
