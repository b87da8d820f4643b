/** Detection of the platform, and imports that depend on it. */

export const isNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

/**
 * Imports a module that a browser's bundler must not resolve: one of Node's own, or a package that
 * only Node can use.
 */
export const load = async <M>(name: string): Promise<M> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as M;
