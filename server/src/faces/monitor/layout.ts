import Yoga from "yoga-layout";

/**
 * Resolves when Ink's layout engine can be used. From sources it always can; in the bundle it is an object that is filled
 * while its WebAssembly is compiled (scripts/build/ink.ts), because a CommonJS file cannot wait where it is loaded.
 */
export const layoutLoaded = async (): Promise<void> => {
  const { loading } = Yoga as { readonly loading?: Promise<void> };
  await loading;
};
