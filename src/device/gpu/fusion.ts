/**
 * Decides, for the scheduler, which kernels are deferred and which next kernels are fused with
 * them:
 * - after a convolution, an activation, or the gate of an activation's gradient;
 * - after an unpooling or a gather by pool indices, a gate;
 * - after an elementwise kernel or loss, a gate, or a sum over all elements;
 * - after a number repeated by `expand`, every kernel that can read one number for all elements.
 *
 * Not here: when a deferred kernel runs (scheduler.ts).
 */

import { sizeOf } from '../../values/shape.js';
import type { KernelAttrs, KernelName, Operand, Spec } from '../device.js';
import { type Epilogue, epilogues } from './elementwise.js';
import { andThen, type Launch } from './launch.js';
import type { Computation } from './launcher.js';
import { sumOfAll } from './reduce.js';

const convolutions: readonly KernelName[] = ['conv2d', 'conv2dInputGrad'];
const gathers: readonly KernelName[] = ['maxUnpool2d', 'planeGather'];
const elementwise: readonly KernelName[] = ['binary', 'bceWithLogits'];
/** Activations whose gradient reads their output. Their input need not be stored. */
const activations: readonly KernelAttrs['unary']['fn'][] = ['relu', 'sigmoid', 'tanh'];

/** Whether a kernel's result is deferred. */
export function mayDefer(kernel: KernelName, inputs: readonly Spec[], [output]: readonly Spec[]): boolean {
  if (kernel === 'expand') return sizeOf(inputs[0].shape) === 1;
  if (kernel === 'binary') return inputs.every((t) => sizeOf(t.shape) === sizeOf(output.shape));
  return kernel === 'bceWithLogits' || convolutions.includes(kernel) || gathers.includes(kernel);
}

/** Whether a kernel can read its input k as one number for all elements. */
export const canReadScalar = (kernel: KernelName, k: number): boolean =>
  kernel === 'binary' ||
  kernel === 'where' ||
  (['bceWithLogitsGrad', 'gate', 'unaryGrad', 'normalizeGrad'].includes(kernel) && k === 0);

/**
 * The launches of a kernel fused with those of its first input, which is deferred. Null if the two
 * cannot be fused.
 */
export function fuse(
  first: Computation,
  kernel: KernelName,
  attrs: KernelAttrs[KernelName],
  inputs: readonly Operand[],
): (() => readonly Launch[]) | null {
  const epilogue = (make: () => Epilogue) => (): readonly Launch[] => {
    const { program, args } = make();
    return [...first.launches.slice(0, -1), andThen(first.launches[first.launches.length - 1], args, program)];
  };
  const { length } = first.views;
  switch (kernel) {
    case 'unary': {
      const unary = attrs as KernelAttrs['unary'];
      return convolutions.includes(first.kernel) && activations.includes(unary.fn)
        ? epilogue(() => epilogues.unary(unary))
        : null;
    }
    case 'gate':
      return convolutions.includes(first.kernel) || gathers.includes(first.kernel) || elementwise.includes(first.kernel)
        ? epilogue(() => epilogues.gate(attrs as KernelAttrs['gate'], length))
        : null;
    case 'reduce': {
      const { fn, axes } = attrs as KernelAttrs['reduce'];
      const all = fn === 'sum' && axes.length === inputs[0].shape.length;
      return all && elementwise.includes(first.kernel) ? () => sumOfAll(first.launches[0]) : null;
    }
    default:
      return null;
  }
}
