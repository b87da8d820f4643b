/** Which epoch was the best, by a loss or a metric. */
import { checkText, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import type { EpochRecord } from './run.js';

/** What callbacks that look for the best epoch have as options. */
export interface MonitorOptions {
  /**
   * 'loss', 'valLoss', or the name of a metric. Default: 'valLoss', or 'loss' without validation.
   */
  readonly monitor?: string;
  /**
   * Whether less is better ('min') or more ('max'). Default: 'min' for losses, 'max' for metrics.
   */
  readonly mode?: 'min' | 'max';
}

const losses = ['loss', 'valLoss'];

export function checkMonitor(op: string, { monitor, mode }: MonitorOptions): void {
  if (monitor !== undefined) checkText(op, 'monitor', monitor);
  if (mode !== undefined && mode !== 'min' && mode !== 'max')
    throw new ValueError(op, "mode must be 'min' or 'max'", `mode=${shown(mode)}`);
}

/** The value that is monitored. @throws ValueError for a name that the record does not have */
export function monitored(op: string, record: EpochRecord, { monitor, mode }: MonitorOptions) {
  const name = monitor ?? (record.valLoss === undefined ? 'loss' : 'valLoss');
  const values: Readonly<Record<string, number | undefined>> = {
    ...record.metrics,
    loss: record.loss,
    valLoss: record.valLoss,
  };
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined)
    throw new ValueError(
      op,
      `monitor must be one of ${Object.keys(values)
        .filter((key) => values[key] !== undefined)
        .join(', ')}`,
      `'${name}'`,
      name === 'valLoss' ? 'pass validation to fit' : '',
    );
  return { name, value, less: (mode ?? (losses.includes(name) ? 'min' : 'max')) === 'min' };
}

/** Whether a value is better than the best one by more than `minDelta`. NaN never is. */
export const isBetter = (value: number, best: number | undefined, less: boolean, minDelta = 0): boolean =>
  !Number.isNaN(value) && (best === undefined || (less ? value < best - minDelta : value > best + minDelta));
