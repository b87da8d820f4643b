/**
 * The parameters and buffers of a model as a safetensors file. Not here: checkpoints, which also
 * hold optimizers and generators (src/train/checkpoint.ts).
 */
import { knownOptions, shown } from '../arguments.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { DeviceError, FormatError, ValueError } from '../errors.js';
import type { LoadReport } from '../nn/module.js';
import { Module } from '../nn/module.js';
import { isNode, load, type UrlLike } from '../platform.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { checkPath, writeFileAtomic } from './files.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';

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

/**
 * The bytes of a file that a path, an address or bytes stand for. Text is a path in Node, unless it
 * begins with http: or https:. In a page it is an address.
 * @throws DeviceError for an address that does not answer with a file; FormatError for a path at
 * which there is none; ValueError for anything else
 */
export async function bytesAt(op: string, source: string | UrlLike | Bytes): Promise<Bytes> {
  if (typeof source !== 'string' && !(source instanceof URL))
    return bytesFrom(op, source, 'source must be a path, an address, a Uint8Array or an ArrayBuffer');
  if (source === '' || String(source).includes('\0'))
    throw new ValueError(op, 'source must name a file', `source=${shown(source)}`);
  const isAddress = source instanceof URL ? source.protocol !== 'file:' : !isNode() || /^https?:/.test(String(source));
  if (isAddress) {
    const rule = 'the address must answer with a file';
    const answer = await fetch(source).catch((error: Error) => {
      throw new DeviceError(op, rule, `${source}: ${error.message}`);
    });
    if (!answer.ok) throw new DeviceError(op, rule, `${source}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  }
  const { readFile } = await load<typeof import('node:fs/promises')>('node:fs/promises');
  try {
    return await readFile(source);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EISDIR' && code !== 'ENOTDIR') throw error;
    throw new FormatError(op, 'there must be a file to read', message);
  }
}

/** Reads a safetensors file. Its errors name the function that the program has called. */
export function decodeFor(op: string, bytes: Bytes): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    throw error instanceof FormatError ? new FormatError(op, error.rule, error.got, error.hint) : error;
  }
}

/**
 * The parameters and buffers of a model, as the bytes of a safetensors file.
 * @throws ValueError for something that is not a Module
 * @source safetensors.torch.save_model
 */
export async function encodeWeights(model: Module): Promise<Uint8Array<ArrayBuffer>> {
  checkModel('encodeWeights', model);
  return encodeSafetensors(await storedTensors(model.stateDict()));
}

/**
 * Writes the parameters and buffers of a model to a safetensors file, in one move. Node only.
 * @throws ValueError for something that is not a Module; else as writeFileAtomic
 * @source safetensors.torch.save_model
 */
export async function saveWeights(model: Module, path: string): Promise<void> {
  checkModel('saveWeights', model);
  checkPath('saveWeights', path);
  await writeFileAtomic(path, await encodeWeights(model));
}

/**
 * Copies the tensors of a safetensors file into a model of the same structure. `source` is a path
 * in Node, an address, or the file's bytes. Everything is checked before anything changes.
 * With `strict: false`, only the names that both have are loaded.
 * @throws FormatError for a missing or damaged file; ValueError with every mismatch of names,
 * shapes and dtypes; DeviceError for an address that does not answer
 * @source safetensors.torch.load_model
 */
export async function loadWeights(
  model: Module,
  source: string | UrlLike | Bytes,
  options: { strict?: boolean } = {},
): Promise<LoadReport> {
  checkModel('loadWeights', model);
  knownOptions('loadWeights', options, { strict: 'flag' });
  const tensors = tensorsOf(decodeFor('loadWeights', await bytesAt('loadWeights', source)).tensors, deviceOf(model));
  try {
    return model.loadStateDict(tensors, options);
  } finally {
    for (const t of Object.values(tensors)) t.release();
  }
}
