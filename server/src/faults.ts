/**
 * Named points at which a process can be made to die, as by kill -9: `IMI_TEST_FAULT=remove.retired` there at the first passing,
 * `remove.retired:3` at the third. The tests walk through all of them; without the variable this is one comparison.
 */
export const faultPoints = [
  "remove.intended",
  "remove.salvaged",
  "remove.copying",
  "remove.copied",
  "remove.retired",
  "remove.aside",
  "remove.trashed",
  "remove.hiding",
  "remove.hidden",
  "remove.told",
  "restore.intended",
  "restore.shown",
  "restore.folder",
  "restore.rewritten",
  "restore.record",
  "restore.branch",
  "restore.told",
  "empty.intended",
  "empty.salvaged",
  "empty.deleting",
  "empty.deleted",
  "salvage.indexed",
  "salvage.committed",
  "salvage.refs",
  "salvage.verified",
  "create.intended",
  "create.added",
  "create.furnished",
  "claim.registered",
] as const;
export type FaultPoint = (typeof faultPoints)[number];

const [wanted, count = "1"] = (process.env["IMI_TEST_FAULT"] ?? "").split(":");
let left = Number(count);

export const fault = (point: FaultPoint): void => {
  if (wanted !== point) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
};
