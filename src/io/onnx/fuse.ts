/**
 * Finds kernel calls that one operator does together, so that graphs are short: resizing by copies,
 * moving channels into space and back, softmax, means, linear layers, and normalisation by a
 * group's own statistics. A call is taken into another only if nothing else reads its result.
 * Not here: the operators (operators/).
 */
import type { KernelAttrs } from '../../device/device.js';
import { type Shape, sameShape, sizeOf } from '../../values/shape.js';
import type { Call, CallAttrs, CallName, Recording, Value } from './record.js';

/** The calls of a recording by what they make and who reads it. */
class Links {
  readonly #makers = new Map<Value, Call>();
  readonly #readers = new Map<Value, number>();

  constructor({ calls, results }: Recording) {
    for (const call of calls) {
      for (const output of call.outputs) this.#makers.set(output, call);
      for (const input of call.inputs) this.#readers.set(input, this.readers(input) + 1);
    }
    for (const { value } of results) this.#readers.set(value, this.readers(value) + 1);
  }

  readers(value: Value): number {
    return this.#readers.get(value) ?? 0;
  }
  /** The call that makes a value, if it is one of this kernel. */
  maker<K extends CallName>(value: Value | undefined, kernel: K): Call<K> | undefined {
    const call = value === undefined ? undefined : this.#makers.get(value);
    return call?.kernel === kernel ? (call as Call<K>) : undefined;
  }
  /** The same, if only one call reads the value. */
  only<K extends CallName>(value: Value | undefined, kernel: K): Call<K> | undefined {
    const call = this.maker(value, kernel);
    return call !== undefined && this.readers(value as Value) === 1 ? call : undefined;
  }
}

type Fused = { [K in CallName]: { kernel: K; attrs: CallAttrs[K]; inputs: readonly Value[] } }[CallName];
/** Finds what a call ends, or null. */
type Rule = (links: Links, call: Call) => Fused | null;

const first = ({ inputs }: Call): Value => inputs[0] as Value;

/** [N,H,1,W,1,C] expanded to [N,H,a,W,b,C] and reshaped to [N,H·a,W·b,C]. */
const upsample: Rule = (links, call) => {
  if (call.kernel !== 'view') return null;
  const expand = links.only(first(call), 'expand');
  const view = links.only(expand?.inputs[0], 'view');
  if (expand === undefined || view === undefined) return null;
  const x = first(view);
  const [n, h, w, c] = x.shape;
  const to = expand.outputs[0]?.shape as Shape;
  const [, , a = 0, , b = 0] = to;
  const fits =
    x.shape.length === 4 &&
    sameShape(first(expand).shape, [n, h, 1, w, 1, c] as Shape) &&
    sameShape(to, [n, h, a, w, b, c] as Shape) &&
    sameShape(call.outputs[0]?.shape as Shape, [n, (h as number) * a, (w as number) * b, c] as Shape);
  return fits ? { kernel: 'upsample', attrs: { scale: [a, b] }, inputs: [x] } : null;
};

/** Blocks of pixels as axes of their own, permuted and joined. */
const shuffle: Rule = (links, call) => {
  if (call.kernel !== 'view') return null;
  const permute = links.only(first(call), 'permute');
  const view = links.only(permute?.inputs[0], 'view');
  if (permute === undefined || view === undefined) return null;
  const x = first(view);
  const [n = 0, h = 0, w = 0, c = 0] = x.shape;
  const y = call.outputs[0]?.shape as Shape;
  const axes = permute.attrs.axes.join();
  const inner = first(permute).shape;
  if (x.shape.length !== 4 || y.length !== 4 || inner.length !== 6) return null;
  const up = (y[1] as number) / h;
  const isUp = (shape: Shape): boolean => sameShape(inner, shape) && sameShape(y, [n, h * up, w * up, c / (up * up)]);
  if (axes === '0,1,4,2,5,3' && isUp([n, h, w, c / (up * up), up, up]))
    return { kernel: 'depthToSpace', attrs: { factor: up, order: 'torch' }, inputs: [x] };
  if (axes === '0,1,3,2,4,5' && isUp([n, h, w, up, up, c / (up * up)]))
    return { kernel: 'depthToSpace', attrs: { factor: up, order: 'tf' }, inputs: [x] };
  const down = h / (y[1] as number);
  const [low, wide] = [h / down, w / down];
  if (axes === '0,1,3,2,4,5' && sameShape(inner, [n, low, down, wide, down, c]) && y[3] === c * down * down)
    return { kernel: 'spaceToDepth', attrs: { factor: down }, inputs: [x] };
  return null;
};

/** e/Σ e with e = exp(x − max x). */
const softmax: Rule = (links, call) => {
  if (call.kernel !== 'binary' || (call.attrs as KernelAttrs['binary']).fn !== 'div') return null;
  const exp = links.maker(call.inputs[0], 'unary');
  const sum = links.only(call.inputs[1], 'reduce');
  if (exp?.attrs.fn !== 'exp' || sum?.attrs.fn !== 'sum' || sum.inputs[0] !== call.inputs[0]) return null;
  const sub = links.only(exp.inputs[0], 'binary');
  const max = links.only(sub?.inputs[1], 'reduce');
  const x = sub?.inputs[0];
  if (sub?.attrs.fn !== 'sub' || max?.attrs.fn !== 'max' || x === undefined) return null;
  const from = links.maker(max.inputs[0], 'view');
  const isOfX = max.inputs[0] === x || (from?.inputs[0] === x && sameShape(first(max).shape, x.shape));
  const [axis, ...others] = max.attrs.axes;
  const isKept = max.outputs[0]?.shape.length === x.shape.length;
  if (!isOfX || !isKept || axis === undefined || others.length > 0 || sum.attrs.axes.join() !== String(axis))
    return null;
  return links.readers(call.inputs[0] as Value) === 2 ? { kernel: 'softmax', attrs: { axis }, inputs: [x] } : null;
};

/** A sum divided by the number of its terms. */
const mean: Rule = (links, call) => {
  const { fn, scalar, reverse } = call.attrs as KernelAttrs['binaryScalar'];
  if (call.kernel !== 'binaryScalar' || fn !== 'div' || reverse) return null;
  const sum = links.only(first(call), 'reduce');
  if (sum?.attrs.fn !== 'sum' || sum.inputs[0]?.dtype !== 'float32') return null;
  const { axes } = sum.attrs;
  const count = sizeOf(axes.map((axis) => first(sum).shape[axis] as number));
  return count === scalar ? { kernel: 'mean', attrs: { axes }, inputs: sum.inputs } : null;
};

/** A product of matrices and a bias per column. */
const linear: Rule = (links, call) => {
  if (call.kernel !== 'binary' || (call.attrs as KernelAttrs['binary']).fn !== 'add') return null;
  const product = links.only(first(call), 'matmul');
  const bias = call.inputs[1] as Value;
  if (product === undefined || product.attrs.transposeA || product.attrs.transposeB) return null;
  if (product.inputs.some(({ shape }) => shape.length !== 2) || bias.shape.length !== 1 || !bias.isState) return null;
  const columns = product.outputs[0]?.shape[1];
  return bias.shape[0] === columns ? { kernel: 'linear', attrs: {}, inputs: [...product.inputs, bias] } : null;
};

/** Normalisation by the moments of the same groups. */
const ownNorm: Rule = (links, call) => {
  if (call.kernel !== 'normalize') return null;
  const [x, mean, variance, ...affine] = call.inputs;
  const moments = links.maker(mean, 'moments');
  const attrs = call.attrs as KernelAttrs['normalize'];
  if (moments === undefined || moments.outputs[1] !== variance || moments.inputs[0] !== x) return null;
  const same = JSON.stringify(moments.attrs.grouping) === JSON.stringify(attrs.grouping);
  return same ? { kernel: 'ownNorm', attrs, inputs: [x as Value, ...affine] } : null;
};

const rules: readonly Rule[] = [upsample, shuffle, softmax, mean, linear, ownNorm];

/**
 * The calls with those replaced that end a known pattern. The others of the pattern stay in the
 * list. Nothing reads their results any more, so the graph leaves them out.
 */
export function fuse(recording: Recording): readonly Call[] {
  const links = new Links(recording);
  return recording.calls.map((call) => {
    for (const rule of rules) {
      const fused = rule(links, call);
      if (fused !== null) return { ...call, ...fused } as Call;
    }
    return call;
  });
}
