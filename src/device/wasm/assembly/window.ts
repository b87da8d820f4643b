/** Which taps of a window are inside the input. */

/** The bias of a convolution without one. */
export const zeros = memory.data(128, 16);

/** The least j ≥ 0 with j·step + start ≥ 0. */
@inline
export function firstInside(start: i32, step: i32): i32 {
  return start >= 0 ? 0 : (step - 1 - start) / step;
}

/** The least j with j·step + start ≥ size, but at most count. */
@inline
export function firstOutside(start: i32, step: i32, size: i32, count: i32): i32 {
  return start >= size ? 0 : min(count, (size - start + step - 1) / step);
}
