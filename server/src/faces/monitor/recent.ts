import type { Agent } from "../../../../protocol/claims.ts";
import { age } from "./ages.ts";
import type { Happening, Sign } from "./happenings.ts";
import { piece, type Line, type Piece } from "./lines.ts";

const signs: Readonly<Record<Sign, Piece>> = {
  added: { text: "+", tone: "good" },
  modified: { text: "●", tone: "warning" },
  deleted: { text: "-", tone: "bad" },
  commit: { text: "◆", tone: "name" },
  claim: { text: "⚑", tone: "name" },
  worktree: { text: "○", tone: "plain" },
  conflict: { text: "!", tone: "bad" },
};

/** `2s ago  ● feat-api src/api.ts  claude-1` */
export const happeningLine = (
  { at, worktree, agent, sign, text }: Happening,
  now: number,
  about: "all worktrees" | "one worktree",
): Line => [
  { text: `${age(at, now)} ago`.padStart(7), tone: now - at < 60_000 ? "strong" : "faint" },
  { text: " ", tone: "plain" },
  signs[sign],
  { text: " ", tone: "plain" },
  ...(about === "one worktree" || worktree === null ? [] : [piece(worktree, "name"), piece(" ")]),
  piece(text),
  ...(agent === null || sign === "claim" ? [] : [piece(`  ${agent}`, "faint")]),
];

/** How long after its last sign of life an agent still counts as being at work, in ms. */
const presentMs = 120_000;

export const agentLine = ({ id, kind, provider, worktree, lastSeen }: Agent, now: number): Line => {
  const seen = Date.parse(lastSeen);
  const present = now - seen < presentMs;
  return [
    present ? { text: "● ", tone: "good" } : { text: "○ ", tone: "faint" },
    piece(id, present ? "strong" : "plain"),
    { text: " ", tone: "plain" },
    ...(worktree === null ? [] : [piece(worktree.name, "name"), piece(" ")]),
    { text: `${age(seen, now)} ago`, tone: "faint" },
    piece(`  ${provider === null ? kind : `${kind}, ${provider}`}`, "faint"),
  ];
};
