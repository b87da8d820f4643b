/**
 * The rows of a model's summary, made by a forward pass that records every call of a layer, and
 * the rows as the text of Module.summary. Not here: which parameters a module owns (module.ts).
 */
import { className } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { show } from '../errors.js';
import { zeros } from '../tensor/create.js';
import { type Parameter, Tensor } from '../tensor/tensor.js';
import type { Shape } from '../values/shape.js';
import type { Module } from './module.js';
import { shadowForward } from './shadow.js';

/** One call of one layer, or a layer that was not called. */
export interface SummaryRow {
  /** The name within the model, such as 'encoder.0'. The model itself has the name ''. */
  readonly name: string;
  /** The name of the layer's class. */
  readonly type: string;
  readonly called: boolean;
  /** Shape of the output. Null if the layer was not called or did not return a tensor. */
  readonly output: readonly number[] | null;
  /** The number of elements of its own parameters that no earlier row has counted. */
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Separates thousands by commas, in every locale. */
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** The first column of a row. */
const layerOf = ({ name, type, called }: SummaryRow): string =>
  `${name} ${type}${called ? '' : ' (not called)'}`.trim();

/** Rows and totals as aligned text. */
export function formatSummary(rows: readonly SummaryRow[], trainable: number): string {
  const total = (of: (row: SummaryRow) => number): number => rows.reduce((n, row) => n + of(row), 0);
  const parameters = total((r) => r.parameters);
  const column = (texts: readonly string[], pad: 'padStart' | 'padEnd'): readonly string[] => {
    const width = Math.max(...texts.map((text) => text.length));
    return texts.map((text) => text[pad](width));
  };
  const columns = [
    column(['layer', ...rows.map(layerOf), 'total'], 'padEnd'),
    column(['output', ...rows.map((r) => (r.output === null ? '-' : show(r.output))), ''], 'padEnd'),
    column(['parameters', ...rows.map((r) => grouped(r.parameters)), grouped(parameters)], 'padStart'),
    column(
      ['multiply-adds', ...rows.map((r) => grouped(r.multiplyAdds)), grouped(total((r) => r.multiplyAdds))],
      'padStart',
    ),
  ];
  const line = (at: number): string => columns.map((texts) => texts.at(at)).join('  ');
  const rule = '-'.repeat(line(0).length);
  const note = trainable === parameters ? [] : [`trainable parameters: ${grouped(trainable)}`];
  return [line(0), rule, ...rows.map((_, i) => line(i + 1)), rule, line(-1), ...note].join('\n');
}

function callForward(module: Module, inputs: readonly unknown[]): unknown {
  return Reflect.apply(module.forward, module, inputs);
}

/**
 * One row for each call of a layer in a forward pass on inputs of these shapes, then one for each
 * layer with parameters that was not called. The pass runs in eval mode on zeros and records no
 * graph.
 */
export function summaryRows(
  model: Module,
  ownParameters: (module: Module) => readonly Parameter[],
  inputShapes: readonly Shape[],
): readonly SummaryRow[] {
  const parameters = model.parameters();
  const [{ dtype, device }] = parameters.length > 0 ? parameters : [{ dtype: 'float32' as const, device: undefined }];
  const modules = model.namedModules();
  const modes = modules.map(([, module]) => [module, module.training] as const);
  const rows: SummaryRow[] = [];
  const counted = new Set<Tensor>();
  /** The number of elements of a module's own parameters that no row has counted yet. */
  const uncounted = (module: Module): number => {
    const own = new Set(ownParameters(module).filter((p) => !counted.has(p)));
    for (const p of own) counted.add(p);
    return [...own].reduce((n, p) => n + p.size, 0);
  };
  const hasOwn = (module: Module): boolean => ownParameters(module).length > 0;
  const watched = modules.filter(([, module]) => hasOwn(module) || module.children().length === 0);
  const called = new Set<Module>();
  const restore = watched.map(([name, module]) => {
    const record = (inputs: readonly unknown[], output: unknown): void => {
      called.add(module);
      const input = inputs.find((t) => t instanceof Tensor);
      const result = Array.isArray(output) ? output.find((t) => t instanceof Tensor) : output;
      const shape = result instanceof Tensor ? result.shape : null;
      rows.push({
        name,
        type: className(module),
        called: true,
        output: shape,
        parameters: uncounted(module),
        multiplyAdds: input !== undefined && shape !== null ? module.multiplyAdds(input.shape, shape) : 0,
      });
    };
    return shadowForward(module, (call, inputs) => {
      const output = call();
      record(inputs, output);
      return output;
    });
  });
  try {
    model.eval();
    noGrad(() => {
      callForward(
        model,
        inputShapes.map((shape) => zeros(shape, { dtype, device })),
      );
    });
  } finally {
    for (const undo of restore) undo();
    for (const [module, training] of modes) module.training = training;
  }
  for (const [name, module] of watched)
    if (!called.has(module) && hasOwn(module))
      rows.push({
        name,
        type: className(module),
        called: false,
        output: null,
        parameters: uncounted(module),
        multiplyAdds: 0,
      });
  return rows;
}
