/**
 * Transforms that change values and leave pixels in their places: brightness, contrast, noise,
 * normalisation, grey. They leave the alpha of an image of four channels alone. Not here: moving
 * pixels (geometry.ts).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { luma } from '../decode.js';
import type { HostArray } from '../host-array.js';
import type { SeedOptions } from './geometry.js';
import {
  arrayLike,
  between,
  checkFactors,
  checkFloats,
  opOf,
  type Step,
  seeded,
  type Transform,
  transformOf,
} from './step.js';

const seedOptions: OptionNames<SeedOptions> = { seed: 'value' };

const clamp = (value: number): number => Math.min(Math.max(value, 0), 1);

/** The number of channels that are colors. */
const colorsOf = (channels: number): number => (channels === 4 ? 3 : channels);

/** A new image of `value(old, index)` in place of each color. */
function changed({ data, shape }: HostArray, value: (old: number, index: number) => number): HostArray {
  const channels = shape[2] as number;
  const colors = colorsOf(channels);
  const out = data.slice();
  for (let i = 0; i < out.length; i += channels)
    for (let c = 0; c < colors; c++) out[i + c] = value(data[i + c] as number, i + c);
  return { data: out, shape };
}

/** A step that changes colors by a random factor. */
function scaling(
  name: 'brightness' | 'contrast',
  amount: number | readonly [number, number],
  options: SeedOptions,
  apply: (image: HostArray, factor: number) => HostArray,
): Transform {
  const op = opOf(name);
  const factors = checkFactors(op, amount);
  knownOptions(op, options, seedOptions);
  const step: Step<number> = {
    description: { name, amount: factors },
    isGeometric: false,
    draw: (_, random) => between(random, factors),
    apply(image, factor) {
      checkFloats(op, image);
      return apply(image, factor);
    },
  };
  return transformOf(op, [seeded(op, options.seed, step)]);
}

/**
 * Multiplies colors by a random factor and limits them to 0 … 1. An amount a draws the factor from
 * [1 − a, 1 + a], and two numbers from their range. Put it before `normalize`.
 * @shape [H,W,C] → [H,W,C]
 * @units 0 … 1
 * @throws ValueError for an amount that is negative
 * @source torchvision.transforms.ColorJitter(brightness)
 */
export const brightness = (amount: number | readonly [number, number], options: SeedOptions = {}): Transform =>
  scaling('brightness', amount, options, (image, factor) => changed(image, (value) => clamp(value * factor)));

/** The mean of an image's grey. */
function meanGrey({ data, shape }: HostArray): number {
  const channels = shape[2] as number;
  const isColor = channels >= 3;
  let sum = 0;
  for (let i = 0; i < data.length; i += channels)
    sum += isColor ? luma(data[i] as number, data[i + 1] as number, data[i + 2] as number) : (data[i] as number);
  return sum / (data.length / channels);
}

/**
 * Multiplies the distance of colors from the image's mean grey by a random factor, and limits them
 * to 0 … 1. Amounts are those of `brightness`.
 * @shape [H,W,C] → [H,W,C]
 * @units 0 … 1
 * @throws ValueError for an amount that is negative
 * @source torchvision.transforms.ColorJitter(contrast)
 */
export const contrast = (amount: number | readonly [number, number], options: SeedOptions = {}): Transform =>
  scaling('contrast', amount, options, (image, factor) => {
    const mean = meanGrey(image);
    return changed(image, (value) => clamp(mean + (value - mean) * factor));
  });

/** Options of `noise`. */
export interface NoiseOptions extends SeedOptions {
  /** Whether values are limited to 0 … 1. Default false. */
  readonly clamp?: boolean;
}
const noiseOptions: OptionNames<NoiseOptions> = { ...seedOptions, clamp: 'flag' };

/**
 * Adds normal noise with the given standard deviation.
 * @shape [H,W,C] → [H,W,C]
 * @throws ValueError for a standard deviation that is negative
 * @source torchvision.transforms.v2.GaussianNoise
 */
export function noise(std: number, options: NoiseOptions = {}): Transform {
  const op = opOf('noise');
  checkNumber(op, 'std', std, (v) => v >= 0 && v < Infinity, 'finite and not negative');
  knownOptions(op, options, noiseOptions);
  const { clamp: limits = false, seed } = options;
  return transformOf(op, [
    seeded(op, seed, {
      description: { name: 'noise', std, clamp: limits },
      isGeometric: false,
      draw: (shape, random) => random.randn((shape[0] as number) * (shape[1] as number) * (shape[2] as number)),
      apply(image, normal: Float64Array) {
        checkFloats(op, image);
        return changed(image, (value, i) => {
          const noisy = value + std * (normal[i] as number);
          return limits ? clamp(noisy) : noisy;
        });
      },
    }),
  ]);
}

/** A number, or one per channel. */
export type PerChannel = number | readonly number[];

function checkPerChannel(op: string, name: string, given: PerChannel, legal: (v: number) => boolean): number[] {
  const list = typeof given === 'number' ? [given] : Array.isArray(given) ? Array.from(given) : [];
  if (list.length === 0 || !list.every((v) => typeof v === 'number' && Number.isFinite(v) && legal(v)))
    throw new ValueError(
      op,
      `${name} must be a finite number${name === 'std' ? ' above 0' : ''}, or one per channel`,
      `${name}=${shown(given)}`,
    );
  return list;
}

/**
 * Subtracts the mean and divides by the standard deviation, one number for all channels or one for
 * each.
 * @shape [H,W,C] → [H,W,C]
 * @throws ValueError for a std of 0; ShapeError for an image of other channels
 * @source torchvision.transforms.Normalize
 */
export function normalize(mean: PerChannel, std: PerChannel): Transform {
  const op = opOf('normalize');
  const means = checkPerChannel(op, 'mean', mean, () => true);
  const deviations = checkPerChannel(op, 'std', std, (v) => v > 0);
  return transformOf(op, [
    {
      description: { name: 'normalize', mean, std },
      isGeometric: false,
      draw(shape) {
        for (const [name, list] of Object.entries({ mean: means, std: deviations }))
          if (list.length !== 1 && list.length !== shape[2])
            throw new ShapeError(
              op,
              `${name} must have one number per channel`,
              `${list.length} for an image of ${show(shape)}`,
            );
      },
      apply(image) {
        checkFloats(op, image);
        const { data, shape } = image;
        const channels = shape[2] as number;
        const out = data.slice();
        for (let i = 0; i < out.length; i++) {
          const c = i % channels;
          out[i] =
            ((data[i] as number) - (means[means.length === 1 ? 0 : c] as number)) /
            (deviations[deviations.length === 1 ? 0 : c] as number);
        }
        return { data: out, shape };
      },
    },
  ]);
}

/** Options of `grayscale`. */
export interface GrayscaleOptions {
  /** 1 (the default), or 3 equal ones. */
  readonly channels?: 1 | 3;
}

/**
 * The grey of an image, by its luma (ITU-R BT.601). Alpha is dropped.
 * @shape [H,W,C] → [H,W,channels], C = 1, 3 or 4
 * @throws ValueError for channels that are not 1 or 3; ShapeError for an image of other channels
 * @source torchvision.transforms.Grayscale
 */
export function grayscale(options: GrayscaleOptions = {}): Transform {
  const op = opOf('grayscale');
  knownOptions(op, options, { channels: 'value' });
  const { channels = 1 } = options;
  if (channels !== 1 && channels !== 3)
    throw new ValueError(op, 'channels must be 1 or 3', `channels=${shown(channels)}`);
  return transformOf(op, [
    {
      description: { name: 'grayscale', channels },
      isGeometric: false,
      draw(shape) {
        if (![1, 3, 4].includes(shape[2] as number))
          throw new ShapeError(op, 'an image must have 1, 3 or 4 channels', show(shape));
      },
      apply(image) {
        checkFloats(op, image);
        const { data } = image;
        const [height, width, given] = image.shape as unknown as [number, number, number];
        const out = arrayLike(data, height * width * channels);
        for (let i = 0; i < height * width; i++) {
          const from = i * given;
          const red = data[from] as number;
          const grey = given === 1 ? red : luma(red, data[from + 1] as number, data[from + 2] as number);
          out.fill(grey, i * channels, (i + 1) * channels);
        }
        return { data: out, shape: [height, width, channels] };
      },
    },
  ]);
}
