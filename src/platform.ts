/** Where the library runs. */

export const isNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

/** Imports a module that a browser's bundler must not look for: Node's own, or one that only Node can use. */
export const load = async <M>(name: string): Promise<M> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as M;
