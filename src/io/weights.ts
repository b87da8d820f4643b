/**
 * The parameters and buffers of a model as a safetensors file. Not here: checkpoints, which also
 * hold optimizers and generators (src/train/checkpoint.ts), PyTorch's files (torch.ts).
 */
import { knownOptions, shown } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { ValueError } from '../errors.js';
import type { LoadReport } from '../nn/module.js';
import { Module } from '../nn/module.js';
import { matchState } from '../nn/state.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { allocate, type DType, isFloat, type TypedArray } from '../values/dtype.js';
import type { Source } from './byte-source.js';
import { elements } from './elements.js';
import { checkPath, writeFileAtomic } from './files.js';
import { checkHalf, encodeFor, type SafetensorsWriteOptions, writeOptions } from './safetensors.js';
import type { Skip, StoredTensor } from './stored.js';
import { checkValues, type FileEntry, openTensors, readTensor } from './tensor-file.js';

/** Refuses what is not a model. */
export function checkModel(op: string, model: unknown): void {
  if (!(model instanceof Module)) throw new ValueError(op, 'model must be a Module', shown(model));
}

/** Reads tensors from their device, for a file. */
export async function storedTensors(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, StoredTensor>> {
  const entries = Object.entries(tensors).map(async ([name, t]): Promise<[string, StoredTensor]> => {
    const data = await t.data();
    return [name, { dtype: t.dtype, shape: [...t.shape], data }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Makes tensors of a file's contents. */
export const tensorsOf = (stored: Readonly<Record<string, StoredTensor>>, device: Device): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(stored).map(([name, { data, shape, dtype }]) => [name, tensor(data, { shape, dtype, device })]),
  );

/** The device of a model's tensors; the default device if it has none. */
export const deviceOf = (model: Module): Device => Object.values(model.stateDict())[0]?.device ?? defaultDevice();

/** The parameters and buffers of a model by name, in the order of its state dictionary. */
export function tensorsIn(model: Module): Map<string, Tensor> {
  const own = new Map([...model.namedParameters(), ...model.namedBuffers()]);
  return new Map(Object.keys(model.stateDict()).map((name) => [name, own.get(name) as Tensor]));
}

/** The bytes that are given to a device before its work is awaited, so that it can free them. */
const mostWaiting = 2 ** 26;

/** One tensor to fill, the entry of the file, and what makes the one's values of the other's. */
export interface Filling {
  readonly to: Tensor;
  readonly from: FileEntry;
  /** Changes the layout. It may return its argument. */
  readonly convert: (t: Tensor) => Tensor;
}

/**
 * Fills tensors from an open file, one after the other. A value that cannot be represented is found
 * before the first tensor changes.
 */
export async function fill(op: string, fillings: readonly Filling[]): Promise<void> {
  await checkValues(
    op,
    fillings.map(({ from }) => from),
  );
  let waiting = 0;
  for (const { to, from, convert } of fillings) {
    const { data, shape, dtype } = await readTensor(op, from);
    // As PyTorch, which converts to the dtype of the parameter.
    const values = isFloat(to.dtype) && to.dtype !== dtype ? convertFloats(data, to.dtype) : data;
    noGrad(() => void to.assign(convert(tensor(values, { shape, dtype: to.dtype, device: to.device }))));
    waiting += data.byteLength;
    if (waiting >= mostWaiting) {
      await to.device.sync();
      waiting = 0;
    }
  }
}

function convertFloats(data: TypedArray, dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  out.set(data);
  return out;
}

/**
 * The parameters and buffers of a model, as the bytes of a safetensors file. `dtype` writes the
 * floats in 16 bits.
 * @throws ValueError for something that is not a Module, or a number too large for `dtype`
 * @source safetensors.torch.save_model
 */
export async function encodeWeights(
  model: Module,
  options: SafetensorsWriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return encode('encodeWeights', model, options);
}

async function encode(op: string, model: Module, options: SafetensorsWriteOptions): Promise<Uint8Array<ArrayBuffer>> {
  checkModel(op, model);
  knownOptions(op, options, writeOptions);
  checkHalf(op, options.dtype);
  return encodeFor(op, await storedTensors(model.stateDict()), undefined, options);
}

/**
 * Writes the parameters and buffers of a model to a safetensors file, in one move. `dtype` writes
 * the floats in 16 bits. Node only.
 * @throws ValueError for something that is not a Module, or a number too large for `dtype`; else as
 * writeFileAtomic
 * @source safetensors.torch.save_model
 */
export async function saveWeights(model: Module, path: string, options: SafetensorsWriteOptions = {}): Promise<void> {
  checkModel('saveWeights', model);
  checkPath('saveWeights', path);
  await writeFileAtomic(path, await encode('saveWeights', model, options));
}

/**
 * Copies the tensors of a safetensors file into a model of the same structure. `source` is a path
 * in Node, an address, or the file's bytes. It may be the path or address of an index, which ends
 * in `.index.json`. A file at a path is read tensor by tensor. Everything is checked before
 * anything changes. Only a disk that fails in between leaves some tensors changed.
 * With `strict: false`, only the names that both have are loaded. `skip` leaves tensors of the file
 * out.
 * @throws FormatError for a missing or damaged file; ValueError with every mismatch of names,
 * shapes and dtypes; DeviceError for an address that does not answer
 * @source safetensors.torch.load_model
 */
export async function loadWeights(
  model: Module,
  source: Source,
  options: { strict?: boolean; skip?: Skip } = {},
): Promise<LoadReport> {
  const op = 'loadWeights';
  checkModel(op, model);
  knownOptions(op, options, { strict: 'flag', skip: 'value' });
  const file = await openTensors(op, source, options.skip);
  try {
    const given = new Map(
      file.entries.map((entry) => [entry.name, { ...entry, dtype: elements[entry.element].dtype }]),
    );
    const { pairs, report } = matchState(op, tensorsIn(model), given, options.strict ?? true);
    await fill(
      op,
      pairs.map(({ to, from }) => ({ to, from, convert: (t) => t })),
    );
    return report;
  } finally {
    await file.close();
  }
}
