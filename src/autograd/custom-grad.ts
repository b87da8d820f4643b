/**
 * customGrad: an operation with a gradient of the program's own. It is an op (graph.ts) whose
 * kernel is a view of the value, and whose gradient rule calls the program's function.
 */
import { checkFunction, shown } from '../arguments.js';
import { GraphError, ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { sameShape } from '../values/shape.js';
import { apply, checkTensor, checkTensors, isTensor, type Op, view, withTracking } from './graph.js';
import { endWith, gathered } from './lifetimes.js';

/** Keeps tensors for the backward function, in this order. It may be called more than once. */
export type Save = (...tensors: Tensor[]) => void;
/** Computes the value. Nothing in it is recorded. */
export type CustomForward<I extends readonly Tensor[]> = (inputs: I, save: Save) => Tensor;
/**
 * Computes the gradients of the inputs from the gradient of the value: one per input, or null for
 * an input that needs none. `needs` tells which inputs need one. With one input, its gradient need
 * not be in an array.
 */
export type CustomBackward = (
  grad: Tensor,
  saved: readonly Tensor[],
  needs: readonly boolean[],
) => Tensor | null | readonly (Tensor | null)[];

interface CustomAttrs {
  readonly rule: CustomBackward;
}

const op = 'customGrad';

/** The gradients that a backward function gave, checked. */
function checked(given: unknown, inputs: readonly Tensor[], needs: readonly boolean[]): (Tensor | null)[] {
  const gradients: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (gradients.length !== inputs.length)
    throw new ShapeError(
      op,
      'backward must give a gradient or null for each input',
      `${gradients.length} for ${inputs.length} inputs`,
    );
  return inputs.map(({ shape, dtype }, i) => {
    const g = gradients[i];
    if (g === null || !needs[i]) return null;
    if (!isTensor(g)) {
      if (g instanceof Promise) g.catch(() => {});
      throw new ValueError(op, 'gradients must be tensors or null', `gradient ${i}=${shown(g)}`);
    }
    if (!sameShape(g.shape, shape) || g.dtype !== dtype)
      throw new ShapeError(
        op,
        "a gradient must have its input's shape and dtype",
        `gradient ${i}=${show(g.shape)} ${g.dtype}, the input is ${show(shape)} ${dtype}`,
      );
    return g;
  });
}

const ops = new Map<string, Op<CustomAttrs>>();

/**
 * The op with so many inputs and saved tensors. Its operands are the value, these, and those.
 * `savesValue` tells whether the value is one of the saved tensors.
 */
function opFor(inputCount: number, savedCount: number, savesValue: boolean): Op<CustomAttrs> {
  const key = `${inputCount},${savedCount},${savesValue}`;
  const known = ops.get(key);
  if (known !== undefined) return known;
  const end = 1 + inputCount;
  const made: Op<CustomAttrs> = {
    name: op,
    lower: ([value]) => view(value.shape, value),
    saves: [...Array.from({ length: savedCount }, (_, i) => end + i), ...(savesValue ? (['output'] as const) : [])],
    callsProgram: true,
    backward: ({ grad, inputs: operands, output, attrs: { rule }, needs }) => {
      const [value] = operands;
      const inputs = operands.slice(1, end);
      const others = operands.slice(end);
      // The output has the value's graph, which a gradient of the gradient needs.
      const saved = others.map((t) => (t === value && !inputs.includes(t) ? output : t));
      const needed = needs.slice(1, end);
      return [null, ...checked(rule(grad, saved, needed), inputs, needed), ...others.map(() => null)];
    },
  };
  ops.set(key, made);
  return made;
}

/**
 * Makes an operation with a gradient of your own. `forward` gets the inputs as an array, and a
 * function that saves tensors for `backward`. `backward` gets the gradient of the result and the
 * saved tensors, and returns the gradients of the inputs. It must not read inputs that were not
 * saved.
 *
 * With createGraph, the operations in `backward` are recorded. Saved inputs and a saved result then
 * carry gradients; other saved tensors count as constants. Under compile, `backward` runs at every
 * call, and its operations are compared with the recording like all others.
 * @shape as forward computes; a gradient as its input
 * @gradient what backward returns
 * @throws ValueError for arguments of the wrong kind; GraphError for an asynchronous forward;
 * ShapeError for gradients that do not fit the inputs
 * @source torch.autograd.Function; jax.custom_vjp; tf.customGrad
 */
export function customGrad<I extends readonly Tensor[] = readonly Tensor[]>(
  forward: CustomForward<I>,
  backward: CustomBackward,
): (...inputs: I) => Tensor {
  checkFunction(op, 'forward', forward);
  checkFunction(op, 'backward', backward);
  return (...inputs) => {
    checkTensors(op, 'inputs', inputs);
    if (inputs.length === 0) throw new ValueError(op, 'there must be inputs', 'none', 'pass tensors');
    const saved: Tensor[] = [];
    const save: Save = (...tensors) => {
      checkTensors(op, 'saved', tensors);
      saved.push(...tensors);
    };
    const { result, made } = gathered(() => withTracking(false, (): unknown => forward(inputs, save)));
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new GraphError(op, 'forward must be synchronous', 'a Promise');
    }
    checkTensor(op, 'the result of forward', result);
    const used = new Set([result, ...saved]);
    for (const t of made) if (!used.has(t)) t.release();
    const y = apply(opFor(inputs.length, saved.length, saved.includes(result)), [result, ...inputs, ...saved], {
      rule: backward,
    });
    return endWith(y, ...[...used].filter((t) => made.has(t)));
  };
}
