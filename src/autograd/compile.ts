/**
 * compile(step): records the kernel calls of a training step once and replays them. The step's own
 * code still runs at every call, but each operation is only compared with the recording and answered
 * with what was recorded. The kernels then run as one plan, without a call per operation. As soon as
 * the code does something else, what was followed so far is computed and the rest runs as usual.
 * Not here: what is recorded and how a call is compared with it (tape.ts).
 */
import { checkFunction } from '../arguments.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { GraphError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { contentsOf, tensorsIn } from './backward.js';
import { isTensor, scoped, setWatcher } from './graph.js';
import { copyOf, stepEnded, Tape } from './tape.js';

/** A step that compile made. */
export interface CompiledStep<A extends readonly unknown[], R> {
  (...args: A): R;
  /**
   * What the last call did: replayed its recording ('compiled'), made one ('recorded'), or ran as
   * usual ('eager': the first call, one that left its recording, or all).
   */
  readonly mode: 'compiled' | 'recorded' | 'eager';
  /** Why the last recording was given up, or why there is none; empty if neither happened. */
  readonly reason: string;
  /**
   * Gives back the memory of its recordings; the next call records anew.
   * @throws GraphError while the step runs
   */
  dispose(): void;
}

const disposeAll = (recordings: Map<string, Tape>): void => {
  for (const tape of recordings.values()) tape.dispose();
  recordings.clear();
};
/** Compiled steps that were collected leave their recordings. */
const abandoned = new FinalizationRegistry<Map<string, Tape>>(disposeAll);

/** After this many recordings in a row that did not last, the step stays eager. */
const patience = 8;
/** The most recordings of one step, each for one set of shapes. */
const mostRecordings = 16;

/** Whether a compiled step is running. Another one that it calls is part of it. */
let running = false;

/** What leaves a step: copies of its tensors, and those that stand where no copy can be put. */
interface Results<R> {
  readonly value: R;
  readonly stowed: readonly { readonly tensor: Tensor; readonly holder: object }[];
}

/** The result of a step with tensors of its own. */
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
  // Looks at the whole result first: it must have an end.
  tensorsIn('compile', result);
  return { value: copy(result) as R, stowed };
}

/**
 * Makes a step fast: its kernel calls are recorded at the second call and replayed from the third on,
 * bit for bit as without compile. `step` is synchronous. Tensor arguments may change from call to
 * call; there is one recording for each set of their shapes, and the 16 used last are kept. The
 * learning rate, dropout masks and all else that the code computes may change, too. Where the code
 * does something else than when it was recorded, or meets a tensor in another state (frozen, under
 * noGrad, released), that call runs as usual and the next records anew. On devices that cannot
 * record, the step just runs.
 *
 * What leaves the step must be returned, in arrays or plain objects. It comes back as tensors of
 * their own, without a graph, which live until the step has been called twice more; keep() or clone()
 * what must stay longer. Single elements live for as long as they are held. All other tensors that
 * the step makes end with the call. A gradient is the leaf's until the next call; clone() one that must stay.
 * @throws GraphError for an asynchronous step, and for reading a tensor that outlived its call;
 * ValueError for a step that is no function, an argument that requires a gradient, and results that
 * are neither arrays nor plain objects; whatever the step throws
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
  /** What the last two calls returned, without single elements. */
  let results: Tensor[] = [];
  let earlier: Tensor[] = [];

  /** Copies the result. All but single elements are released two calls later. */
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

  /** Calls the step, under a tape or without one. What it makes and does not return ends with the call. */
  const call = (args: A, tensors: readonly Tensor[], tape: Tape | null): R => {
    running = true;
    try {
      const { value, stowed } = scoped(
        () => {
          const inner = tape === null ? tensors : tape.begin(tensors);
          let completed = false;
          let result: R;
          setWatcher(tape);
          try {
            result = step(...substitute(args, inner));
            check(result, inner);
            completed = true;
          } finally {
            setWatcher(null);
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
          lost.holder.constructor.name,
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

  /** The recording to follow or to make for this call; null where it runs as usual, which `reason` then explains. */
  const tapeFor = (key: string, tensors: readonly Tensor[]): Tape | null => {
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
      // The most recently used stands last.
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
    // The first call makes what later ones find: an optimizer's moments, above all.
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
        // A step that throws may do better at its next call.
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

/** The arguments with other tensors in the places of tensors. */
function substitute<A extends readonly unknown[]>(args: A, tensors: readonly Tensor[]): A {
  let next = 0;
  return args.map((a) => (isTensor(a) ? tensors[next++] : a)) as unknown as A;
}
