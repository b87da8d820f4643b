/**
 * checkpoint: a part of the forward pass that keeps only its results. backward computes its other
 * values again. The graph is the one that the part would have without it, so gradients are the same
 * to the last bit, and hooks, createGraph and parameters need no rule of their own.
 * Not here: when a backward pass restores and drops the values (recompute.ts, backward.ts).
 */
import { checkFunction, knownOptions, type OptionNames } from '../arguments.js';
import { GraphError, show } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type RandomStates, withNotedDraws, withStates } from '../values/draws.js';
import { sameShape } from '../values/shape.js';
import { checkTensor, isTensor, isTracking, type Node, withTracking } from './graph.js';
import { withoutUpdates } from './in-place.js';
import { gathered, scoped } from './lifetimes.js';
import type { Recomputation } from './recompute.js';
import { tensorsIn } from './results.js';

/** Options of checkpoint. */
export interface GradientCheckpointOptions {
  /**
   * Whether fn draws the same random numbers when it runs again, for example dropout masks. If
   * false, it continues to draw, which is right only if it draws nothing. Default true.
   */
  preserveRngState?: boolean;
}
export const checkpointOptions: OptionNames<GradientCheckpointOptions> = { preserveRngState: 'flag' };

const op = 'checkpoint';
const released = 'checkpoint() keeps only the results of its function: return it from there, or keep() it there';

type Fn = (...inputs: Tensor[]) => unknown;

/** The checkpoint whose function runs, or null. */
let running: Checkpoint | null = null;

/** The nodes that made these tensors, in order. */
const nodesOf = (made: Iterable<Tensor>): Node[] => {
  const nodes = new Set<Node>();
  for (const { node } of made) if (node !== null) nodes.add(node);
  return [...nodes].sort((a, b) => a.id - b.id);
};

/** One call of checkpoint(). */
class Checkpoint implements Recomputation {
  readonly parent = running;
  #fn: Fn;
  #inputs: readonly Tensor[];
  readonly #preserve: boolean;
  #states: RandomStates = new Map();
  /** The tensors that fn made in the forward pass. */
  #made: ReadonlySet<Tensor> = new Set();
  /** The nodes of these tensors. They are looked up anew, because compile can renew nodes. */
  #nodes: readonly Node[] = [];
  /** The versions of what fn read from outside. */
  readonly #versions = new Map<Tensor, number>();
  /** The checkpoints inside of fn, in the order of the calls. */
  #nested: Checkpoint[] = [];
  /** What restore() gave values to, and what the nested checkpoints read. */
  #held: Tensor[] = [];
  /** The nodes that fn made when it ran again. Nothing flows back through them. */
  #others: readonly Node[] = [];

  constructor(fn: Fn, inputs: readonly Tensor[], preserve: boolean) {
    this.#fn = fn;
    this.#inputs = inputs;
    this.#preserve = preserve;
    if (this.parent !== null) this.parent.#nested.push(this);
  }

  get first(): number {
    return this.#nodes[0]?.id ?? 0;
  }
  get last(): number {
    return nodesOf(this.#made).at(-1)?.id ?? 0;
  }

  /** The forward pass. */
  begin(): unknown {
    const call = () => this.#call();
    const noted = this.#preserve ? withNotedDraws(op, call) : { value: call(), states: this.#states };
    const { result, made } = noted.value;
    this.#states = noted.states;
    this.#made = made;
    const results = new Set(tensorsIn(op, result));
    const outside = [...this.#inputs, ...nodesOf(made).flatMap(({ inputs }) => inputs)];
    for (const t of outside) if (!made.has(t) && !t.released) this.#versions.set(t, t.storage.version);
    for (const t of made) {
      if (results.has(t) || t.released) continue;
      t.release();
      t.recomputation ??= this;
      t.hint ??= released;
    }
    return result;
  }

  restore(): void {
    this.#again((made) => this.#pair(made));
  }
  repeat(): void {
    this.#again(() => {});
  }
  drop(): void {
    for (const t of this.#held) t.unkeep().release();
    this.#held = [];
    for (const node of this.#others) node.end();
    this.#others = [];
  }

  /** Calls fn, in the forward pass or again. */
  #call(): { readonly result: unknown; readonly made: ReadonlySet<Tensor> } {
    const before = running;
    running = this;
    try {
      const outcome = gathered(() => withTracking(true, () => this.#fn(...this.#inputs)));
      refusePromise(outcome.result);
      return outcome;
    } finally {
      running = before;
    }
  }

  /** Calls fn again, and `use` with the tensors that it makes. They end afterwards. */
  #again(use: (made: ReadonlySet<Tensor>) => void): void {
    this.#checkVersions();
    this.#nodes = nodesOf(this.#made);
    const before = this.#nested;
    this.#nested = [];
    scoped(
      () => {
        const { made } = withStates(this.#states, () => withoutUpdates(() => this.#call()));
        use(made);
        this.#follow(before, made);
        this.#others = nodesOf(made);
      },
      () => [],
    );
    this.#nested = before;
  }

  /** Refuses values from outside that changed since the forward pass. */
  #checkVersions(): void {
    for (const [t, version] of this.#versions)
      if (!t.released && t.storage.version !== version)
        throw new GraphError(
          op,
          'what its function reads must not change in place before backward()',
          `${t.madeBy}'s ${show(t.shape)} at version ${t.storage.version}, read at version ${version}`,
          'call assign() or step() after backward()',
        );
  }

  /** Gives the saved values of the forward pass the arrays that were computed again. */
  #pair(again: ReadonlySet<Tensor>): void {
    const nodes = this.#nodes;
    const others = nodesOf(again);
    const odd = nodes.findIndex((node, i) => others[i] === undefined || !this.#isSame(node, others[i], again));
    if (odd >= 0 || others.length > nodes.length)
      throw new GraphError(
        op,
        'its function must do the same when it runs again',
        `${describe(others[odd < 0 ? nodes.length : odd])} in place of ${describe(nodes[odd])}`,
        'let it depend on nothing that changes before backward(), such as train() and eval()',
      );
    nodes.forEach((node, i) => {
      const { saved } = others[i];
      node.saved.forEach((t, k) => {
        // A value of a nested checkpoint is missing here, too.
        if (!t.released || saved[k].released) return;
        t.revive(saved[k].storage);
        this.#held.push(t);
      });
    });
  }

  #isSame(node: Node, other: Node, again: ReadonlySet<Tensor>): boolean {
    const alike = (a: Tensor, b: Tensor): boolean => sameShape(a.shape, b.shape) && a.dtype === b.dtype;
    return (
      node.op === other.op &&
      node.outputs.length === other.outputs.length &&
      node.outputs.every((t, i) => alike(t, other.outputs[i])) &&
      node.inputs.length === other.inputs.length &&
      node.inputs.every((t, i) => alike(t, other.inputs[i]) && this.#made.has(t) === again.has(other.inputs[i]))
    );
  }

  /**
   * Lets the nested checkpoints of the forward pass call the functions of those that were made now.
   * What these read lives as long as the values here.
   */
  #follow(before: readonly Checkpoint[], made: ReadonlySet<Tensor>): void {
    before.forEach((nested, i) => {
      const now = this.#nested[i];
      if (now === undefined) return;
      nested.#fn = now.#fn;
      nested.#inputs = now.#inputs;
    });
    if (before.length > 0) for (const t of made) if (!t.released && !t.kept) this.#held.push(t.keep());
  }
}

const describe = (node: Node | undefined): string =>
  node === undefined ? 'nothing' : `${node.op.name}'s ${node.outputs.map(({ shape }) => show(shape)).join(' and ')}`;

function refusePromise(result: unknown): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => {});
  throw new GraphError(
    op,
    'fn must be synchronous',
    'a Promise',
    'return the tensor and await its data() outside of checkpoint()',
  );
}

/**
 * Calls `fn` on tensors and keeps only its results. backward() calls it again to compute the values
 * that its gradients need, and drops them when it has passed them. This takes less memory, and the
 * time of a second forward pass through `fn`. Gradients are the same to the last bit, also those of
 * parameters that `fn` uses. Under noGrad, `fn` is just called.
 *
 * `fn` must do the same when it runs again. Its random numbers are the same, and buffers that it
 * changes in place, such as running statistics, are left as they are (PyTorch changes them twice).
 * Nothing that `fn` reads may change in place before backward(). The last argument may be
 * { preserveRngState: false }.
 * @shape inputs [any] → as fn's
 * @gradient as without checkpoint
 * @throws ValueError for arguments of the wrong kind; GraphError for an asynchronous fn, and in
 * backward() if fn does something else when it runs again
 * @source Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost";
 * torch.utils.checkpoint.checkpoint with use_reentrant=False
 */
export function checkpoint<I extends readonly Tensor[], R>(fn: (...inputs: NoInfer<I>) => R, ...inputs: I): R;
export function checkpoint<I extends readonly Tensor[], R>(
  fn: (...inputs: NoInfer<I>) => R,
  ...inputsAndOptions: [...inputs: I, options: GradientCheckpointOptions]
): R;
export function checkpoint<R>(
  fn: (...inputs: Tensor[]) => R,
  ...given: readonly (Tensor | GradientCheckpointOptions)[]
): R {
  checkFunction(op, 'fn', fn);
  const last = given.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !isTensor(last) && !Array.isArray(last);
  const options = hasOptions ? last : {};
  knownOptions(op, options, checkpointOptions);
  const inputs = (hasOptions ? given.slice(0, -1) : given).map((t, i) => {
    checkTensor(op, `inputs[${i}]`, t);
    return t;
  });
  if (!isTracking()) {
    const result = fn(...inputs);
    refusePromise(result);
    return result;
  }
  return new Checkpoint(fn, inputs, options.preserveRngState ?? true).begin() as R;
}
