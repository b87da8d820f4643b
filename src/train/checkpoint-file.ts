/**
 * Checkpoints: everything that a training run needs to go on as if it had never stopped. A
 * checkpoint is a safetensors file. Its tensors are those of the model, the optimizer and averaged
 * weights, and the rest is JSON in the file's metadata. Not here: when a run saves one
 * (callbacks.ts), and the loop that goes on from it (fit.ts).
 */

import { checkRecord, knownOptions, type OptionNames, shown } from '../arguments.js';
import { isTensor } from '../autograd/graph.js';
import { FormatError, ValueError } from '../errors.js';
import { bytesAt } from '../io/byte-source.js';
import type { Bytes } from '../io/bytes.js';
import { checkPath, writeFileAtomic } from '../io/files.js';
import { decodeFor, encodeSafetensors } from '../io/safetensors.js';
import type { StoredTensor } from '../io/stored.js';
import { checkModel, deviceOf, storedTensors, tensorsOf } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import type { OptimizerState } from '../optim/optimizer.js';
import type { UrlLike } from '../platform.js';
import type { Tensor } from '../tensor/tensor.js';
import { getRngState, type SavedRandom, setRngState } from '../values/random.js';
import { fromExactJson, toExactJson } from './exact-json.js';

/** A part whose state is JSON: a schedule, or a DataLoader. */
export interface Stateful {
  /** The state for a checkpoint. */
  stateDict(): unknown;
  /** Restores a state. */
  loadStateDict(state: never): unknown;
}
export const isStateful = (value: unknown): value is Stateful =>
  typeof value === 'object' && value !== null && 'stateDict' in value && 'loadStateDict' in value;
/** Any optimizer, whatever its options. */
export interface AnyOptimizer {
  readonly paramGroups: readonly { lr: number; readonly params: readonly Tensor[] }[];
  /** Removes the gradients. */
  zeroGrad(): void;
  /** Updates the parameters. */
  step(): void;
  /** The state for a checkpoint. */
  stateDict(): OptimizerState;
  /** Restores a state. */
  loadStateDict(state: never): void;
}
/** A part whose state has tensors: averaged weights. */
export interface StatefulTensors {
  /** The state for a checkpoint. */
  stateDict(): { readonly tensors: Readonly<Record<string, Tensor>>; readonly count: number };
  /** Restores a state. */
  loadStateDict(state: { readonly tensors: Readonly<Record<string, Tensor>>; readonly count: number }): unknown;
}
/** A generator of random numbers whose state can be saved: RandomState and FastRandom. */
export interface StatefulGenerator {
  /** The state for a checkpoint. */
  getState(): unknown;
  /** Restores a state. */
  setState(state: never): unknown;
}

/** The parts of a run whose state a checkpoint holds. */
export interface CheckpointParts {
  readonly model: Module;
  readonly optimizer?: AnyOptimizer;
  readonly schedule?: Stateful;
  readonly data?: Stateful;
  readonly ema?: StatefulTensors;
  /**
   * Generators by name. The default generator, and those in fields of the model's modules (as
   * dropout's), need not be listed.
   */
  readonly generators?: Readonly<Record<string, StatefulGenerator>>;
}

const partNames: OptionNames<CheckpointParts> = {
  model: 'value',
  optimizer: 'value',
  schedule: 'value',
  data: 'value',
  ema: 'value',
  generators: 'value',
};

const formatName = 'cedargrad-checkpoint';
const formatVersion = '1';

/** The JSON of a checkpoint. */
interface Contents {
  readonly optimizer?: {
    readonly groups: OptimizerState['groups'];
    /** What an optimizer keeps of each parameter, without tensors. */
    readonly state: Readonly<Record<number, Omit<OptimizerState['state'][number], 'tensors'>>>;
  };
  readonly schedule?: unknown;
  readonly data?: unknown;
  readonly ema?: { readonly count: number };
  readonly generators: Readonly<Record<string, unknown>>;
  readonly random: SavedRandom;
  readonly values: unknown;
}

const isGenerator = (value: unknown): value is StatefulGenerator =>
  typeof value === 'object' && value !== null && 'getState' in value && 'setState' in value;

/** The generators in the fields of a model's modules, and the given ones, by name. */
export function generatorsOf({ model, generators = {} }: CheckpointParts): Record<string, StatefulGenerator> {
  const found: Record<string, StatefulGenerator> = {};
  for (const [name, module] of model.namedModules())
    for (const [field, value] of Object.entries(module))
      if (isGenerator(value) && !Object.values(found).includes(value))
        found[`model ${name === '' ? field : `${name}.${field}`}`] = value;
  return { ...found, ...generators };
}

export function checkParts(op: string, parts: CheckpointParts): void {
  knownOptions(op, parts, partNames);
  checkModel(op, parts.model);
  for (const name of ['optimizer', 'schedule', 'data', 'ema'] as const) {
    const part = parts[name] as Partial<Stateful> | undefined;
    if (part !== undefined && (typeof part?.stateDict !== 'function' || typeof part.loadStateDict !== 'function'))
      throw new ValueError(op, `${name} must have stateDict and loadStateDict`, `${name}=${shown(part)}`);
  }
  if (parts.optimizer !== undefined && !Array.isArray(parts.optimizer.paramGroups))
    throw new ValueError(op, 'optimizer must be an optimizer', `optimizer=${shown(parts.optimizer)}`);
  if (parts.generators === undefined) return;
  checkRecord(op, 'generators', parts.generators, 'generators');
  for (const [name, value] of Object.entries(parts.generators))
    if (!isGenerator(value))
      throw new ValueError(
        op,
        'a generator must have getState and setState',
        `${name}=${shown(value)}`,
        'pass a RandomState or a FastRandom',
      );
}

const under = <T>(prefix: string, entries: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(entries).map(([name, entry]) => [`${prefix}/${name}`, entry]);

/** The entries whose names begin with a prefix, without it. */
function below<T>(prefix: string, entries: Readonly<Record<string, T>>): Record<string, T> {
  const start = `${prefix}/`;
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([name]) => name.startsWith(start))
      .map(([name, entry]) => [name.slice(start.length), entry]),
  );
}

/** The state of averaged weights. @throws ValueError for the state of anything else */
function averagesOf(op: string, ema: StatefulTensors): ReturnType<StatefulTensors['stateDict']> {
  const state = ema.stateDict();
  if (typeof state?.count !== 'number' || !Object.values(state.tensors ?? [null]).every(isTensor))
    throw new ValueError(op, "ema's state must have tensors and a count", `ema=${shown(ema)}`);
  return state;
}

/** The state of all parts as the bytes of a checkpoint. */
async function encode(op: string, parts: CheckpointParts, values: unknown): Promise<Uint8Array<ArrayBuffer>> {
  checkParts(op, parts);
  const { model, optimizer, schedule, data, ema } = parts;
  const moments = optimizer?.stateDict();
  const averages = ema && averagesOf(op, ema);
  const slots = Object.entries(moments?.state ?? {}).flatMap(([i, { tensors }]) => under(`optimizer/${i}`, tensors));
  // All that is not a tensor is read before the first await, so that it belongs to one moment.
  const contents: Contents = {
    ...(moments && {
      optimizer: {
        groups: moments.groups,
        state: Object.fromEntries(Object.entries(moments.state).map(([i, { tensors, ...rest }]) => [i, rest])),
      },
    }),
    ...(schedule && { schedule: schedule.stateDict() }),
    ...(data && { data: data.stateDict() }),
    ...(averages && { ema: { count: averages.count } }),
    generators: Object.fromEntries(Object.entries(generatorsOf(parts)).map(([name, g]) => [name, g.getState()])),
    random: getRngState(),
    values,
  };
  const state = toExactJson(op, contents);
  const tensors = Object.fromEntries([
    ...under('model', model.stateDict()),
    ...slots,
    ...under('ema', averages?.tensors ?? {}),
  ]);
  return encodeSafetensors(await storedTensors(tensors), { format: formatName, version: formatVersion, state });
}

/**
 * The state of a run as the bytes of a checkpoint. `values` is what else the program wants to find
 * again: numbers, text, flags, typed arrays, and arrays and plain objects of these. Numbers keep
 * their bits.
 * @throws ValueError for unknown parts, parts without a state, or values of another kind
 */
export async function encodeCheckpoint(
  parts: CheckpointParts,
  values: unknown = null,
): Promise<Uint8Array<ArrayBuffer>> {
  return encode('encodeCheckpoint', parts, values);
}

/** The tensors and the JSON of a checkpoint. @throws FormatError for any other file */
export function decodeCheckpoint(
  op: string,
  bytes: Bytes,
): { stored: Record<string, StoredTensor>; contents: Contents } {
  const { tensors: stored, metadata } = decodeFor(op, bytes);
  if (metadata.format !== formatName)
    throw new FormatError(
      op,
      'the file must be a checkpoint',
      'other safetensors',
      'a file of weights alone is read by loadWeights',
    );
  if (metadata.version !== formatVersion)
    throw new FormatError(op, `the checkpoint's version must be ${formatVersion}`, `version ${metadata.version}`);
  try {
    return { stored, contents: fromExactJson(metadata.state ?? '') as Contents };
  } catch (error) {
    throw new FormatError(op, 'the state must be JSON', (error as Error).message);
  }
}

/** Restores all parts. Some may have changed already when it throws. */
function restore(op: string, parts: CheckpointParts, bytes: Bytes): unknown {
  const { stored, contents } = decodeCheckpoint(op, bytes);
  const { model, optimizer, schedule, data, ema } = parts;
  const tensors = tensorsOf(stored, deviceOf(model));
  try {
    for (const name of ['optimizer', 'schedule', 'data', 'ema'] as const)
      if ((parts[name] === undefined) !== (contents[name] === undefined))
        throw new ValueError(
          op,
          'the run must have the parts of the checkpoint',
          parts[name] === undefined
            ? `a checkpoint with ${name}, a run without`
            : `a run with ${name}, a checkpoint without`,
        );
    const generators = generatorsOf(parts);
    const names = (record: object): string => Object.keys(record).sort().join(', ') || 'none';
    if (names(generators) !== names(contents.generators))
      throw new ValueError(
        op,
        'the run must have the generators of the checkpoint',
        `checkpoint: ${names(contents.generators)}; run: ${names(generators)}`,
      );
    model.loadStateDict(below('model', tensors));
    if (optimizer !== undefined && contents.optimizer !== undefined) {
      const { groups, state: kept } = contents.optimizer;
      const state = Object.fromEntries(
        Object.entries(kept).map(([i, rest]) => [i, { ...rest, tensors: below(`optimizer/${i}`, tensors) }]),
      );
      optimizer.loadStateDict({ groups, state } as never);
    }
    schedule?.loadStateDict(contents.schedule as never);
    data?.loadStateDict(contents.data as never);
    if (contents.ema !== undefined) ema?.loadStateDict({ ...contents.ema, tensors: below('ema', tensors) });
    for (const [name, generator] of Object.entries(generators)) generator.setState(contents.generators[name] as never);
    setRngState(contents.random);
    return contents.values;
  } finally {
    for (const t of Object.values(tensors)) t.release();
  }
}

/**
 * Puts a run into the state of a checkpoint: its model, optimizer, schedule, data loader, averaged
 * weights and generators, the default one among them. Returns the values that were saved with it.
 * `source` is a path in Node, an address, or the file's bytes. If anything does not fit, nothing
 * changes.
 * @throws FormatError for a file that is missing, damaged or no checkpoint; ValueError for a
 * checkpoint of another model, of another optimizer or with other parts
 */
export async function loadCheckpoint(source: string | UrlLike | Bytes, parts: CheckpointParts): Promise<unknown> {
  return loadParts('loadCheckpoint', source, parts);
}

/** What loadCheckpoint does, for a function whose name its errors begin with. */
export async function loadParts(
  op: string,
  source: string | UrlLike | Bytes,
  parts: CheckpointParts,
): Promise<unknown> {
  checkParts(op, parts);
  const bytes = await bytesAt(op, source);
  decodeCheckpoint(op, bytes);
  const before = await encode(op, parts, null);
  try {
    return restore(op, parts, bytes);
  } catch (error) {
    restore(op, parts, before);
    throw error;
  }
}

/**
 * Writes the state of a run to a file, in one move: a crash or a full disk leaves the old file as
 * it was. Node only.
 * @throws ValueError as encodeCheckpoint; else as writeFileAtomic
 * @source torch.save, as PyTorch's tutorials use it for checkpoints
 */
export async function saveCheckpoint(path: string, parts: CheckpointParts, values: unknown = null): Promise<void> {
  checkPath('saveCheckpoint', path);
  await writeFileAtomic(path, await encode('saveCheckpoint', parts, values));
}
