/** checkpointSequential. Not here: checkpoint itself (autograd/checkpoint.ts). */
import { checkNumber, knownOptions, shown } from '../arguments.js';
import { checkpoint, checkpointOptions, type GradientCheckpointOptions } from '../autograd/checkpoint.js';
import { checkTensor } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Layer, passOn, Sequential } from './container.js';

/**
 * Calls functions or layers one after another, in segments. Each segment but the last is a
 * checkpoint(), which keeps only its result. The square root of the number of functions is a good
 * number of segments.
 * @shape input, as the first function's → as the last function's result
 * @gradient as without checkpoints
 * @throws ValueError for arguments of the wrong kind, and for more segments than functions; as
 * checkpoint
 * @source torch.utils.checkpoint.checkpoint_sequential
 */
export function checkpointSequential(
  functions: Sequential | readonly (Layer | ((x: Tensor) => Tensor))[],
  segments: number,
  input: Tensor,
  options: GradientCheckpointOptions = {},
): Tensor {
  const op = 'checkpointSequential';
  const list: readonly unknown[] = functions instanceof Sequential ? functions.layers : functions;
  if (!Array.isArray(list))
    throw new ValueError(
      op,
      'functions must be a Sequential or an array of functions and modules',
      `functions=${shown(functions)}`,
    );
  const calls = list.map((f, i) => {
    if (typeof f === 'function') return (x: Tensor): unknown => f(x);
    if (typeof (f as Partial<Layer> | null)?.forward === 'function') return (x: Tensor) => (f as Layer).forward(x);
    throw new ValueError(op, `functions[${i}] must be a function or a module`, `functions[${i}]=${shown(f)}`);
  });
  const { length } = calls;
  const isCount = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= length;
  checkNumber(op, 'segments', segments, isCount, `whole and in [1, ${length}]`);
  checkTensor(op, 'input', input);
  knownOptions(op, options, checkpointOptions);
  const size = Math.floor(length / segments);
  const part = (from: number, to?: number) => (x: Tensor) =>
    calls.slice(from, to).reduce((value, call, i) => passOn(op, `function ${from + i}`, call(value)), x);
  let value = input;
  for (let i = 0; i < segments - 1; i++) value = checkpoint(part(i * size, (i + 1) * size), value, options);
  return part((segments - 1) * size)(value);
}
