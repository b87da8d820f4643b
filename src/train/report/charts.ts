/** The curves of a report: loss, metrics, learning rate. Not here: their drawing (curves.ts). */
import { ticks } from '../../io/chart.js';
import type { EpochRecord } from '../run.js';
import type { ChartSpec, Curve, Tick } from './curves.js';
import type { ReportData, ReportLoss } from './data.js';
import { formatCount } from './format.js';

/** The largest number of points of a curve of epochs. */
export const mostRecords = 500;
/** The largest number of metrics that are drawn. */
export const mostMetrics = 12;
const xTickCount = 6;

/** Up to `most` items at equal distances, with the last one. */
export function thinned<T>(items: readonly T[], most: number): readonly T[] {
  const stride = Math.ceil(items.length / most);
  return stride <= 1 ? items : items.filter((_, i) => (items.length - 1 - i) % stride === 0);
}

/** The names of all metrics, in the order in which they appear. */
export function metricsOf(history: readonly EpochRecord[]): readonly string[] {
  const names = new Set<string>();
  for (const { metrics } of history) for (const name in metrics) names.add(name);
  return [...names];
}

const finite = (v: number | undefined): number | null => (v === undefined || !Number.isFinite(v) ? null : v);

/** Marks at the ends of epochs, or at numbers of steps while there are not two epochs. */
function xTicksOf(history: readonly EpochRecord[], last: number): { ticks: readonly Tick[]; label: string } {
  const [begin] = history;
  const end = history.at(-1);
  if (begin === undefined || end === undefined || begin === end) {
    const marks = ticks(0, last, xTickCount, 1);
    return { ticks: marks.map((at) => ({ at, label: formatCount(at) })), label: 'step' };
  }
  const steps = new Map(history.map(({ epoch, step }) => [epoch, step]));
  const marks = ticks(begin.epoch, end.epoch, xTickCount, 1);
  return {
    ticks: marks.flatMap((epoch) => {
      const at = steps.get(epoch);
      return at === undefined ? [] : [{ at, label: formatCount(epoch) }];
    }),
    label: 'epoch',
  };
}

function lossCurves(losses: readonly ReportLoss[], records: readonly EpochRecord[]): Curve[] {
  const x = records.map(({ step }) => step);
  const isBand = losses.some(({ least, greatest }) => least !== greatest);
  const steps: Curve = {
    label: 'training, each step',
    look: 'steps',
    x: losses.map(({ step }) => step),
    y: losses.map(({ mean }) => finite(mean)),
    ...(isBand && { band: losses.map(({ least, greatest }) => [finite(least), finite(greatest)] as const) }),
  };
  const training: Curve = {
    label: 'training, epoch mean',
    look: 'training',
    x,
    y: records.map(({ loss }) => finite(loss)),
  };
  const validation: Curve = {
    label: 'validation',
    look: 'validation',
    x,
    y: records.map(({ valLoss }) => finite(valLoss)),
  };
  return [
    ...(losses.length > 0 ? [steps] : []),
    ...(records.length > 0 ? [training] : []),
    ...(validation.y.some((v) => v !== null) ? [validation] : []),
  ];
}

/** The learning rates of steps, or of epochs where those of steps are not known. */
function rateCurve(losses: readonly ReportLoss[], records: readonly EpochRecord[]): Curve {
  const bySteps = losses.some(({ lr }) => lr !== undefined);
  const source: readonly { readonly step: number; readonly lr?: number }[] = bySteps ? losses : records;
  return {
    label: 'learning rate',
    look: 'steps',
    x: source.map(({ step }) => step),
    y: source.map(({ lr }) => finite(lr)),
  };
}

/** The charts of a report. There are none before the first step. */
export function chartsOf({ losses = [], history, step }: ReportData): readonly ChartSpec[] {
  const records = thinned(history, mostRecords);
  const last = Math.max(losses.at(-1)?.step ?? 0, history.at(-1)?.step ?? 0, step);
  if (losses.length === 0 && history.length === 0) return [];
  const { ticks: xTicks, label } = xTicksOf(history, last);
  const x = records.map((record) => record.step);
  const latest = history.at(-1);
  const epoch = latest === undefined ? 1 : latest.epoch + (last > latest.step ? 1 : 0);
  const common = { xRange: [0, last] as const, xTicks, xLabel: label, at: `step ${formatCount(last)}, epoch ${epoch}` };
  const metrics = metricsOf(history).slice(0, mostMetrics);
  return [
    { ...common, id: 'chart-loss', title: 'Loss', curves: lossCurves(losses, records), log: true },
    ...metrics.map((name, i) => ({
      ...common,
      id: `chart-metric-${i}`,
      title: name,
      curves: [
        {
          label: 'validation',
          look: 'validation' as const,
          x,
          y: records.map((record) => finite(record.metrics[name])),
        },
      ],
      log: false,
    })),
    { ...common, id: 'chart-lr', title: 'Learning rate', curves: [rateCurve(losses, records)], log: true },
  ];
}
