/** Detection of the platform, and imports that depend on it. */

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
