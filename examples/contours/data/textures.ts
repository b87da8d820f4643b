/**
 * Random surfaces of objects: plain, gradients, stripes, noise, and parts of photographs. Their
 * inner edges are no contours. Not here: shading and shadows (scenes.ts).
 */
import type { RandomGenerator } from 'cedargrad';
import { type HostArray, transforms } from 'cedargrad/data';
import type { Point, Region } from './coverage.js';

/** A kind of surface. */
export type TextureKind = 'plain' | 'gradient' | 'stripes' | 'noise' | 'photograph';
/** All kinds of surfaces. */
export const textureKinds: readonly TextureKind[] = ['plain', 'gradient', 'stripes', 'noise', 'photograph'];

/** Red, green and blue. @units 0 … 1 */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The color of a surface at a pixel. */
export type Texture = (y: number, x: number) => Rgb;

/** How far a surface is from its first color to its second one. @units 0 … 1 */
type Mix = (y: number, x: number) => number;

const clamp = (value: number): number => Math.min(Math.max(value, 0), 1);

/** The side of the lattice of random numbers that noise is made of. It repeats beyond. */
const lattice = 32;

/** Noise of one cell size: smooth between random numbers at the corners of cells. */
function valueNoise(cell: number, random: RandomGenerator): Mix {
  const corners = random.rand(lattice * lattice);
  const smooth = (t: number): number => t * t * (3 - 2 * t);
  const corner = (y: number, x: number): number => corners[(y % lattice) * lattice + (x % lattice)];
  return (y, x) => {
    const [row, column] = [Math.floor(y / cell), Math.floor(x / cell)];
    const [v, u] = [smooth(y / cell - row), smooth(x / cell - column)];
    const above = corner(row, column) * (1 - u) + corner(row, column + 1) * u;
    const below = corner(row + 1, column) * (1 - u) + corner(row + 1, column + 1) * u;
    return above * (1 - v) + below * v;
  };
}

function drawMix(kind: TextureKind, center: Point, radius: number, random: RandomGenerator): Mix {
  const between = (low: number, high: number): number => low + (high - low) * random.random();
  if (kind === 'plain') return () => 0.5;
  if (kind === 'noise') {
    const cell = between(2, 10);
    const [coarse, fine] = [valueNoise(cell, random), valueNoise(cell / 2, random)];
    return (y, x) => (2 * coarse(y, x) + fine(y, x)) / 3;
  }
  const angle = between(0, 2 * Math.PI);
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const along = (y: number, x: number): number => (y - center[0]) * sin + (x - center[1]) * cos;
  if (kind === 'gradient') return (y, x) => clamp(0.5 + along(y, x) / (2 * radius));
  const [period, sharpness] = [between(4, 16), between(0.5, 3)];
  return (y, x) => clamp(0.5 + sharpness * Math.sin((2 * Math.PI * along(y, x)) / period));
}

/** The least difference of a surface's mean color from what it covers, in one channel at least. */
const leastDifference = 0.2;

/** A color of any brightness and saturation, from grey to vivid. */
function drawColor(random: RandomGenerator): Rgb {
  const [grey, saturation, ...levels] = random.rand(5);
  return levels.map((level) => grey + saturation * (level - grey)) as unknown as Rgb;
}

/** Two colors whose mean differs from another color. */
function drawColors(beneath: Rgb, random: RandomGenerator): [Rgb, Rgb] {
  for (;;) {
    const first = drawColor(random);
    const strength = 0.8 * random.random();
    const second = Array.from(random.rand(3), (level, c) =>
      clamp(first[c] + strength * (level - 0.5)),
    ) as unknown as Rgb;
    // Written so that it ends where a photograph has NaN.
    const isAlike = first.every((level, c) => Math.abs((level + second[c]) / 2 - beneath[c]) < leastDifference);
    if (!isAlike) return [first, second];
  }
}

/**
 * A random part of a random photograph, mirrored in half of the cases, and tinted. Without the tint
 * saturated colors alone would tell objects from old photographs.
 * @shape → [size,3]
 * @throws ShapeError if the photograph is smaller than the part
 */
export function drawPart(
  photographs: readonly HostArray[],
  size: readonly [height: number, width: number],
  random: RandomGenerator,
): HostArray {
  const photograph = photographs[Math.floor(random.random() * photographs.length)];
  const part = transforms.compose([transforms.randomCrop(size), transforms.flip()])(photograph, random);
  const gains = random.uniform(0.75, 1.25, 3);
  return { data: Float32Array.from(part.data, (level, i) => clamp(level * gains[i % 3])), shape: part.shape };
}

/** The object that a surface is for. */
export interface Surface {
  readonly center: Point;
  readonly radius: number;
  readonly region: Region;
  /** The mean color of what the object covers. */
  readonly beneath: Rgb;
}

/**
 * A random surface of a kind. One that is made of colors differs from what the object covers; a
 * part of a photograph need not.
 * @throws ShapeError if a photograph is smaller than the region
 */
export function drawTexture(
  kind: TextureKind,
  { center, radius, region, beneath }: Surface,
  photographs: readonly HostArray[],
  random: RandomGenerator,
): Texture {
  if (kind === 'photograph') {
    const { data } = drawPart(photographs, [region.height, region.width], random);
    return (y, x) => {
      const at = ((y - region.top) * region.width + x - region.left) * 3;
      return [data[at], data[at + 1], data[at + 2]];
    };
  }
  const mix = drawMix(kind, center, radius, random);
  const [first, second] = drawColors(beneath, random);
  return (y, x) => {
    const t = mix(y, x);
    const level = (c: 0 | 1 | 2): number => first[c] + t * (second[c] - first[c]);
    return [level(0), level(1), level(2)];
  };
}
