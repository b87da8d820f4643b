/**
 * Pictures of results: images side by side, captions, line charts. This file checks all arguments.
 * It is not a plotting library: it has one font, no alpha channel and no layout. Coordinates are
 * pixels from the top left. Not here: the drawing (canvas.ts, chart.ts), PNG (png.ts).
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
import { Canvas, type TextOptions, textWidth } from './canvas.js';
import { type ChartOptions, checkChart, drawChart, type Series } from './chart.js';
import { black, type Color, checkColor, white } from './color.js';
import { encodePng } from './png.js';
import { mostPixels } from './png-chunks.js';

export type { TextOptions } from './canvas.js';
export type { ChartOptions, Series } from './chart.js';
export type { Color } from './color.js';

/** An image to draw, channels innermost. `min` is drawn black and `max` white. */
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
  /** The index of the image's first element in `data`, for an image of a batch. Default 0. */
  readonly offset?: number;
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
const textOptions: OptionNames<TextOptions> = { color: 'value', scale: 'value', align: 'value' };
const isWhole = (v: unknown): v is number => Number.isInteger(v) && (v as number) > 0;

const checkPositive = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, (v) => v > 0 && v < Infinity, 'finite and positive');

/** A picture in the making. */
export class Picture {
  /** @shape [height · width · 3] @units 0 … 255 */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly #canvas: Canvas;

  /**
   * @throws ValueError if a size is not whole and positive, for more than 2²⁶ pixels, or if
   * background is not a color
   */
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
    this.#canvas = new Canvas(width, height).rect(0, 0, width, height, background);
    this.data = this.#canvas.data;
  }

  /**
   * A filled rectangle.
   * @units pixels
   * @throws ValueError if a number is not finite, or color is not a color
   */
  rect(x: number, y: number, width: number, height: number, color: Color = black): this {
    checkFinite('Picture.rect', { x, y, width, height });
    checkColor('Picture.rect', 'color', color);
    this.#canvas.rect(x, y, width, height, color);
    return this;
  }

  /**
   * A straight line with smooth edges. x and y count to the centres of pixels.
   * @units pixels
   * @throws ValueError if a number is not finite, color is not a color, or thickness is not
   * positive
   */
  line(x0: number, y0: number, x1: number, y1: number, color: Color = black, thickness = 1): this {
    checkFinite('Picture.line', { x0, y0, x1, y1 });
    checkColor('Picture.line', 'color', color);
    checkPositive('Picture.line', 'thickness', thickness);
    this.#canvas.line(x0, y0, x1, y1, color, thickness);
    return this;
  }

  /**
   * An image. Each of its pixels becomes `scale` by `scale` pixels of the picture.
   * @shape data [height · width · channels]
   * @throws ShapeError if the data ends before the image does; ValueError if a size or scale is not
   * whole and positive, offset is not whole and not negative, channels is not 1 or 3, or an element
   * is not a number
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
        this.#canvas.rect(
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
   * The width of a text when it is drawn.
   * @units pixels
   * @throws ValueError if text is not text, or scale is not positive
   */
  static textWidth(text: string, scale = 1): number {
    checkText('Picture.textWidth', 'text', text);
    checkPositive('Picture.textWidth', 'scale', scale);
    return textWidth(text, scale);
  }

  /**
   * One line of text. Its top is at y. Characters beyond printable ASCII are drawn as `?`.
   * @throws ValueError if x or y is not finite, text is not text, color is not a color, scale is
   * not positive, or align is unknown
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
    this.#canvas.text(x, y, text, options);
    return this;
  }

  /**
   * A line chart with axes, ticks, grid and legend, all within the given rectangle. Points that are
   * not finite leave gaps.
   * @throws ShapeError if a series has another number of x than of values; ValueError for something
   * that is not a number, text or color, or a size that is not in [1, 65536]
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
    const frame = { x, y, width, height };
    checkChart(op, frame, series, options);
    drawChart(this.#canvas, frame, series, options);
    return this;
  }

  /** The picture as the bytes of a PNG file. */
  toPng(): Uint8Array {
    return encodePng({ width: this.width, height: this.height, channels: 3, data: this.data });
  }
}
