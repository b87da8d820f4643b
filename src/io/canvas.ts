/**
 * Drawing of rectangles, lines and text into RGB pixels. Arguments are not checked. Coordinates are
 * pixels from the top left. Not here: the public class with its checks (picture.ts), charts
 * (chart.ts).
 */
import { black, type Color } from './color.js';
import { advance, dotsOf } from './font.js';

export interface TextOptions {
  /** Default black. */
  readonly color?: Color;
  /** Pixels per dot of the font. Default 1: letters 7 pixels high, 6 apart. */
  readonly scale?: number;
  /** Which part of the text is at x. Default 'left'. */
  readonly align?: 'left' | 'center' | 'right';
}

/** The width of a text when it is drawn. @units pixels */
export const textWidth = (text: string, scale = 1): number => Math.max([...text].length * advance - 1, 0) * scale;

/** A picture in the making, for callers that have checked their arguments. */
export class Canvas {
  /** @shape [height · width · 3] @units 0 … 255 */
  readonly data: Uint8Array<ArrayBuffer>;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8Array(width * height * 3);
  }

  /** Mixes a color into one pixel. A pixel outside the canvas is ignored. */
  #mix(x: number, y: number, color: Color, amount: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = (y * this.width + x) * 3;
    color.forEach((level, c) => {
      this.data[at + c] = Math.round((this.data[at + c] as number) * (1 - amount) + level * amount);
    });
  }

  /** A filled rectangle. */
  rect(x: number, y: number, width: number, height: number, color: Color): this {
    const [left, right] = [Math.max(Math.round(x), 0), Math.min(Math.round(x + width), this.width)];
    const [top, bottom] = [Math.max(Math.round(y), 0), Math.min(Math.round(y + height), this.height)];
    for (let j = top; j < bottom; j++)
      for (let i = left; i < right; i++) this.data.set(color, (j * this.width + i) * 3);
    return this;
  }

  /** A straight line with smooth edges. x and y count to the centres of pixels. */
  line(x0: number, y0: number, x1: number, y1: number, color: Color, thickness: number): this {
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

  /** One line of text. Its top is at y. */
  text(x: number, y: number, text: string, { color = black, scale = 1, align = 'left' }: TextOptions): this {
    const shift = align === 'left' ? 0 : textWidth(text, scale) / (align === 'center' ? 2 : 1);
    const left = Math.round(x - shift);
    [...text].forEach((character, index) => {
      for (const [column, row] of dotsOf(character))
        this.rect(left + (index * advance + column) * scale, y + row * scale, scale, scale, color);
    });
    return this;
  }
}
