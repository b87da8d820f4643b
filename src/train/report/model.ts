/**
 * What a report reads of a model: its layers, the filters of its first convolution, its silent
 * ReLUs. Not here: the summary itself (nn/summary.ts).
 */
import { className } from '../../arguments.js';
import { Conv2d } from '../../nn/conv.js';
import { type Module, ownParameters } from '../../nn/module.js';
import { type SummaryRow, summaryRows } from '../../nn/summary.js';
import type { Shape } from '../../values/shape.js';
import { probeRelus } from '../relu-probe.js';
import type { ReportFilters, ReportLayer } from './data.js';
import { drawFilters } from './thumbnails.js';

const mostFilters = 64;
/** The largest number of rows. A model with more layers is shown in part. */
const mostLayers = 400;

/** The rows of a forward pass on zeros, or undefined if the model cannot run on these shapes. */
function rowsOf(model: Module, shapes: readonly Shape[]): readonly SummaryRow[] | undefined {
  try {
    return summaryRows(model, ownParameters, shapes);
  } catch {
    // A model may need other inputs than a batch has. Then its layers are shown without shapes.
    return undefined;
  }
}

const withOne = (shape: Shape): Shape => [1, ...shape.slice(1)];

/**
 * The layers with their output shapes for one sample. `batch` is what the model gets: its first
 * tensor, or all of them. Without a batch no shape is known.
 */
export function layersOf(model: Module, batch: readonly { readonly shape: Shape }[] | undefined): ReportLayer[] {
  const shapes = batch?.map(({ shape }) => withOne(shape));
  const found = shapes && (rowsOf(model, shapes.slice(0, 1)) ?? rowsOf(model, shapes));
  const rows =
    found ??
    model.namedModules().flatMap(([name, module]): SummaryRow[] => {
      const parameters = ownParameters(module).reduce((n, p) => n + p.size, 0);
      const isLeaf = module.children().length === 0;
      return parameters === 0 && !isLeaf
        ? []
        : [{ name, type: className(module), called: true, output: null, parameters, multiplyAdds: 0 }];
    });
  return rows.slice(0, mostLayers).map(({ output, ...row }) => ({ ...row, ...(output && { output: [...output] }) }));
}

/** The filters of the first convolution whose kernel is larger than one pixel. */
export async function filtersOf(model: Module): Promise<ReportFilters | undefined> {
  const found = model
    .namedModules()
    .find(([, module]) => module instanceof Conv2d && Math.max(...module.kernelSize) > 1);
  if (found === undefined) return undefined;
  const [layer, { weight }] = found as [string, Conv2d];
  return {
    layer: layer === '' ? className(found[1]) : layer,
    shape: [...weight.shape],
    pictures: drawFilters(await weight.data(), weight.shape, mostFilters),
  };
}

/** The ReLUs that give only zeros while `run` computes outputs. */
export async function silentRelus(model: Module, run: () => Promise<unknown>): Promise<string[]> {
  const activity = await probeRelus(model, run);
  return activity.filter(({ dead, channels }) => dead === channels).map(({ name }) => name);
}
