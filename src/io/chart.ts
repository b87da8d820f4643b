/** Line charts: axes, ticks, grid, legend and curves. Not here: the drawing itself (canvas.ts). */
import { checkNumber, checkNumbers, checkText, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ShapeError, ValueError } from '../errors.js';
import { type Canvas, textWidth } from './canvas.js';
import { black, type Color, checkColor } from './color.js';

/** One curve of a chart. */
export interface Series {
  readonly values: ArrayLike<number>;
  /** One per value. Default 0, 1, 2 … */
  readonly x?: ArrayLike<number>;
  /** The name in the legend. Without it the curve is not in the legend. */
  readonly label?: string;
  /** Default: the next color of a palette. */
  readonly color?: Color;
}

export interface ChartOptions {
  readonly title?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Whether the y axis is logarithmic. It leaves out values that are not positive. */
  readonly log?: boolean;
}

const chartOptions: OptionNames<ChartOptions> = { title: 'value', xLabel: 'value', yLabel: 'value', log: 'flag' };
const seriesOptions: OptionNames<Series> = { values: 'value', x: 'value', label: 'value', color: 'value' };

/** The longest side of a chart. A longer one would have more ticks than anyone reads. */
const mostSide = 2 ** 16;

const grey: Color = [90, 90, 90];
const pale: Color = [228, 228, 228];
/**
 * Colors that colour-blind people can distinguish.
 * @source Okabe and Ito, "Color Universal Design", 2008
 */
const palette: readonly Color[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
];

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

/** The least and the greatest number. An empty span, or one without width, is widened. */
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
export function ticks(low: number, high: number, count: number, least = 0): number[] {
  // Below this the power is 0.
  const raw = Math.max((high - low) / count, least, 1e-300);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((m) => m * power >= raw * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Ticks for an axis of decimal logarithms, given and returned as logarithms. */
export function logTicks(low: number, high: number, count: number): number[] {
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

/** A number as the text of a tick. */
export function labelOf(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(4));
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? short.toExponential().replace('e+', 'e') : String(short);
}

/** A point of a chart, in the units of its axes. */
type Point = readonly [x: number, y: number];

/** The rectangle of a chart. @units pixels */
export interface ChartFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Checks the arguments of drawChart.
 * @throws ShapeError for a series with another number of x than of values; ValueError for something
 * that is not a number, text or color, or a size that is not in [1, 65536]
 */
export function checkChart(
  op: string,
  { width, height }: ChartFrame,
  series: readonly Series[],
  options: ChartOptions,
): void {
  for (const [name, value] of Object.entries({ width, height }))
    checkNumber(op, name, value, (v) => v >= 1 && v <= mostSide, `in [1, ${mostSide}]`);
  if (!Array.isArray(series)) throw new ValueError(op, 'series must be an array', `series=${shown(series)}`);
  for (let i = 0; i < series.length; i++) checkSeries(op, `series[${i}]`, series[i]);
  knownOptions(op, options, chartOptions);
  const { title, xLabel, yLabel } = options;
  for (const [name, value] of Object.entries({ title, xLabel, yLabel }))
    if (value !== undefined) checkText(op, name, value);
}

/** Draws a chart within a rectangle of a canvas. Points that are not finite leave gaps. */
export function drawChart(
  canvas: Canvas,
  { x, y, width, height }: ChartFrame,
  series: readonly Series[],
  { title, xLabel, yLabel, log = false }: ChartOptions,
): void {
  const map = (v: number) => (log ? (v > 0 ? Math.log10(v) : Number.NaN) : v);
  const curves = series.map((s, i) => ({
    label: s.label,
    color: s.color ?? palette[i % palette.length] ?? black,
    points: Array.from(s.values, (v, k): Point => [s.x?.[k] ?? k, map(v)]),
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
  const left = x + 10 + Math.max(0, ...yTicks.map((v) => textWidth(yName(v))));
  const right = x + width - 10;
  const bottom = y + height - 16 - (xLabel === undefined ? 0 : 12);
  const toX = (v: number) => left + ((v - xLow) / (xHigh - xLow)) * (right - left);
  const toY = (v: number) => bottom - ((v - yLow) / (yHigh - yLow)) * (bottom - top);

  if (title !== undefined) canvas.text((left + right) / 2, y + 4, title, { align: 'center' });
  if (yLabel !== undefined) canvas.text(left, top - 13, yLabel, { color: grey });
  if (xLabel !== undefined) canvas.text((left + right) / 2, y + height - 11, xLabel, { color: grey, align: 'center' });
  for (const v of yTicks) {
    const at = Math.round(toY(v));
    canvas.rect(left, at, right - left, 1, pale).rect(left - 3, at, 3, 1, grey);
    canvas.text(left - 5, at - 3, yName(v), { color: grey, align: 'right' });
  }
  for (const v of ticks(
    xLow,
    xHigh,
    Math.max(2, Math.floor(width / 70)),
    series.every((c) => c.x === undefined) ? 1 : 0,
  )) {
    const at = Math.round(toX(v));
    canvas.rect(at, top, 1, bottom - top, pale).rect(at, bottom, 1, 4, grey);
    canvas.text(Math.min(at, x + width - textWidth(labelOf(v)) / 2), bottom + 6, labelOf(v), {
      color: grey,
      align: 'center',
    });
  }
  canvas.rect(left, top, 1, bottom - top + 1, grey).rect(left, bottom, right - left, 1, grey);

  for (const { points, color } of curves) {
    let from: Point | undefined;
    for (const point of points) {
      const isGap = !point.every(Number.isFinite);
      // A point alone between gaps is drawn as a dot.
      const [[fromX, fromY], [px, py]] = [from ?? point, point];
      if (!isGap) canvas.line(toX(fromX), toY(fromY), toX(px), toY(py), color, 1.4);
      from = isGap ? undefined : point;
    }
  }

  let end = right;
  for (const { label = '', color } of named.toReversed()) {
    canvas.text(end, top - 13, label, { align: 'right' });
    end -= textWidth(label) + 18;
    canvas.rect(end, top - 10, 14, 2, color);
    end -= 10;
  }
}
