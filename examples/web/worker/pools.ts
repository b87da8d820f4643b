/**
 * Watches the pools and unpools of a model while it runs, and reads what they did to one picture
 * and one channel. Not here: when that is done (view.ts).
 */
import { MaxPool2d, MaxUnpool2d, type Module, PoolIndices, type Tensor, UnpoolLike } from 'cedargrad';
import type { Picture, Unpooling } from '../protocol.js';
import { pictureOf, rangeOf } from './pictures.js';

/** What a pool passed on, and what its unpool made of it. */
export interface Passed {
  /** The pool's input and output. */
  readonly before: Tensor;
  readonly pooled: Tensor;
  readonly indices: PoolIndices;
  /** The output of the unpool that was given these indices. Null if there was none. */
  unpooled: Tensor | null;
}

/** Replaces forward of one layer for a while. `see` is told of each call. */
function watch(layer: Module, see: (inputs: readonly unknown[], output: unknown) => void): () => void {
  const { forward } = layer;
  const watched = (...inputs: unknown[]): unknown => {
    const output = Reflect.apply(forward, layer, inputs);
    see(inputs, output);
    return output;
  };
  // The own property hides the method of the class. It is not enumerable, so that the model does
  // not take it for one of its fields.
  Object.defineProperty(layer, 'forward', { value: watched, configurable: true });
  return () => void Reflect.deleteProperty(layer, 'forward');
}

/** Runs `fn`, and returns its result and what the pools of the model passed on, in their order. */
export function watchPools<T>(model: Module, fn: () => T): { readonly result: T; readonly passes: readonly Passed[] } {
  const passes: Passed[] = [];
  const seePool = ([before]: readonly unknown[], output: unknown): void => {
    const [pooled, indices] = output as [Tensor, PoolIndices];
    passes.push({ before: before as Tensor, pooled, indices, unpooled: null });
  };
  const seeUnpool = ([, indices]: readonly unknown[], output: unknown): void => {
    if (!(indices instanceof PoolIndices)) return;
    const passed = passes.find((p) => p.indices.plane === indices.plane);
    if (passed !== undefined) passed.unpooled = output as Tensor;
  };
  const restore = model.namedModules().flatMap(([, layer]) => {
    if (layer instanceof MaxPool2d) return [watch(layer, seePool)];
    return layer instanceof MaxUnpool2d || layer instanceof UnpoolLike ? [watch(layer, seeUnpool)] : [];
  });
  try {
    return { result: fn(), passes };
  } finally {
    for (const undo of restore) undo();
  }
}

type Windows = Pick<Unpooling, 'kernelSize' | 'stride' | 'padding'>;

/** The windows of the pool that made these indices. */
const windowsOf = ({ height, width }: NonNullable<PoolIndices['geometry']>): Windows => ({
  kernelSize: [height.kernel, width.kernel],
  stride: [height.stride, width.stride],
  padding: [height.before, width.before],
});

/** One picture and one channel of what a pool passed on. */
export interface Level {
  readonly index: number;
  readonly channel: number;
  readonly pictures: number;
  readonly channels: number;
  /** All are [1,H,W,1]. */
  readonly before: Tensor;
  readonly pooled: Tensor;
  readonly indices: Tensor;
  readonly unpooled: Tensor;
  readonly windows: Windows;
}

/** The picture and channel of each pool, or its last ones if it has fewer. */
export function levelsOf(passes: readonly Passed[], index: number, channel: number): Level[] {
  return passes.flatMap(({ before, pooled, indices, unpooled }) => {
    if (unpooled === null || indices.geometry === null) return [];
    const [pictures, , , channels] = before.shape;
    const [i, c] = [Math.min(index, pictures - 1), Math.min(channel, channels - 1)];
    const part = (t: Tensor): Tensor => t.slice([i, i + 1], null, null, [c, c + 1]);
    return [
      {
        ...{ index: i, channel: c, pictures, channels },
        ...{ before: part(before), pooled: part(pooled), unpooled: part(unpooled) },
        // `plane` counts y · W + x, whatever the convention of the indices.
        indices: part(indices.plane),
        windows: windowsOf(indices.geometry),
      },
    ];
  });
}

/**
 * Reads levels from the device. The picture before a pool and the one after it have the same grey
 * for the same value.
 */
export const readLevels = (levels: readonly Level[], inputOf: (index: number) => Picture): Promise<Unpooling[]> =>
  Promise.all(
    levels.map(async ({ index, channel, pictures, channels, before, pooled, indices, unpooled, windows }, level) => {
      const [, height, width] = before.shape;
      const [, rows, columns] = pooled.shape;
      const read = await Promise.all([before, pooled, unpooled, indices].map((t) => t.data()));
      const [beforeValues, pooledValues, unpooledValues, places] = read;
      const range = rangeOf(beforeValues);
      return {
        title: `pool ${level + 1}`,
        ...{ index, channel, pictures, channels, height, width, rows, columns },
        ...windows,
        input: inputOf(index),
        indices: Int32Array.from(places),
        before: pictureOf(beforeValues, { height, width, channels: 1, range }),
        pooled: pictureOf(pooledValues, { height: rows, width: columns, channels: 1, range }),
        unpooled: pictureOf(unpooledValues, { height, width, channels: 1, range: rangeOf(unpooledValues) }),
      };
    }),
  );
