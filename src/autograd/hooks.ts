/**
 * Gradient hooks: functions of the program that see a tensor's gradient during a backward pass, and
 * may replace it. Not here: when they are called (backward.ts), and how compile replays them
 * (tape/).
 */
import { checkFunction, shown } from '../arguments.js';
import { GraphError, ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { sameShape } from '../values/shape.js';
import { isTensor } from './graph.js';

/** Sees the gradient of a tensor. Returns the gradient to use instead, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
export type GradientHook = (grad: Tensor) => Tensor | null | undefined | void;

/** Adds a hook to a tensor. Returns a function that removes it. */
export function registerHook(tensor: Tensor, fn: GradientHook): () => void {
  checkFunction('registerHook', 'fn', fn);
  if (!tensor.requiresGrad)
    throw new GraphError(
      'registerHook',
      'the tensor must require a gradient',
      `${tensor.madeBy}'s result ${show(tensor.shape)}`,
      'create the leaf with requiresGrad: true, and outside noGrad',
    );
  // The same function can be added twice, so each addition has its own identity.
  const hook: GradientHook = (grad) => fn(grad);
  tensor.hooks = [...(tensor.hooks ?? []), hook];
  return () => {
    const left = (tensor.hooks ?? []).filter((other) => other !== hook);
    tensor.hooks = left.length === 0 ? null : left;
  };
}

/** Calls a tensor's hooks in order. Returns the gradient that replaces `grad`, or null. */
export function callHooks(tensor: Tensor, grad: Tensor): Tensor | null {
  let changed: Tensor | null = null;
  for (const hook of tensor.hooks ?? []) {
    const result: unknown = hook(changed ?? grad);
    if (result === undefined || result === null) continue;
    const rule = 'a hook must return a tensor, or nothing';
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new ValueError('registerHook', rule, 'a Promise', 'hooks are synchronous: read values after backward()');
    }
    if (!isTensor(result)) throw new ValueError('registerHook', rule, shown(result));
    if (!sameShape(result.shape, grad.shape) || result.dtype !== grad.dtype)
      throw new ShapeError(
        'registerHook',
        "a hook must return a tensor of the gradient's shape and dtype",
        `${show(result.shape)} ${result.dtype} for ${show(grad.shape)} ${grad.dtype}`,
      );
    changed = result;
  }
  return changed;
}
