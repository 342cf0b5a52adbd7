/** As `agentIdPattern` of protocol/claims.ts, which would bring zod; a test compares the two. */
export const agentId = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}$/u;

/** An id for a person, from the first of these names that leaves something of itself: `Jane Doé` is `jane-doe`. */
export function suggestedId(...names: readonly (string | undefined)[]): string {
  const ids = names.map((name) =>
    (name ?? "")
      .normalize("NFKD")
      .toLowerCase()
      .replaceAll(/\p{Mn}/gu, "")
      .replaceAll(/[^a-z0-9._@]+/gu, "-")
      .replace(/^[^a-z0-9]+/u, "")
      .slice(0, 100)
      .replace(/-+$/u, ""),
  );
  return ids.find((id) => agentId.test(id)) ?? "me";
}
