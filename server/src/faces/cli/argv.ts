import { ImiError } from "../../../../protocol/errors.ts";

/**
 * The words of a command such as $EDITOR, as a POSIX shell would split it, but without a shell: quotes and backslashes
 * work; variables, globs and `;` are plain characters.
 */
export const splitCommand = (text: string, variable: string): string[] => {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== null) {
      if (character === quote) quote = null;
      else if (quote === '"' && character === "\\" && /["\\$`]/u.test(text.charAt(index + 1)))
        word = (word ?? "") + text.charAt(++index);
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (character === "\\" && index + 1 < text.length) word = (word ?? "") + text.charAt(++index);
    else if (/\s/u.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + character;
  }
  if (quote !== null) {
    throw new ImiError("usage/invalid", `${variable} has a ${quote} without its partner: ${text}`, {
      hint: `Write it as in a shell: ${variable}="'/path with spaces/editor' --wait"`,
    });
  }
  return word === null ? words : [...words, word];
};
