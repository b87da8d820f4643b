/**
 * Dropout masks from numpy's MT19937. The bits are those of src/values/random.ts. Four words are
 * computed at a time.
 */
import { bytesOf } from './core';

const words = 624;
const shift = 397;

@inline
function mix(upper: v128, lower: v128, far: v128): v128 {
  const y = v128.or(v128.and(upper, i32x4.splat(<i32>0x80000000)), v128.and(lower, i32x4.splat(0x7fffffff)));
  const odd = i32x4.neg(v128.and(y, i32x4.splat(1)));
  return v128.xor(v128.xor(far, i32x4.shr_u(y, 1)), v128.and(odd, i32x4.splat(<i32>0x9908b0df)));
}

function mixOne(key: usize, i: i32, next: i32, far: i32): void {
  const y = (load<u32>(key + ((<usize>i) << 2)) & 0x80000000) | (load<u32>(key + ((<usize>next) << 2)) & 0x7fffffff);
  store<u32>(key + ((<usize>i) << 2), load<u32>(key + ((<usize>far) << 2)) ^ (y >> 1) ^ ((0 - (y & 1)) & 0x9908b0df));
}

/**
 * Computes the next 624 words of the generator. A word depends on the next one and on the one 397
 * later, so four can be computed together.
 */
function twist(key: usize): void {
  let i = 0;
  for (; i + 4 <= words - shift; i += 4) {
    const at = key + ((<usize>i) << 2);
    v128.store(at, mix(v128.load(at), v128.load(at, 4), v128.load(at, shift * 4)));
  }
  for (; i < words - shift; i++) mixOne(key, i, i + 1, i + shift);
  for (; i + 4 <= words - 1; i += 4) {
    const at = key + ((<usize>i) << 2);
    v128.store(at, mix(v128.load(at), v128.load(at, 4), v128.load(at - (words - shift) * 4)));
  }
  for (; i < words - 1; i++) mixOne(key, i, i + 1, i + shift - words);
  mixOne(key, words - 1, 0, shift - 1);
}

function temper(key: usize, to: usize): void {
  for (let i = 0; i < words * 4; i += 16) {
    let y = v128.load(key + i);
    y = v128.xor(y, i32x4.shr_u(y, 11));
    y = v128.xor(y, v128.and(i32x4.shl(y, 7), i32x4.splat(<i32>0x9d2c5680)));
    y = v128.xor(y, v128.and(i32x4.shl(y, 15), i32x4.splat(<i32>0xefc60000)));
    v128.store(to + i, v128.xor(y, i32x4.shr_u(y, 18)));
  }
}

/**
 * Draws `size` uniform numbers of 53 bits. Writes `scale` where the number is at least high·2²⁶ +
 * low in units of 2⁻⁵³, else 0. The generator is 624 words at `state` and a `position`; another 624
 * words after it hold its output. Addresses are in words. Returns the new position.
 */
export function drawMask(state: u32, position: i32, into: u32, size: i32, high: i32, low: i32, scale: f32): i32 {
  const key = bytesOf(state);
  let to = bytesOf(into);
  const drawn = key + words * 4;
  const highs = i32x4.splat(high);
  const lows = i32x4.splat(low);
  const scales = f32x4.splat(scale);
  temper(key, drawn);
  let i = 0;
  while (i < size) {
    if (position == words) {
      twist(key);
      temper(key, drawn);
      position = 0;
    }
    for (; i + 4 <= size && position + 8 <= words; i += 4, position += 8, to += 16) {
      const p = v128.load(drawn + ((<usize>position) << 2));
      const q = v128.load(drawn + ((<usize>position) << 2), 16);
      const a = i32x4.shr_u(v128.shuffle<i32>(p, q, 0, 2, 4, 6), 5);
      const b = i32x4.shr_u(v128.shuffle<i32>(p, q, 1, 3, 5, 7), 6);
      const kept = v128.or(i32x4.gt_s(a, highs), v128.and(i32x4.eq(a, highs), i32x4.ge_s(b, lows)));
      v128.store(to, v128.and(kept, scales));
    }
    // Numbers at the ends are drawn one at a time, because the second word of a number may be one
    // of the next 624.
    if (i < size && position < words && (position + 8 > words || i + 4 > size)) {
      const a = <i32>(load<u32>(drawn + ((<usize>position) << 2)) >> 5);
      position++;
      if (position == words) {
        twist(key);
        temper(key, drawn);
        position = 0;
      }
      const b = <i32>(load<u32>(drawn + ((<usize>position) << 2)) >> 6);
      position++;
      store<f32>(to, a > high || (a == high && b >= low) ? scale : 0);
      to += 4;
      i++;
    }
  }
  return position;
}
