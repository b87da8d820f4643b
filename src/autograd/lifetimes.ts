/**
 * Manages the lifetimes of tensors. `backward()` ends the life of the graph that it walked: the
 * arrays that the graph created return to the device when the next backward() ends. `noGrad` frees
 * every tensor created in it except its result. `keep()` exempts a tensor from both. A `clone()`
 * has a lifetime of its own. All other tensors live as long as the program holds them.
 * Single-element results (losses, metrics) belong to this group. The garbage collector frees them
 * afterwards; device/weight.ts tells the collector how much memory they use.
 * Not here: the references to a storage (device/storage.ts), keep() and release()
 * (tensor/tensor.ts).
 */
import type { Tensor } from '../tensor/tensor.js';
import type { Node } from './graph.js';

// ---- scopes

/**
 * The open scopes, innermost last. A tensor created while a scope is open belongs to the innermost
 * one.
 */
const scopes: Tensor[][] = [];

/**
 * Runs fn and then releases every tensor created in it, except kept ones and those that `survivors`
 * picks from the result. `hint` is the remedy named by the error for reading a released tensor.
 */
export function scoped<T>(fn: () => T, survivors: (result: T) => readonly Tensor[], hint?: string): T {
  const made: Tensor[] = [];
  scopes.push(made);
  let saved: ReadonlySet<Tensor> = new Set();
  try {
    const result = fn();
    saved = new Set(survivors(result));
    return result;
  } finally {
    scopes.pop();
    for (const t of made) {
      if (saved.has(t)) scopes.at(-1)?.push(t);
      else {
        t.release();
        if (hint !== undefined) t.hint = hint;
      }
    }
  }
}

/**
 * Runs fn and returns its result together with every tensor created in it. The tensors then belong
 * to the scope around, and the caller may release those that it does not need.
 */
export function gathered<T>(fn: () => T): { readonly result: T; readonly made: ReadonlySet<Tensor> } {
  const made: Tensor[] = [];
  scopes.push(made);
  try {
    const result = fn();
    return { result, made: new Set(made) };
  } finally {
    scopes.pop();
    for (const t of made) adopt(t);
  }
}

/** Registers a tensor with the innermost scope. */
export function adopt<T extends Tensor>(tensor: T): T {
  scopes.at(-1)?.push(tensor);
  return tensor;
}

// ---- graphs

let expiring: Tensor[] = [];
let consumedNow: Tensor[] = [];

/**
 * Ends a tensor's life when the next backward() ends, as if the tensor belonged to a consumed
 * graph. A single-element tensor is exempt and lives as long as somebody holds it: it uses almost
 * no memory, and losses are often read late.
 */
function expireLater(t: Tensor): void {
  if (!t.released && t.size !== 1) consumedNow.push(t);
}

/** Ends the life of nodes. Their outputs are released when the next backward() ends. */
export function consume(nodes: readonly Node[]): void {
  for (const node of nodes) {
    node.end();
    if (!node.op.outlives) for (const t of node.outputs) expireLater(t);
    for (const t of node.derived) expireLater(t);
    node.derived.length = 0;
  }
}

/**
 * Releases the temporaries together with `result`'s graph, or at once if `result` has no graph.
 * Returns `result`.
 */
export function endWith(result: Tensor, ...temporaries: readonly Tensor[]): Tensor {
  for (const t of temporaries) {
    if (result.node === null) t.release();
    else if (t.owner === null) {
      t.owner = result.node;
      result.node.derived.push(t);
    }
  }
  return result;
}

/**
 * Runs fn, which composes a result of several ops, and returns it. All other tensors that fn
 * created and that belong to no graph end with the result.
 */
export function composed(fn: () => Tensor): Tensor {
  const { result, made } = gathered(fn);
  return endWith(result, ...[...made].filter((t) => t !== result && t.node === null));
}

/**
 * The graph node with which a result of these inputs ends. A node that has already ended takes
 * precedence over the first one.
 */
function ownerOf(inputs: readonly Tensor[]): Node | null {
  let owner: Node | null = null;
  for (const t of inputs) {
    const node = t.node ?? t.owner;
    if (node?.consumed) return node;
    owner ??= node;
  }
  return owner;
}

/**
 * Lets results without a gradient end with the graph of the inputs that they were computed from.
 */
export function endWithInputs(outputs: readonly Tensor[], inputs: readonly Tensor[]): void {
  const owner = ownerOf(inputs);
  if (owner === null) return;
  for (const t of outputs) {
    t.owner = owner;
    if (owner.consumed) expireLater(t);
    else owner.derived.push(t);
  }
}

/**
 * Called at the end of every backward(). Releases the tensors that the previous backward() marked.
 */
export function turnGeneration(): void {
  for (const t of expiring) t.release();
  expiring = consumedNow;
  consumedNow = [];
}
