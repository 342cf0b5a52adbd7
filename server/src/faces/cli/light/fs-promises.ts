import type * as Promises from "node:fs/promises";

// Stands for node:fs/promises in the command line's bundle. Loading that takes 2 ms, and each of its calls waits for a
// thread, 0.1 to 0.4 ms: a command that reads a dozen small files and ends has no use for either.

const fs = process.getBuiltinModule("node:fs");
const real = (): typeof Promises => process.getBuiltinModule("node:fs/promises");

/** Calls after which signals and timers get their turn: a promise that is done at once lets no one else in. */
const atOnce = 50;
let calls = 0;

type Call = (...args: never[]) => unknown;

// Node declares each function with its overloads twice, here and there; no type says that they are the same ones.
const soon = <Same>(call: Call): Same =>
  (async (...args: never[]) => {
    calls += 1;
    if (calls % atOnce === 0) await new Promise(setImmediate);
    return call(...args);
  }) as Same;

const readAtOnce = soon<typeof Promises.readFile>(fs.readFileSync);

/** A pipe somebody put where a file is expected: waiting for it here, not even Ctrl+C would be heard. */
const mayWait = (file: Parameters<typeof Promises.readFile>[0]): boolean => {
  if (typeof file !== "string") return true;
  try {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === false;
  } catch {
    return false; // reading says why
  }
};

export const access = soon<typeof Promises.access>(fs.accessSync);
export const appendFile = soon<typeof Promises.appendFile>(fs.appendFileSync);
export const chmod = soon<typeof Promises.chmod>(fs.chmodSync);
export const link = soon<typeof Promises.link>(fs.linkSync);
export const lstat = soon<typeof Promises.lstat>(fs.lstatSync);
export const lutimes = soon<typeof Promises.lutimes>(fs.lutimesSync);
export const mkdir = soon<typeof Promises.mkdir>(fs.mkdirSync);
export const mkdtemp = soon<typeof Promises.mkdtemp>(fs.mkdtempSync);
export const readdir = soon<typeof Promises.readdir>(fs.readdirSync);
export const readlink = soon<typeof Promises.readlink>(fs.readlinkSync);
export const realpath = soon<typeof Promises.realpath>(fs.realpathSync.native);
export const rename = soon<typeof Promises.rename>(fs.renameSync);
export const rmdir = soon<typeof Promises.rmdir>(fs.rmdirSync);
export const stat = soon<typeof Promises.stat>(fs.statSync);
export const statfs = soon<typeof Promises.statfs>(fs.statfsSync);
export const symlink = soon<typeof Promises.symlink>(fs.symlinkSync);
export const unlink = soon<typeof Promises.unlink>(fs.unlinkSync);
export const utimes = soon<typeof Promises.utimes>(fs.utimesSync);
export const writeFile = soon<typeof Promises.writeFile>(fs.writeFileSync);

// What may take long is left to the threads.
export const copyFile: typeof Promises.copyFile = (...args) => real().copyFile(...args);
export const cp: typeof Promises.cp = (...args) => real().cp(...args);
export const open: typeof Promises.open = (...args) => real().open(...args);
export const opendir: typeof Promises.opendir = (...args) => real().opendir(...args);
export const readFile = (async (...args: Parameters<typeof Promises.readFile>) =>
  mayWait(args[0]) ? real().readFile(...args) : readAtOnce(...args)) as typeof Promises.readFile;
export const rm: typeof Promises.rm = (...args) => real().rm(...args);
