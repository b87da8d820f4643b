/**
 * A data set of image files: PNG and JPEG in Node, and in a page every format that the browser
 * reads. An image is decoded when its item is asked for. Not here: the search for files
 * (image-files.ts), decoding (decode.ts), changes of images (transforms/).
 */

import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { CedarError, DeviceError, FormatError, ValueError } from '../errors.js';
import type { BlobLike, UrlLike } from '../platform.js';
import { checkIndex, type Dataset } from './dataset.js';
import { type Channels, checkChannels, decodeImage, toHostArray } from './decode.js';
import type { HostArray } from './host-array.js';
import { endings, type ImageFile, type ImageSource, imageFiles, readBytes, withoutEnding } from './image-files.js';
import type { Decoded } from './jpeg.js';

/** Options of `imageFolder`. */
export interface ImageFolderOptions {
  /** 1 for grey, 3 for RGB, 4 for RGB and alpha. Default 3. */
  readonly channels?: Channels;
  /** Whether items have a label, the number of the first folder on the image's path. */
  readonly classes?: boolean;
  /** A second folder or list with an image of the same name for each, such as a mask. */
  readonly targets?: ImageSource;
  /** Default: as `channels`. */
  readonly targetChannels?: Channels;
  /** 'throw' (the default) names a bad file; 'skip' takes the next sound one in its place. */
  readonly onError?: 'throw' | 'skip';
  /** Endings of image files. Default png, jpg, jpeg; in a page also webp, gif, bmp and avif. */
  readonly extensions?: readonly string[];
  /** Keep decoded images, one byte per channel of each pixel. Default false. */
  readonly cache?: boolean;
}

const folderOptions: OptionNames<ImageFolderOptions> = {
  channels: 'value',
  classes: 'flag',
  targets: 'value',
  targetChannels: 'value',
  onError: 'value',
  extensions: 'value',
  cache: 'flag',
};

/** A file that could not be read. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** A data set of image files. */
export interface ImageFolder<T> extends Dataset<T> {
  /** Names of the images, as paths from the folder, in the order of the items. */
  readonly files: readonly string[];
  /** Names of the classes, sorted; a label is an index into them. Empty without `classes`. */
  readonly classes: readonly string[];
  /** The files that were skipped so far. */
  readonly skipped: readonly SkippedFile[];
}

/** An image [H,W,C] and its label, an int32 of shape []. */
export type LabelledImage = [image: HostArray, label: HostArray];
/** An image [H,W,C] and its target [H′,W′,C′]. */
export type ImagePair = [image: HostArray, target: HostArray];

/** What a data set of images is made of. Worker threads make the same one of it. */
export interface ImageList {
  readonly op: string;
  readonly images: readonly ImageFile[];
  readonly channels: Channels;
  readonly labels: readonly number[] | null;
  readonly targets: readonly ImageFile[] | null;
  readonly targetChannels: Channels;
  readonly onError: 'throw' | 'skip';
  readonly cache: boolean;
}

/** The most files that are read and decoded at a time, which bounds memory and open files. */
const mostAtOnce = 8;

/** Lets a few calls run at a time. */
class Turnstile {
  #free = mostAtOnce;
  readonly #waiting: (() => void)[] = [];

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((enter) => this.#waiting.push(enter));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** Why an image could not be read, in words that follow its name. */
function reasonOf(error: unknown): string {
  if (error instanceof CedarError) return `${error.rule}; got ${error.got}`;
  return (error as Error).message;
}

/** Reads and decodes files, each by its name in errors. */
export class ImageReader {
  readonly #turnstile = new Turnstile();
  readonly #decoded = new Map<ImageFile, Decoded>();

  constructor(
    private readonly op: string,
    private readonly hint = '',
    private readonly cache = false,
  ) {}

  async read(file: ImageFile, channels: Channels): Promise<HostArray> {
    const known = this.#decoded.get(file);
    if (known !== undefined) return toHostArray(known, channels);
    return this.#turnstile.pass(async () => {
      try {
        const decoded = await decodeImage(await readBytes(file));
        if (this.cache) this.#decoded.set(file, decoded);
        return toHostArray(decoded, channels);
      } catch (error) {
        if (error instanceof DeviceError) throw error;
        const bad = new FormatError(
          this.op,
          'every image must be readable',
          `'${file.name}': ${reasonOf(error)}`,
          this.hint,
        );
        bad.cause = error;
        throw bad;
      }
    });
  }
}

/** The data set of checked files. */
export class ListedImages {
  readonly length: number;
  readonly skipped: SkippedFile[] = [];
  readonly #reader: ImageReader;
  readonly #bad = new Set<number>();

  constructor(private readonly list: ImageList) {
    this.length = list.images.length;
    this.#reader = new ImageReader(
      list.op,
      list.onError === 'throw' ? "repair or remove the file, or pass onError: 'skip'" : '',
      list.cache,
    );
  }

  async item(index: number): Promise<HostArray | LabelledImage | ImagePair> {
    const { op, onError } = this.list;
    checkIndex(op, index, this.length);
    for (let tries = 0; tries < this.length; tries++) {
      const at = (index + tries) % this.length;
      if (this.#bad.has(at)) continue;
      try {
        return await this.#load(at);
      } catch (error) {
        if (onError === 'throw' || !(error instanceof FormatError)) throw error;
        if (!this.#bad.has(at)) {
          this.#bad.add(at);
          this.skipped.push({ file: this.list.images[at]?.name ?? '', reason: error.got });
        }
      }
    }
    throw new FormatError(op, 'an image must be readable', `${this.length} files, all bad`, this.skipped[0]?.reason);
  }

  async #load(at: number): Promise<HostArray | LabelledImage | ImagePair> {
    const { images, channels, labels, targets, targetChannels } = this.list;
    const image = this.#reader.read(images[at] as ImageFile, channels);
    if (labels !== null) return [await image, { data: Int32Array.of(labels[at] as number), shape: [] }];
    if (targets === null) return image;
    return Promise.all([image, this.#reader.read(targets[at] as ImageFile, targetChannels)]);
  }
}

/** The class of each file: the first folder on its path. */
function classify(op: string, files: readonly ImageFile[]): { classes: string[]; labels: number[] } {
  const names = files.map(({ name }) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : ''));
  const outside = names.indexOf('');
  if (outside >= 0)
    throw new ValueError(
      op,
      'with classes, every image must be in a folder of its class',
      `'${files[outside]?.name}'`,
      'move it into one, or leave out classes',
    );
  const classes = [...new Set(names)].sort();
  return { classes, labels: names.map((name) => classes.indexOf(name)) };
}

/** The target of each image, which has the same path up to the ending. */
function pair(op: string, images: readonly ImageFile[], targets: readonly ImageFile[]): ImageFile[] {
  const byStem = new Map<string, ImageFile>();
  for (const target of targets) {
    const stem = withoutEnding(target.name);
    const other = byStem.get(stem);
    if (other !== undefined)
      throw new ValueError(op, 'an image must have one target', `'${other.name}' and '${target.name}'`);
    byStem.set(stem, target);
  }
  const without = images.filter(({ name }) => !byStem.has(withoutEnding(name)));
  if (without.length > 0) {
    const some = without.slice(0, 3).map(({ name }) => `'${name}'`);
    throw new ValueError(
      op,
      'every image must have a target of the same name',
      `${without.length} of ${images.length} without one: ${some.join(', ')}${without.length > 3 ? ', …' : ''}`,
      'the ending may differ',
    );
  }
  return images.map(({ name }) => byStem.get(withoutEnding(name)) as ImageFile);
}

function checkEndings(op: string, extensions: readonly string[]): string[] {
  const isSound = Array.isArray(extensions) && extensions.length > 0 && extensions.every((e) => typeof e === 'string');
  if (!isSound)
    throw new ValueError(op, "extensions must be a list such as ['png']", `extensions=${shown(extensions)}`);
  return extensions.map((ending) => ending.replace(/^\./, '').toLowerCase());
}

/**
 * The images of a folder and the folders below it, or of a list of paths, URLs or File objects,
 * sorted by name. An item is an image [H,W,C]; with `classes` or `targets` it is a pair.
 *
 * Node reads PNG and JPEG. A page reads File objects and URLs, of every format that the browser
 * knows. JPEGs are turned as their Exif orientation says. 16-bit PNGs are rounded to 8 bits, and
 * palettes become colors. RGB becomes grey by its luma (ITU-R BT.601), grey becomes RGB by
 * repetition. Without channels: 4, alpha is dropped, and colors under transparent pixels stay.
 *
 * Files are opened when their items are asked for, so a bad one is found then.
 * @shape → images [H,W,C], labels [], targets [H′,W′,C′]
 * @units 0 … 255 → 0 … 1
 * @throws ValueError for a folder that is missing or has no image, an image without class or
 * target; DeviceError for a folder in a page; FormatError, at its item, for a file that is damaged
 * or cut short
 * @source torchvision.datasets.ImageFolder
 */
export function imageFolder(
  source: ImageSource,
  options: ImageFolderOptions & { readonly classes: true },
): Promise<ImageFolder<LabelledImage>>;
export function imageFolder(
  source: ImageSource,
  options: ImageFolderOptions & { readonly targets: ImageSource },
): Promise<ImageFolder<ImagePair>>;
export function imageFolder(source: ImageSource, options?: ImageFolderOptions): Promise<ImageFolder<HostArray>>;
export async function imageFolder(
  source: ImageSource,
  options: ImageFolderOptions = {},
): Promise<ImageFolder<HostArray | LabelledImage | ImagePair>> {
  const op = 'imageFolder';
  knownOptions(op, options, folderOptions);
  const { channels = 3, classes = false, targets, onError = 'throw', cache = false } = options;
  const { targetChannels = channels } = options;
  checkChannels(op, 'channels', channels);
  checkChannels(op, 'targetChannels', targetChannels);
  if (onError !== 'throw' && onError !== 'skip')
    throw new ValueError(op, "onError must be 'throw' or 'skip'", `onError=${shown(onError)}`);
  if (classes && targets !== undefined)
    throw new ValueError(op, 'items have either classes or targets', 'both classes and targets');
  const wanted = options.extensions === undefined ? endings() : checkEndings(op, options.extensions);
  const images = await imageFiles(op, 'source', source, wanted);
  const labelled = classes ? classify(op, images) : null;
  const paired = targets === undefined ? null : pair(op, images, await imageFiles(op, 'targets', targets, wanted));
  return listedImages(
    {
      op,
      images,
      channels,
      labels: labelled?.labels ?? null,
      targets: paired,
      targetChannels,
      onError,
      cache,
    },
    labelled?.classes,
  );
}

/** The number of lists so far, which tells them apart in the reports of threads. */
let lists = 0;

/** The data set of files that have been found. */
export function listedImages(
  list: ImageList,
  classes: readonly string[] = [],
): ImageFolder<HostArray | LabelledImage | ImagePair> {
  const listed = new ListedImages(list);
  const { skipped } = listed;
  const id = lists++;
  return {
    length: listed.length,
    files: list.images.map(({ name }) => name),
    classes,
    skipped,
    item: (index) => listed.item(index),
    remote: {
      recipe: { kind: 'images', list, id },
      report(found) {
        for (const { id: of, file, reason } of found)
          if (of === id && !skipped.some((other) => other.file === file)) skipped.push({ file, reason });
      },
    },
  };
}

/**
 * One image file: a path, URL or File object, as in `imageFolder`.
 * @shape → [H,W,C]
 * @units 0 … 255 → 0 … 1
 * @throws ValueError for a bad argument; FormatError if the file is missing, damaged or cut short
 */
export async function readImage(
  source: string | UrlLike | BlobLike,
  options: Pick<ImageFolderOptions, 'channels'> = {},
): Promise<HostArray> {
  const op = 'readImage';
  knownOptions(op, options, { channels: 'value' });
  const { channels = 3 } = options;
  checkChannels(op, 'channels', channels);
  const [file] = await imageFiles(op, 'source', [source], endings());
  return new ImageReader(op).read(file as ImageFile, channels);
}
