/**
 * The images of a run as data sets: read, brought to the run's size, changed at random, with noise.
 * Not here: which files there are (images.ts), batches (data/loader.ts).
 */
import { type Dataset, mapDataset, split, subset } from '../data/dataset.js';
import type { HostArray } from '../data/host-array.js';
import { type ImageFolder, imageFolder, type SkippedFile } from '../data/image-folder.js';
import { hashedRandom } from '../data/sample-random.js';
import { noise } from '../data/transforms/color.js';
import { compose, fromList, paired } from '../data/transforms/combine.js';
import { crop, pad, resize } from '../data/transforms/geometry.js';
import type { Transform } from '../data/transforms/index.js';
import type { DataConfig, RunConfig } from './config.js';
import { RunError } from './errors.js';

type Pair = [image: HostArray, target: HostArray];
/** An image that is its own target, or an image and its target. */
export type Item = HostArray | Pair;

/** Splits names at random. If any are to be held out, at least one is, and at least one is not. */
export function splitNames(
  names: readonly string[],
  share: number,
  seed: number,
): { training: string[]; validation: string[] } {
  const wanted = Math.max(Math.round(names.length * share), 1);
  const held = share === 0 ? 0 : Math.min(wanted, names.length - 1);
  const numbers: Dataset<number> = { length: names.length, item: (index) => index };
  const nothing = hashedRandom(0);
  const [training, validation] = split(numbers, [names.length - held, held], { seed }).map((part) =>
    Array.from({ length: part.length }, (_, i) => names[part.item(i, nothing) as number] as string).sort(),
  );
  return { training: training as string[], validation: validation as string[] };
}

/**
 * The change that brings an image to the size of the run. Where transforms of the library say it,
 * it is made of them, so that worker threads can do it.
 */
export function fitTransform({ size, fit }: Pick<DataConfig, 'size' | 'fit'>): Transform {
  const [height, width] = size;
  if (fit === 'none') return (image) => image;
  if (fit === 'stretch') return resize(size);
  if (fit === 'crop' && height === width) return compose([resize({ shorter: height }), crop(size)]);
  return (image) => {
    const [from, across] = image.shape as unknown as readonly [number, number];
    const scales = [height / from, width / across] as const;
    if (fit === 'crop') {
      const scale = Math.max(...scales);
      const rows = Math.max(Math.round(from * scale), height);
      const columns = Math.max(Math.round(across * scale), width);
      return crop(size)(resize([rows, columns])(image));
    }
    const scale = Math.min(...scales);
    const inner = (length: number, limit: number): number => Math.min(Math.max(Math.round(length * scale), 1), limit);
    const [rows, columns] = [inner(from, height), inner(across, width)];
    const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
    return pad([top, height - rows - top, left, width - columns - left])(resize([rows, columns])(image));
  };
}

/** The most memory for images that are kept once they are read. @units bytes */
const mostCached = 2 ** 29;

/** Keeps the items of a data set that draws nothing at random, as long as there is room. */
function cached(source: Dataset<Item>): Dataset<Item> {
  const kept = new Map<number, Item>();
  let room = mostCached;
  return {
    length: source.length,
    async item(index, random) {
      const known = kept.get(index);
      if (known !== undefined) return known;
      const item = await source.item(index, random);
      const bytes = [item].flat().reduce((sum, { data }) => sum + data.byteLength, 0);
      if (bytes <= room) {
        room -= bytes;
        kept.set(index, item);
      }
      return item;
    },
  };
}

/** The images of a folder that a run uses. */
export class RunSource {
  readonly #indices: ReadonlyMap<string, number>;

  private constructor(
    private readonly folder: ImageFolder<Item>,
    private readonly config: RunConfig,
    private readonly workers: number,
  ) {
    this.#indices = new Map(folder.files.map((name, i) => [name, i]));
  }

  static async open(config: RunConfig, workers = 0): Promise<RunSource> {
    const { folder, targets, channels, targetChannels, badFiles } = config.data;
    const options = { channels, onError: badFiles };
    const images: ImageFolder<Item> =
      targets === null
        ? await imageFolder(folder, options)
        : await imageFolder(folder, { ...options, targets, targetChannels });
    return new RunSource(images, config, workers);
  }

  /** The names of all images in the folder. */
  get names(): readonly string[] {
    return this.folder.files;
  }
  /** Files that turned out to be bad when they were decoded. */
  get skipped(): readonly SkippedFile[] {
    return this.folder.skipped;
  }

  /** Some images, brought to the size of the run. */
  #part(names: readonly string[]): Dataset<Item> {
    const missing = names.filter((name) => !this.#indices.has(name));
    if (missing.length > 0) {
      const some = missing.slice(0, 3).map((name) => `'${name}'`);
      throw new RunError(
        `${missing.length} of ${names.length} images are missing from '${this.config.data.folder}': ` +
          `${some.join(', ')}${missing.length > 3 ? ', …' : ''}`,
      );
    }
    const indices = names.map((name) => this.#indices.get(name) as number);
    const files = subset(this.folder, indices);
    const fit = fitTransform(this.config.data);
    const fitted: Dataset<Item> =
      this.config.data.targets === null
        ? mapDataset(files as Dataset<HostArray>, fit)
        : mapDataset(files as Dataset<Pair>, ([image, target]): Pair => [fit(image), fit(target)]);
    return this.workers > 0 ? fitted : cached(fitted);
  }

  /** Adds noise to what the model gets. Its target stays. */
  #noisy(source: Dataset<Item>, isFixed: boolean): Dataset<Item> {
    const { noise: std, seed } = this.config;
    if (std === 0) return source;
    const add = noise(std);
    const pairOf = (item: Item): Pair => (Array.isArray(item) ? item : [item, item]);
    if (!isFixed)
      return mapDataset(source, (item, random): Item => {
        const [image, target] = pairOf(item);
        return [add(image, random), target];
      });
    return {
      length: source.length,
      async item(index, random) {
        const [image, target] = pairOf(await source.item(index, random));
        return [add(image, hashedRandom(seed, index)), target];
      },
    };
  }

  /** Images to train on, changed at random. */
  training(names: readonly string[]): Dataset<Item> {
    const { transforms, data } = this.config;
    const images = this.#part(names);
    if (transforms.length === 0) return this.#noisy(images, false);
    const change = fromList(transforms);
    const changed: Dataset<Item> =
      data.targets === null
        ? mapDataset(images as Dataset<HostArray>, change)
        : mapDataset(images as Dataset<Pair>, paired(change) as (pair: Pair) => Pair);
    return this.#noisy(changed, false);
  }

  /** Images to measure. They are the same each time, and so is their noise. */
  measured(names: readonly string[]): Dataset<Item> {
    return this.#noisy(this.#part(names), true);
  }
}
