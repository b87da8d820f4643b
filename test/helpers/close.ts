/** Comparing numbers in tests. */
import * as assert from 'uvu/assert';

/** Every element within tolerance·(1 + |want|), NaN equal to NaN. */
export function closeTo(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number, what = 'values'): void {
  assert.is(got.length, want.length, `${what}: ${got.length} elements, expected ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]) / (1 + Math.abs(want[i]));
    assert.ok(
      error <= tolerance || Object.is(got[i], want[i]),
      `${what}: element ${i} is ${got[i]}, expected ${want[i]}`,
    );
  }
}
