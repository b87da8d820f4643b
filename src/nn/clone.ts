/**
 * Copies of modules and of their tensors: clone(), and what to() puts into the fields.
 * Not here: the walk over a module's fields (module.ts), the copying of a saved state (state.ts).
 */
import { noGrad } from '../autograd/backward.js';
import { ValueError } from '../errors.js';
import { Parameter, Tensor } from '../tensor/tensor.js';
import { type DType, isFloat } from '../values/dtype.js';
import type { Module } from './module.js';

/** A tensor for the place of `old` in a module's field, over `made`, which it takes over. */
function inPlaceOf(old: Tensor, made: Tensor): Tensor {
  if (!(old instanceof Parameter)) return made.keep();
  const parameter = new Parameter(made, old.requiresGrad);
  made.release();
  return parameter;
}

/**
 * The tensor on another device or in another dtype. Returns the tensor itself if nothing changes.
 */
export function moved(value: Tensor, target: Tensor['device'] | DType): Tensor {
  const convert = (): Tensor =>
    typeof target === 'string' ? (isFloat(value.dtype) ? value.cast(target) : value) : value.to(target);
  const result = noGrad(convert);
  return result === value ? value : inPlaceOf(value, result);
}

/**
 * Throws for a class with private (#) fields. An object without its constructor's call cannot have
 * them, and a constructor's arguments are not known. Fields that are never read do not matter.
 */
function checkNoPrivate(op: string, module: Module, base: object): void {
  for (
    let prototype: object | null = Object.getPrototypeOf(module);
    prototype !== null && prototype !== base;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const { constructor } = prototype;
    if (/[\w$)\]]\??\.#[A-Za-z_$]/.test(Function.prototype.toString.call(constructor)))
      throw new ValueError(
        op,
        'classes must have no private (#) fields',
        `the class ${constructor.name}`,
        "use TypeScript's private; for tensors and modules that are not to be trained, a property that is not enumerable",
      );
  }
}

/**
 * Copies a module with everything below it. `base` is the prototype of Module, which is in a file
 * that imports this one.
 */
export function cloneModule<M extends Module>(op: string, root: M, base: object): M {
  const modules = root.namedModules().map(([, module]) => module);
  for (const module of modules) checkNoPrivate(op, module, base);
  // The copies of the modules exist before their fields, which may refer to any of them.
  const copies = new Map<object, object>(
    modules.map((module) => [module, Object.create(Object.getPrototypeOf(module)) as object]),
  );
  const known = <T extends object>(value: T, make: () => T, fill: (made: T) => void = () => {}): T => {
    const before = copies.get(value);
    if (before !== undefined) return before as T;
    const made = make();
    copies.set(value, made);
    fill(made);
    if (Object.isFrozen(value)) Object.freeze(made);
    return made;
  };
  const copy = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Tensor)
      return known(value, () =>
        inPlaceOf(
          value,
          noGrad(() => value.clone()),
        ),
      );
    if (Array.isArray(value))
      return known<unknown[]>(
        value,
        () => [],
        (made) => void made.push(...value.map(copy)),
      );
    if (value instanceof Map)
      return known(
        value,
        () => new Map(),
        (made) => value.forEach((item, key) => void made.set(copy(key), copy(item))),
      );
    if (value instanceof Set)
      return known(
        value,
        () => new Set(),
        (made) => value.forEach((item) => void made.add(copy(item))),
      );
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return known(value, () => structuredClone(value));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null)
      return known(
        value,
        () => Object.create(prototype as object | null) as object,
        (made) => fields(value, made),
      );
    // A module of the tree has a copy. A generator, a pool's indices, or a module that a hidden
    // field refers to are shared.
    return copies.get(value) ?? value;
  };
  /** Copies the own properties of an object, with their attributes. */
  const fields = (from: object, to: object): void => {
    for (const key of Reflect.ownKeys(from)) {
      const descriptor = Object.getOwnPropertyDescriptor(from, key) as PropertyDescriptor;
      if ('value' in descriptor) descriptor.value = copy(descriptor.value);
      Object.defineProperty(to, key, descriptor);
    }
  };
  for (const module of modules) fields(module, copies.get(module) as object);
  return copies.get(root) as M;
}
