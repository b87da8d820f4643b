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

/** Every element the same number: 0 is not −0, NaN is NaN. `assert.equal` takes 0 for −0. */
export function sameBits(got: ArrayLike<number>, want: ArrayLike<number>, what = 'values'): void {
  assert.is(got.length, want.length, `${what}: ${got.length} elements, expected ${want.length}`);
  const shown = (v: number): string => (Object.is(v, -0) ? '-0' : String(v));
  for (let i = 0; i < want.length; i++)
    assert.ok(Object.is(got[i], want[i]), `${what}: element ${i} is ${shown(got[i])}, expected ${shown(want[i])}`);
}
