/** What a client tells its model about this server; clients cut long ones, so the rules come first. */
export const instructions = `iMi gives every piece of work a Git worktree of its own, so that people and agents do not get into each other's way.

- One worktree for one piece of work: \`worktree_create\` makes it, or opens the one that is there. Work and commit in the folder it answers; leave all other worktrees, the trunk too, alone.
- Removing (\`worktree_remove\`) loses nothing: work is salvaged first, the folder goes to the trash, \`worktree_restore\` brings it back. \`worktree_work\` says beforehand what a worktree holds. Deleting for good is a person's decision, and no tool.
- An error has a code, a sentence and a hint of what to do. Do what the hint says rather than trying the same again.`;
