import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";

export const check = z.object({
  name: z.string(),
  result: z.enum(["ok", "warning", "failure"]),
  detail: z.string(),
  hint: z.string().nullable(),
});
export type Check = z.infer<typeof check>;

export const runDoctor = operation({
  name: "doctor.run",
  summary: "Look for what would keep iMi from working, and say what serves",
  access: "read",
  agents: null,
  params: z.object(repositoryParam),
  result: z.object({ checks: z.array(check) }),
  cli: [
    {
      command: "doctor",
      summary: "Look for what would keep iMi from working, and say what serves",
      examples: ["imi doctor", "imi doctor --json"],
    },
  ],
});
