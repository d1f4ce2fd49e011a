/** Versions that stand in every record; written by the build (vite.config.ts). */
declare const __VERSIONS__: Record<string, string>;
export const VERSIONS: Record<string, string> = __VERSIONS__;
