/** Detection of the platform, and imports and types that depend on it. */

export const isNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

/**
 * Imports a module that a browser's bundler must not resolve: one of Node's own, or a package that
 * only Node can use.
 */
export const load = async <M>(name: string): Promise<M> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as M;

/**
 * Loads a package synchronously in Node, where the module with the URL `from` finds it. In a
 * training loop that never yields, `load` would never complete. Throws where the package or
 * `process.getBuiltinModule` is missing, as in an old Node or a browser.
 */
export const loadSync = <M>(name: string, from: string): M =>
  process.getBuiltinModule('module').createRequire(from)(name) as M;

// ---- types that not every project has

/** URL, where the project has its type, and otherwise what the library reads of one. */
export type UrlLike = typeof globalThis extends { URL: { prototype: infer T } }
  ? T
  : { readonly href: string; readonly protocol: string };
/**
 * Blob, and so File, where the project has its type, and otherwise what the library reads of one.
 */
export type BlobLike = typeof globalThis extends { Blob: { prototype: infer T } }
  ? T
  : {
      readonly size: number;
      readonly type: string;
      /** The bytes. */
      readonly arrayBuffer: () => Promise<ArrayBuffer>;
    };
/** AbortSignal, where the project has its type, and otherwise what the library reads of one. */
export type AbortSignalLike = typeof globalThis extends { AbortSignal: { prototype: infer T } }
  ? T
  : { readonly aborted: boolean };
