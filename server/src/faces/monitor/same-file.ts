/** sameFileMs of the contract, whose file would bring zod along; test/contract compares the two. */
export const sameFileMs = 60_000;
