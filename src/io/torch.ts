/**
 * PyTorch's state dictionaries in safetensors files: into models and out of them. Not here: the
 * rules of layouts (torch-layouts.ts) and names (torch-names.ts), files of this library's own
 * models (weights.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { show, ValueError } from '../errors.js';
import type { LoadReport, Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { isFloat } from '../values/dtype.js';
import { type Shape, sameShape } from '../values/shape.js';
import type { Source } from './byte-source.js';
import { elements } from './elements.js';
import { checkPath, writeFileAtomic } from './files.js';
import { checkHalf, encodeFor, type SafetensorsWriteOptions } from './safetensors.js';
import type { Skip, StoredTensor } from './stored.js';
import { type FileEntry, openTensors } from './tensor-file.js';
import { type Layout, type LayoutOptions, layoutsOf } from './torch-layouts.js';
import { checkMap, matchNames, type NameMap, torchNames } from './torch-names.js';
import { checkModel, type Filling, fill, tensorsIn } from './weights.js';

/** Options of loadTorch. */
export interface LoadTorchOptions extends LayoutOptions {
  /** Whether the file must have every tensor of the model and no other. Default true. */
  strict?: boolean;
  /** PyTorch's names, where they differ from those here. */
  map?: NameMap;
  /** The tensors of the file to leave out: their names, or a function that says so of a name. */
  skip?: Skip;
}

/** Options of saveTorch and encodeTorch. */
export interface SaveTorchOptions extends LayoutOptions, SafetensorsWriteOptions {
  /** PyTorch's names, where they differ from those here. */
  map?: NameMap;
}

const loadOptions: OptionNames<LoadTorchOptions> = {
  strict: 'flag',
  map: 'value',
  skip: 'value',
  flatten: 'value',
  unflatten: 'value',
};
const saveOptions: OptionNames<SaveTorchOptions> = {
  dtype: 'value',
  map: 'value',
  flatten: 'value',
  unflatten: 'value',
};

/** One line of the table of what does not fit. */
interface Row {
  readonly name: string;
  readonly needs: string;
  readonly inFile: string;
  readonly has: string;
  readonly problem: string;
}

/** The rows below a heading, in columns. */
function table(rows: readonly Row[]): string {
  const all: Row[] = [{ name: 'model', needs: 'needs', inFile: 'file', has: 'has', problem: '' }, ...rows];
  const columns = ['name', 'needs', 'inFile', 'has', 'problem'] as const;
  const widths = columns.map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: Row) =>
    columns
      .map((column, i) => row[column].padEnd(widths[i] as number))
      .join('  ')
      .trimEnd();
  return all.map((row) => `\n  ${line(row)}`).join('');
}

/** Whether a tensor of the file can be read into one of the model. Floats are converted. */
const fitsDtype = (to: Tensor, { element }: FileEntry): boolean =>
  elements[element].dtype === to.dtype || (isFloat(to.dtype) && isFloat(elements[element].dtype));

/**
 * Pairs the tensors of a model with those of a file.
 * @throws ValueError with a table of all that does not fit
 */
function plan(
  op: string,
  model: Module,
  entries: readonly FileEntry[],
  options: LoadTorchOptions,
): { fillings: Filling[]; report: LoadReport } {
  const own = tensorsIn(model);
  const layouts = layoutsOf(op, model, own, options);
  const found = new Map(entries.map((entry) => [entry.name, entry]));
  const { pairs, rest } = matchNames(op, [...own.keys()], [...found.keys()], options.map);
  const rows: Row[] = [];
  const fillings: Filling[] = [];
  const missing: string[] = [];
  const { strict = true } = options;
  const described = (shape: Shape, dtype: string) => `${show(shape)} ${dtype}`;
  for (const [name, to] of own) {
    const usual = layouts.get(name) as readonly [Layout, ...Layout[]];
    const needs = described(usual[0].shape, to.dtype);
    const entry = found.get(pairs.get(name) ?? '');
    if (entry === undefined || !pairs.has(name)) {
      missing.push(name);
      if (strict) rows.push({ name, needs, inFile: '-', has: '-', problem: 'missing' });
      continue;
    }
    const layout = usual.find(({ shape }) => sameShape(shape, entry.shape));
    const problem = layout === undefined ? 'other shape' : fitsDtype(to, entry) ? '' : 'other dtype';
    if (problem !== '')
      rows.push({ name, needs, inFile: entry.name, has: described(entry.shape, entry.element), problem });
    else fillings.push({ to, from: entry, convert: (layout as Layout).fromTorch });
  }
  if (strict)
    for (const name of rest) {
      const { shape, element } = found.get(name) as FileEntry;
      rows.push({ name: '-', needs: '-', inFile: name, has: described(shape, element), problem: 'unexpected' });
    }
  if (rows.length > 0) {
    const hint = rows.some(({ problem }) => problem.startsWith('other'))
      ? "nothing was loaded; shapes are in PyTorch's layout"
      : 'nothing was loaded; pass a map of names, or strict: false to load the names that both have';
    throw new ValueError(
      op,
      "names and shapes must be the model's",
      `${rows.length} that do not fit${table(rows)}\n`,
      hint,
    );
  }
  return { fillings, report: { missing, unexpected: rest } };
}

/**
 * Copies PyTorch's tensors into a model of the same structure. `source` is a safetensors file with
 * a state_dict: a path in Node, an address, or bytes, or the path or address of an index of several
 * files. Names match if they differ in underscores and capitals alone (runningMean, running_mean);
 * `map` gives others. Weights of convolutions and Linears, and a LayerNorm over images, are
 * converted from channels first to channels last. A Linear that reads flattened images needs their
 * sizes in `flatten`, and one whose output becomes images needs them in `unflatten`. Floats of any
 * width are converted to the model's. Everything is checked before anything changes. Only a disk
 * that fails in between leaves some tensors changed.
 * @shape flatten, unflatten: [C,H,W] or [C,L] by the path of a layer
 * @throws ValueError with a table of every name, shape and dtype that does not fit, and for a
 * Linear after a Flatten without its sizes; FormatError for a missing or damaged file; DeviceError
 * for an address that does not answer
 * @source torch.nn.Module.load_state_dict, safetensors.torch.load_file
 */
export async function loadTorch(model: Module, source: Source, options: LoadTorchOptions = {}): Promise<LoadReport> {
  const op = 'loadTorch';
  checkModel(op, model);
  knownOptions(op, options, loadOptions);
  const file = await openTensors(op, source, options.skip);
  try {
    const { fillings, report } = plan(op, model, file.entries, options);
    await fill(op, fillings);
    return report;
  } finally {
    await file.close();
  }
}

async function encode(op: string, model: Module, options: SaveTorchOptions): Promise<Uint8Array<ArrayBuffer>> {
  checkModel(op, model);
  knownOptions(op, options, saveOptions);
  const { dtype, map } = options;
  checkHalf(op, dtype);
  const own = tensorsIn(model);
  checkMap(op, map, [...own.keys()]);
  const layouts = layoutsOf(op, model, own, options);
  const stored: [string, StoredTensor][] = [];
  for (const [name, there] of torchNames(op, [...own.keys()], map)) {
    const t = own.get(name) as Tensor;
    const [layout] = layouts.get(name) as readonly [Layout, ...Layout[]];
    const converted = noGrad(() => layout.toTorch(t));
    const data = await converted.data();
    if (converted !== t) converted.release();
    stored.push([there, { dtype: t.dtype, shape: layout.shape, data }]);
  }
  return encodeFor(op, Object.fromEntries(stored), undefined, dtype === undefined ? {} : { dtype });
}

/**
 * A model's parameters and buffers as PyTorch's state_dict, in the bytes of a safetensors file,
 * which safetensors.torch.load_file reads. Names become PyTorch's (runningMean is running_mean), or
 * those of `map`. Layouts become channels first, as loadTorch describes. `dtype` writes the floats
 * in 16 bits. Counters of batches are not written, because PyTorch fills them in.
 * @shape flatten, unflatten: [C,H,W] or [C,L] by the path of a layer
 * @throws ValueError for something that is not a Module, options that do not fit it, a Linear after
 * a Flatten without its sizes, two tensors of one name, or a number too large for `dtype`
 * @source torch.nn.Module.state_dict, safetensors.torch.save
 */
export async function encodeTorch(model: Module, options: SaveTorchOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return encode('encodeTorch', model, options);
}

/**
 * Writes a model's parameters and buffers as PyTorch's state_dict to a safetensors file, in one
 * move, as encodeTorch gives it. Node only.
 * @shape flatten, unflatten: [C,H,W] or [C,L] by the path of a layer
 * @throws ValueError as encodeTorch; else as writeFileAtomic
 * @source safetensors.torch.save_file
 */
export async function saveTorch(model: Module, path: string, options: SaveTorchOptions = {}): Promise<void> {
  checkModel('saveTorch', model);
  checkPath('saveTorch', path);
  await writeFileAtomic(path, await encode('saveTorch', model, options));
}
