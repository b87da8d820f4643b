/** Types of sizes.mjs, for bench/history.ts. */
export declare function measureSizes(): Promise<Record<string, number>>;
export declare function lastRelease(): unknown;
export declare function compareSizes(): Promise<{ sizes: Record<string, number>; lines: string[]; over: string[] }>;
