/**
 * ModuleList and ModuleDict: modules by number or by key, which the module around them calls.
 * Not here: Sequential, which calls its layers itself (container.ts).
 */
import { checkNumber, checkText, shown } from '../arguments.js';
import { isTensor } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import { Module } from './module.js';

function checkModule(op: string, name: string, value: unknown): void {
  if (value instanceof Module) return;
  const hint = typeof value === 'function' ? 'wrap a function in a Module of its own' : '';
  throw new ValueError(op, `${name} must be a module`, `${name}=${shown(value)}`, hint);
}

/** Throws for a value that cannot be iterated. Text can, but its letters are no modules. */
function checkIterable(op: string, name: string, value: unknown, hint = ''): void {
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) return;
  throw new ValueError(op, `${name} must be an array of modules`, `${name}=${shown(value)}`, hint);
}

// These are functions, because a class with private (#) methods cannot be cloned, and because the
// name of a method could not be a key of a ModuleDict.

/** Checks all modules, then adds them at the end of a list. */
function addTo<M extends Module>(to: ModuleList<M>, op: string, modules: Iterable<M>): void {
  const added = [...modules];
  added.forEach((module, i) => {
    checkModule(op, `modules[${i}]`, module);
  });
  const { length } = to;
  Object.assign(to, Object.fromEntries(added.map((module, i) => [length + i, module])));
}

/** Checks a key and its module, then puts the module into a dictionary. */
function putInto<M extends Module>(to: ModuleDict<M>, op: string, key: string, module: M): void {
  checkText(op, 'key', key);
  if (key === '' || key.includes('.'))
    throw new ValueError(op, 'a key must not be empty and have no dot', `key=${shown(key)}`);
  if (key in to && !to.has(key))
    throw new ValueError(op, 'a key must not be the name of a field or method', `key=${shown(key)}`);
  checkModule(op, `the module '${key}'`, module);
  Object.assign(to, { [key]: module });
}

/**
 * A list of modules that a module calls in its own forward. Its fields, and so its parameters'
 * names, are '0', '1', …. An optimizer does not know modules that are added after it was made.
 * @throws ValueError for what is no module
 * @source torch.nn.ModuleList
 */
export class ModuleList<M extends Module = Module> extends Module {
  static override readonly title: string = 'ModuleList';
  readonly [index: number]: M;

  constructor(modules: Iterable<M> = []) {
    super();
    const hint = (modules as unknown) instanceof Module ? 'wrap it in an array' : '';
    checkIterable('ModuleList', 'modules', modules, hint);
    addTo(this, 'ModuleList', modules);
  }

  /** The number of modules. */
  get length(): number {
    let n = 0;
    while (Object.hasOwn(this, n)) n++;
    return n;
  }

  /**
   * The module at a position. Negative positions count from the end.
   * @throws ValueError for a position that does not exist
   */
  at(index: number): M {
    const { length } = this;
    checkNumber('ModuleList.at', 'index', index, Number.isInteger, 'whole');
    if (index < -length || index >= length)
      throw new ValueError('ModuleList.at', `index must be in [${-length}, ${length - 1}]`, `index=${index}`);
    return this[index < 0 ? index + length : index] as M;
  }
  /** Adds a module at the end. @throws ValueError for what is no module */
  append(module: M): this {
    checkModule('ModuleList.append', 'module', module);
    addTo(this, 'ModuleList.append', [module]);
    return this;
  }
  /** Adds modules at the end. @throws ValueError for what is no module */
  extend(modules: Iterable<M>): this {
    checkIterable('ModuleList.extend', 'modules', modules);
    addTo(this, 'ModuleList.extend', modules);
    return this;
  }
  /**
   * Puts a module before the one at `index`. Those after it get new numbers, and so new names.
   * @throws ValueError for what is no module, or a position that does not exist
   */
  insert(index: number, module: M): this {
    const op = 'ModuleList.insert';
    const all = [...this];
    checkNumber(op, 'index', index, (v) => Number.isInteger(v) && v >= 0 && v <= all.length, `in [0, ${all.length}]`);
    checkModule(op, 'module', module);
    all.splice(index, 0, module);
    Object.assign(this, all);
    return this;
  }
  /** The modules in order. */
  *[Symbol.iterator](): IterableIterator<M> {
    for (let i = 0; Object.hasOwn(this, i); i++) yield this[i] as M;
  }
  forward(..._inputs: never[]): never {
    throw new ValueError(
      'ModuleList.forward',
      'a list has no order of calls of its own',
      'a call',
      'call its modules: for (const layer of list) x = layer.forward(x)',
    );
  }
}

/**
 * Modules by key, which a module calls in its own forward. The keys are the names of its fields,
 * and so of its parameters. Keys that are whole numbers come first, in ascending order. An
 * optimizer does not know modules that are added after it was made.
 * @throws ValueError for what is no module, and for a key that is empty, has a dot, or is the name
 * of a method
 * @source torch.nn.ModuleDict
 */
export class ModuleDict<M extends Module = Module> extends Module {
  static override readonly title: string = 'ModuleDict';

  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    if (typeof modules !== 'object' || modules === null || isTensor(modules) || modules instanceof Module)
      throw new ValueError('ModuleDict', 'modules must be an object of modules by key', `modules=${shown(modules)}`);
    const entries = Symbol.iterator in modules ? [...modules] : Object.entries(modules);
    for (const entry of entries) {
      if (!Array.isArray(entry))
        throw new ValueError(
          'ModuleDict',
          'modules must be pairs [key, module]',
          shown(entry),
          'a list is a ModuleList',
        );
      const [key, module] = entry as readonly [string, M];
      putInto(this, 'ModuleDict', key, module);
    }
  }

  /** The number of modules. */
  get size(): number {
    return this.keys().length;
  }
  /** The keys in order. */
  keys(): string[] {
    return this.entries().map(([key]) => key);
  }
  /** The modules in order. */
  values(): M[] {
    return this.entries().map(([, module]) => module);
  }
  /** Pairs of key and module, in order. */
  entries(): [string, M][] {
    return Object.entries(this).filter(([, value]) => value instanceof Module) as [string, M][];
  }
  /** Whether there is a module with this key. */
  has(key: string): boolean {
    return Object.hasOwn(this, key) && (this as unknown as Record<string, unknown>)[key] instanceof Module;
  }
  /** The module with this key. @throws ValueError if there is none */
  get(key: string): M {
    if (!this.has(key))
      throw new ValueError('ModuleDict.get', `keys are ${this.keys().join(', ') || 'none yet'}`, `key=${shown(key)}`);
    return (this as unknown as Record<string, M>)[key] as M;
  }
  /** Adds a module, or replaces the one with this key. @throws ValueError as the constructor */
  set(key: string, module: M): this {
    putInto(this, 'ModuleDict.set', key, module);
    return this;
  }
  /** Removes a module. Returns whether there was one. */
  delete(key: string): boolean {
    return this.has(key) && Reflect.deleteProperty(this, key);
  }
  /** Pairs of key and module, in order. */
  [Symbol.iterator](): IterableIterator<[string, M]> {
    return this.entries()[Symbol.iterator]();
  }
  forward(..._inputs: never[]): never {
    throw new ValueError(
      'ModuleDict.forward',
      'a dictionary has no order of calls of its own',
      'a call',
      "call its modules: dict.get('key').forward(x)",
    );
  }
}
