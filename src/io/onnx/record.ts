/**
 * Records what a model's forward pass computes, as a list of kernel calls. The set of kernels is
 * closed, so whatever a forward is written in, it is one of about thirty calls in the end.
 * Not here: what the calls become in a graph (operators/), and calls that are one operator together
 * (fuse.ts).
 */
import { className } from '../../arguments.js';
import { noGrad } from '../../autograd/backward.js';
import { PoolIndices } from '../../autograd/ops/pool-indices.js';
import { type EventKind, type Outcome, type WatchedEvent, type Watcher, withWatcher } from '../../autograd/watch.js';
import type { KernelAttrs, KernelName } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import { ValueError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { shadowForward } from '../../nn/shadow.js';
import { Parameter, Tensor } from '../../tensor/tensor.js';
import type { DType, TypedArray } from '../../values/dtype.js';
import { valuesOf } from '../../values/host-data.js';
import { Mask } from '../../values/random.js';
import type { Shape } from '../../values/shape.js';

/** A tensor of the recorded pass. */
export class Value {
  /** The tensor's numbers, if it is a constant: a parameter, a buffer, or made from numbers. */
  constant: TypedArray | null = null;
  /** The name of a parameter or buffer, or of an input. */
  name: string | null = null;
  /** Whether it is a parameter or a buffer of the model. */
  isState = false;
  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
  ) {}

  /** Makes it a constant too: another constant's numbers, in another shape or order. */
  become({ name, isState }: Value, constant: TypedArray): void {
    Object.assign(this, { constant, name, isState });
  }
}

/** What several kernel calls do together (fuse.ts). */
export interface FusedAttrs {
  /** x → y, each pixel copied to a block. */
  upsample: { readonly scale: readonly [number, number] };
  /** x → y, channels moved into space. */
  depthToSpace: { readonly factor: number; readonly order: 'torch' | 'tf' };
  /** x → y, space moved into channels, in TensorFlow's order. */
  spaceToDepth: { readonly factor: number };
  softmax: { readonly axis: number };
  mean: { readonly axes: readonly number[] };
  /** a, b, bias → a·b + bias, for matrices. */
  linear: Record<never, never>;
  /** x, scale, shift → the groups of x, normalised by their own statistics. */
  ownNorm: KernelAttrs['normalize'];
}
interface ViewAttrs {
  view: Record<never, never>;
}
export type CallAttrs = KernelAttrs & FusedAttrs & ViewAttrs;
export type CallName = keyof CallAttrs;

/** One call of a kernel. */
export interface Call<K extends CallName = CallName> {
  readonly kernel: K;
  readonly attrs: CallAttrs[K];
  /** The name of the op that made it. */
  readonly op: string;
  /** The path of the module whose forward called the op. */
  readonly place: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** A tensor, or the indices of a pool, that forward returned. */
export interface Result {
  readonly name: string;
  readonly value: Value;
  readonly indices: PoolIndices | null;
}
export interface Recording {
  readonly calls: readonly Call[];
  readonly inputs: readonly Value[];
  readonly results: readonly Result[];
}

const op = 'exportOnnx';

/** The tensors of a forward's result, with the names of their outputs. */
function resultsOf(result: unknown, name = 'output'): { name: string; of: Tensor | PoolIndices }[] {
  if (result instanceof Tensor || result instanceof PoolIndices) return [{ name, of: result }];
  const isPlain = typeof result === 'object' && result !== null && Object.getPrototypeOf(result) === Object.prototype;
  if (Array.isArray(result)) return result.flatMap((item, i) => resultsOf(item, `${name}_${i}`));
  if (isPlain)
    return Object.entries(result).flatMap(([key, item]) => resultsOf(item, name === 'output' ? key : `${name}_${key}`));
  throw new ValueError(
    op,
    'forward must return a tensor, or an array or object of tensors',
    className(result as object),
  );
}

class Recorder implements Watcher {
  readonly calls: Call[] = [];
  readonly places: string[] = [''];
  readonly #values = new Map<Tensor, Value>();
  /** For other tensors on the storage of a known one, such as a live view of a state. */
  readonly #stored = new Map<Storage, Tensor>();
  /** Tensors from outside of the pass. Their numbers are read when it is over. */
  readonly captured = new Map<Tensor, Value>();
  readonly #state: ReadonlyMap<Storage, { readonly name: string; readonly isParameter: boolean }>;

  constructor(model: Module) {
    this.#state = new Map(
      [...model.namedParameters(), ...model.namedBuffers()].map(([name, t]) => [
        t.storage,
        { name, isParameter: t instanceof Parameter },
      ]),
    );
  }

  define(t: Tensor): Value {
    const value = new Value(t.shape, t.dtype);
    this.#values.set(t, value);
    this.#stored.set(t.storage, t);
    return value;
  }

  valueOf(t: Tensor): Value {
    const known = this.#values.get(t);
    if (known !== undefined) return known;
    const other = this.#stored.get(t.storage);
    if (other !== undefined) {
      const value = this.define(t);
      this.calls.push({
        kernel: 'view',
        attrs: {},
        op: 'view',
        place: this.#place,
        inputs: [this.#values.get(other) as Value],
        outputs: [value],
      });
      return value;
    }
    const value = this.define(t);
    const state = this.#state.get(t.storage);
    value.name = state?.name ?? null;
    value.isState = state !== undefined;
    this.captured.set(t, value);
    return value;
  }

  get #place(): string {
    return this.places.at(-1) as string;
  }

  ask(): null {
    return null;
  }
  tell<K extends EventKind>(event: WatchedEvent<K>, outcome: Outcome<K>): void;
  tell(event: WatchedEvent, outcome: Outcome<EventKind>): void {
    if (event.kind === 'op') {
      const call = event.op.lower(event.inputs, event.attrs as never);
      const inputs = event.inputs.map((t) => this.valueOf(t));
      const outputs = (outcome as Outcome<'op'>).map((t) => this.define(t));
      const attrs = (call.kernel === 'view' ? {} : call.attrs) as CallAttrs[KernelName];
      this.calls.push({ kernel: call.kernel, attrs, op: event.op.name, place: this.#place, inputs, outputs } as Call);
    } else if (event.kind === 'upload') {
      if (event.data instanceof Mask) this.refuse('a random mask');
      const { data, dtype } = event;
      this.define(outcome as Tensor).constant = valuesOf(data, dtype).slice() as TypedArray;
    } else
      this.refuse(event.kind === 'update' ? `${event.kernel}, which changes a tensor in place` : 'a backward pass');
  }
  read(): void {
    this.refuse('reading values, which would fix what depends on them');
  }
  refuse(what: string): void {
    throw new ValueError(
      op,
      'a graph has nothing for what forward does',
      `${what} in ${placeName(this.#place)}`,
      'forward may only compute tensors from its inputs',
    );
  }
  callback(): never {
    this.refuse('a backward pass');
    throw new Error('unreachable');
  }
}

/** A module in messages. */
export const placeName = (place: string): string => (place === '' ? 'the model' : `the module '${place}'`);

/** Records one forward pass in eval mode, without a graph. The inputs stay the caller's. */
export async function record(model: Module, inputs: readonly Tensor[]): Promise<Recording> {
  const recorder = new Recorder(model);
  const modules = model.namedModules();
  const modes = modules.map(([, module]) => [module, module.training] as const);
  const restore = modules.map(([path, module]) =>
    shadowForward(module, (call) => {
      recorder.places.push(path);
      try {
        return call();
      } finally {
        recorder.places.pop();
      }
    }),
  );
  const values = inputs.map((t) => recorder.define(t));
  let results: Result[] = [];
  try {
    model.eval();
    noGrad(() =>
      withWatcher(recorder, () => {
        const returned: unknown = Reflect.apply(model.forward, model, [...inputs]);
        results = resultsOf(returned).map(({ name, of }) =>
          of instanceof PoolIndices
            ? { name, value: recorder.valueOf(of.plane), indices: of }
            : { name, value: recorder.valueOf(of), indices: null },
        );
      }),
    );
  } finally {
    for (const undo of restore) undo();
    for (const [module, training] of modes) module.training = training;
  }
  for (const [t, value] of recorder.captured) value.constant = await t.data();
  return { calls: recorder.calls, inputs: values, results };
}
