/** Numbers from 0 to 1 that a printed seed brings back (mulberry32). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A seed of today, or the one in the environment to see a failure again; `rounds` likewise. */
export const seeded = (rounds: number): { readonly seed: number; readonly rounds: number } => ({
  seed: Number(process.env["IMI_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31)),
  rounds: Number(process.env["IMI_TEST_ROUNDS"] ?? rounds),
});
