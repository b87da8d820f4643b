/**
 * compile(step) records the kernel calls of a training step once and replays them. The step's own
 * code still runs at every call, but the tape only compares each operation with the recording and
 * returns the recorded result. The kernels then run as one plan, without one dispatch per
 * operation. At the first difference from the recording, the operations matched so far are computed
 * and the rest of the call runs as usual.
 * Not here: the contents of a recording and the comparison of a call with it (tape/).
 */
import { checkFunction, shown } from '../arguments.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { GraphError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { isTensor } from './graph.js';
import { scoped } from './lifetimes.js';
import { contentsOf, tensorsIn } from './results.js';
import { copyOf } from './tape/copies.js';
import { stepEnded, Tape } from './tape/tape.js';
import { watching, withWatcher } from './watch.js';

/** A step made by compile(). */
export interface CompiledStep<A extends readonly unknown[], R> {
  (...args: A): R;
  /**
   * How the last call ran: 'compiled' replayed a recording, 'recorded' made a new one, and 'eager'
   * ran as usual. A call is eager if it is the first one, if it left its recording, or if the step
   * cannot be recorded.
   */
  readonly mode: 'compiled' | 'recorded' | 'eager';
  /** Why the last recording was dropped, or why there is none. Empty if neither applies. */
  readonly reason: string;
  /**
   * Releases the memory of all recordings. The next call records again.
   * @throws GraphError while the step runs
   */
  dispose(): void;
}

const disposeAll = (recordings: Map<string, Tape>): void => {
  for (const tape of recordings.values()) tape.dispose();
  recordings.clear();
};
/** Disposes the recordings of compiled steps that were garbage-collected. */
const abandoned = new FinalizationRegistry<Map<string, Tape>>(disposeAll);

/** After more than this many failed recordings in a row the step stays eager. */
const patience = 8;
/** The maximum number of recordings of one step. Each is for one set of argument shapes. */
const mostRecordings = 16;

/** Whether a compiled step is running. A compiled step called inside it becomes part of it. */
let running = false;

/**
 * The results of a step: the value with copies of its tensors, and the tensors held by objects in
 * which a copy cannot be put.
 */
interface Results<R> {
  readonly value: R;
  readonly stowed: readonly { readonly tensor: Tensor; readonly holder: object }[];
}

/** Copies the result of a step, so that its tensors are independent of the recording. */
function copyResult<R>(result: R, copied: (copy: Tensor) => void): Results<R> {
  const copies = new Map<Tensor, Tensor>();
  const stowed: { tensor: Tensor; holder: object }[] = [];
  const copy = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (isTensor(value)) {
      const known = copies.get(value) ?? copyOf(value);
      if (!copies.has(value)) copied(known);
      copies.set(value, known);
      return known;
    }
    if (Array.isArray(value)) return value.map(copy);
    const contents = contentsOf(value);
    if (contents !== null)
      return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, copy(content)]));
    if (ArrayBuffer.isView(value)) return value;
    const held = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
    for (const tensor of tensorsIn('compile', [value, held])) stowed.push({ tensor, holder: value });
    return value;
  };
  // Traverses the whole result first, to reject cycles before anything is copied.
  tensorsIn('compile', result);
  return { value: copy(result) as R, stowed };
}

/**
 * Makes a step faster. Its kernel calls are recorded at the second call and replayed from the third
 * call on, with bit-identical results. `step` must be synchronous. Tensor arguments may change from
 * call to call. Each set of argument shapes has its own recording, and the 16 most recently used
 * are kept. Numbers that the code computes, such as the learning rate and dropout masks, may
 * change, too. If the code runs other operations than it did in the recording, or if a tensor has
 * another state (frozen, under noGrad, released), that call runs as usual and the next call records
 * again. On devices that cannot record, the step simply runs.
 *
 * The step must return every tensor that is used after it, in arrays or plain objects. The returned
 * tensors are copies without a graph. They live until the step has been called twice more; use
 * keep() or clone() for longer. Single-element results live as long as they are held. All other
 * tensors that the step creates end with the call. A leaf holds its gradient until the next call;
 * clone() a gradient that must live longer.
 * @throws GraphError for an asynchronous step, and for reading a tensor whose call has ended;
 * ValueError if `step` is not a function, if an argument requires a gradient, and for tensors
 * returned in anything but arrays and plain objects; any error that the step throws
 * @source tf.function; torch.compile
 */
export function compile<A extends readonly unknown[], R>(step: (...args: A) => R): CompiledStep<A, R> {
  checkFunction('compile', 'step', step);
  const recordings = new Map<string, Tape>();
  let mode: CompiledStep<A, R>['mode'] = 'eager';
  let reason = '';
  let prepared = false;
  let failures = 0;
  let device: Device | null = null;
  /** The tensors that the last two calls returned, except single-element ones. */
  let results: Tensor[] = [];
  let earlier: Tensor[] = [];

  /**
   * Copies the result. Two calls later all of its tensors are released, except single-element ones.
   */
  const handOut = (result: R): Results<R> => {
    for (const t of earlier) t.release();
    earlier = results;
    const mine: Tensor[] = [];
    results = mine;
    return copyResult(result, (copy) => {
      if (copy.size !== 1) mine.push(copy);
    });
  };

  const check = (result: R, args: readonly Tensor[]): void => {
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new GraphError(
        'compile',
        'the step must be synchronous',
        'a Promise',
        'return the loss and await its item() outside',
      );
    }
    const odd = args.find((t) => t.requiresGrad);
    if (odd !== undefined)
      throw new ValueError(
        'compile',
        'a step must not let its arguments require a gradient',
        `an argument ${show(odd.shape)}`,
        'let their detach() require it, in the step',
      );
  };

  /**
   * Calls the step, with a tape or without one. Tensors that it creates and does not return end
   * with the call.
   */
  const call = (args: A, tensors: readonly Tensor[], tape: Tape | null): R => {
    running = true;
    try {
      const { value, stowed } = scoped(
        () => {
          const inner = tape === null ? tensors : tape.begin(tensors);
          let completed = false;
          let result: R;
          try {
            result = withWatcher(tape?.watcher ?? watching(), () => step(...substitute(args, inner)));
            check(result, inner);
            completed = true;
          } finally {
            tape?.end(completed);
          }
          device ??= tensorsIn('compile', result)[0]?.device ?? defaultDevice();
          return handOut(result);
        },
        () => [],
        stepEnded,
      );
      const lost = stowed.find(({ tensor }) => tensor.hint === stepEnded);
      if (lost !== undefined)
        throw new ValueError(
          'compile',
          'a step returns tensors, in arrays or plain objects',
          shown(lost.holder),
          'return the tensors it holds',
        );
      return value;
    } finally {
      running = false;
    }
  };

  const forget = (key: string, tape: Tape, why: string): void => {
    recordings.delete(key);
    tape.dispose();
    reason = why;
  };

  /**
   * The tape to replay or to record in this call. Null if the call runs as usual; `reason` then
   * says why.
   */
  const tapeFor = (key: string, tensors: readonly Tensor[]): Tape | null => {
    if (watching() !== null) {
      reason = 'detectAnomaly looks at its operations';
      return null;
    }
    if (device?.record === undefined || tensors.some((t) => t.device !== device)) {
      reason = device?.record === undefined ? `${device} does not record` : 'arguments are on several devices';
      return null;
    }
    const known = recordings.get(key);
    if (known?.occupied) {
      failures++;
      forget(key, known, 'memory of an earlier call is in use outside (clone() what must stay)');
    } else if (known?.changes(tensors)) {
      reason = 'it changes in place what an argument shares memory with';
      return null;
    } else if (known !== undefined) {
      // The map is ordered by last use, with the most recent entry at the end.
      recordings.delete(key);
      recordings.set(key, known);
      mode = 'compiled';
      return known;
    }
    if (failures > patience) return null;
    const tape = new Tape(device, tensors);
    recordings.set(key, tape);
    for (const [old, dropped] of recordings) {
      if (recordings.size <= mostRecordings) break;
      recordings.delete(old);
      dropped.dispose();
    }
    mode = 'recorded';
    return tape;
  };

  const run = (...args: A): R => {
    if (running) return step(...args);
    const tensors = args.filter(isTensor);
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
    // The first call runs eagerly, because it creates state that later calls reuse, such as an
    // optimizer's moments.
    if (!prepared) {
      const first = call(args, tensors, null);
      prepared = true;
      return first;
    }
    const key = tensors.map((t) => `${t.dtype}${show(t.shape)}`).join(' ');
    const known = recordings.get(key);
    const tape = tapeFor(key, tensors);
    if (tape === null) return call(args, tensors, null);
    let completed = false;
    try {
      const result = call(args, tensors, tape);
      completed = true;
      return result;
    } finally {
      if (tape.broken !== null) {
        // A call that threw does not count as a failed recording, because the next call may
        // succeed.
        if (completed) failures++;
        mode = 'eager';
        forget(key, tape, tape.broken);
      } else if (completed && tape === known) failures = 0;
    }
  };

  abandoned.register(run, recordings);
  return Object.defineProperties(run as unknown as CompiledStep<A, R>, {
    mode: { get: () => mode },
    reason: { get: () => reason },
    dispose: {
      value: () => {
        if (running)
          throw new GraphError(
            'compile',
            'a step must not be disposed of while one runs',
            'dispose() in a step',
            'call it afterwards',
          );
        disposeAll(recordings);
      },
    },
  });
}

/** The step's arguments, with `tensors` in place of the tensor arguments. */
function substitute<A extends readonly unknown[]>(args: A, tensors: readonly Tensor[]): A {
  let next = 0;
  return args.map((a) => (isTensor(a) ? tensors[next++] : a)) as unknown as A;
}
