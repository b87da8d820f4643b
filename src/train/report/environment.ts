/** Where a run runs: versions, machine, device. */
import { className } from '../../arguments.js';
import { isNode } from '../../platform.js';
import { version } from '../../version.js';
import type { ReportRun } from './run.js';

function runtime(): string {
  if (isNode()) return `Node ${process.version} on ${process.platform} ${process.arch}`;
  return typeof navigator === 'object' ? navigator.userAgent : 'unknown';
}

export function environmentOf({ model }: Pick<ReportRun, 'model'>): Record<string, string> {
  const [first] = model.parameters();
  return {
    cedargrad: version,
    'runs on': runtime(),
    device: first === undefined ? 'unknown' : String(first.device),
    'data type': first?.dtype ?? 'unknown',
  };
}

/** What a run says about itself, for a report without a configuration. */
export function settingsOfRun({ model, optimizer, epochs, stepsPerEpoch }: ReportRun): object {
  const [first, ...more] = optimizer.paramGroups;
  const options = Object.entries(first ?? {}).filter(([name]) => name !== 'params');
  return {
    model: className(model),
    optimizer: className(optimizer),
    ...Object.fromEntries(options),
    ...(more.length > 0 && { parameterGroups: more.length + 1 }),
    epochs,
    stepsPerEpoch,
  };
}
