import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { told } from "../support/imi.ts";
import { makeScene } from "../support/workspace.ts";

interface Removed {
  readonly work: { readonly answer: string; readonly items: readonly { kind: string; examples: readonly string[] }[] };
  readonly trash: { readonly salvaged: string } | null;
}

it("what shared config moved aside is work like any other, but for what the user's own rules ignore", async () => {
  const scene = makeScene();
  try {
    const place = { cwd: scene.trunk, env: scene.env };
    writeFileSync(join(scene.trunk, ".gitignore"), ".env\n");
    scene.git(scene.trunk, "add", ".gitignore");
    scene.git(scene.trunk, "commit", "-q", "-m", "rules");
    const { worktree } = await told<{ worktree: { path: string } }>(place, "feat", "notes", "--base", "HEAD");
    for (const name of ["notes.md", ".env"]) writeFileSync(join(worktree.path, name), `mine: ${name}\n`);
    mkdirSync(join(scene.container, "sync", "repo"), { recursive: true });
    for (const name of ["notes.md", ".env"]) writeFileSync(join(scene.container, "sync", "repo", name), "shared\n");
    await told(place, "sync");
    assert.equal(readFileSync(join(worktree.path, "notes.md.backup"), "utf8"), "mine: notes.md\n");
    assert.equal(readFileSync(join(worktree.path, ".env.backup"), "utf8"), "mine: .env\n");

    const { work } = await told<Removed>(place, "remove", "feat-notes", "--dry-run");
    assert.equal(work.answer, "work");
    assert.deepEqual(
      work.items.filter(({ kind }) => kind === "untracked").map(({ examples }) => examples),
      [["notes.md.backup"]],
    );
    const { trash } = await told<Removed>(place, "remove", "feat-notes", "--yes");
    await told(place, "trash", "empty", "--yes");
    const salvaged = trash?.salvaged ?? "";
    const files = scene.git(scene.trunk, "ls-tree", "-r", "--name-only", `${salvaged}/worktree`).split("\n");
    assert.ok(files.includes("notes.md.backup"), files.join());
    assert.ok(!files.includes(".env.backup"), "a secret gets into no ref");
    assert.equal(scene.git(scene.trunk, "show", `${salvaged}/worktree:notes.md.backup`), "mine: notes.md\n");
  } finally {
    scene.remove();
  }
});
