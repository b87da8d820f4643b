/**
 * Combines transforms: one after the other, for the image of an item, for an image and its target
 * alike, and from a list of names as a configuration has it. Not here: the transforms.
 */
import { checkFunction, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { checkGenerator, type RandomGenerator } from '../../values/generator.js';
import { globalRandom } from '../../values/random.js';
import type { HostArray } from '../host-array.js';
import * as color from './color.js';
import * as geometry from './geometry.js';
import {
  checkImage,
  checkInterpolation,
  describeAs,
  type ItemDescription,
  opOf,
  type PairedOptions,
  type StepDescription,
  stepsOf,
  type Transform,
  transformOf,
} from './step.js';

/**
 * Transforms one after the other. A function of your own `(image, random) => image` may be among
 * them.
 * @shape [H,W,C] → as the last one gives
 * @throws ValueError if one is not a function
 * @source torchvision.transforms.Compose
 */
export function compose(transforms: readonly Transform[]): Transform {
  const op = opOf('compose');
  if (!Array.isArray(transforms))
    throw new ValueError(op, 'transforms must be a list', `transforms=${shown(transforms)}`);
  const list: readonly Transform[] = Array.from(transforms);
  list.forEach((transform, i) => {
    checkFunction(op, `transforms[${i}]`, transform);
  });
  const steps = list.map(stepsOf);
  if (steps.every((own) => own !== undefined)) return transformOf(op, steps.flat());
  return (image, random = globalRandom()) => {
    checkImage(op, image);
    checkGenerator(op, random);
    return list.reduce((changed, transform) => transform(changed, random), image);
  };
}

/** The tuple of an item. */
function checkTuple(op: string, item: unknown, least: number): asserts item is readonly HostArray[] {
  if (!Array.isArray(item) || item.length < least)
    throw new ValueError(
      op,
      `items must be tuples of ${least === 1 ? 'an image and more' : 'an image and a target'}`,
      `item=${shown(item)}`,
      Array.isArray(item) ? '' : 'for items that are images, pass the transform itself',
    );
}

/**
 * A transform of the first part of an item, the image. The other parts, such as a label, stay.
 * @shape [[H,W,C], …] → [[H′,W′,C′], …]
 * @throws ValueError if transform is not a function, or an item is not a tuple
 */
export function forImage(
  transform: Transform,
): <T extends readonly [HostArray, ...unknown[]]>(item: T, random?: RandomGenerator) => T {
  const op = opOf('forImage');
  checkFunction(op, 'transform', transform);
  const fn = <T extends readonly [HostArray, ...unknown[]]>(item: T, random?: RandomGenerator): T => {
    checkTuple(op, item, 1);
    return [transform(item[0], random), ...item.slice(1)] as unknown as T;
  };
  const steps = stepsOf(transform);
  if (steps !== undefined) describeAs(fn, { kind: 'forImage', steps: steps.map(({ description }) => description) });
  return fn;
}

const pairedOptions: OptionNames<PairedOptions> = { interpolation: 'value', colors: 'value' };

/**
 * A transform of an image and its target alike: both are cropped at the same place, mirrored
 * together, and so on. The random numbers are drawn once. Steps that change colors, among them
 * noise and normalisation, are applied to the image alone, unless `colors` says otherwise.
 * @shape [[H,W,C], [H,W,D], …] → [[H′,W′,C′], [H′,W′,D], …]
 * @throws ValueError for a function of your own, of which it is not known whether it moves pixels,
 * or an item that is not a pair; ShapeError if image and target differ in height or width
 * @source torchvision.transforms.v2, with tv_tensors.Mask
 */
export function paired(
  transform: Transform,
  options: PairedOptions = {},
): <T extends readonly [HostArray, HostArray, ...unknown[]]>(item: T, random?: RandomGenerator) => T {
  const op = opOf('paired');
  checkFunction(op, 'transform', transform);
  knownOptions(op, options, pairedOptions);
  const { interpolation, colors = 'image' } = options;
  if (interpolation !== undefined) checkInterpolation(op, interpolation);
  if (colors !== 'image' && colors !== 'both')
    throw new ValueError(op, "colors must be 'image' or 'both'", `colors=${shown(colors)}`);
  const steps = stepsOf(transform);
  if (steps === undefined)
    throw new ValueError(
      op,
      'transform must be made of the transforms of this library',
      `transform=${shown(transform)}`,
      'of your own functions map the pair yourself: mapDataset(dataset, ([image, target], random) => …)',
    );
  const fn = <T extends readonly [HostArray, HostArray, ...unknown[]]>(
    item: T,
    random: RandomGenerator = globalRandom(),
  ): T => {
    checkTuple(op, item, 2);
    checkGenerator(op, random);
    let [image, target] = item as unknown as [HostArray, HostArray];
    const [height, width] = checkImage(op, image);
    const [targetHeight, targetWidth] = checkImage(op, target, 'target');
    if (height !== targetHeight || width !== targetWidth)
      throw new ShapeError(
        op,
        'image and target must have the same height and width',
        `${show(image.shape)} and ${show(target.shape)}`,
      );
    for (const step of steps) {
      const drawn = step.draw(image.shape, random);
      image = step.apply(image, drawn);
      if (step.isGeometric) target = step.apply(target, drawn, interpolation);
      else if (colors === 'both') target = step.apply(target, drawn);
    }
    return [image, target, ...item.slice(2)] as unknown as T;
  };
  describeAs(fn, { kind: 'paired', steps: steps.map(({ description }) => description), options });
  return fn;
}

type Options = Record<string, unknown>;

/** How each transform is made of the options of its description. */
// biome-ignore lint/suspicious/noExplicitAny: the transforms check their arguments themselves
const makers: Readonly<Record<string, (first: any, rest: any) => Transform>> = {
  crop: ({ size, ...rest }, op) => only(op, rest, ['size']) ?? geometry.crop(size),
  randomCrop: ({ size, ...rest }) => geometry.randomCrop(size, rest),
  pad: ({ width, ...rest }) => geometry.pad(width, rest),
  flip: (options) => geometry.flip(options),
  resize: ({ size, ...rest }) => geometry.resize(size, rest),
  rotate: ({ degrees, ...rest }) => geometry.rotate(degrees, rest),
  brightness: ({ amount, ...rest }) => color.brightness(amount, rest),
  contrast: ({ amount, ...rest }) => color.contrast(amount, rest),
  noise: ({ std, ...rest }) => color.noise(std, rest),
  normalize: ({ mean, std, ...rest }, op) => only(op, rest, ['mean', 'std']) ?? color.normalize(mean, std),
  grayscale: (options) => color.grayscale(options),
};

/** Refuses options beside those of a transform that takes no options object. */
function only(op: string, rest: Options, names: readonly string[]): undefined {
  const [other] = Object.keys(rest);
  if (other === undefined) return undefined;
  throw new ValueError(op, `options are ${names.join(', ')}`, `${other}=${shown(rest[other])}`);
}

/**
 * Transforms from a list of names with options, as a configuration has them:
 * `[{ name: 'resize', size: 64 }, { name: 'flip', horizontal: 0.5 }]`. An option has the name of
 * the function's argument.
 * @throws ValueError for an unknown name or option, or a bad value
 */
export function fromList(list: readonly StepDescription[]): Transform {
  const op = opOf('fromList');
  if (!Array.isArray(list))
    throw new ValueError(op, 'transforms must be a list', `transforms=${shown(list)}`, "[{ name: 'flip' }]");
  const made = Array.from(list, (entry: unknown, i) => {
    const { name, ...options } = (typeof entry === 'object' && entry !== null ? entry : {}) as StepDescription;
    if (typeof name !== 'string' || !Object.hasOwn(makers, name))
      throw new ValueError(
        op,
        `name must be one of ${Object.keys(makers).join(', ')}`,
        typeof entry === 'object' && entry !== null ? `[${i}].name=${shown(name)}` : `[${i}]=${shown(entry)}`,
      );
    return (makers[name] as (first: Options, op: string) => Transform)(options, opOf(name));
  });
  return compose(made);
}

/** The function of items that a description tells of. */
export function fromDescription({
  kind,
  steps,
  options,
}: ItemDescription): (item: never, random: RandomGenerator) => unknown {
  const transform = fromList(steps);
  if (kind === 'image') return transform;
  return kind === 'forImage' ? forImage(transform) : paired(transform, options);
}
