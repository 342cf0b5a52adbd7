/** The version of this build: replaced in bundles by package.json's; a checkout run from source says so. */
declare const IMI_VERSION: string | undefined;

export const version: string = typeof IMI_VERSION === "string" ? IMI_VERSION : "0.0.0-source";
