/**
 * Export of models as ONNX files. A forward pass is recorded as kernel calls, and each becomes
 * nodes of a graph. Not here: the work itself (lower.ts), which is loaded when it is needed.
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ValueError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { ownShape, type Shape } from '../../values/shape.js';
import { checkPath, writeFileAtomic } from '../files.js';
import { checkModel } from '../weights.js';
import type { NamedInput } from './lower.js';

/** The opsets that can be written. The last is the newest one of ONNX Runtime 1.30. */
export const opsets = { least: 11, usual: 17, most: 25 } as const;

/** The order of the axes of images and series in a graph. */
export type OnnxLayout = 'NCHW' | 'NHWC';

/** An input of a graph: its sizes, and its dtype where that is not float32. */
export type OnnxInput = Shape | { readonly shape: Shape; readonly dtype?: 'float32' | 'int32' | 'bool' };

/** Options of exportOnnx and saveOnnx. */
export interface OnnxExportOptions {
  /**
   * The inputs of forward, as sizes in `layout`: one input, or several by name, in the order of
   * forward's arguments. A single one without a name is called 'input'.
   */
  input: OnnxInput | Readonly<Record<string, OnnxInput>>;
  /**
   * The order of the axes of the graph's inputs and outputs of rank 3 and 4. 'NCHW' (default) puts
   * the channels second, as files from PyTorch do; [N,L,C] becomes [N,C,L]. 'NHWC' keeps them last.
   */
  layout?: OnnxLayout;
  /** The version of ONNX's operators, from 11 to 25. Default 17. */
  opset?: number;
}

const optionNames: OptionNames<OnnxExportOptions> = { input: 'value', layout: 'value', opset: 'value' };

export function checkLayout(at: string, layout: unknown): asserts layout is OnnxLayout {
  if (layout !== 'NCHW' && layout !== 'NHWC')
    throw new ValueError(at, "layout must be 'NCHW' or 'NHWC'", `layout=${shown(layout)}`);
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> => {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
};
const isInput = (value: unknown): value is OnnxInput =>
  Array.isArray(value) || (isPlain(value) && Array.isArray(value.shape) && Object.keys(value).every(isPartOfInput));
const isPartOfInput = (name: string): boolean => name === 'shape' || name === 'dtype';

/** The inputs, checked. */
function inputsOf(op: string, input: OnnxExportOptions['input']): NamedInput[] {
  const entries = isInput(input) ? [['input', input] as const] : isPlain(input) ? Object.entries(input) : [];
  const bad = entries.find(([, spec]) => !isInput(spec));
  if (entries.length === 0 || bad !== undefined)
    throw new ValueError(
      op,
      'input must be a shape, or shapes by name',
      bad === undefined ? `input=${shown(input)}` : `${bad[0]}=${shown(bad[1])}`,
      'as in input: [1, 3, 64, 64]',
    );
  return entries.map(([name, spec]) => {
    const { shape, dtype = 'float32' } = (Array.isArray(spec) ? { shape: spec } : spec) as NamedInput;
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
      throw new ValueError(op, 'an input must be float32, int32 or bool', `${name}: dtype=${shown(dtype)}`);
    return { name, shape: ownShape(op, shape, name), dtype };
  });
}

function checkOptions(at: string, model: Module, options: OnnxExportOptions): void {
  checkModel(at, model);
  knownOptions(at, options, optionNames);
  if (options.layout !== undefined) checkLayout(at, options.layout);
  const { least, most } = opsets;
  checkNumber(
    at,
    'opset',
    options.opset === undefined ? opsets.usual : options.opset,
    (v) => Number.isInteger(v) && v >= least && v <= most,
    `whole and in [${least}, ${most}]`,
  );
  inputsOf(at, options.input);
}

/**
 * A model as the bytes of an ONNX file, which other programs run with the same results. One forward
 * pass on zeros of the given sizes is recorded in eval mode, so whatever forward computes from its
 * inputs is exported, and the graph has those sizes. Values that forward reads while it runs are
 * refused, because the graph could not follow them.
 * @shape input: one shape, or shapes by name, in `layout`
 * @gradient none
 * @throws ValueError for an option out of range, or an operation that ONNX lacks, with its name and
 * its module; else as forward does
 * @source torch.onnx.export
 */
export async function exportOnnx(model: Module, options: OnnxExportOptions): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions('exportOnnx', model, options);
  const { layout = 'NCHW', opset = opsets.usual } = options;
  const { encodeModel } = await import('./lower.js');
  return encodeModel(model, inputsOf('exportOnnx', options.input), layout, opset);
}

/**
 * Writes a model to an ONNX file, in one move. Node only.
 * @shape input: one shape, or shapes by name, in `layout`
 * @gradient none
 * @throws as exportOnnx and writeFileAtomic
 * @source torch.onnx.export
 */
export async function saveOnnx(model: Module, path: string, options: OnnxExportOptions): Promise<void> {
  checkOptions('saveOnnx', model, options);
  checkPath('saveOnnx', path);
  await writeFileAtomic(path, await exportOnnx(model, options));
}
