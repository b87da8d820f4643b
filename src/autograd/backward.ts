/**
 * The backward walk through the graph. It is iterative, so deep graphs do not overflow the stack.
 * Only this file accumulates gradients.
 */
import { checkFunction, knownOptions, type OptionNames, shown } from '../arguments.js';
import type { Storage } from '../device/storage.js';
import { GraphError, ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { sameShape } from '../values/shape.js';
import { alias, type BackwardStep, checkTensor, checkTensors, isTensor, type Node, withTracking } from './graph.js';
import { callHooks } from './hooks.js';
import { adopt, consume, scoped, turnGeneration } from './lifetimes.js';
import { Restorer } from './recompute.js';
import { tensorsIn } from './results.js';
import { type Callback, type Walk, type Watcher, watched, watching, withWatcher } from './watch.js';

export interface BackwardOptions {
  /** Keep the graph for another backward(). Default: the value of createGraph. */
  retainGraph?: boolean;
  /** Record the backward pass itself, so that gradients can be differentiated. */
  createGraph?: boolean;
}

const optionNames: OptionNames<BackwardOptions> = { retainGraph: 'flag', createGraph: 'flag' };

/** Checks the optional gradient argument of backward() and grad(). */
function checkGiven(op: string, name: string, given: Tensor | undefined): void {
  if (given === undefined || isTensor(given)) return;
  const isOptions = typeof given === 'object' && given !== null && Object.keys(given).some((key) => key in optionNames);
  if (isOptions)
    throw new ValueError(
      op,
      `${name} must be a tensor`,
      `${name}=${shown(given)}`,
      'options come second: backward(undefined, { retainGraph: true })',
    );
  checkTensor(op, name, given);
}

/** All nodes that the root depends on, latest first. This is a topological order. */
function reach(root: Tensor): Node[] {
  const seen = new Set<Node>();
  const stack: Node[] = [];
  const visit = (t: Tensor): void => {
    if (t.node === null || seen.has(t.node)) return;
    seen.add(t.node);
    stack.push(t.node);
  };
  visit(root);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) node.inputs.forEach(visit);
  return [...seen].sort((a, b) => b.id - a.id);
}

function checkGradient(node: Node, input: number, grad: Tensor): void {
  const { shape, dtype } = node.inputs[input];
  if (!sameShape(grad.shape, shape) || grad.dtype !== dtype)
    throw new ShapeError(
      'backward',
      "a gradient must have its input's shape and dtype",
      `${node.op.name}'s gradient of input ${input}=${show(grad.shape)} ${grad.dtype}`,
      `the input is ${show(shape)} ${dtype}: the op's backward rule is wrong`,
    );
}

/** The gradient of the root: the given one, or one for a scalar root. */
function seedOf(root: Tensor, grad: Tensor | undefined): Tensor {
  if (!root.requiresGrad)
    throw new GraphError(
      'backward',
      'the tensor must depend on one that requires a gradient',
      `${root.madeBy}'s result ${show(root.shape)}`,
      'create the leaf with requiresGrad: true, and outside noGrad',
    );
  if (grad === undefined) {
    if (root.size !== 1)
      throw new GraphError(
        'backward',
        'a gradient is needed unless the tensor is a scalar',
        `shape=${show(root.shape)}`,
        'reduce it with sum() or mean(), or pass a gradient of that shape',
      );
    return withTracking(false, () => root.onesLike());
  }
  if (!sameShape(grad.shape, root.shape))
    throw new ShapeError(
      'backward',
      "the gradient must have the tensor's shape",
      `grad=${show(grad.shape)}, tensor=${show(root.shape)}`,
    );
  return grad;
}

/**
 * The backward walk. Calls `arrive` with each leaf's gradient, once per edge into the leaf, or once
 * for all if the leaf has hooks. Functions of the program are called through the watcher.
 */
function walk(
  root: Tensor,
  given: Tensor | undefined,
  options: BackwardOptions,
  watcher: Watcher | null,
  arrive: (leaf: Tensor, grad: Tensor) => void,
): Omit<Walk, 'before'> {
  const createGraph = options.createGraph ?? false;
  // Reading the storage throws if the root has been released.
  void root.storage;
  const nodes = reach(root);
  for (const node of nodes)
    if (node.consumed)
      throw new GraphError(
        'backward',
        'a graph can be used once',
        `a second backward through ${node.op.name}`,
        'pass retainGraph: true to the first, or detach() the part already used',
      );
  const seed = seedOf(root, given);
  const walked = { nodes, seed: seed.storage };
  const pending = new Map<Tensor, Tensor>();
  // An untracked gradient is owned by its entry in `pending` and released after use.
  const own = (t: Tensor): Tensor => (createGraph ? t : alias(t));
  const drop = (t: Tensor): void => {
    if (!createGraph) t.release();
  };
  const callBack = (callback: Callback): readonly (Tensor | null)[] =>
    watcher === null ? callback.call(callback.grad) : watcher.callback(callback);
  /** The gradient of a tensor after its hooks. */
  const hooked = (of: Tensor, grad: Tensor): Tensor =>
    of.hooks === null ? grad : (callBack({ kind: 'hooks', of, grad, call: (g) => [callHooks(of, g)] })[0] ?? grad);
  const restorer = new Restorer((part, of, up) => {
    const restore = () => part.restore();
    if (watcher?.recompute === undefined) restore();
    else watcher.recompute(of, up, restore);
  });
  const deliver = (to: Tensor, grad: Tensor): void => {
    if (to.node === null && to.hooks === null) {
      arrive(to, grad);
      return;
    }
    const before = pending.get(to);
    pending.set(to, own(before === undefined ? grad : before.add(grad)));
    if (before !== undefined) drop(before);
  };
  const step = (node: Node): void => {
    const output = node.outputs.find((t) => pending.has(t));
    if (output === undefined) return;
    const sum = pending.get(output) as Tensor;
    pending.delete(output);
    restorer.prepare(node);
    node.checkSaved();
    const grad = hooked(output, sum);
    const spare = !createGraph && !output.retainsGrad && output.hooks === null && grad.storage.isSole;
    if (output.retainsGrad) arrive(output, grad);
    const { inputs, outputs, attrs } = node;
    const needs = inputs.map((t) => t.requiresGrad);
    const backward = node.op.backward as (s: BackwardStep<unknown>) => readonly (Tensor | null)[];
    const rule = (g: Tensor): readonly (Tensor | null)[] =>
      backward({ grad: g, inputs, output: outputs[0], outputs, attrs, needs, spare });
    const grads = node.op.callsProgram ? callBack({ kind: 'rule', of: output, grad, call: rule }) : rule(grad);
    // A rule may give more gradients than there are inputs, because an input such as a bias is
    // optional.
    if (grads.length < node.inputs.length || node.inputs.some((_, i) => needs[i] && grads[i] === undefined))
      throw new ShapeError(
        'backward',
        'a backward rule must give a gradient or null for each input',
        `${grads.length} from ${node.op.name}, of ${node.inputs.length} inputs`,
      );
    watcher?.differentiated?.(node, grad, grads);
    node.inputs.forEach((input, i) => {
      const g = needs[i] ? grads[i] : null;
      if (g === null) return;
      checkGradient(node, i, g);
      deliver(input, g);
    });
    drop(sum);
  };
  /** For each leaf with hooks, the number of edges that the walk has not passed yet. */
  const edges = new Map<Tensor, number>();
  for (const { inputs } of nodes)
    for (const t of inputs) if (t.node === null && t.hooks !== null) edges.set(t, (edges.get(t) ?? 0) + 1);
  /** Calls the hooks of a leaf, whose whole gradient is known now. */
  const finish = (leaf: Tensor): void => {
    const sum = pending.get(leaf);
    if (sum === undefined) return;
    pending.delete(leaf);
    arrive(leaf, hooked(leaf, sum));
    drop(sum);
  };
  const within = (work: () => void): void => {
    if (createGraph) work();
    else scoped(work, () => []);
  };
  try {
    withTracking(createGraph, () => {
      if (root.node === null && root.hooks === null) arrive(root, seed);
      else pending.set(root, own(seed));
      for (const node of nodes) {
        within(() => step(node));
        if (edges.size === 0) continue;
        for (const t of node.inputs) {
          const left = edges.get(t);
          if (left === undefined) continue;
          edges.set(t, left - 1);
          // Hooks run as soon as they can, so that communication can overlap the rest of the walk.
          if (left === 1) within(() => finish(t));
        }
      }
      for (const t of [...pending.keys()]) if (t.node === null) within(() => finish(t));
    });
  } finally {
    for (const t of pending.values()) drop(t);
    restorer.dropFrom(0);
    if (given === undefined && !createGraph) seed.release();
    if (!(options.retainGraph ?? createGraph)) consume(nodes);
  }
  return walked;
}

/** Adds to a leaf's `grad`. */
function accumulate(leaf: Tensor, grad: Tensor, createGraph: boolean): void {
  const before = leaf.grad;
  const after = before === null ? grad : before.add(grad);
  leaf.grad = createGraph ? after : alias(after);
  // The sum lives on in its alias. If the walk starts at a leaf, no scope would release it.
  if (before !== null && !createGraph) after.release();
  before?.release();
}

/** Walks back from `root` and adds to the `grad` of every leaf. */
function walkAndAccumulate(
  root: Tensor,
  given: Tensor | undefined,
  options: BackwardOptions,
  watcher: Watcher | null,
): Walk {
  const before = new Map<Tensor, Storage | null>();
  const walked = walk(root, given, options, watcher, (leaf, g) => {
    if (!before.has(leaf)) before.set(leaf, leaf.grad?.storage ?? null);
    accumulate(leaf, g, options.createGraph ?? false);
  });
  return { ...walked, before };
}

/**
 * Runs backward from `root` and adds to the `grad` of every leaf that requires a gradient.
 * @throws ShapeError for a gradient of another shape than the root's
 * @throws GraphError for a non-scalar root without a gradient, a released tensor, a graph used
 * twice, or a saved value changed in place; ValueError if the gradient is not a tensor, and for
 * unknown options
 * @source torch.Tensor.backward
 */
export function backward(root: Tensor, grad?: Tensor, options: BackwardOptions = {}): void {
  checkTensor('backward', 'root', root);
  checkGiven('backward', 'grad', grad);
  knownOptions('backward', options, optionNames);
  const watcher = watching();
  if (watcher === null) walkAndAccumulate(root, grad, options, null);
  else
    watched(watcher, { kind: 'backward', root, given: grad, options }, (e) => {
      try {
        return walkAndAccumulate(e.root, e.given, e.options, watcher);
      } catch (error) {
        // The kernels that ran before the error belong to no entry of the recording.
        watcher.refuse('a backward() that threw');
        throw error;
      }
    });
  turnGeneration();
}

type GradOptions = BackwardOptions & { gradOutput?: Tensor };
const gradOptionNames: OptionNames<GradOptions> = { ...optionNames, gradOutput: 'value' };

/**
 * Gradients of `output` with respect to `inputs`. An input that `output` does not depend on gets
 * zeros. The `grad` of leaves does not change. Intermediate results with retainGrad() receive their
 * gradient, as in backward().
 * @shape one gradient per input, of its shape
 * @throws GraphError as backward
 * @source torch.autograd.grad
 */
export function grad(output: Tensor, inputs: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  checkTensor('grad', 'output', output);
  checkTensors('grad', 'inputs', inputs);
  knownOptions('grad', options, gradOptionNames);
  checkGiven('grad', 'gradOutput', options.gradOutput);
  watching()?.refuse('grad()');
  const createGraph = options.createGraph ?? false;
  const found = new Map<Tensor, Tensor>();
  const marked = new Set(inputs.filter((t) => t.node !== null && !t.retainsGrad));
  for (const t of marked) t.retainsGrad = true;
  try {
    const watcher = watching();
    const arrive = (leaf: Tensor, g: Tensor): void => {
      if (leaf.node !== null && !marked.has(leaf)) accumulate(leaf, g, createGraph);
      if (!inputs.includes(leaf)) return;
      const before = found.get(leaf);
      const after = before === undefined ? g : before.add(g);
      found.set(leaf, createGraph ? after : alias(after));
      if (!createGraph) before?.release();
    };
    withWatcher(null, () => walk(output, options.gradOutput, options, watcher, arrive));
  } finally {
    for (const t of marked) t.retainsGrad = false;
  }
  return inputs.map((t) => {
    const g = found.get(t);
    return g === undefined ? t.zerosLike() : createGraph ? g : adopt(g);
  });
}

/**
 * Runs `fn` without recording a graph, and frees every tensor created in it except those in its
 * result.
 * @throws GraphError if fn is asynchronous (read results after it); ValueError if fn is not a
 * function, or if its result contains itself
 * @source torch.no_grad
 */
export function noGrad<T>(fn: () => T): T {
  checkFunction('noGrad', 'fn', fn);
  return withTracking(false, () =>
    scoped(fn, (result) => {
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new GraphError(
          'noGrad',
          'fn must be synchronous',
          'a Promise',
          'return the tensor and await its data() outside',
        );
      }
      return tensorsIn('noGrad', result);
    }),
  );
}
