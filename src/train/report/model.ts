/**
 * What a report reads of a model: its layers, the filters of its first convolution, its silent
 * ReLUs. Not here: the summary itself (nn/summary.ts).
 */
import { className } from '../../arguments.js';
import { ReLU } from '../../nn/activation.js';
import { Conv2d } from '../../nn/conv.js';
import { type Module, ownParameters } from '../../nn/module.js';
import { type SummaryRow, shadowForward, summaryRows } from '../../nn/summary.js';
import { Tensor } from '../../tensor/tensor.js';
import type { Shape } from '../../values/shape.js';
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

/** Watches the ReLU layers of a model while `run` computes outputs. */
export async function silentRelus(model: Module, run: () => Promise<unknown>): Promise<string[]> {
  const peaks = new Map<string, Tensor[]>();
  const restore = model
    .namedModules()
    .filter(([, module]) => module instanceof ReLU)
    .map(([name, module]) =>
      shadowForward(module, (_, output) => {
        if (output instanceof Tensor)
          peaks.set(name, [...(peaks.get(name) ?? []), output.detach().max().clone().keep()]);
      }),
    );
  try {
    await run();
  } finally {
    for (const undo of restore) undo();
  }
  const silent: string[] = [];
  for (const [name, found] of peaks) {
    const values = await Promise.all(found.map((peak) => peak.item()));
    for (const peak of found) peak.release();
    if (values.every((v) => v === 0)) silent.push(name);
  }
  return silent;
}
