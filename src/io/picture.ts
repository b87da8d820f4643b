/** A small pixel canvas for results: images, text, line charts, out as PNG. Not here: a general renderer. */
import { ValueError } from '../errors.js';
import { encodePng } from './png.js';

/** Five columns of a glyph, low bit on top, for the characters from space to tilde. */
const glyphs =
  '0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649562050 0000070000 001C224100 0041221C00 2A1C7F1C2A 08083E0808 0080700000 0808080808 0000606000 2010080402 ' +
  '3E5149453E 00427F4000 7249494946 2141494D33 1814127F10 2745454539 3C4A494931 4121110907 3649494936 464949291E 0000140000 0040340000 0008142241 1414141414 0041221408 0201590906 ' +
  '3E415D594E 7C1211127C 7F49494936 3E41414122 7F4141413E 7F49494941 7F09090901 3E41415173 7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F021C027F 7F0408107F 3E4141413E ' +
  '7F09090906 3E4151215E 7F09192946 2649494932 03017F0103 3F4040403F 1F2040201F 3F4038403F 6314081463 0304780403 6159494D43 007F414141 0204081020 004141417F 0402010204 4040404040 ' +
  '0003070000 2054547840 7F28444438 3844444428 384444287F 3854545418 00087E0902 18A4A49C78 7F08040478 00447D4000 2040403D00 7F10284400 00417F4000 7C04780478 7C08040478 3844444438 ' +
  'FC18242418 18242418FC 7C08040408 4854545424 04043F4424 3C4040207C 1C2040201C 3C4030403C 4428102844 4C9090907C 4464544C44 0008364100 0000770000 0041360800 0201020402';
const columns = glyphs.split(' ').map((g) => Array.from({ length: 5 }, (_, i) => Number.parseInt(g.slice(2 * i, 2 * i + 2), 16)));

export type Rgb = readonly [number, number, number];
const black: Rgb = [20, 24, 28];
const grey: Rgb = [205, 209, 213];
const palette: readonly Rgb[] = [
  [31, 102, 178],
  [200, 82, 40],
  [46, 139, 87],
];

/** An image to draw: row-major, channels last; `min` is drawn black, `max` full. */
export interface Drawable {
  readonly data: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly min: number;
  readonly max: number;
}

export interface ChartOptions {
  readonly title: string;
  readonly yLabel: string;
  /** Logarithmic values. Default false. */
  readonly log?: boolean;
}

/** A canvas of RGB pixels, white at first. @units pixels, from the top left */
export class Picture {
  readonly #pixels: Uint8Array<ArrayBuffer>;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) throw new ValueError('Picture', 'width and height must be whole and at least 1', `${width}×${height}`);
    this.#pixels = new Uint8Array(width * height * 3).fill(255);
  }

  /** A filled rectangle, cut at the edges. */
  rect(x: number, y: number, width: number, height: number, color: Rgb = black): void {
    for (let row = Math.max(y, 0); row < Math.min(y + height, this.height); row++)
      for (let column = Math.max(x, 0); column < Math.min(x + width, this.width); column++) this.#pixels.set(color, (row * this.width + column) * 3);
  }

  /** A straight line. */
  line(x0: number, y0: number, x1: number, y1: number, color: Rgb = black, thickness = 1): void {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let i = 0; i <= steps; i++) this.rect(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps), thickness, thickness, color);
  }

  /** Text in a 5×7 font, six pixels a character; what the font lacks is drawn as '?'. */
  text(x: number, y: number, text: string, color: Rgb = black): void {
    [...text].forEach((character, i) => {
      const glyph = columns[character.charCodeAt(0) - 32] ?? columns['?'.charCodeAt(0) - 32];
      glyph.forEach((bits, column) => {
        for (let row = 0; row < 8; row++) if ((bits >> row) & 1) this.rect(x + 6 * i + column, y + row, 1, 1, color);
      });
    });
  }

  /** Each pixel as a square of `scale`. */
  image(x: number, y: number, { data, height, width, channels, min, max }: Drawable, scale = 1): void {
    const level = (v: number): number => Math.round(255 * Math.min(Math.max((v - min) / (max - min), 0), 1));
    for (let i = 0; i < height * width; i++) {
      const color = [0, 1, 2].map((c) => level(data[i * channels + (channels === 1 ? 0 : c)])) as unknown as Rgb;
      this.rect(x + (i % width) * scale, y + Math.floor(i / width) * scale, scale, scale, color);
    }
  }

  /** Lines over their index, counted from 1, with ticks at round numbers. Values that cannot be drawn (not finite, or not positive under `log`) leave gaps. */
  lineChart(x: number, y: number, width: number, height: number, series: readonly (readonly number[])[], { title, yLabel, log = false }: ChartOptions): void {
    const scale = (v: number): number => (log ? Math.log10(v) : v);
    const values = series.flat().map(scale).filter(Number.isFinite);
    const count = Math.max(...series.map((s) => s.length), 2);
    let [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const [left, top, right, bottom] = [x + 52, y + 16, x + width - 8, y + height - 26];
    const px = (i: number): number => Math.round(left + ((right - left) * i) / (count - 1));
    const py = (v: number): number => Math.round(bottom - ((bottom - top) * (v - low)) / (high - low));
    this.text(left, y + 2, title);
    for (const v of log ? decades(low, high) : ticks(low, high)) {
      this.line(left, py(v), right, py(v), grey);
      const label = shortNumber(log ? 10 ** v : v);
      this.text(left - 6 - 6 * label.length, py(v) - 3, label);
    }
    for (const step of ticks(1, count).filter((n) => Number.isInteger(n) && n >= 1)) {
      this.line(px(step - 1), bottom, px(step - 1), bottom + 3);
      this.text(px(step - 1) - 3 * String(step).length, bottom + 6, String(step));
    }
    this.line(left, top, left, bottom);
    this.line(left, bottom, right, bottom);
    this.text(x, y + 2, yLabel);
    this.text(right - 24, bottom + 16, 'step');
    series.forEach((s, k) => {
      for (let i = 1; i < s.length; i++) {
        const [a, b] = [scale(s[i - 1]), scale(s[i])];
        if (Number.isFinite(a) && Number.isFinite(b)) this.line(px(i - 1), py(a), px(i), py(b), palette[k % palette.length], 2);
      }
    });
  }

  /** The picture as a PNG file's bytes. */
  toPng(): Uint8Array {
    return encodePng({ width: this.width, height: this.height, channels: 3, data: this.#pixels });
  }
}

/** About five round numbers in a range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  const out: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) out.push(i * step);
  return out;
}

/** Logarithms of round numbers in a range, the fewer the wider it is. */
function decades(low: number, high: number): number[] {
  const factors = high - low > 4 ? [1] : high - low > 1 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  const out: number[] = [];
  for (let e = Math.floor(low); e <= high; e++) for (const f of factors) out.push(e + Math.log10(f));
  return out.filter((v) => v >= low && v <= high);
}

const shortNumber = (v: number): string => (Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(0) : String(Number(v.toPrecision(4))));
