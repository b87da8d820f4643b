/**
 * Images of random discs, rectangles and polygons with exact masks, made of a seed. They need no
 * file, so they serve tests and first experiments. Not here: photographs (photographs.ts).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { checkSeed, type RandomGenerator } from '../values/generator.js';
import { mostElements } from '../values/shape.js';
import { checkIndex, type Dataset } from './dataset.js';
import type { HostArray } from './host-array.js';
import type { ImagePair } from './image-folder.js';
import { hashedRandom } from './sample-random.js';

/** A kind of shape. */
export type ShapeKind = 'disc' | 'rectangle' | 'polygon';
const allKinds: readonly ShapeKind[] = ['disc', 'rectangle', 'polygon'];

/** Options of `generatedShapes`. */
export interface GeneratedShapesOptions {
  /** The number of images. */
  readonly count: number;
  /** Side of an image, or its height and width. @units pixels. Default 64. */
  readonly size?: number | readonly [height: number, width: number];
  /** Default 0. Another seed gives other images. */
  readonly seed?: number;
  /** 1 for grey or 3 for colors. Default 3. */
  readonly channels?: 1 | 3;
  /** The least and the greatest number of shapes in an image. Default [1, 3]. */
  readonly shapes?: readonly [least: number, most: number];
  /** Which kinds are drawn. Default all. */
  readonly kinds?: readonly ShapeKind[];
}
const shapesOptions: OptionNames<GeneratedShapesOptions> = {
  count: 'value',
  size: 'value',
  seed: 'value',
  channels: 'value',
  shapes: 'value',
  kinds: 'value',
};

/** Whether a point is inside. @units pixels from the top left corner */
type Inside = (y: number, x: number) => boolean;

/**
 * Whether a point is inside a polygon. A ray to the right then crosses the border an odd number of
 * times.
 */
const inPolygon =
  (corners: readonly (readonly [y: number, x: number])[]): Inside =>
  (y, x) => {
    let isInside = false;
    corners.forEach(([y1, x1], i) => {
      const [y0, x0] = corners[(i + corners.length - 1) % corners.length] as readonly [number, number];
      if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) isInside = !isInside;
    });
    return isInside;
  };

/** A random shape of a kind, whose centre lies within the image. */
function drawShape(kind: ShapeKind, height: number, width: number, random: RandomGenerator): Inside {
  const [centerY, centerX] = [random.random() * height, random.random() * width];
  const radius = Math.min(height, width) * (0.1 + 0.2 * random.random());
  if (kind === 'disc') return (y, x) => (y - centerY) ** 2 + (x - centerX) ** 2 < radius ** 2;
  const turn = random.random() * 2 * Math.PI;
  const corner = (angle: number, distance: number): readonly [number, number] => [
    centerY + distance * Math.sin(angle),
    centerX + distance * Math.cos(angle),
  ];
  if (kind === 'rectangle') {
    // Between a square, where half the opening is π/4, and one four times as long as wide.
    const opening = Math.atan(0.25 + 0.75 * random.random());
    const angles = [opening, Math.PI - opening, Math.PI + opening, -opening];
    return inPolygon(angles.map((angle) => corner(turn + angle, radius)));
  }
  const count = 3 + Math.floor(random.random() * 4);
  const corners = Array.from({ length: count }, (_, i) =>
    corner(turn + (2 * Math.PI * (i + 0.6 * random.random())) / count, radius * (0.6 + 0.4 * random.random())),
  );
  return inPolygon(corners);
}

/** A color that differs from another one in at least one channel by 0.3. */
function drawColor(channels: number, other: readonly number[], random: RandomGenerator): number[] {
  for (;;) {
    const color = Array.from({ length: channels }, () => random.random());
    if (color.some((level, c) => Math.abs(level - (other[c] ?? -1)) >= 0.3)) return color;
  }
}

function drawImage(
  [height, width]: readonly [number, number],
  channels: number,
  kinds: readonly ShapeKind[],
  [least, most]: readonly [number, number],
  random: RandomGenerator,
): ImagePair {
  const background = drawColor(channels, [], random);
  const image = new Float32Array(height * width * channels);
  for (let i = 0; i < image.length; i++) image[i] = background[i % channels] as number;
  const mask = new Float32Array(height * width);
  const count = least + Math.floor(random.random() * (most - least + 1));
  for (let n = 0; n < count; n++) {
    const kind = kinds[Math.floor(random.random() * kinds.length)] as ShapeKind;
    const color = drawColor(channels, background, random);
    const isInside = drawShape(kind, height, width, random);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (isInside(y + 0.5, x + 0.5)) {
          const at = y * width + x;
          mask[at] = 1;
          image.set(color, at * channels);
        }
  }
  const array = (data: Float32Array, last: number): HostArray => ({ data, shape: [height, width, last] });
  return [array(image, channels), array(mask, 1)];
}

/**
 * Images of random shapes on a plain ground, each with its mask. A pixel belongs to a shape if its
 * centre does. Image i depends on the seed and i only, and is drawn when it is asked for.
 * @shape → images [H,W,channels], masks [H,W,1]
 * @units images in 0 … 1; masks 0 or 1
 * @throws ValueError for a count, size or range that is not whole, or an unknown kind
 */
export function generatedShapes(options: GeneratedShapesOptions): Dataset<ImagePair> {
  const op = 'generatedShapes';
  knownOptions(op, options, shapesOptions);
  const { count, size = 64, seed = 0, channels = 3, shapes = [1, 3], kinds = allKinds } = options;
  const isWhole = (least: number, most: number) => (n: unknown) =>
    Number.isInteger(n) && (n as number) >= least && (n as number) <= most;
  checkNumber(op, 'count', count, isWhole(1, mostElements), `whole and in [1, ${mostElements}]`);
  const sides = typeof size === 'number' ? [size, size] : size;
  if (!Array.isArray(sides) || sides.length !== 2 || !Array.from(sides).every(isWhole(4, 4096)))
    throw new ValueError(op, 'size must be a whole number in [4, 4096], or two', `size=${shown(size)}`);
  checkSeed(op, seed);
  if (channels !== 1 && channels !== 3)
    throw new ValueError(op, 'channels must be 1 or 3', `channels=${shown(channels)}`);
  if (
    !Array.isArray(shapes) ||
    shapes.length !== 2 ||
    !Array.from(shapes).every(isWhole(0, 100)) ||
    shapes[0] > shapes[1]
  )
    throw new ValueError(op, 'shapes must be the least and the greatest number of them', `shapes=${shown(shapes)}`);
  if (!Array.isArray(kinds) || kinds.length === 0 || !Array.from(kinds).every((kind) => allKinds.includes(kind)))
    throw new ValueError(op, `kinds must be some of ${allKinds.join(', ')}`, `kinds=${shown(kinds)}`);
  const [height, width] = sides as [number, number];
  const [least, most] = shapes;
  const own = [...kinds];
  return {
    length: count,
    item(index) {
      checkIndex(op, index, count);
      return drawImage([height, width], channels, own, [least, most], hashedRandom(seed, index, 0x73686170));
    },
  };
}
