/**
 * Module: a plain class whose fields are parameters, buffers and submodules. They are found by
 * walking the module's own public fields in the order of definition. Not here: layers (one family
 * per file), copies (clone.ts), the checks of a state that is loaded (state.ts), the summary
 * (summary.ts).
 */
import { checkDevice, checkFlag, checkFunction, checkText, className, knownOptions } from '../arguments.js';
import { alias } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import { Parameter, Tensor } from '../tensor/tensor.js';
import { type DType, isFloat } from '../values/dtype.js';
import type { Shape } from '../values/shape.js';
import { cloneModule, moved } from './clone.js';
import { type LoadReport, loadState } from './state.js';
import { formatSummary, summaryRows } from './summary.js';

export type { LoadReport } from './state.js';

/** A field, or an item of an array field, that a module owns. */
interface Field {
  readonly name: string;
  readonly value: Tensor | Module;
  readonly set: (value: Tensor) => void;
}

const isOwned = (value: unknown): value is Tensor | Module => value instanceof Tensor || value instanceof Module;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

type Item = readonly [key: string, item: object, set: (t: Tensor) => void];

/**
 * The objects in a field that may contain modules and tensors. The field can be an array, a plain
 * object or a Map.
 */
function itemsOf(value: unknown): Item[] {
  const items: Item[] = [];
  const add = (key: string, item: unknown, set: Field['set']): void => {
    // Numbers are skipped, because arrays of numbers may be long.
    if (typeof item === 'object' && item !== null) items.push([key, item, set]);
  };
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) add(String(i), value[i], (t) => void (value[i] = t));
  else if (value instanceof Map) for (const [key, item] of value) add(String(key), item, (t) => void value.set(key, t));
  else if (typeof value === 'object' && value !== null && isPlain(value))
    for (const [key, item] of Object.entries(value)) add(key, item, (t) => void Object.assign(value, { [key]: t }));
  return items;
}

/**
 * The tensors and modules in a module's fields, and in arrays, plain objects and Maps there, at any
 * depth. Functions, numbers, private (#) fields and objects of other classes are ignored.
 */
function fieldsOf(module: Module): Field[] {
  const fields: Field[] = [];
  const seen = new Set<unknown>();
  const visit = (name: string, value: unknown, set: Field['set']): void => {
    if (isOwned(value)) fields.push({ name, value, set });
    else if (value instanceof Set) refuseOwned(module, name, value);
    else if (!seen.has(value)) {
      const items = itemsOf(value);
      if (items.length > 0) seen.add(value);
      for (const [key, item, put] of items) visit(`${name}.${key}`, item, put);
    }
  };
  for (const [name, value] of Object.entries(module)) visit(name, value, (t) => Object.assign(module, { [name]: t }));
  return fields;
}

/** Throws for a Set with modules or tensors, because its items have no names for a saved state. */
function refuseOwned(module: Module, name: string, set: ReadonlySet<unknown>): void {
  if ([...set].some(isOwned))
    throw new ValueError(
      titleOf(module),
      'a Set must hold no modules or tensors',
      `the field ${name}`,
      'use an array or a Map, or a private field (#) for what is not to be trained',
    );
}

/** The name of a module in messages. A class of the user's own without a title has its base's. */
const titleOf = (module: Module): string => (module.constructor as typeof Module).title;

/** The parameters in a module's own fields, without those of its submodules. */
export const ownParameters = (module: Module): Parameter[] =>
  fieldsOf(module).flatMap(({ value }) => (value instanceof Parameter ? [value] : []));

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/**
 * The fields with tensors of a module and its submodules, depth first in the order of definition. A
 * module that is reached twice is walked once.
 */
function tensorFields(
  module: Module,
  prefix = '',
  seen = new Set<Module>(),
): { name: string; value: Tensor; set: Field['set'] }[] {
  seen.add(module);
  return fieldsOf(module).flatMap(({ name, value, set }) => {
    if (value instanceof Tensor) return [{ name: join(prefix, name), value, set }];
    return seen.has(value) ? [] : tensorFields(value, join(prefix, name), seen);
  });
}

/** A module's tensors with their names. A shared tensor counts once, under its first name. */
function namedTensors(module: Module): [string, Tensor][] {
  const named = new Map<Tensor, string>();
  for (const { name, value } of tensorFields(module)) if (!named.has(value)) named.set(value, name);
  if (new Set(named.values()).size < named.size) {
    const names = [...named.values()];
    throw new ValueError(
      titleOf(module),
      'two parameters or buffers must not have one name',
      names.find((name, i) => names.indexOf(name) !== i) as string,
      'rename a field or a key of a Map',
    );
  }
  return [...named].map(([value, name]) => [name, value]);
}

/**
 * Base class of everything with parameters. A field that is a Parameter is trained, any other
 * Tensor is a buffer (saved, not trained), and a Module is a submodule. Items of arrays, plain
 * objects and Maps of these count too, with names such as 'layers.0' or 'heads.left'. Private (#)
 * fields and properties that are not enumerable are ignored, so keep tensors and modules there that
 * must be neither trained nor saved. clone() cannot copy private fields.
 *
 * Layers are called as plain methods, `layer.forward(x)`, so there are no forward hooks. To see or
 * change what a layer gives, call it in a module of your own, or return the value from forward.
 * @source torch.nn.Module
 */
export abstract class Module {
  /**
   * The class's name in messages, written out because minifiers rename classes. toString() and
   * summary() print it too, or the constructor's name where a class of your own has no title.
   */
  static readonly title: string = 'Module';

  /**
   * Whether dropout is active and batch norm uses the batch's statistics. Set by train() and
   * eval().
   */
  training = true;

  /** The module's function. Layers narrow the types of its inputs and output. */
  abstract forward(...inputs: never[]): unknown;

  // ---- walking

  /** The submodules in its own fields, by name. A submodule in two fields is returned twice. */
  namedChildren(): [string, Module][] {
    return fieldsOf(this).flatMap(({ name, value }): [string, Module][] =>
      value instanceof Module ? [[name, value]] : [],
    );
  }
  /** The submodules in its own fields. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }
  /**
   * This module with the name '', and every module below it, parents first. A shared module is
   * returned once.
   */
  namedModules(): [string, Module][] {
    const found = new Map<Module, string>();
    const visit = (module: Module, name: string): void => {
      if (found.has(module)) return;
      found.set(module, name);
      for (const [childName, child] of module.namedChildren()) visit(child, join(name, childName));
    };
    visit(this, '');
    return [...found].map(([module, name]) => [name, module]);
  }
  /**
   * Every parameter with its name, such as 'encoder.0.weight'. A shared parameter is returned once,
   * under its first name.
   */
  namedParameters(): [string, Parameter][] {
    return namedTensors(this).flatMap(([name, t]): [string, Parameter][] =>
      t instanceof Parameter ? [[name, t]] : [],
    );
  }
  /** Every parameter, as the input of an optimizer. A shared parameter is returned once. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, p]) => p);
  }
  /** Every buffer with its name. */
  namedBuffers(): [string, Tensor][] {
    return namedTensors(this).filter(([, t]) => !(t instanceof Parameter));
  }
  /** Every buffer. */
  buffers(): Tensor[] {
    return this.namedBuffers().map(([, t]) => t);
  }
  /**
   * Calls fn on every module below, children first, then on this one.
   * @source torch.nn.Module.apply
   */
  apply(fn: (module: Module) => void): this {
    checkFunction(`${titleOf(this)}.apply`, 'fn', fn);
    for (const [, module] of this.namedModules().reverse()) fn(module);
    return this;
  }

  // ---- state

  /**
   * Parameters and buffers by name, in the order of definition. They are live views, which later
   * steps change. clone() values that must not change. `prefix`, such as 'encoder.', is put before
   * every name.
   * @source torch.nn.Module.state_dict
   */
  stateDict(options: { prefix?: string } = {}): Record<string, Tensor> {
    knownOptions(`${titleOf(this)}.stateDict`, options, { prefix: 'value' });
    const { prefix = '' } = options;
    checkText(`${titleOf(this)}.stateDict`, 'prefix', prefix);
    return Object.fromEntries(namedTensors(this).map(([name, t]) => [prefix + name, alias(t)]));
  }

  /**
   * Copies values into parameters and buffers. Everything is checked before anything changes. With
   * `prefix`, such as 'encoder.', only the names that begin with it are loaded, without it. So a
   * part of a model can be loaded from the state of the whole.
   * @shape each tensor as the module's of that name
   * @throws ValueError with every mismatch: names (unless strict is false), shapes and dtypes
   * @source torch.nn.Module.load_state_dict
   */
  loadStateDict(
    dict: Readonly<Record<string, Tensor>>,
    options: { strict?: boolean; prefix?: string } = {},
  ): LoadReport {
    return loadState(`${titleOf(this)}.loadStateDict`, new Map(namedTensors(this)), dict, options);
  }

  /**
   * An independent copy with its own parameters and buffers, in the same modes. What is shared in
   * the module is shared in the copy. Gradients are not copied. Objects of other classes (a
   * generator), functions, and modules outside this one are shared by both, so a field with an
   * arrow function that uses `this` still uses the original.
   * @throws ValueError for a class with private (#) fields; GraphError for a released tensor
   * @source copy.deepcopy of a torch.nn.Module
   */
  clone(): this {
    return cloneModule(`${titleOf(this)}.clone`, this, Module.prototype);
  }

  // ---- modes

  /** Sets `training` of this module and all below it. @source torch.nn.Module.train */
  train(on = true): this {
    checkFlag(`${titleOf(this)}.train`, 'on', on);
    return this.apply((module) => {
      module.training = on;
    });
  }
  /**
   * train(false): dropout is off, and batch norm uses running statistics.
   * @source torch.nn.Module.eval
   */
  eval(): this {
    return this.train(false);
  }
  /**
   * Freezes (false) or unfreezes every parameter of this module and all below it.
   * @source torch.nn.Module.requires_grad_
   */
  requireGrad(on = true): this {
    checkFlag(`${titleOf(this)}.requireGrad`, 'on', on);
    for (const p of this.parameters()) p.requiresGrad = on;
    return this;
  }
  /** Releases every parameter's gradient. @source torch.nn.Module.zero_grad */
  zeroGrad(): void {
    for (const p of this.parameters()) p.clearGrad();
  }

  /**
   * Moves parameters and buffers to a device, or converts the float ones to another float dtype.
   * The fields get new tensors, so create optimizers afterwards.
   * @throws DeviceError if the present device cannot be read synchronously or the new one lacks the
   * dtype; ValueError for a dtype that is not float
   * @source torch.nn.Module.to
   */
  to(target: Tensor['device'] | DType): this {
    if (typeof target === 'string' && !isFloat(target))
      throw new ValueError(
        `${titleOf(this)}.to`,
        'dtype must be float32 or float64',
        `dtype=${target}`,
        'a device is what await device(…) gives',
      );
    if (typeof target !== 'string') checkDevice(`${titleOf(this)}.to`, target);
    const fields = tensorFields(this);
    const results = new Map<Tensor, Tensor>();
    for (const { value } of fields) if (!results.has(value)) results.set(value, moved(value, target));
    for (const { value, set } of fields) set(results.get(value) as Tensor);
    return this;
  }

  // ---- printing

  /** The text in the brackets of toString(). Layers override it. */
  describe(): string {
    return '';
  }
  /**
   * The number of multiply-adds of one call with these shapes of input and output. Layers with
   * weights override it.
   */
  multiplyAdds(_input: Shape, _output: Shape): number {
    return 0;
  }

  /** The tree of modules, as PyTorch prints it. */
  toString(): string {
    const print = (module: Module, above: readonly Module[]): string => {
      if (above.includes(module)) return `${className(module)}(…)`;
      const lines = module.namedChildren().map(([name, child]) => `(${name}): ${print(child, [...above, module])}`);
      const inside = module.describe();
      if (lines.length === 0) return `${className(module)}(${inside})`;
      const body = [...(inside === '' ? [] : [inside]), ...lines].join('\n').replaceAll('\n', '\n  ');
      return `${className(module)}(\n  ${body}\n)`;
    };
    return print(this, []);
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /**
   * A table of the layers in the order in which one forward pass calls them, with output shapes,
   * own parameters and multiply-adds. The pass uses inputs of zeros in eval mode and records
   * nothing. A layer called twice has two rows, and its parameters count in the first.
   * @shape inputShapes: one per input of forward
   * @throws as forward does
   * @source torchinfo; keras.Model.summary
   */
  summary(...inputShapes: Shape[]): string {
    const trainable = this.parameters().reduce((n, p) => n + (p.requiresGrad ? p.size : 0), 0);
    return formatSummary(summaryRows(this, ownParameters, inputShapes), trainable);
  }
}
