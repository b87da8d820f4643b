/**
 * A small RGB canvas for results: images side by side, captions, line charts. It is not a plotting
 * library. It has one font, no alpha channel and no layout. Coordinates are pixels from the top
 * left.
 */
import {
  checkFinite,
  checkNumber,
  checkNumbers,
  checkText,
  knownOptions,
  type OptionNames,
  shown,
} from '../arguments.js';
import { ShapeError, ValueError } from '../errors.js';
import { encodePng } from './png.js';
import { mostPixels } from './png-chunks.js';

/** Red, green, blue. @units 0 … 255 */
export type Color = readonly [number, number, number];

/** An image to draw, channels innermost; `min` is drawn black and `max` white. */
export interface PictureImage {
  /** @shape [height · width · channels], beginning at `offset` */
  readonly data: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  /** Default 1. */
  readonly channels?: 1 | 3;
  /** Default 0. */
  readonly min?: number;
  /** Default 1. */
  readonly max?: number;
  /** Where the image begins in `data`, so that one of a batch needs no copy. Default 0. */
  readonly offset?: number;
}

export interface TextOptions {
  /** Default black. */
  readonly color?: Color;
  /** Pixels per dot of the font. Default 1: letters 7 pixels high, 6 apart. */
  readonly scale?: number;
  /** Which part of the text stands at x. Default 'left'. */
  readonly align?: 'left' | 'center' | 'right';
}

/** One curve of a chart. */
export interface Series {
  readonly values: ArrayLike<number>;
  /** As many as values. Default 0, 1, 2 … */
  readonly x?: ArrayLike<number>;
  /** Named in the legend when given. */
  readonly label?: string;
  /** Default: the next of a palette. */
  readonly color?: Color;
}

export interface ChartOptions {
  readonly title?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Logarithmic y axis; values that are not positive are left out. */
  readonly log?: boolean;
}

const pictureImage: OptionNames<PictureImage> = {
  data: 'value',
  height: 'value',
  width: 'value',
  channels: 'value',
  min: 'value',
  max: 'value',
  offset: 'value',
};
const chartOptions: OptionNames<ChartOptions> = { title: 'value', xLabel: 'value', yLabel: 'value', log: 'flag' };

const textOptions: OptionNames<TextOptions> = { color: 'value', scale: 'value', align: 'value' };
const seriesOptions: OptionNames<Series> = { values: 'value', x: 'value', label: 'value', color: 'value' };

/** A longer side of a chart would have more ticks than anyone reads. */
const mostSide = 2 ** 16;

const isWhole = (v: unknown): v is number => Number.isInteger(v) && (v as number) > 0;

function checkColor(op: string, name: string, color: Color): void {
  const isList = Array.isArray(color) || ArrayBuffer.isView(color);
  const isLevel = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v <= 255;
  if (!isList || color.length !== 3 || !Array.from(color).every(isLevel))
    throw new ValueError(op, `${name} must be three numbers in [0, 255]`, `${name}=${shown(color)}`);
}
const checkPositive = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, (v) => v > 0 && v < Infinity, 'finite and positive');

const black: Color = [0, 0, 0];
const white: Color = [255, 255, 255];
const grey: Color = [90, 90, 90];
const pale: Color = [228, 228, 228];
/** Distinct also for the colour-blind. @source Okabe and Ito, "Color Universal Design", 2008 */
const palette: readonly Color[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
];

/**
 * Characters 32 … 126, five columns each as two hexadecimal digits; the lowest bit is the top row.
 */
const font =
  '000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500005030000001c2241000041221c0014083e081408083e08080050300000080808080800606000002010080402' +
  '3e5149453e00427f400042615149462141454b311814127f1027454545393c4a49493001710905033649494936064949291e003636000000563600000814224100141414141400412214080201510906' +
  '324979413e7e1111117e7f494949363e414141227f4141221c7f494949417f090909013e4149497a7f0808087f00417f41002040413f017f081422417f404040407f020c027f7f0408107f3e4141413e' +
  '7f090909063e4151215e7f09192946464949493101017f01013f4040403f1f2040201f3f4038403f631408146307087008076151494543007f41410002040810200041417f0004020102044040404040' +
  '000102040020545454787f484444383844444420384444487f3854545418087e0901020c5252523e7f0804047800447d40002040443d007f1028440000417f40007c041804787c080404783844444438' +
  '7c14141408081414187c7c080404084854545420043f4440203c4040207c1c2040201c3c4030403c44281028440c5050503c4464544c44000836410000007f000000413608000804081008';
const firstCode = 32;
const glyphCount = 95;
const glyphColumns = 5;
const glyphRows = 7;
const advance = glyphColumns + 1;

function checkSeries(op: string, name: string, series: Series): void {
  if (typeof series !== 'object' || series === null || Array.isArray(series))
    throw new ValueError(op, 'a series must be { values: … }', `${name}=${shown(series)}`);
  knownOptions(op, series, seriesOptions);
  const { values, x, label, color } = series;
  checkNumbers(op, `${name}.values`, values);
  if (x !== undefined) {
    checkNumbers(op, `${name}.x`, x);
    if (x.length !== values.length)
      throw new ShapeError(
        op,
        'a series must have as many x as values',
        `${name}: ${x.length} x, ${values.length} values`,
      );
  }
  if (label !== undefined) checkText(op, `${name}.label`, label);
  if (color !== undefined) checkColor(op, `${name}.color`, color);
}

/** Ends of a span of numbers; one that is empty or has no width is widened. */
function span(values: readonly number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) return [0, 1];
  return low === high
    ? [low - Math.max(Math.abs(low) * 0.1, 0.5), high + Math.max(Math.abs(high) * 0.1, 0.5)]
    : [low, high];
}

/**
 * Round numbers in [low, high]: multiples of 1, 2 or 5 times a power of ten. There are about
 * `count` of them, at least `least` apart.
 */
function ticks(low: number, high: number, count: number, least = 0): number[] {
  // Below this the power is 0.
  const raw = Math.max((high - low) / count, least, 1e-300);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((m) => m * power >= raw * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Ticks for an axis of decimal logarithms, given and returned as logarithms. */
function logTicks(low: number, high: number, count: number): number[] {
  const stride = Math.max(1, Math.ceil((high - low) / count));
  const mantissas = high - low > 2.5 ? [1] : [1, 2, 5];
  const out: number[] = [];
  for (let e = Math.floor(low); e <= high; e += stride)
    for (const m of mantissas) {
      const at = e + Math.log10(m);
      if (at >= low - 1e-9 && at <= high + 1e-9) out.push(at);
    }
  return out.length >= 2
    ? out
    : ticks(10 ** low, 10 ** high, count)
        .filter((v) => v > 0)
        .map(Math.log10);
}

function labelOf(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(4));
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? short.toExponential().replace('e+', 'e') : String(short);
}

/** A point of a chart, in the units of its axes. */
type Point = readonly [x: number, y: number];

/** A picture in the making. */
export class Picture {
  /** @shape [height · width · 3] @units 0 … 255 */
  readonly data: Uint8Array<ArrayBuffer>;

  /** @throws ValueError when a size is not whole and positive, for more than 2²⁶ pixels, or for what is no color */
  constructor(
    readonly width: number,
    readonly height: number,
    background: Color = white,
  ) {
    const got = `width=${shown(width)}, height=${shown(height)}`;
    if (!isWhole(width) || !isWhole(height)) throw new ValueError('Picture', 'sizes must be whole and positive', got);
    if (width * height > mostPixels)
      throw new ValueError('Picture', `a picture must have at most ${mostPixels} pixels`, got);
    checkColor('Picture', 'background', background);
    this.data = new Uint8Array(width * height * 3);
    this.#rect(0, 0, width, height, background);
  }

  /** Mixes a colour into one pixel; what lies outside the picture is left out. */
  #mix(x: number, y: number, color: Color, amount: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = (y * this.width + x) * 3;
    color.forEach((level, c) => {
      this.data[at + c] = Math.round((this.data[at + c] as number) * (1 - amount) + level * amount);
    });
  }

  /** A filled rectangle. @units pixels @throws ValueError for what is no finite number or no color */
  rect(x: number, y: number, width: number, height: number, color: Color = black): this {
    checkFinite('Picture.rect', { x, y, width, height });
    checkColor('Picture.rect', 'color', color);
    return this.#rect(x, y, width, height, color);
  }

  // The drawing methods call each other by their private forms, which check nothing.
  #rect(x: number, y: number, width: number, height: number, color: Color): this {
    const [left, right] = [Math.max(Math.round(x), 0), Math.min(Math.round(x + width), this.width)];
    const [top, bottom] = [Math.max(Math.round(y), 0), Math.min(Math.round(y + height), this.height)];
    for (let j = top; j < bottom; j++)
      for (let i = left; i < right; i++) this.data.set(color, (j * this.width + i) * 3);
    return this;
  }

  /**
   * A straight line with smooth edges; x and y count to the centres of pixels.
   * @units pixels
   * @throws ValueError for what is no finite number or no color, or a thickness that is not positive
   */
  line(x0: number, y0: number, x1: number, y1: number, color: Color = black, thickness = 1): this {
    checkFinite('Picture.line', { x0, y0, x1, y1 });
    checkColor('Picture.line', 'color', color);
    checkPositive('Picture.line', 'thickness', thickness);
    return this.#line(x0, y0, x1, y1, color, thickness);
  }

  #line(x0: number, y0: number, x1: number, y1: number, color: Color, thickness: number): this {
    const reach = thickness / 2 + 0.5;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const square = dx * dx + dy * dy;
    const limit = (v: number, size: number) => Math.min(Math.max(v, 0), size - 1);
    const left = limit(Math.ceil(Math.min(x0, x1) - reach), this.width);
    const right = limit(Math.floor(Math.max(x0, x1) + reach), this.width);
    const top = limit(Math.ceil(Math.min(y0, y1) - reach), this.height);
    const bottom = limit(Math.floor(Math.max(y0, y1) + reach), this.height);
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= right; x++) {
        const along = square === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / square, 0), 1);
        const distance = Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
        if (distance < reach) this.#mix(x, y, color, Math.min(reach - distance, 1));
      }
    return this;
  }

  /**
   * An image, every pixel of it `scale` by `scale` pixels of the picture.
   * @shape data [height · width · channels]
   * @throws ShapeError when the data ends before the image does; ValueError when a size or scale is not whole and
   * positive, offset not whole and not negative, channels not 1 or 3, or something no number
   */
  image(x: number, y: number, image: PictureImage, scale = 1): this {
    const op = 'Picture.image';
    checkFinite(op, { x, y });
    knownOptions(op, image, pictureImage);
    const { data, height, width, channels = 1, min = 0, max = 1, offset = 0 } = image;
    if (!isWhole(height) || !isWhole(width))
      throw new ValueError(op, 'sizes must be whole and positive', `width=${shown(width)}, height=${shown(height)}`);
    if (channels !== 1 && channels !== 3)
      throw new ValueError(op, 'channels must be 1 or 3', `channels=${shown(channels)}`);
    checkNumber(op, 'offset', offset, (v) => Number.isSafeInteger(v) && v >= 0, 'whole and not negative');
    checkFinite(op, { min, max });
    const needed = offset + height * width * channels;
    checkNumbers(op, 'data', data, offset, needed);
    if (!(data.length >= needed))
      throw new ShapeError(
        op,
        'data must reach offset + height × width × channels',
        `${data.length} elements for ${needed}`,
      );
    if (!isWhole(scale)) throw new ValueError(op, 'scale must be whole and positive', `scale=${shown(scale)}`);
    const level = (at: number) =>
      Math.round(Math.min(Math.max(((data[at] as number) - min) / (max - min), 0), 1) * 255);
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++) {
        const at = offset + (j * width + i) * channels;
        const red = level(at);
        this.#rect(
          x + i * scale,
          y + j * scale,
          scale,
          scale,
          channels === 3 ? [red, level(at + 1), level(at + 2)] : [red, red, red],
        );
      }
    return this;
  }

  /**
   * How wide a text is when drawn.
   * @units pixels
   * @throws ValueError for what is no text, or a scale that is not positive
   */
  static textWidth(text: string, scale = 1): number {
    checkText('Picture.textWidth', 'text', text);
    checkPositive('Picture.textWidth', 'scale', scale);
    return Math.max([...text].length * advance - 1, 0) * scale;
  }

  /**
   * One line of text, its top at y. Characters beyond printable ASCII are drawn as `?`.
   * @throws ValueError for what is no finite number, text or color, a scale that is not positive, or an unknown align
   */
  text(x: number, y: number, text: string, options: TextOptions = {}): this {
    const op = 'Picture.text';
    checkFinite(op, { x, y });
    checkText(op, 'text', text);
    knownOptions(op, options, textOptions);
    const { color = black, scale = 1, align = 'left' } = options;
    checkColor(op, 'color', color);
    checkPositive(op, 'scale', scale);
    if (!['left', 'center', 'right'].includes(align))
      throw new ValueError(op, "align must be 'left', 'center' or 'right'", `align=${shown(align)}`);
    return this.#text(x, y, text, options);
  }

  #text(x: number, y: number, text: string, { color = black, scale = 1, align = 'left' }: TextOptions): this {
    const shift = align === 'left' ? 0 : Picture.textWidth(text, scale) / (align === 'center' ? 2 : 1);
    [...text].forEach((character, index) => {
      const code = character.charCodeAt(0) - firstCode;
      const glyph = code >= 0 && code < glyphCount ? code : '?'.charCodeAt(0) - firstCode;
      for (let column = 0; column < glyphColumns; column++) {
        const at = (glyph * glyphColumns + column) * 2;
        const bits = Number.parseInt(font.slice(at, at + 2), 16);
        for (let row = 0; row < glyphRows; row++)
          if ((bits >> row) & 1)
            this.#rect(
              Math.round(x - shift) + (index * advance + column) * scale,
              y + row * scale,
              scale,
              scale,
              color,
            );
      }
    });
    return this;
  }

  /**
   * A line chart with axes, ticks, grid and legend, all within the given rectangle; points that are not finite
   * leave gaps.
   * @throws ShapeError for a series with another number of x than of values; ValueError for what is no number, text or
   * color, or a size that is not in [1, 65536]
   */
  lineChart(
    x: number,
    y: number,
    width: number,
    height: number,
    series: readonly Series[],
    options: ChartOptions = {},
  ): this {
    const op = 'Picture.lineChart';
    checkFinite(op, { x, y });
    for (const [name, value] of Object.entries({ width, height }))
      checkNumber(op, name, value, (v) => v >= 1 && v <= mostSide, `in [1, ${mostSide}]`);
    if (!Array.isArray(series)) throw new ValueError(op, 'series must be an array', `series=${shown(series)}`);
    for (let i = 0; i < series.length; i++) checkSeries(op, `series[${i}]`, series[i]);
    knownOptions(op, options, chartOptions);
    const { title, xLabel, yLabel, log = false } = options;
    for (const [name, value] of Object.entries({ title, xLabel, yLabel }))
      if (value !== undefined) checkText(op, name, value);
    const map = (v: number) => (log ? (v > 0 ? Math.log10(v) : Number.NaN) : v);
    const curves = series.map((s, i) => ({
      label: s.label,
      color: s.color ?? palette[i % palette.length],
      points: Array.from(
        { length: s.values.length },
        (_, k): Point => [s.x === undefined ? k : s.x[k], map(s.values[k])],
      ),
    }));
    const named = curves.filter((c) => c.label !== undefined);
    const finite = curves.flatMap((c) => c.points).filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py));
    const [xLow, xHigh] = span(finite.map((p) => p[0]));
    const [rawLow, rawHigh] = span(finite.map((p) => p[1]));
    const margin = (rawHigh - rawLow) * 0.04;
    const [yLow, yHigh] = [rawLow - margin, rawHigh + margin];

    const yTicks = (log ? logTicks : ticks)(yLow, yHigh, Math.max(2, Math.floor(height / 40)));
    const yName = (v: number) => labelOf(log ? 10 ** v : v);
    const top = y + 6 + (title === undefined ? 0 : 14) + (yLabel === undefined && named.length === 0 ? 0 : 12);
    const left = x + 10 + Math.max(0, ...yTicks.map((v) => Picture.textWidth(yName(v))));
    const right = x + width - 10;
    const bottom = y + height - 16 - (xLabel === undefined ? 0 : 12);
    const toX = (v: number) => left + ((v - xLow) / (xHigh - xLow)) * (right - left);
    const toY = (v: number) => bottom - ((v - yLow) / (yHigh - yLow)) * (bottom - top);

    if (title !== undefined) this.#text((left + right) / 2, y + 4, title, { align: 'center' });
    if (yLabel !== undefined) this.#text(left, top - 13, yLabel, { color: grey });
    if (xLabel !== undefined) this.#text((left + right) / 2, y + height - 11, xLabel, { color: grey, align: 'center' });
    for (const v of yTicks) {
      const at = Math.round(toY(v));
      this.#rect(left, at, right - left, 1, pale).#rect(left - 3, at, 3, 1, grey);
      this.#text(left - 5, at - 3, yName(v), { color: grey, align: 'right' });
    }
    for (const v of ticks(
      xLow,
      xHigh,
      Math.max(2, Math.floor(width / 70)),
      series.every((c) => c.x === undefined) ? 1 : 0,
    )) {
      const at = Math.round(toX(v));
      this.#rect(at, top, 1, bottom - top, pale).#rect(at, bottom, 1, 4, grey);
      this.#text(Math.min(at, x + width - Picture.textWidth(labelOf(v)) / 2), bottom + 6, labelOf(v), {
        color: grey,
        align: 'center',
      });
    }
    this.#rect(left, top, 1, bottom - top + 1, grey).#rect(left, bottom, right - left, 1, grey);

    for (const { points, color } of curves) {
      let from: Point | undefined;
      for (const point of points) {
        const isGap = !point.every(Number.isFinite);
        // A point alone between gaps is drawn as a dot.
        const [[fromX, fromY], [px, py]] = [from ?? point, point];
        if (!isGap) this.#line(toX(fromX), toY(fromY), toX(px), toY(py), color, 1.4);
        from = isGap ? undefined : point;
      }
    }

    let end = right;
    for (const { label = '', color } of named.toReversed()) {
      this.#text(end, top - 13, label, { align: 'right' });
      end -= Picture.textWidth(label) + 18;
      this.#rect(end, top - 10, 14, 2, color);
      end -= 10;
    }
    return this;
  }

  /** The picture as a PNG file's bytes. */
  toPng(): Uint8Array {
    return encodePng({ width: this.width, height: this.height, channels: 3, data: this.data });
  }
}
