/** Values drawn from a generator in pieces, so that a large weight needs no copies in float64. */
import { allocate, type DType, type TypedArray } from '../values/dtype.js';

/** Numbers per piece. */
const most = 65536;

/** An array of values. `draw` is called for the number of values in one piece after another. */
export function drawn(size: number, dtype: DType, draw: (count: number) => ArrayLike<number>): TypedArray {
  const values = allocate(dtype, size);
  for (let at = 0; at < size; at += most) values.set(draw(Math.min(most, size - at)), at);
  return values;
}
