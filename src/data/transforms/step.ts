/**
 * Steps, of which transforms are made. A step first draws its random numbers and is then applied,
 * so that one draw can change an image and its target alike. Not here: the steps themselves
 * (geometry.ts, color.ts), their combination (combine.ts).
 */
import { checkFinite, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { checkGenerator, checkSeed, type RandomGenerator } from '../../values/generator.js';
import { globalRandom } from '../../values/random.js';
import type { Shape } from '../../values/shape.js';
import { checkHostArray, type HostArray } from '../host-array.js';
import { hashedRandom } from '../sample-random.js';

/**
 * Gives a changed image [H,W,C], or the image itself if nothing changes. `random` supplies the
 * draws, by default manualSeed's generator. The image's own numbers are not written to.
 */
export type Transform = (image: HostArray, random?: RandomGenerator) => HostArray;

/** How values between pixels are found: by the four around, or the nearest. */
export type Interpolation = 'bilinear' | 'nearest';

/** A step by its name and options, as in JSON: `{ name: 'randomCrop', size: 64 }`. */
export interface StepDescription {
  readonly name: string;
  readonly [option: string]: unknown;
}

export interface Step<Drawn = unknown> {
  readonly description: StepDescription;
  /** Whether it moves pixels. If so, a target must be changed in the same way. */
  readonly isGeometric: boolean;
  /** Checks the shape of an image, and draws what is random about the change. */
  draw(shape: Shape, random: RandomGenerator): Drawn;
  /** A new image. `interpolation` replaces the step's own. */
  apply(image: HostArray, drawn: Drawn, interpolation?: Interpolation): HostArray;
}

/** The steps of each transform that is made of steps. */
const known = new WeakMap<object, readonly Step[]>();
export const stepsOf = (transform: object): readonly Step[] | undefined => known.get(transform);

/** Options of `paired`. */
export interface PairedOptions {
  /** For the target. Default: as for the image; 'nearest' keeps the labels of a mask. */
  readonly interpolation?: Interpolation;
  /** What steps that change colors are applied to. Default 'image': they leave the target alone. */
  readonly colors?: 'image' | 'both';
}

/** A function of items that worker threads can make as well. */
export interface ItemDescription {
  readonly kind: 'image' | 'forImage' | 'paired';
  readonly steps: readonly StepDescription[];
  readonly options?: PairedOptions;
}
const described = new WeakMap<object, ItemDescription>();
export const describeAs = (fn: object, description: ItemDescription): void => void described.set(fn, description);

/** The description of a function of items, or undefined if it is one of the user's own. */
export function describe(fn: object): ItemDescription | undefined {
  const steps = stepsOf(fn);
  return steps === undefined
    ? described.get(fn)
    : { kind: 'image', steps: steps.map(({ description }) => description) };
}

/** The name of a step's function, as messages name it. */
export const opOf = (name: string): string => `transforms.${name}`;

/** The height, width and channels of an image. */
export function checkImage(op: string, image: unknown, name = 'image'): [number, number, number] {
  checkHostArray(op, name, image);
  if (image.shape.length !== 3 || image.data.length === 0)
    throw new ShapeError(op, `${name} must be [H,W,C] with a pixel`, `shape=${show(image.shape)}`);
  return image.shape as unknown as [number, number, number];
}

/** Checks that an image holds floating-point numbers. */
export function checkFloats(op: string, { data }: HostArray, hint = ''): void {
  if (Object.prototype.toString.call(data) !== '[object Float32Array]' && !(data instanceof Float64Array))
    throw new ValueError(op, 'the image must hold floating-point numbers', shown(data), hint);
}

/** An array of the same type. */
export const arrayLike = (data: HostArray['data'], size: number): HostArray['data'] =>
  new (data.constructor as Float32ArrayConstructor)(size) as HostArray['data'];

/** One or several steps as a function. */
export function transformOf(op: string, steps: readonly Step[]): Transform {
  const transform: Transform = (image, random = globalRandom()) => {
    checkImage(op, image);
    checkGenerator(op, random);
    return steps.reduce((changed, step) => step.apply(changed, step.draw(changed.shape, random)), image);
  };
  known.set(transform, steps);
  return transform;
}

/**
 * A step whose draws come from its own seed, if it has one. The seed is mixed with a number of the
 * sample's generator, so that samples differ, and repeat with the loader's seed.
 */
export function seeded<Drawn>(op: string, seed: number | undefined, step: Step<Drawn>): Step<Drawn> {
  if (seed === undefined) return step;
  checkSeed(op, seed);
  return {
    ...step,
    description: { ...step.description, seed },
    draw: (shape, random) => step.draw(shape, hashedRandom(seed, Math.floor(random.random() * 2 ** 32))),
  };
}

/** A size as [height, width]. One number stands for both. */
export function checkSize(op: string, size: unknown, name = 'size', least = 1): [height: number, width: number] {
  const pair = typeof size === 'number' ? [size, size] : size;
  const isSound = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= least && (n as number) <= 65536;
  if (!Array.isArray(pair) || pair.length !== 2 || !Array.from(pair).every(isSound))
    throw new ValueError(
      op,
      `${name} must be a whole number in [${least}, 65536], or two for height and width`,
      `${name}=${shown(size)}`,
    );
  return [pair[0], pair[1]];
}

/** A range of factors: a number a stands for [1 − a, 1 + a]. */
export function checkFactors(op: string, amount: unknown): [least: number, most: number] {
  const range = typeof amount === 'number' ? [Math.max(1 - amount, 0), 1 + amount] : amount;
  const isSound = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v < Infinity;
  if (
    (typeof amount === 'number' && !isSound(amount)) ||
    !Array.isArray(range) ||
    range.length !== 2 ||
    !Array.from(range).every(isSound) ||
    range[0] > range[1]
  )
    throw new ValueError(
      op,
      'amount must be a number that is not negative, or two for the least and the greatest factor',
      `amount=${shown(amount)}`,
    );
  return [range[0], range[1]];
}

/** A range from −a to a, or from one number to another. */
export function checkRange(op: string, name: string, range: unknown): [least: number, most: number] {
  const pair = typeof range === 'number' ? [-Math.abs(range), Math.abs(range)] : range;
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new ValueError(op, `${name} must be a number, or two for a range`, `${name}=${shown(range)}`);
  checkFinite(op, { [`${name}[0]`]: pair[0], [`${name}[1]`]: pair[1] });
  if (pair[0] > pair[1])
    throw new ValueError(op, `${name} must begin with the smaller number`, `${name}=${shown(range)}`);
  return [pair[0], pair[1]];
}

/** A uniform number in [least, most). */
export const between = (random: RandomGenerator, [least, most]: readonly [number, number]): number =>
  least + (most - least) * random.random();

/** Checks the name of an interpolation. */
export function checkInterpolation(op: string, interpolation: unknown): asserts interpolation is Interpolation {
  if (interpolation !== 'bilinear' && interpolation !== 'nearest')
    throw new ValueError(op, "interpolation must be 'bilinear' or 'nearest'", `interpolation=${shown(interpolation)}`);
}
