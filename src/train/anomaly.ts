/**
 * detectAnomaly: finds the first operation that makes a NaN or an infinity, and the module that
 * called it. Not here: the events that it watches (autograd/watch.ts), and the reading of values
 * (anomaly-values.ts).
 */
import { checkFunction, className, knownOptions, shown } from '../arguments.js';
import type { Node } from '../autograd/graph.js';
import {
  type Callback,
  type EventKind,
  installWatcher,
  type Outcome,
  type WatchedEvent,
  type Watcher,
  watching,
} from '../autograd/watch.js';
import type { Storage } from '../device/storage.js';
import { type Anomaly, AnomalyError, GraphError, show, ValueError } from '../errors.js';
import { Module } from '../nn/module.js';
import { shadowForward } from '../nn/shadow.js';
import type { Tensor } from '../tensor/tensor.js';
import { isFloat } from '../values/dtype.js';
import { type Bad, type Finding, positionOf, Values } from './anomaly-values.js';

/** Options of detectAnomaly. */
export interface AnomalyOptions {
  /** The model whose modules are named. */
  model?: Module;
  /** Whether an infinity counts, too. Default true. */
  infinity?: boolean;
}

/** The module that runs. */
interface Place {
  readonly path: string;
  readonly title: string;
}

/** An operation whose values are looked at. */
interface Suspect {
  readonly pass: Anomaly['pass'];
  readonly operation: string;
  /** Null outside of the modules. Undefined if that is not known. */
  readonly place: Place | null | undefined;
  readonly inputs: readonly Tensor[];
  readonly results: readonly (Tensor | null)[];
  /** What the number of a result or an input stands for in a message. */
  readonly result: (index: number) => string;
  readonly input: (index: number) => string;
}

/** A suspect on a device that cannot be read at once, with its values on the way. */
interface Waiting {
  readonly suspect: Suspect;
  readonly results: Promise<Finding>[];
  readonly inputs: Promise<Finding>[];
}

class AnomalyWatcher implements Watcher {
  /** The first anomaly that was thrown. The program may have caught it. */
  found: AnomalyError | null = null;
  readonly #values: Values;
  readonly #model: Module | undefined;
  readonly #places: Place[] = [];
  /** Where the operation of a graph node was called, null for outside of the modules. */
  readonly #origins = new WeakMap<Node, Place | null>();
  #waiting: Waiting[] = [];
  readonly #restore: (() => void)[];

  constructor({ model, infinity = true }: AnomalyOptions) {
    this.#values = new Values(infinity);
    this.#model = model;
    this.#restore = (model?.namedModules() ?? []).map(([path, module]) =>
      shadowForward(module, (call) => {
        this.#places.push({ path, title: className(module) });
        try {
          return call();
        } finally {
          this.#places.pop();
        }
      }),
    );
  }

  /** Gives the model its own forward methods back. */
  restore(): void {
    for (const undo of this.#restore) undo();
  }

  /** Looks at the values that had to be waited for, in the order of the operations. */
  async finish(): Promise<void> {
    for (const { suspect, results, inputs } of this.#waiting) {
      const found = await Promise.all(results);
      if (found.some((bad) => bad !== null)) this.#throw(suspect, found, await Promise.all(inputs));
    }
  }

  // ---- watching

  ask(): null {
    return null;
  }
  read(): void {}
  refuse(): void {}

  tell<K extends EventKind>(event: WatchedEvent<K>, outcome: Outcome<K>): void;
  tell(event: WatchedEvent, outcome: Outcome<EventKind>): void {
    if (event.kind === 'op') {
      const results = outcome as Outcome<'op'>;
      const place = this.#places.at(-1) ?? null;
      for (const { node } of results) if (node !== null) this.#origins.set(node, place);
      this.#look({
        pass: 'forward',
        operation: event.op.name,
        place,
        inputs: event.inputs,
        results,
        result: (i) => `${event.op.name}'s result${i === 0 ? '' : ` ${i}`}`,
        input: (i) => `${event.op.name}'s input ${i}`,
      });
    } else if (event.kind === 'update') {
      // The storages get their new versions after this event.
      for (const { storage } of event.changed) this.#values.forget(storage);
      this.#look({
        pass: 'update',
        operation: event.kernel,
        place: undefined,
        // The others have been overwritten.
        inputs: event.inputs.filter((t) => !event.changed.some(({ storage }) => storage === t.storage)),
        results: event.changed,
        result: () => `a tensor that ${event.kernel} wrote`,
        input: () => `a tensor that ${event.kernel} got`,
      });
    }
  }

  callback({ kind, of, grad, call }: Callback): readonly (Tensor | null)[] {
    const results = call(grad);
    if (kind === 'hooks')
      this.#look({
        pass: 'backward',
        operation: of.madeBy,
        place: this.#placeOf(of.node),
        inputs: [grad],
        results,
        result: () => `the gradient that a hook of ${of.madeBy}'s result returned`,
        input: () => `the gradient of ${of.madeBy}'s result`,
      });
    return results;
  }

  differentiated(node: Node, grad: Tensor, grads: readonly (Tensor | null)[]): void {
    const { name } = node.op;
    this.#look({
      pass: 'backward',
      operation: name,
      place: this.#placeOf(node),
      inputs: [grad],
      results: node.inputs.map((t, i) => (t.requiresGrad ? (grads[i] ?? null) : null)),
      result: (i) => `${name}'s gradient of input ${i}`,
      input: () => `the gradient of ${name}'s result`,
    });
  }

  // ---- judging

  #placeOf(node: Node | null): Place | null | undefined {
    return node === null ? undefined : this.#origins.get(node);
  }

  #look(suspect: Suspect): void {
    const { results, inputs } = suspect;
    const found = results.map((t) => (t === null || !isFloat(t.dtype) ? null : this.#values.of(t)));
    if (found.every((finding) => finding === null)) return;
    const ofInputs = (): (Finding | Promise<Finding>)[] =>
      inputs.map((t) => (isFloat(t.dtype) ? this.#values.of(t) : null));
    if (!found.some((finding) => finding instanceof Promise))
      this.#throw(suspect, found as Finding[], ofInputs() as Finding[]);
    const all = (list: readonly (Finding | Promise<Finding>)[]): Promise<Finding>[] =>
      list.map(async (finding) => finding);
    this.#waiting.push({ suspect, results: all(found), inputs: all(ofInputs()) });
  }

  #throw(suspect: Suspect, results: readonly Finding[], inputs: readonly Finding[]): never {
    const { pass, operation, place } = suspect;
    const given = inputs.findIndex((bad) => bad !== null);
    const index = given < 0 ? results.findIndex((bad) => bad !== null) : given;
    const { value, at } = (given < 0 ? results : inputs)[index] as Bad;
    const t = (given < 0 ? suspect.results : suspect.inputs)[index] as Tensor;
    const what = (given < 0 ? suspect.result : suspect.input)(index);
    const name = t.released ? '' : this.#nameOf(t.storage);
    let where = '';
    if (place) where = `, in ${`${place.path} ${place.title}`.trim()}`;
    else if (place === null && this.#model !== undefined) where = ', outside of the modules';
    const hint =
      given < 0
        ? `what ${operation} got was finite`
        : 'it was there before: look at the data, the parameters and the gradient given to backward()';
    const got = `${value} in ${what} ${show(t.shape)} at ${show(positionOf(at, t.shape))}${name}${where}`;
    const module = place?.path ?? null;
    this.found = new AnomalyError({ value, pass, operation, module, given: given >= 0 }, got, hint);
    throw this.found;
  }

  /** The parameter or buffer of the model over a storage, or whose gradient it is, for messages. */
  #nameOf(storage: Storage): string {
    for (const [name, t] of [...(this.#model?.namedParameters() ?? []), ...(this.#model?.namedBuffers() ?? [])]) {
      if (!t.released && t.storage === storage) return ` (${name})`;
      if (t.grad !== null && !t.grad.released && t.grad.storage === storage) return ` (the gradient of ${name})`;
    }
    return '';
  }
}

/**
 * Runs `fn` and looks at the values of every operation in it: forward, in backward passes, and in
 * optimizers. The promise rejects with an AnomalyError that names the first operation that made a
 * NaN or an infinity, and with `model` the module that called it. Otherwise it gives fn's result.
 * On devices that can be read at once, the operation itself throws, so the stack shows the line.
 * On others (WebGPU), the values are looked at when fn has ended.
 *
 * This is slow, because every value is read. A compiled step runs as usual in it. `fn` may be
 * asynchronous; until it ends, operations of other code are looked at, too.
 * @throws AnomalyError; what fn throws; ValueError for arguments of the wrong kind; GraphError
 * inside another detectAnomaly or inside a compiled step
 * @source torch.autograd.detect_anomaly; tf.debugging.enable_check_numerics
 */
export async function detectAnomaly<R>(fn: () => R | Promise<R>, options: AnomalyOptions = {}): Promise<R> {
  const op = 'detectAnomaly';
  checkFunction(op, 'fn', fn);
  knownOptions(op, options, { model: 'value', infinity: 'flag' });
  const { model } = options;
  if (model !== undefined && !(model instanceof Module))
    throw new ValueError(op, 'model must be a module', `model=${shown(model)}`);
  if (watching() !== null)
    throw new GraphError(op, 'there can be one at a time', 'a call inside of another, or of a compiled step');
  const watcher = new AnomalyWatcher(options);
  const remove = installWatcher(watcher);
  try {
    let failure: { readonly error: unknown } | null = null;
    let result: R | undefined;
    try {
      result = await fn();
    } catch (error) {
      failure = { error };
    }
    // An anomaly explains an error that followed from it.
    await watcher.finish();
    if (watcher.found !== null) throw watcher.found;
    if (failure !== null) throw failure.error;
    return result as R;
  } finally {
    remove();
    watcher.restore();
  }
}
