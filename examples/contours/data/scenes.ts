/**
 * Scenes whose contours are known exactly: objects over a part of a photograph, some in front of
 * others, with textures, shading, shadows and noise. A scene depends on the photographs, the size,
 * the seed and its index only. Not here: the photographs (photographs.ts), those with contours by
 * people (bsds.ts).
 */
import { FastRandom, type RandomGenerator, ShapeError, ValueError } from 'cedargrad';
import { type Dataset, type HostArray, type ImagePair, transforms } from 'cedargrad/data';
import { addLabel, contourOf, coverage, type Point, type Region } from './coverage.js';
import { drawOutline, outlineKinds } from './outlines.js';
import { drawPart, drawTexture, type Rgb, textureKinds } from './textures.js';

/** Options of `scenes`. */
export interface ScenesOptions {
  /** Photographs for the backgrounds and for some textures. @shape [H,W,3] @units 0 … 1 */
  readonly photographs: readonly HostArray[];
  /** The number of scenes. */
  readonly count: number;
  /** Side of a scene, or its height and width. @units pixels. Default 224. */
  readonly size?: number | readonly [height: number, width: number];
  /** Default 0. Another seed gives other scenes. */
  readonly seed?: number;
}

/** A scene with what is known about it. */
export interface Scene {
  /** @shape [H,W,3] @units 0 … 1 */
  readonly image: HostArray;
  /** @shape [H,W,1] @units 0 or 1 */
  readonly contour: HostArray;
  /** The object at each pixel: 0 for the background, and a greater number further in front. */
  readonly labels: Int32Array;
}

const op = 'scenes';
/** The least and the greatest number of objects. */
const objects = [6, 12] as const;

const between = (random: RandomGenerator, low: number, high: number): number => low + (high - low) * random.random();
const choose = <T>(random: RandomGenerator, list: readonly T[]): T => list[Math.floor(random.random() * list.length)];

/** The generator of a scene. No two pairs of seed and index have the same state. */
function sceneRandom(seed: number, index: number): FastRandom {
  const random = new FastRandom(0);
  // "scen" and "es" in ASCII, so that the state is never 0.
  random.setState({ key: [seed, index, 0x7363656e, 0x65730000] });
  // States with few different bits give similar numbers at first.
  random.rand(32);
  return random;
}

/** Calls a function for each pixel of a region that is covered. */
function eachCovered(region: Region, visit: (y: number, x: number, share: number) => void): void {
  for (let row = 0; row < region.height; row++)
    for (let column = 0; column < region.width; column++) {
      const share = region.data[row * region.width + column];
      if (share > 0) visit(region.top + row, region.left + column, share);
    }
}

/** A picture that is being painted. */
interface Canvas {
  readonly height: number;
  readonly width: number;
  readonly colors: Float32Array;
  readonly labels: Int32Array;
}

/** The factor of the light at a point. */
type Light = (y: number, x: number) => number;

/** Light that changes linearly over the image: its factor at the centre is 1. */
function drawLight(center: Point, radius: number, most: number, random: RandomGenerator): Light {
  const [angle, strength] = [between(random, 0, 2 * Math.PI), between(random, 0, most)];
  const [dy, dx] = [(strength * Math.sin(angle)) / radius, (strength * Math.cos(angle)) / radius];
  return (y, x) => Math.max(1 + (y - center[0]) * dy + (x - center[1]) * dx, 0);
}

/**
 * Darkens what lies behind an object by its soft shadow: the mean of nine shadows from the points
 * of a square light.
 */
function castShadow({ height, width, colors }: Canvas, points: readonly Point[], random: RandomGenerator): void {
  const side = Math.min(height, width);
  const [angle, distance] = [between(random, 0, 2 * Math.PI), side * between(random, 0.01, 0.04)];
  const [spread, strength] = [distance * between(random, 0.2, 0.5), between(random, 0.2, 0.6)];
  const light = new Float32Array(height * width).fill(1);
  for (let i = 0; i < 9; i++) {
    const dy = distance * Math.sin(angle) + spread * (Math.floor(i / 3) - 1);
    const dx = distance * Math.cos(angle) + spread * ((i % 3) - 1);
    const shadow = coverage(
      points.map(([y, x]) => [y + dy, x + dx]),
      height,
      width,
    );
    eachCovered(shadow, (y, x, share) => {
      light[y * width + x] -= (strength * share) / 9;
    });
  }
  for (let i = 0; i < colors.length; i++) colors[i] *= light[Math.floor(i / 3)];
}

/** The mean color of the pixels that a region covers. */
function meanColor({ colors, width }: Canvas, region: Region): Rgb {
  const sums = [0, 0, 0];
  let total = 0;
  eachCovered(region, (y, x, share) => {
    for (let c = 0; c < 3; c++) sums[c] += share * colors[(y * width + x) * 3 + c];
    total += share;
  });
  return sums.map((sum) => sum / Math.max(total, 1e-6)) as unknown as Rgb;
}

/** Paints an object in front of everything so far. */
function paintObject(canvas: Canvas, label: number, photographs: readonly HostArray[], random: RandomGenerator): void {
  const { height, width, colors, labels } = canvas;
  const radius = Math.min(height, width) * between(random, 0.1, 0.3);
  const center: Point = [random.random() * height, random.random() * width];
  const points = drawOutline(choose(random, outlineKinds), center, radius, random);
  const region = coverage(points, height, width);
  if (random.random() < 0.6) castShadow(canvas, points, random);
  const surface = { center, radius, region, beneath: meanColor(canvas, region) };
  const texture = drawTexture(choose(random, textureKinds), surface, photographs, random);
  const light = drawLight(center, radius, 0.4, random);
  eachCovered(region, (y, x, share) => {
    const at = y * width + x;
    const color = texture(y, x);
    const factor = light(y, x);
    for (let c = 0; c < 3; c++) {
      const level = Math.min(color[c] * factor, 1);
      colors[at * 3 + c] += share * (level - colors[at * 3 + c]);
    }
  });
  addLabel(labels, width, region, label);
}

/**
 * The scene of a seed and an index. The same ones give the same scene.
 * @shape photographs [H,W,3], each at least of the size
 * @throws ShapeError if a photograph is smaller
 */
export function drawScene(
  photographs: readonly HostArray[],
  [height, width]: readonly [height: number, width: number],
  seed: number,
  index: number,
): Scene {
  const random = sceneRandom(seed, index);
  const { data: colors } = drawPart(photographs, [height, width], random);
  const canvas = { height, width, colors: colors as Float32Array, labels: new Int32Array(height * width) };
  const count = objects[0] + Math.floor(random.random() * (objects[1] - objects[0] + 1));
  for (let label = 1; label <= count; label++) paintObject(canvas, label, photographs, random);
  const light = drawLight([height / 2, width / 2], Math.max(height, width) / 2, 0.3, random);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const factor = light(y, x);
      for (let c = 0; c < 3; c++) canvas.colors[(y * width + x) * 3 + c] *= factor;
    }
  const noise = transforms.noise(between(random, 0, 0.05), { clamp: true });
  return {
    image: noise({ data: canvas.colors, shape: [height, width, 3] }, random),
    contour: { data: contourOf(canvas.labels, height, width), shape: [height, width, 1] },
    labels: canvas.labels,
  };
}

const isWhole = (n: unknown, least: number, most: number): boolean =>
  Number.isInteger(n) && (n as number) >= least && (n as number) <= most;

/**
 * Scenes of 6 to 12 objects over parts of photographs, with their contours. Item i depends on the
 * photographs, the size, the seed and i only, and is drawn when it is asked for.
 * @shape → images [H,W,3], contours [H,W,1]
 * @units images in 0 … 1; contours 0 or 1
 * @throws ValueError for a count, size or seed that is not whole or out of range, or without
 * photographs; ShapeError for a photograph that is not [H,W,3] or smaller than a scene
 */
export function scenes(options: ScenesOptions): Dataset<ImagePair> {
  const { photographs, count, size = 224, seed = 0 } = options;
  if (!isWhole(count, 1, 2 ** 31 - 1)) throw new ValueError(op, 'count must be whole and positive', `count=${count}`);
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (!isWhole(height, 16, 4096) || !isWhole(width, 16, 4096))
    throw new ValueError(op, 'size must be whole numbers in [16, 4096]', `size=${size}`);
  if (!isWhole(seed, 0, 2 ** 32 - 1))
    throw new ValueError(op, 'seed must be whole and in [0, 2³² − 1]', `seed=${seed}`);
  if (photographs.length === 0) throw new ValueError(op, 'there must be a photograph', 'photographs=[]');
  for (const { shape } of photographs)
    if (shape.length !== 3 || shape[0] < height || shape[1] < width || shape[2] !== 3)
      throw new ShapeError(
        op,
        'a photograph must be [H,W,3] and at least as large as a scene',
        `[${shape.join(',')}] for scenes of ${height} × ${width}`,
      );
  return {
    length: count,
    item(index) {
      if (!isWhole(index, 0, count - 1))
        throw new ValueError(op, `index must be whole and in [0, ${count - 1}]`, `index=${index}`);
      const { image, contour } = drawScene(photographs, [height, width], seed, index);
      return [image, contour];
    },
  };
}
