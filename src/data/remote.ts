/**
 * How worker threads make the items of a data set: a description that can be sent to a thread, and
 * what is left to do with its items here. Not here: the threads (pool.ts), the making of a data set
 * from a description (recipe.ts).
 */
import type { RandomGenerator } from '../values/generator.js';
import type { ImageList, SkippedFile } from './image-folder.js';
import { describe, type ItemDescription } from './transforms/step.js';

/** A data set as plain data, which a thread makes again. */
export type Recipe =
  | { readonly kind: 'images'; readonly list: ImageList; readonly id: number }
  | { readonly kind: 'module'; readonly url: string; readonly name: string; readonly argument: unknown }
  | { readonly kind: 'map'; readonly of: Recipe; readonly fn: ItemDescription }
  | { readonly kind: 'subset'; readonly of: Recipe; readonly indices: Int32Array }
  | { readonly kind: 'concat'; readonly of: readonly Recipe[] };

/** A file that a thread has skipped, and of which recipe. */
export interface SkippedReport extends SkippedFile {
  readonly id: number;
}

/** The part of a data set that threads do, and the rest. */
export interface Remote {
  readonly recipe: Recipe;
  /** Finishes an item here, by functions that cannot be sent to a thread. */
  finish?(item: unknown, index: number, random: RandomGenerator): unknown;
  /** Takes note of files that threads have skipped. */
  report?(skipped: readonly SkippedReport[]): void;
}

type ItemFunction = (item: unknown, random: RandomGenerator) => unknown;

/** With a function of each item. One of the library's transforms runs in the threads. */
export function mapRemote(remote: Remote | undefined, fn: ItemFunction): Remote | undefined {
  if (remote === undefined) return undefined;
  const { recipe, finish } = remote;
  const description = describe(fn);
  if (description !== undefined && finish === undefined)
    return { ...remote, recipe: { kind: 'map', of: recipe, fn: description } };
  return {
    ...remote,
    finish: async (item, index, random) => fn(finish === undefined ? item : await finish(item, index, random), random),
  };
}

export function subsetRemote(remote: Remote | undefined, indices: Int32Array): Remote | undefined {
  if (remote === undefined) return undefined;
  const { recipe, finish } = remote;
  return {
    ...remote,
    recipe: { kind: 'subset', of: recipe, indices },
    finish: finish && ((item, index, random) => finish(item, indices[index] as number, random)),
  };
}

export function concatRemote(
  datasets: readonly { readonly length: number; readonly remote?: Remote }[],
): Remote | undefined {
  const parts = datasets.map(({ length, remote }) => ({ length, remote }));
  if (parts.some(({ remote }) => remote === undefined)) return undefined;
  return {
    recipe: { kind: 'concat', of: parts.map(({ remote }) => (remote as Remote).recipe) },
    finish: parts.some(({ remote }) => remote?.finish !== undefined)
      ? (item, index, random) => {
          let at = index;
          for (const { length, remote } of parts) {
            if (at < length) return remote?.finish === undefined ? item : remote.finish(item, at, random);
            at -= length;
          }
          return item;
        }
      : undefined,
    report(skipped) {
      for (const { remote } of parts) remote?.report?.(skipped);
    },
  };
}
