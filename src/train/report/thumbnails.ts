/**
 * Arrays as small pictures: images as PNG, series as lines, filters as images. All arithmetic is on
 * numbers that have been read from the device. Not here: which arrays are drawn (samples.ts).
 */
import { encodePng } from '../../io/png.js';
import { rank3, rank4, type Shape } from '../../values/shape.js';
import type { ReportPictures } from './data.js';

/** The values that are drawn black and white, or at the bottom and the top of a line. */
export type Range = readonly [low: number, high: number];

/** The longest side of an image. A phone shows about 8 such images side by side. @units pixels */
const mostSide = 128;
/** The least number of values that are drawn as a line. */
const leastLength = 8;
/** The number of points of a line above which it is drawn from extremes. */
const mostPoints = 160;
const mostLines = 3;
/** The size of all filters together before compression. @units bytes */
const mostFilterBytes = 150_000;
const lineWidth = 100;
const lineHeight = 50;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  // A call with too many arguments would overflow the stack.
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

/** The least and the greatest finite value. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isFinite(v)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  return low > high ? [0, 1] : [low, high];
}

/** Maps a range to 0 … 1, and cuts off what lies outside. NaN becomes 0. */
const scaler = ([low, high]: Range): ((v: number) => number) => {
  const width = high - low;
  return (v) => (v > low ? (width > 0 ? Math.min((v - low) / width, 1) : 1) : 0);
};

/** @shape [H,W,C] */
type ImageShape = readonly [height: number, width: number, channels: number];

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** @shape [height · width · channels] */
  readonly data: Float64Array;
}

/** An image of 1 or 3 channels. Of any other number of channels it is the mean. */
function imageOf(values: ArrayLike<number>, offset: number, [height, width, depth]: ImageShape): Image {
  const channels = depth === 3 ? 3 : 1;
  const data = new Float64Array(height * width * channels);
  if (channels === depth) for (let i = 0; i < data.length; i++) data[i] = values[offset + i] as number;
  else
    for (let i = 0; i < data.length; i++) {
      let mean = 0;
      for (let c = 0; c < depth; c++) mean += (values[offset + i * depth + c] as number) / depth;
      data[i] = mean;
    }
  return { height, width, channels, data };
}

/** One axis of a smaller image: for each of its pixels, the pixels it covers and their shares. */
const coverage = (from: number, to: number): (readonly (readonly [at: number, share: number])[])[] =>
  Array.from({ length: to }, (_, i) => {
    const [start, end] = [(i * from) / to, ((i + 1) * from) / to];
    const covered: (readonly [number, number])[] = [];
    for (let at = Math.floor(start); at < Math.min(Math.ceil(end - 1e-9), from); at++)
      covered.push([at, (Math.min(at + 1, end) - Math.max(at, start)) / (end - start)]);
    return covered;
  });

/** The image at a smaller size. Each pixel is the mean of the area that it covers. */
export function shrink(image: Image, height: number, width: number): Image {
  const { channels, data } = image;
  const out = new Float64Array(height * width * channels);
  const [rows, columns] = [coverage(image.height, height), coverage(image.width, width)];
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      for (const [j, byRow] of row)
        for (const [i, byColumn] of column)
          for (let c = 0; c < channels; c++) {
            const [to, from] = [(y * width + x) * channels + c, (j * image.width + i) * channels + c];
            out[to] = (out[to] as number) + byRow * byColumn * (data[from] as number);
          }
    });
  });
  return { height, width, channels, data: out };
}

function pngOf({ height, width, channels, data }: Image, range: Range): string {
  const scale = scaler(range);
  const levels = Uint8Array.from(data, (v) => Math.round(scale(v) * 255));
  return toBase64(encodePng({ width, height, channels, data: levels }));
}

/**
 * The size of an image of at most `most` values, whose longest side is at most 128 pixels. The
 * proportions stay as nearly as whole pixels allow.
 */
function sizeWithin([height, width, depth]: ImageShape, most: number): readonly [number, number] {
  const area = most / (depth === 3 ? 3 : 1);
  const factor = Math.min(1, mostSide / Math.max(height, width), Math.sqrt(area / (height * width)));
  return [Math.max(1, Math.floor(height * factor)), Math.max(1, Math.floor(width * factor))];
}

/** The points of a series by index. Of a long one, the least and the greatest of each interval. */
function pointsOf(values: Float64Array): readonly number[] {
  if (values.length <= mostPoints) return Array.from(values, (_, i) => i);
  const picked: number[] = [];
  const intervals = mostPoints / 2;
  for (let k = 0; k < intervals; k++) {
    let [least, greatest] = [-1, -1];
    const end = Math.floor(((k + 1) * values.length) / intervals);
    for (let i = Math.floor((k * values.length) / intervals); i < end; i++) {
      const v = values[i] as number;
      if (least < 0 || v < (values[least] as number)) least = i;
      if (greatest < 0 || v > (values[greatest] as number)) greatest = i;
    }
    picked.push(Math.min(least, greatest), Math.max(least, greatest));
  }
  return picked;
}

/**
 * Up to three channels of a series as the data of one path. Numbers that are not finite leave gaps.
 */
function pathOf(
  values: ArrayLike<number>,
  offset: number,
  [length, depth]: readonly [length: number, channels: number],
  range: Range,
): string {
  const scale = scaler(range);
  let path = '';
  for (let c = 0; c < Math.min(depth, mostLines); c++) {
    const channel = Float64Array.from({ length }, (_, i) => values[offset + i * depth + c] as number);
    let pen = 'M';
    for (const i of pointsOf(channel)) {
      const isGap = !Number.isFinite(channel[i]);
      const x = ((i / (length - 1)) * lineWidth).toFixed(1);
      const y = ((1 - scale(channel[i] as number)) * (lineHeight - 4) + 2).toFixed(1);
      if (!isGap) path += `${pen}${Number(x)} ${Number(y)}`;
      pen = isGap ? 'M' : 'L';
    }
  }
  return path;
}

/** The shape of a series in an image of one row, else the shape itself. */
const seriesIn = (shape: Shape): Shape => (shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape);

/**
 * How a sample of this shape is drawn, if it can be: [H,W,C] as an image, [L,C], [L] and [1,L,C] as
 * lines.
 */
export function kindOf(shape: Shape): ReportPictures['kind'] | undefined {
  const { length, 0: size = 0 } = seriesIn(shape);
  if (length === 3) return 'image';
  return (length === 1 || length === 2) && size >= leastLength ? 'line' : undefined;
}

/**
 * The pictures of a batch, or undefined if it cannot be drawn.
 * @shape values [count, ...shape]
 * @units an image has at most `most` bytes before compression
 */
export function drawBatch(
  values: ArrayLike<number>,
  count: number,
  shape: Shape,
  range: Range,
  most: number,
): ReportPictures | undefined {
  const kind = kindOf(shape);
  const size = shape.reduce((a, b) => a * b, 1);
  const starts = Array.from({ length: count }, (_, i) => i * size);
  if (kind === 'line') {
    const [length = 0, depth = 1] = seriesIn(shape);
    const items = starts.map((at) => pathOf(values, at, [length, depth], range));
    return { kind, width: lineWidth, height: lineHeight, items };
  }
  if (kind === undefined) return undefined;
  const sizes = rank3('drawBatch', 'shape', shape, '[H,W,C]');
  const [height, width] = sizeWithin(sizes, most);
  const items = starts.map((at) => pngOf(shrink(imageOf(values, at, sizes), height, width), range));
  return { kind, width, height, items };
}

/**
 * Filters of a convolution, each scaled to its own range. They are in colour where the input has 3
 * channels, else the mean over the input channels.
 * @shape values [kernelHeight, kernelWidth, inChannels, outChannels]
 */
export function drawFilters(values: ArrayLike<number>, shape: Shape, most: number): ReportPictures {
  const [height, width, inputs, outputs] = rank4('drawFilters', 'shape', shape, '[H,W,C,O]');
  const count = Math.min(outputs, most, Math.max(1, Math.floor(mostFilterBytes / (height * width * 3))));
  const items = Array.from({ length: count }, (_, o) => {
    const filter = Float64Array.from({ length: height * width * inputs }, (_, i) => values[i * outputs + o] as number);
    const image = imageOf(filter, 0, [height, width, inputs]);
    return pngOf(image, rangeOf(image.data));
  });
  return { kind: 'image', width, height, items };
}
