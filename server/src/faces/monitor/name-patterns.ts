/** Whether a name matches one of the patterns, in which `*` stands for any number of any characters; without any all do. */
export const namesMatching = (patterns: readonly string[]): ((name: string) => boolean) => {
  const expressions = patterns.map((pattern) => new RegExp(`^${pattern.split("*").map(literally).join(".*")}$`, "u"));
  return (name) => expressions.length === 0 || expressions.some((each) => each.test(name));
};

const literally = (text: string): string => text.replace(/[\\^$.|?+()[\]{}/-]/gu, "\\$&");
