/** Batched matrix products. Not here: Linear (nn). */
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { broadcastShapes } from '../../values/shape.js';
import { apply, call, checkTensor, type Op } from '../graph.js';
import { unbroadcast } from './arithmetic.js';

interface MatmulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const matmulOp: Op<MatmulAttrs> = {
  name: 'matmul',
  lower: ([a, b], attrs) => {
    const [m, k] = attrs.transposeA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
    const [kb, n] = attrs.transposeB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
    if (k !== kb)
      throw new ShapeError(
        'matmul',
        'inner sizes must agree',
        `a=${show(a.shape)}, b=${show(b.shape)}`,
        `a has ${k} columns, b ${kb} rows`,
      );
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return call('matmul', attrs, { shape: [...batch, m as number, n as number], dtype: a.dtype });
  },
  saves: [0, 1],
  // For C = op(A)·op(B), each gradient is one product of g and the other operand, with adapted
  // transposition flags.
  backward: ({ grad, inputs: [a, b], attrs: { transposeA, transposeB }, needs }) => {
    const product = (x: Tensor, y: Tensor, tx: boolean, ty: boolean): Tensor =>
      apply(matmulOp, [x, y], { transposeA: tx, transposeB: ty });
    return [
      needs[0]
        ? unbroadcast(transposeA ? product(b, grad, transposeB, true) : product(grad, b, false, !transposeB), a.shape)
        : null,
      needs[1]
        ? unbroadcast(transposeB ? product(grad, a, true, transposeA) : product(a, grad, !transposeA, false), b.shape)
        : null,
    ];
  },
};

/**
 * Matrix product over the last two axes. The other axes broadcast. An operand of rank 1 counts as a
 * row (a) or a column (b), as in numpy.
 * @shape a [batch…, m, k], b [batch…, k, n] → c [batch…, m, n]
 * @gradient g·bᵀ, aᵀ·g (summed over broadcast axes)
 * @throws ShapeError when inner sizes differ or batches do not broadcast; ValueError for dtypes
 * that differ or are not float
 * @source torch.matmul
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkTensor('matmul', 'a', a);
  checkTensor('matmul', 'b', b);
  if (a.rank === 0 || b.rank === 0)
    throw new ShapeError(
      'matmul',
      'operands must have rank 1 or more',
      `a=${show(a.shape)}, b=${show(b.shape)}`,
      'multiply by a scalar with mul()',
    );
  if (a.dtype !== b.dtype || !isFloat(a.dtype))
    throw new ValueError(
      'matmul',
      'operands must share a float dtype',
      `${a.dtype} and ${b.dtype}`,
      'convert with cast()',
    );
  const left = a.rank === 1 ? a.reshape([1, -1]) : a;
  const right = b.rank === 1 ? b.reshape([-1, 1]) : b;
  const out = apply(matmulOp, [left, right], { transposeA: false, transposeB: false });
  const shape = out.shape.filter(
    (_, i) => !((a.rank === 1 && i === out.rank - 2) || (b.rank === 1 && i === out.rank - 1)),
  );
  return out.reshape(shape);
}
