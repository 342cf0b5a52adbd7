/**
 * What iMi is made for and tested with. `node` is the oldest that VS Code `vscode` brings, and what our own scripts bring
 * along; the manifest's `engines.vscode` says the same. The contract's tests compare them.
 */
export const carried = { node: 24, vscode: "1.125" } as const;

/** The oldest Node-API the SQLite library can be loaded with; an older one takes the process down. */
export const oldestNodeApi = 10;

/** What somebody is told whose Node does not serve. */
export const useNewer = `Use Node ${carried.node} or newer, or VS Code ${carried.vscode} or newer, which brings it`;
