/**
 * Running sums and products along an axis. Each is composed of log₂ n steps: in step k every
 * element takes in the one 2ᵏ places before it (Hillis and Steele 1986). So every device computes
 * them with the kernels that it has, and the gradient of a product never divides by a factor that
 * may be 0.
 * Not here: sums and products of whole axes (reduce.ts, reduce-composed.ts).
 */
import { checkFlag, knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { normalizeAxis } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import { composed } from '../lifetimes.js';
import { cut } from './rearrange.js';

export interface ScanOptions {
  /** Leave out the element itself, so that the first result is 0 (or 1). Default false. */
  exclusive?: boolean;
  /** Begin at the end. Default false. */
  reverse?: boolean;
}
const scanOptions: OptionNames<ScanOptions> = { exclusive: 'flag', reverse: 'flag' };

function scan(
  op: string,
  x: Tensor,
  axis: number,
  options: ScanOptions,
  identity: number,
  fold: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  knownOptions(op, options, scanOptions);
  checkTensor(op, 'input', x);
  const a = normalizeAxis(op, axis, x.rank);
  const { exclusive = false, reverse = false } = options;
  checkFlag(op, 'exclusive', exclusive);
  const n = x.shape[a];
  /** The elements `by` places before, or after. */
  const moved = (y: Tensor, by: number): Tensor => {
    const rest = reverse ? cut(y, a, by, n) : cut(y, a, 0, n - by);
    return rest.pad(
      y.shape.map((_, i) => (i !== a ? [0, 0] : reverse ? [0, by] : [by, 0])),
      identity,
    );
  };
  return composed(() => {
    let y = x.dtype === 'bool' ? x.cast('int32') : x;
    for (let by = 1; by < n; by *= 2) y = fold(y, moved(y, by));
    return exclusive && n > 0 ? moved(y, 1) : y;
  });
}

/**
 * Running sum along an axis: y[i] = x[0] + … + x[i]. int32 wraps around.
 * @shape x [any] → y, as x
 * @units int32: modulo 2³², as numpy
 * @gradient the running sum of g from the other end
 * @throws ShapeError for a bad axis; ValueError for a flag that is not true or false
 * @source torch.cumsum; ONNX CumSum
 */
export const cumsum = (x: Tensor, axis = -1, options: ScanOptions = {}): Tensor =>
  scan('cumsum', x, axis, options, 0, (a, b) => a.add(b));
/**
 * Running product along an axis: y[i] = x[0]·…·x[i]. int32 wraps around.
 * @shape x [any] → y, as x
 * @units int32: modulo 2³², as numpy
 * @gradient of each factor, Σ g times the other factors of a product, also where some are 0
 * @throws ShapeError for a bad axis; ValueError for a flag that is not true or false
 * @source torch.cumprod; ONNX CumProd
 */
export const cumprod = (x: Tensor, axis = -1, options: ScanOptions = {}): Tensor =>
  scan('cumprod', x, axis, options, 1, (a, b) => a.mul(b));
