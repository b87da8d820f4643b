/** The tensors in the result of a program's function. */
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { isTensor } from './graph.js';

/** The elements of an array or the values of a plain object. Null for anything else. */
export function contentsOf(value: object): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : null;
}

/**
 * All tensors in the result of `op`'s function: the result itself, or tensors inside arrays, plain
 * objects and objects with a `tensors()` method.
 * @throws ValueError for a result that contains itself
 */
export function tensorsIn(op: string, result: unknown): Tensor[] {
  const found: Tensor[] = [];
  const within: object[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isTensor(value)) found.push(value);
    else if ('tensors' in value && typeof value.tensors === 'function') found.push(...(value.tensors() as Tensor[]));
    else {
      const contents = contentsOf(value);
      if (contents === null) return;
      if (within.includes(value))
        throw new ValueError(
          op,
          'a result must not hold itself',
          `a cycle of ${within.length - within.indexOf(value)}`,
          'return its tensors in an array or a plain object',
        );
      within.push(value);
      contents.forEach(visit);
      within.pop();
    }
  };
  visit(result);
  return found;
}
