/**
 * compile(step): records the kernel calls of a training step once and replays them. The step's own code still runs at every call, but each operation is
 * only checked against the recording and answered with what was recorded; the kernels then run as one plan, without a call per operation.
 * As soon as the code does something else, what was followed so far is computed and the rest runs as usual: never a stale result.
 * Not here: how a device records and replays (device.ts, Plan).
 */
import type { Device, DeviceBuffer, HostData, KernelName, Operand, Plan, Recording } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import type { Storage } from '../device/storage.js';
import { GraphError, show, ValueError } from '../errors.js';
import type { DType } from '../tensor/dtype.js';
import { type Shape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { tensorsIn } from './backward.js';
import {
  alias,
  type Call,
  isTensor,
  type Node,
  type Op,
  operandOf,
  scoped,
  setWatcher,
  type Watcher,
  watching,
  wrap,
} from './graph.js';

/** A tensor that a recorded call read, and the storage it had then. */
interface Seen {
  readonly tensor: Tensor;
  readonly storage: Storage;
}
interface Span {
  /** Positions in the plan, before and after. */
  readonly from: number;
  readonly to: number;
}
interface OpEntry extends Span {
  readonly kind: 'op';
  readonly op: Op<never>;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly plan: Call;
  readonly outputs: Tensor[];
}
interface PlaceEntry extends Span {
  readonly kind: 'place';
  readonly tensor: Tensor;
  readonly buffer: DeviceBuffer;
}
interface UpdateEntry extends Span {
  readonly kind: 'update';
  readonly kernel: KernelName;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly changed: readonly Tensor[];
}
interface BackwardEntry extends Span {
  readonly kind: 'backward';
  readonly root: Tensor;
  readonly given: Seen | null;
  readonly options: object;
  readonly nodes: readonly Node[];
  readonly leaves: readonly { readonly leaf: Tensor; readonly before: Storage | null; readonly gradient: Tensor }[];
}
type Entry = OpEntry | PlaceEntry | UpdateEntry | BackwardEntry;

/** Plain data, compared by value; anything else by identity. */
function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys)
    if (!alike((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
  return true;
}

const seen = (tensor: Tensor): Seen => ({ tensor, storage: tensor.storage });
const fits = ({ tensor, storage }: Seen, now: Tensor): boolean =>
  tensor === now ||
  (now.storage === storage &&
    sameShape(now.shape, tensor.shape) &&
    now.requiresGrad === tensor.requiresGrad &&
    now.node === tensor.node);
const allFit = (before: readonly Seen[], now: readonly Tensor[]): boolean =>
  before.length === now.length && before.every((s, i) => fits(s, now[i]));
const operand = ({ tensor, storage }: Seen): Operand => ({
  buffer: storage.buffer,
  shape: tensor.shape,
  dtype: tensor.dtype,
});

/** One recording: made once, then followed. */
class Tape implements Watcher {
  readonly #entries: Entry[] = [];
  readonly #device: Device;
  #recording: Recording | null;
  #plan: Plan | null = null;
  #start = 0;
  /** Next entry to be met, and how much of the plan has run. */
  #cursor = 0;
  #done = 0;
  /** Why the recording is of no use (any more), or null. */
  broken: string | null = null;

  constructor(device: Device, recording: Recording) {
    this.#device = device;
    this.#recording = recording;
  }

  // ---- recording

  #add(entry: Entry): void {
    this.#entries.push(entry);
    this.#start = entry.to;
  }
  #span(): Span {
    return { from: this.#start, to: (this.#recording as Recording).position() };
  }
  #hold(tensors: readonly Tensor[]): void {
    for (const t of tensors) {
      if (t.device !== this.#device) this.refuse(`a tensor on ${t.device}`);
      t.keep();
    }
  }

  applied(op: Op<never>, inputs: readonly Tensor[], attrs: unknown, plan: Call, outputs: readonly Tensor[]): void {
    if (this.#recording === null) return;
    this.#hold(outputs);
    this.#add({ kind: 'op', op, inputs: inputs.map(seen), attrs, plan, outputs: [...outputs], ...this.#span() });
  }
  placed(tensor: Tensor): void {
    if (this.#recording === null) return;
    this.#hold([tensor]);
    this.#add({ kind: 'place', tensor, buffer: tensor.storage.buffer, ...this.#span() });
  }
  updated(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): void {
    if (this.#recording === null) return;
    this.#add({ kind: 'update', kernel, inputs: inputs.map(seen), attrs, changed, ...this.#span() });
  }
  walked(
    root: Tensor,
    given: Tensor | undefined,
    options: object,
    nodes: readonly Node[],
    before: ReadonlyMap<Tensor, Storage | null>,
  ): void {
    if (this.#recording === null) return;
    if ('createGraph' in options && options.createGraph === true) this.refuse('createGraph');
    const leaves = [...before].map(([leaf, had]) => ({
      leaf,
      before: had,
      gradient: alias(leaf.grad as Tensor).keep(),
    }));
    this.#add({
      kind: 'backward',
      root,
      given: given === undefined ? null : seen(given),
      options: { ...options },
      nodes,
      leaves,
      ...this.#span(),
    });
  }

  /** Ends the recording, whether or not the step came to its end. */
  finish(): void {
    if (this.#recording === null) return;
    this.#plan = this.#recording.end();
    this.#recording = null;
  }

  refuse(what: string): void {
    if (this.#recording !== null) this.broken ??= `it uses ${what}`;
    else this.#leave(`it uses ${what}`);
  }

  // ---- following

  /** Starts over: the code is about to run again. */
  rewind(): void {
    this.#cursor = 0;
    this.#done = 0;
  }

  /** Runs what was met so far. */
  catchUp(): void {
    const to = this.#cursor === 0 ? 0 : this.#entries[this.#cursor - 1].to;
    this.#plan?.run(this.#done, to);
    this.#done = Math.max(this.#done, to);
  }

  /** The code has ended: has it done everything? */
  arrive(): void {
    if (this.broken === null && this.#cursor < this.#entries.length)
      this.#leave('it ended earlier than when it was recorded');
    else this.catchUp();
  }

  /** The code does something else: computes what was met, and lets everything from here on run as usual. */
  #leave(reason: string): void {
    this.broken = reason;
    this.catchUp();
    setWatcher(null);
    const met = this.#entries.slice(0, this.#cursor);
    for (const entry of met) if (entry.kind === 'op') entry.outputs[0].node?.renew(entry.inputs.map((i) => i.tensor));
    for (const entry of met) if (entry.kind === 'backward') for (const node of entry.nodes) node.end();
  }

  /** The entry that comes next, if it is of this kind and `matches`. */
  #next<K extends Entry['kind']>(
    kind: K,
    matches: (entry: Extract<Entry, { kind: K }>) => string | null,
  ): Extract<Entry, { kind: K }> | null {
    if (this.#recording !== null) return null;
    const entry = this.#entries[this.#cursor] as Extract<Entry, { kind: K }> | undefined;
    const problem =
      entry === undefined ? 'it went on' : entry.kind !== kind ? `${entry.kind} became ${kind}` : matches(entry);
    if (problem === null) {
      this.#cursor++;
      return entry as Extract<Entry, { kind: K }>;
    }
    this.#leave(problem);
    return null;
  }

  apply(op: Op<never>, inputs: readonly Tensor[], attrs: unknown): Tensor[] | null {
    const entry = this.#next('op', (e) => {
      if (e.op !== op) return `${e.op.name} became ${op.name}`;
      if (!allFit(e.inputs, inputs)) return `${op.name} was given another tensor (pass what changes as an argument)`;
      if (alike(e.attrs, attrs) || this.#adjust(e, op, inputs, attrs)) return null;
      return `${op.name} was given another number, or was recorded for another shape`;
    });
    return entry === null ? null : entry.outputs;
  }

  /** Other numbers in a call that no gradient depends on: put into the plan. */
  #adjust(entry: OpEntry, op: Op<never>, inputs: readonly Tensor[], attrs: unknown): boolean {
    if (entry.outputs[0].node !== null) return false;
    const plan = op.plan(inputs, attrs as never);
    if (plan.kernel === 'view' || entry.plan.kernel !== plan.kernel || !alike(plan.outputs, entry.plan.outputs))
      return false;
    const buffers = entry.outputs.map((t) => t.storage.buffer);
    if (
      !(this.#plan as Plan).rewrite(
        entry.from,
        plan.kernel,
        entry.inputs.map(operand),
        plan.attrs,
        plan.outputs,
        buffers,
      )
    )
      return false;
    entry.attrs = attrs;
    return true;
  }

  place(device: Device, data: HostData, dtype: DType, shape: Shape): Tensor | null {
    const entry = this.#next('place', ({ tensor: t }) =>
      t.device === device && t.dtype === dtype && sameShape(t.shape, shape)
        ? null
        : `a tensor of ${show(t.shape)} became one of ${show(shape)}`,
    );
    if (entry === null) return null;
    (this.#plan as Plan).write(entry.buffer, data);
    return entry.tensor;
  }

  update(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): boolean {
    const entry = this.#next('update', (e) => {
      if (
        e.kernel !== kernel ||
        !allFit(e.inputs, inputs) ||
        !e.changed.every((t, i) => t.storage === changed[i].storage)
      )
        return 'other tensors are updated';
      if (alike(e.attrs, attrs)) return null;
      const specs = changed.map(({ shape, dtype }) => ({ shape, dtype }));
      const buffers = changed.map(({ storage }) => storage.buffer);
      if (!(this.#plan as Plan).rewrite(e.from, kernel, e.inputs.map(operand), attrs as never, specs, buffers))
        return `${kernel} was given other numbers`;
      e.attrs = attrs;
      return null;
    });
    return entry !== null;
  }

  backward(root: Tensor, given: Tensor | undefined, options: object): boolean {
    const entry = this.#next('backward', (e) => {
      if (e.root !== root || !alike(e.options, options)) return 'another tensor is differentiated';
      if (given === undefined ? e.given !== null : e.given === null || !fits(e.given, given))
        return 'another gradient is given to backward()';
      const odd = e.leaves.find(({ leaf, before }) => (leaf.grad?.storage ?? null) !== before);
      return odd === undefined ? null : 'gradients are added to those of an earlier step (call zeroGrad() in the step)';
    });
    if (entry === null) return false;
    for (const { leaf, gradient } of entry.leaves) leaf.grad = alias(gradient);
    return true;
  }

  read(): void {
    if (this.#recording === null) this.catchUp();
  }

  /** Ends everything it kept. */
  dispose(): void {
    for (const entry of this.#entries) {
      const made =
        entry.kind === 'op'
          ? entry.outputs
          : entry.kind === 'place'
            ? [entry.tensor]
            : entry.kind === 'backward'
              ? entry.leaves.map((l) => l.gradient)
              : [];
      for (const t of made) t.unkeep().release();
    }
    this.#entries.length = 0;
    this.#plan?.dispose();
    this.#plan = null;
  }
}

/** A step that compile made. */
export interface CompiledStep<A extends readonly unknown[], R> {
  (...args: A): R;
  /** What the last call did: replayed its recording ('compiled'), made one ('recorded'), or ran as usual ('eager': the first call, one that left its recording, or all). */
  readonly mode: 'compiled' | 'recorded' | 'eager';
  /** Why the last recording was given up, or why there is none; empty if neither happened. */
  readonly reason: string;
  /** Gives back the memory of its recordings; the next call records anew. */
  dispose(): void;
}

function clear({ tape, slots }: Compiled): void {
  tape.dispose();
  for (const { tensor } of slots) tensor.unkeep().release();
}
const disposeAll = (recordings: Map<string, Compiled>): void => {
  for (const compiled of recordings.values()) clear(compiled);
  recordings.clear();
};
/** Compiled steps that were collected leave their recordings. */
const abandoned = new FinalizationRegistry<Map<string, Compiled>>(disposeAll);

/** So often a recording may be given up before the step stays eager. */
const patience = 8;

/** The same structure with other tensors. */
function mapTensors(value: unknown, fn: (t: Tensor) => Tensor): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isTensor(value)) return fn(value);
  if (Array.isArray(value)) return value.map((v) => mapTensors(v, fn));
  if (Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mapTensors(v, fn)]));
  if (tensorsIn(value).length > 0)
    throw new ValueError(
      'compile',
      'a step returns tensors, in arrays or plain objects',
      value.constructor.name,
      'return the tensors it holds',
    );
  return value;
}

/** A tensor's values in a tensor of its own, of no graph and no scope. */
function copyOf(t: Tensor): Tensor {
  const spec = { shape: t.shape, dtype: t.dtype };
  const [buffer] = t.device.run('cast', [operandOf(t)], {}, [spec]);
  const copy = wrap(t.device, buffer, t.shape);
  copy.madeBy = 'compiled step';
  return copy;
}

interface Compiled {
  readonly tape: Tape;
  /** What the step's tensor arguments are copied into, with the version copied last. */
  readonly slots: readonly { readonly tensor: Tensor; storage: Storage | null; version: number }[];
}

/**
 * Makes a step fast: its kernel calls are recorded at the second call and replayed from the third on, bit for bit as without compile. `step` is synchronous.
 * Tensor arguments may change from call to call, one recording for each set of shapes; so may the learning rate, dropout masks and all else that the code computes.
 * Where the code does something else than when it was recorded, that call runs as usual and the next records anew. On devices that cannot record, the step just runs.
 * What leaves the step must be returned. It comes back as tensors of their own, without a graph,
 * which live until the step has been called twice more; keep() or clone() what must stay longer.
 * Single elements live for as long as they are held.
 * @throws GraphError for an asynchronous step; ValueError for an argument that requires a gradient; whatever the step throws
 * @source tf.function; torch.compile
 */
export function compile<A extends readonly unknown[], R>(step: (...args: A) => R): CompiledStep<A, R> {
  const recordings = new Map<string, Compiled>();
  let mode: CompiledStep<A, R>['mode'] = 'eager';
  let reason = '';
  let calls = 0;
  let failures = 0;
  let device: Device | null = null;
  /** What the last two calls returned, without single elements. */
  let results: Tensor[] = [];
  let earlier: Tensor[] = [];

  /** The result with tensors of its own. All but single elements are released two calls later. */
  const handOut = (result: R): R => {
    for (const t of earlier) t.release();
    earlier = results;
    results = [];
    return mapTensors(result, (t) => {
      const copy = copyOf(t);
      if (copy.size !== 1) results.push(copy);
      return copy;
    }) as R;
  };

  const checked = (result: R): R => {
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new GraphError(
        'compile',
        'the step must be synchronous',
        'a Promise',
        'return the loss and await its item() outside',
      );
    }
    return result;
  };

  /** Runs the step as it is, and frees what it made. */
  const plainly = (args: A): R =>
    scoped(
      () => {
        const result = checked(step(...args));
        device ??= tensorsIn(result)[0]?.device ?? defaultDevice();
        return handOut(result);
      },
      () => [],
    );

  const signature = (tensors: readonly Tensor[]): string => tensors.map((t) => `${t.dtype}${show(t.shape)}`).join(' ');

  const fill = (slots: Compiled['slots'], tensors: readonly Tensor[]): void => {
    slots.forEach((slot, i) => {
      const t = tensors[i];
      if (slot.storage === t.storage && slot.version === t.storage.version) return;
      const { shape, dtype } = t;
      t.device.run('cast', [operandOf(t)], {}, [{ shape, dtype }], [slot.tensor.storage.buffer]);
      slot.tensor.storage.touch();
      slot.storage = t.storage;
      slot.version = t.storage.version;
    });
  };

  /** Runs the step under a tape; what was given up is cleared away after it. */
  const under = (key: string, { tape, slots }: Compiled, args: A, end: () => void): R => {
    let next = 0;
    const inner = mapArguments(args, () => slots[next++].tensor);
    let result: R;
    setWatcher(tape);
    try {
      result = checked(step(...inner));
      end();
    } catch (error) {
      // What it did before it threw has happened.
      tape.catchUp();
      tape.broken ??= 'it threw';
      throw error;
    } finally {
      setWatcher(null);
      tape.finish();
      if (tape.broken !== null) {
        recordings.delete(key);
        reason = tape.broken;
        failures++;
      }
    }
    const out = handOut(result);
    if (tape.broken !== null) {
      mode = 'eager';
      clear({ tape, slots });
    } else if (mode === 'compiled') failures = 0;
    return out;
  };

  const run = (...args: A): R => {
    if (watching() !== null) return step(...args);
    const tensors = args.flatMap((a) => (isTensor(a) ? [a] : []));
    const odd = tensors.find((t) => t.requiresGrad);
    if (odd !== undefined)
      throw new ValueError(
        'compile',
        'arguments of a step require no gradient',
        `an argument ${show(odd.shape)}`,
        'use parameters from outside the step',
      );
    device ??= tensors[0]?.device ?? null;
    mode = 'eager';
    // The first run makes what later ones find: an optimizer's moments, above all.
    if (calls++ === 0) return plainly(args);
    if (device?.record === undefined || tensors.some((t) => t.device !== device)) {
      reason = device?.record === undefined ? `${device} does not record` : 'arguments are on several devices';
      return plainly(args);
    }
    const key = signature(tensors);
    const known = recordings.get(key);
    if (known !== undefined) {
      fill(known.slots, tensors);
      known.tape.rewind();
      mode = 'compiled';
      return under(key, known, args, () => known.tape.arrive());
    }
    if (failures > patience) return plainly(args);
    mode = 'recorded';
    const slots = tensors.map((t) => ({ tensor: copyOf(t).keep(), storage: t.storage, version: t.storage.version }));
    const tape = new Tape(device, device.record());
    const fresh = { tape, slots };
    recordings.set(key, fresh);
    return under(key, fresh, args, () => {});
  };

  abandoned.register(run, recordings);
  return Object.defineProperties(run as unknown as CompiledStep<A, R>, {
    mode: { get: () => mode },
    reason: { get: () => reason },
    dispose: { value: () => disposeAll(recordings) },
  });
}

const mapArguments = <A extends readonly unknown[]>(args: A, slot: () => Tensor): A =>
  args.map((a) => (isTensor(a) ? slot() : a)) as unknown as A;
