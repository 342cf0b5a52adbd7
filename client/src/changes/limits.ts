/** Contents larger than this are not shown, in bytes: the server does not read them (`server/src/changes/read.ts`). */
export const longestRead = 16 * 1024 * 1024;
