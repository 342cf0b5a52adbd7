/** Contents of files larger than this are neither read nor shown, in bytes: an editor would not show them either. Without zod. */
export const longestRead = 16 * 1024 * 1024;
