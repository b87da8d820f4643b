/**
 * Line charts as SVG that fits any width without a script. Positions are percentages, and only the
 * curves are stretched, so text keeps its size on a phone. Not here: which curves there are
 * (charts.ts), the values at the cursor (page-script.ts).
 */
import { labelOf, logTicks, ticks } from '../../io/chart.js';
import { formatNumber } from './format.js';
import { html, type Markup } from './html.js';
import { rangeOf } from './thumbnails.js';

/** One curve. A y that is null leaves a gap. */
export interface Curve {
  readonly label: string;
  /** The look of the curve: its color, dashes and dots. */
  readonly look: 'steps' | 'training' | 'validation';
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** The least and the greatest value at each x, drawn as a band. */
  readonly band?: readonly (readonly [least: number | null, greatest: number | null])[];
}

/** A mark of the x axis. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface ChartSpec {
  /** The id of its element. */
  readonly id: string;
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly xRange: readonly [number, number];
  readonly xTicks: readonly Tick[];
  readonly xLabel: string;
  /** What the values at the end of the curves belong to, such as 'step 240'. */
  readonly at: string;
  /** Whether the reader may choose a logarithmic axis. */
  readonly log: boolean;
}

/** The vertical scale of a chart. low and high are decimal logarithms if it is logarithmic. */
export interface Scale {
  readonly log: boolean;
  readonly low: number;
  readonly high: number;
}

/** The number of points above which a curve has no dots. */
const mostDots = 60;
/** The side of the box in which curves are drawn. It is stretched to the plot. */
const box = 1000;
const yTickCount = 5;

const mapped = (v: number | null, log: boolean): number =>
  v === null || (log && v <= 0) ? Number.NaN : log ? Math.log10(v) : v;

function scaleOf({ curves }: ChartSpec, log: boolean): Scale {
  const values = curves.flatMap(({ y, band }) => [...y, ...(band?.flat() ?? [])]).map((v) => mapped(v, log));
  const [low, high] = rangeOf(values);
  // A curve without height lies in the middle.
  const margin = high > low ? (high - low) * 0.05 : Math.abs(low) * 0.5 || 0.5;
  return { log, low: low - margin, high: high + margin };
}

/** The scales that a chart offers: linear, and logarithmic if asked for and possible. */
export function scalesOf(chart: ChartSpec): readonly Scale[] {
  const isPositive = chart.curves.some(({ y }) => y.some((v) => v !== null && v > 0));
  return [scaleOf(chart, false), ...(chart.log && isPositive ? [scaleOf(chart, true)] : [])];
}

/** Maps a point to the unit square, y down. */
type Place = (x: number, y: number | null) => readonly [number, number];

const placeIn =
  ({ xRange: [left, right] }: ChartSpec, { log, low, high }: Scale): Place =>
  (x, y) => [(x - left) / (right - left || 1), 1 - (mapped(y, log) - low) / (high - low)];

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;
const onBox = (share: number): number => Math.round(share * box);

/** The data of the path through the points. A point alone between gaps becomes a dot. */
function lineOf({ x, y }: Curve, place: Place): string {
  let path = '';
  let pen = 'M';
  x.forEach((at, i) => {
    const [px, py] = place(at, y[i] ?? null);
    const isGap = Number.isNaN(py);
    if (!isGap) path += pen === 'M' ? `M${onBox(px)} ${onBox(py)}h0` : `L${onBox(px)} ${onBox(py)}`;
    pen = isGap ? 'M' : 'L';
  });
  return path;
}

/** The outlines of the band, one for each part without gaps. */
function bandOf({ x, band = [] }: Curve, place: Place): string {
  let path = '';
  let upper: string[] = [];
  let lower: string[] = [];
  const close = (): void => {
    if (upper.length > 0) path += `M${[...upper, ...lower.toReversed()].join('L')}Z`;
    upper = [];
    lower = [];
  };
  band.forEach(([least, greatest], i) => {
    const [px, top] = place(x[i] as number, greatest);
    const [, bottom] = place(x[i] as number, least);
    if (Number.isNaN(top) || Number.isNaN(bottom)) close();
    else {
      upper.push(`${onBox(px)} ${onBox(top)}`);
      lower.push(`${onBox(px)} ${onBox(bottom)}`);
    }
  });
  close();
  return path;
}

function dotsOf(curve: Curve, place: Place): Markup[] {
  if (curve.look === 'steps' || curve.x.length > mostDots) return [];
  return curve.x.flatMap((at, i) => {
    const [px, py] = place(at, curve.y[i] ?? null);
    return Number.isNaN(py)
      ? []
      : [html`<circle class="dot ${curve.look}" cx="${percent(px)}" cy="${percent(py)}" r="3"/>`];
  });
}

/** A curve in words. */
function describeCurve({ label, x, y }: Curve): string {
  const points = x.flatMap((at, i) => (y[i] === null || y[i] === undefined ? [] : [[at, y[i]] as const]));
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return `${label}: no finite values`;
  const least = points.reduce((a, b) => (b[1] < a[1] ? b : a));
  const greatest = points.reduce((a, b) => (b[1] > a[1] ? b : a));
  return (
    `${label}: ${formatNumber(first[1])} at step ${first[0]}, ${formatNumber(last[1])} at step ${last[0]}, ` +
    `least ${formatNumber(least[1])} at step ${least[0]}, greatest ${formatNumber(greatest[1])} at step ${greatest[0]}`
  );
}

/** The chart in words, for those who cannot see it. */
const describeChart = ({ title, curves }: ChartSpec): string => `${title}. ${curves.map(describeCurve).join('. ')}.`;

function renderFrame(chart: ChartSpec, scale: Scale): Markup {
  const place = placeIn(chart, scale);
  const { log, low, high } = scale;
  const marks = (log ? logTicks : ticks)(low, high, yTickCount).map((v) => ({
    y: percent(1 - (v - low) / (high - low)),
    label: labelOf(log ? 10 ** v : v),
  }));
  const columns = chart.xTicks.map(({ at, label }) => ({ x: percent(place(at, null)[0]), label }));
  return html`<div class="frame ${log ? 'log' : 'linear'}">
<svg class="y-axis" aria-hidden="true">${marks.map(
    ({ y, label }) => html`<text x="100%" y="${y}" dx="-8" dy=".32em">${label}</text>`,
  )}</svg>
<svg class="plot" role="img" aria-label="${describeChart(chart)}">
<g class="grid">${marks.map(({ y }) => html`<line x1="0" x2="100%" y1="${y}" y2="${y}"/>`)}${columns.map(
    ({ x }) => html`<line x1="${x}" x2="${x}" y1="0" y2="100%"/>`,
  )}</g>
<svg width="100%" height="100%" viewBox="0 0 ${box} ${box}" preserveAspectRatio="none">${chart.curves.map(
    (curve) =>
      html`${curve.band && html`<path class="band" d="${bandOf(curve, place)}"/>`}<path class="line ${
        curve.look
      }" d="${lineOf(curve, place)}"/>`,
  )}</svg>
${chart.curves.map((curve) => dotsOf(curve, place))}</svg>
<svg class="x-axis" aria-hidden="true">${columns.map(
    ({ x, label }) => html`<text x="${x}" y="1.2em">${label}</text>`,
  )}</svg>
</div>`;
}

const lastOf = ({ y }: Curve): string => {
  const last = y.findLast((v) => v !== null && v !== undefined);
  return last === null || last === undefined ? '–' : formatNumber(last);
};

/** A chart with its legend, which shows the values at the cursor, or the last ones. */
export function renderChart(chart: ChartSpec): Markup {
  const { id, title, curves, xLabel, at } = chart;
  const scales = scalesOf(chart);
  return html`<figure class="chart" id="${id}">
<div class="head"><h3>${title}</h3>${
    scales.length > 1 &&
    html`<label class="switch"><input type="checkbox" id="${id}-log" class="use-log"> log scale</label>`
  }</div>
<div class="legend"><span class="at">${at}</span>${curves.map(
    (curve) =>
      html` <span class="key"><svg class="swatch" aria-hidden="true" viewBox="0 0 24 10"><path class="line ${
        curve.look
      }" d="M1 5H23"/>${
        curve.look === 'steps' ? '' : html`<circle class="dot ${curve.look}" cx="12" cy="5" r="3"/>`
      }</svg>${curve.label} <b class="value">${lastOf(curve)}</b></span>`,
  )}</div>
${scales.map((scale) => renderFrame(chart, scale))}
<div class="x-label" aria-hidden="true">${xLabel}</div>
<input class="scrub" type="range" min="0" value="0" step="1" aria-label="Position in the chart ${title}" hidden>
</figure>`;
}

/** Five significant digits, to keep the file short. Null for gaps. */
const short = (v: number | null | undefined): number | null =>
  v === null || v === undefined || !Number.isFinite(v) ? null : Number(v.toPrecision(5));

/** What the script of the page needs of a chart. */
export const chartData = (chart: ChartSpec): object => ({
  id: chart.id,
  xRange: chart.xRange,
  scales: scalesOf(chart),
  curves: chart.curves.map(({ label, look, x, y }) => ({ label, look, x, y: y.map(short) })),
});
