/**
 * Transforms that move pixels: crop, pad, flip, resize, rotate. Not here: colors (color.ts), the
 * arithmetic of pixels (sampling.ts).
 */
import { checkFinite, checkIsNumber, checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { borderCell } from '../../values/border.js';
import type { Shape } from '../../values/shape.js';
import { pick, resized, rotated } from './sampling.js';
import {
  between,
  checkFloats,
  checkInterpolation,
  checkRange,
  checkSize,
  type Interpolation,
  opOf,
  seeded,
  type Transform,
  transformOf,
} from './step.js';

/** Options of transforms that draw. */
export interface SeedOptions {
  /** Own seed of the draws. They depend on the sample's generator as well. */
  readonly seed?: number;
}
const seedOptions: OptionNames<SeedOptions> = { seed: 'value' };

/** A size: one number for a square, or height and width. @units pixels */
export type Size = number | readonly [height: number, width: number];

/** The numbers from `from` on. */
const range = (from: number, count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => from + i);

function checkFits(op: string, [height, width]: Shape, size: readonly [number, number]): void {
  if ((height as number) < size[0] || (width as number) < size[1])
    throw new ShapeError(
      op,
      'the image must be at least as large as the crop',
      `an image of ${height} × ${width}, a crop of ${size[0]} × ${size[1]}`,
      'resize or pad it first',
    );
}

/**
 * The middle of an image.
 * @shape [H,W,C] → [size,C]
 * @throws ValueError for a size that is not whole and positive; ShapeError for a smaller image
 * @source torchvision.transforms.CenterCrop
 */
export function crop(size: Size): Transform {
  const op = opOf('crop');
  const own = checkSize(op, size);
  return transformOf(op, [
    {
      description: { name: 'crop', size: own },
      isGeometric: true,
      draw: (shape) => checkFits(op, shape, own),
      apply(image) {
        const [height, width] = image.shape as [number, number];
        const [top, left] = [Math.floor((height - own[0]) / 2), Math.floor((width - own[1]) / 2)];
        return pick(image, range(top, own[0]), range(left, own[1]));
      },
    },
  ]);
}

/**
 * A part of an image at a random place.
 * @shape [H,W,C] → [size,C]
 * @throws ValueError for a size that is not whole and positive; ShapeError for a smaller image
 * @source torchvision.transforms.RandomCrop
 */
export function randomCrop(size: Size, options: SeedOptions = {}): Transform {
  const op = opOf('randomCrop');
  const own = checkSize(op, size);
  knownOptions(op, options, seedOptions);
  return transformOf(op, [
    seeded(op, options.seed, {
      description: { name: 'randomCrop', size: own },
      isGeometric: true,
      draw(shape, random): [number, number] {
        checkFits(op, shape, own);
        const [height, width] = shape as [number, number];
        const top = random.randint(0, height - own[0] + 1, 1)[0] as number;
        return [top, random.randint(0, width - own[1] + 1, 1)[0] as number];
      },
      apply: (image, [top, left]) => pick(image, range(top, own[0]), range(left, own[1])),
    }),
  ]);
}

/** Options of `pad`. */
export interface PadOptions {
  /** What the border is filled with. Default 0. */
  readonly value?: number;
  /** Default 'constant'. 'reflect' mirrors at the edge pixels, 'replicate' repeats them. */
  readonly mode?: 'constant' | 'reflect' | 'replicate';
}
const padOptions: OptionNames<PadOptions> = { value: 'value', mode: 'value' };

/** The input of each output along an axis, −1 in a constant border. */
function padded(length: number, before: number, after: number, mode: NonNullable<PadOptions['mode']>): Int32Array {
  return Int32Array.from({ length: before + length + after }, (_, i) => {
    const at = i - before;
    if (mode !== 'constant') return borderCell(at, length, mode);
    return at >= 0 && at < length ? at : -1;
  });
}

/**
 * A border around an image: one width for all sides, [vertical, horizontal], or
 * [top, bottom, left, right].
 * @shape [H,W,C] → [top + H + bottom, left + W + right, C]
 * @units pixels
 * @throws ValueError for a bad width, value or mode; ShapeError if a mirrored border is not
 * narrower than the image
 * @source torch.nn.functional.pad
 */
export function pad(width: number | readonly number[], options: PadOptions = {}): Transform {
  const op = opOf('pad');
  knownOptions(op, options, padOptions);
  const { value = 0, mode = 'constant' } = options;
  checkFinite(op, { value });
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'replicate')
    throw new ValueError(op, "mode must be 'constant', 'reflect' or 'replicate'", `mode=${shown(mode)}`);
  const list = typeof width === 'number' ? [width, width] : Array.isArray(width) ? Array.from(width) : [];
  const isWhole = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= 65536;
  if ((list.length !== 2 && list.length !== 4) || !list.every(isWhole))
    throw new ValueError(
      op,
      'width must be a whole number, or [vertical, horizontal] or [top, bottom, left, right]',
      `width=${shown(width)}`,
    );
  const [top, bottom, left, right] = (list.length === 4 ? list : [list[0], list[0], list[1], list[1]]) as [
    number,
    number,
    number,
    number,
  ];
  return transformOf(op, [
    {
      description: { name: 'pad', width: [top, bottom, left, right], value, mode },
      isGeometric: true,
      draw(shape) {
        const [height, columns] = shape as [number, number];
        if (mode === 'reflect' && (Math.max(top, bottom) >= height || Math.max(left, right) >= columns))
          throw new ShapeError(
            op,
            'a mirrored border must be narrower than the image',
            `${show([top, bottom, left, right])} around ${height} × ${columns}`,
          );
      },
      apply: (image) =>
        pick(
          image,
          padded(image.shape[0] as number, top, bottom, mode),
          padded(image.shape[1] as number, left, right, mode),
          value,
        ),
    },
  ]);
}

/** Options of `flip`. */
export interface FlipOptions extends SeedOptions {
  /** Chance of exchanging left and right. Default 0.5. */
  readonly horizontal?: number;
  /** Chance of exchanging top and bottom. Default 0. */
  readonly vertical?: number;
}
const flipOptions: OptionNames<FlipOptions> = { ...seedOptions, horizontal: 'value', vertical: 'value' };

/**
 * Mirrors an image at random.
 * @shape [H,W,C] → [H,W,C]
 * @throws ValueError for a chance outside [0, 1]
 * @source torchvision.transforms.RandomHorizontalFlip, RandomVerticalFlip
 */
export function flip(options: FlipOptions = {}): Transform {
  const op = opOf('flip');
  knownOptions(op, options, flipOptions);
  const { horizontal = 0.5, vertical = 0, seed } = options;
  for (const [name, chance] of Object.entries({ horizontal, vertical }))
    checkNumber(op, name, chance, (p) => p >= 0 && p <= 1, 'in [0, 1]');
  return transformOf(op, [
    seeded(op, seed, {
      description: { name: 'flip', horizontal, vertical },
      isGeometric: true,
      draw: (_, random): [boolean, boolean] => [random.random() < horizontal, random.random() < vertical],
      apply(image, [isHorizontal, isVertical]) {
        const indices = (length: number, isTurned: boolean): Int32Array =>
          isTurned ? range(0, length).reverse() : range(0, length);
        if (!isHorizontal && !isVertical) return image;
        const [height, width] = image.shape as [number, number];
        return pick(image, indices(height, isVertical), indices(width, isHorizontal));
      },
    }),
  ]);
}

/** Options of `resize`. */
export interface ResizeOptions {
  /** Default 'bilinear'. 'nearest' keeps the values, as the labels of a mask need it. */
  readonly interpolation?: Interpolation;
  /** Whether a smaller image is made of means, not of samples. Default true. */
  readonly antialias?: boolean;
}
const resizeOptions: OptionNames<ResizeOptions> = { interpolation: 'value', antialias: 'flag' };

/** A size for `resize`. With `shorter` or `longer`, that side's length; the proportions stay. */
export type ResizeSize = Size | { readonly shorter: number } | { readonly longer: number };

/** The function that gives the new size of an image. */
function sizeRule(op: string, size: ResizeSize): (height: number, width: number) => [number, number] {
  if (typeof size !== 'object' || Array.isArray(size) || size === null) {
    const own = checkSize(op, size);
    return () => own;
  }
  const sides = size as { shorter?: number; longer?: number };
  knownOptions(op, sides, { shorter: 'value', longer: 'value' });
  const { shorter, longer } = sides;
  if ((shorter === undefined) === (longer === undefined))
    throw new ValueError(op, 'size must give either the shorter or the longer side', `size=${shown(size)}`);
  const [length] = checkSize(op, shorter ?? longer, shorter === undefined ? 'size.longer' : 'size.shorter');
  return (height, width) => {
    const side = shorter === undefined ? Math.max(height, width) : Math.min(height, width);
    const scaled = (n: number): number => (n === side ? length : Math.max(1, Math.floor((n * length) / side)));
    return [scaled(height), scaled(width)];
  };
}

/**
 * An image of another size. One number makes a square; `{ shorter: 64 }` keeps the proportions.
 * @shape [H,W,C] → [size,C]
 * @throws ValueError for a bad size or option, or if whole numbers are to be interpolated
 * @source torch.nn.functional.interpolate(mode='bilinear', antialias=True) and
 * (mode='nearest-exact')
 */
export function resize(size: ResizeSize, options: ResizeOptions = {}): Transform {
  const op = opOf('resize');
  const sizeOf = sizeRule(op, size);
  knownOptions(op, options, resizeOptions);
  const { interpolation = 'bilinear', antialias = true } = options;
  checkInterpolation(op, interpolation);
  return transformOf(op, [
    {
      description: { name: 'resize', size, interpolation, antialias },
      isGeometric: true,
      draw() {},
      apply(image, _, asked = interpolation) {
        if (asked === 'bilinear') checkFloats(op, image, "pass interpolation: 'nearest'");
        const [height, width] = sizeOf(image.shape[0] as number, image.shape[1] as number);
        return resized(image, height, width, asked, antialias);
      },
    },
  ]);
}

/** Options of `rotate`. */
export interface RotateOptions extends SeedOptions {
  /** Default 'bilinear'. */
  readonly interpolation?: Interpolation;
  /** The value of what comes from outside the image. Default 0. */
  readonly fill?: number;
}
const rotateOptions: OptionNames<RotateOptions> = { ...seedOptions, interpolation: 'value', fill: 'value' };

/**
 * Turns an image about its centre by a random angle, counter-clockwise. A number a stands for
 * [−a, a]. Its size stays.
 * @shape [H,W,C] → [H,W,C]
 * @units degrees
 * @throws ValueError for a bad angle or option, or if whole numbers are to be interpolated
 * @source torchvision.transforms.RandomRotation
 */
export function rotate(degrees: number | readonly [number, number], options: RotateOptions = {}): Transform {
  const op = opOf('rotate');
  if (typeof degrees === 'number') checkIsNumber(op, 'degrees', degrees);
  const angles = checkRange(op, 'degrees', degrees);
  knownOptions(op, options, rotateOptions);
  const { interpolation = 'bilinear', fill = 0, seed } = options;
  checkInterpolation(op, interpolation);
  checkFinite(op, { fill });
  return transformOf(op, [
    seeded(op, seed, {
      description: { name: 'rotate', degrees: angles, interpolation, fill },
      isGeometric: true,
      draw: (_, random) => between(random, angles),
      apply(image, angle, asked = interpolation) {
        if (asked === 'bilinear') checkFloats(op, image, "pass interpolation: 'nearest'");
        return rotated(image, angle, asked, fill);
      },
    }),
  ]);
}
